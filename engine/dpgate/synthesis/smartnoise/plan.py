"""Budgets of SmartNoise's MST and AIM with their noise replaced. No NumPy here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from itertools import combinations

from dpgate.accounting.calibrate import (
    adaptive_event,
    gaussian_event,
    noisy_max_event,
    run_scale,
)
from dpgate.accounting.rounding import significant_down
from dpgate.errors import SynthesisError
from dpgate.model.domain import Domain
from dpgate.model.event import ADAPTIVE, Event
from dpgate.synthesis.interface import NoiseRow, Task
from dpgate.synthesis.representable import require_representable

SCORE_UNIT = 16
"""Scores count sixteenths of a record, so that a model's fractions of records still show."""

AIM_CELLS_AT_MOST = 10_000
"""Two-way tables with more cells are not in AIM's workload; SmartNoise's own default."""

_CELLS_AT_MOST = 2**26
"""Cells of all two-way tables: they are held in memory together (512 MiB)."""

_AIM_ROUNDS = 2
"""Rounds of AIM for each column, at most. SmartNoise plans 16; each takes seconds to compile."""


@dataclass(frozen=True)
class Names:
    """Names of the events of one synthesizer."""

    one_way: str
    select: str
    two_way: str


MST = Names("smartnoise_mst.one_way", "smartnoise_mst.select", "smartnoise_mst.two_way")
AIM = Names("smartnoise_aim.one_way", "smartnoise_aim.select", "smartnoise_aim.measure")


def plan_mst(task: Task, rho: Decimal) -> tuple[Event, ...]:
    """One-way tables, a tree, its two-way tables: a third of the budget each, as in SmartNoise.

    Args:
        task: public.
        rho: zCDP budget, > 0.

    Raises:
        SynthesisError: the domain is not for SmartNoise.

    Privacy:
        Under add-remove one row moves one cell of a table by 1 (L2²: 1) and a score by
        `SCORE_UNIT`; under replace-one two cells (L2²: 2), and a score by twice as much.
    """
    require_small(task.domain, "smartnoise-mst")
    columns = len(task.domain)
    edges = columns - 1
    times = {MST.one_way: columns, MST.select: edges if edges > 1 else 0, MST.two_way: edges}
    shares = {name: Decimal(1) for name in times}
    return _events(task, rho, times, shares, SCORE_UNIT)


def plan_aim(task: Task, rho: Decimal) -> tuple[Event, ...]:
    """One-way tables, then so many rounds of a selection and a table.

    A tenth of the budget selects, as in SmartNoise, and all tables get the same noise, until a
    round changes the model by less than its noise: the rounds after it get four times as much.

    Args:
        task: public.
        rho: zCDP budget, > 0.

    Raises:
        SynthesisError: the domain is not for SmartNoise.

    Privacy:
        As `plan_mst`; a score is weighted, so its distance is that of the largest weight.
    """
    require_small(task.domain, "smartnoise-aim")
    columns = len(task.domain)
    rounds = _AIM_ROUNDS * columns
    times = {AIM.one_way: columns, AIM.select: rounds, AIM.two_way: rounds}
    tables = Decimal("0.9") / (columns + rounds)
    shares = {
        AIM.one_way: tables * columns,
        AIM.select: Decimal("0.1"),
        AIM.two_way: tables * rounds,
    }
    heaviest = max(aim_weights(task.domain).values())
    one_way, *later = _events(task, rho, times, shares, SCORE_UNIT * heaviest)
    return (one_way, *(_adaptive(event) for event in later))


def aim_weights(domain: Domain) -> Mapping[tuple[int, ...], int]:
    """AIM's candidates with their weights: how often a workload of two-way tables needs them.

    Returns:
        Single columns and pairs of at most `AIM_CELLS_AT_MOST` cells, by SmartNoise's rule: the
        sum over the workload of the columns shared. Every column is there.
    """
    sizes = domain.sizes
    pairs: list[tuple[int, ...]] = [
        (a, b)
        for a, b in combinations(range(len(sizes)), 2)
        if sizes[a] * sizes[b] <= AIM_CELLS_AT_MOST
    ]
    shared: dict[tuple[int, ...], int] = {
        (column,): sum(column in pair for pair in pairs) for column in range(len(sizes))
    }
    weights = shared | {pair: shared[pair[0],] + shared[pair[1],] for pair in pairs}
    return {clique: max(1, weight) for clique, weight in weights.items()}


def require_small(domain: Domain, name: str) -> None:
    """Refuses what would not fit or could not be written, before anything is spent.

    Raises:
        SynthesisError: there is no column, two-way tables have too many cells together, or a
            value is too large for released files.
    """
    if not len(domain):
        raise SynthesisError(f"{name} needs at least one column")
    cells = sum(a * b for a, b in combinations(domain.sizes, 2))
    if cells > _CELLS_AT_MOST:
        raise SynthesisError(
            f"the two-way tables have {cells} cells together, {name} handles {_CELLS_AT_MOST}",
            fix="give the largest columns fewer bins, or use mst",
        )
    require_representable(domain)


def scales(events: Sequence[Event], names: Names) -> tuple[float, float]:
    """σ on each cell of one-way and of two-way tables, in records; 0 for none.

    Of AIM's two-way tables the first, which have the most noise.
    """
    by_name = {event.name: float(_first(event)) for event in events}
    return by_name[names.one_way], by_name.get(names.two_way, 0.0)


def _first(event: Event) -> Decimal:
    if event.mechanism not in ADAPTIVE:
        return event.scale
    return run_scale(event, Fraction(event.loss) / event.times)


def noise(task: Task, events: Sequence[Event], names: Names) -> tuple[NoiseRow, ...]:
    """Noise per cell of one-way and two-way tables, before cells are merged."""
    one, two = scales(events, names)
    rows = [NoiseRow.of(1, one)]
    if len(task.domain) > 1:
        rows.append(NoiseRow.of(2, two))
    return tuple(rows)


def _adaptive(event: Event) -> Event:
    """The same loss, for as many runs at most, whose scales are chosen as they come."""
    return adaptive_event(
        "adaptive-noisy-max" if event.mechanism == "noisy-max" else "adaptive-gaussian",
        name=event.name,
        rho=event.loss,
        times=event.times,
        sensitivity_squared=event.sensitivity_squared,
        relation=event.relation,
    )


def _events(
    task: Task,
    rho: Decimal,
    times: Mapping[str, int],
    shares: Mapping[str, Decimal],
    score: int,
) -> tuple[Event, ...]:
    """Events that happen at all, which share the budget of those that do not."""
    moved = 2 if task.relation == "replace-one" else 1
    whole = sum(shares[name] for name, count in times.items() if count)
    events = []
    for name, count in times.items():
        if not count:
            continue
        selects = name.endswith(".select")
        make = noisy_max_event if selects else gaussian_event
        events.append(
            make(
                name=name,
                rho=significant_down(rho * shares[name] / whole, 12),
                times=count,
                sensitivity_squared=(score * moved) ** 2 if selects else moved,
                relation=task.relation,
            )
        )
    return tuple(events)
