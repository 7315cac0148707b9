"""The budget and the size of an AIM release, from public values alone. No NumPy here."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction

from dpgate.accounting.calibrate import adaptive_event, gaussian_event, run_scale
from dpgate.accounting.rounding import significant_down
from dpgate.errors import SynthesisError
from dpgate.model.event import Event
from dpgate.synthesis.aim.candidates import SCORE_UNIT, Candidates, candidates, cells
from dpgate.synthesis.inference.triangulate import cells_with, junction_tree
from dpgate.synthesis.interface import NoiseRow, Task
from dpgate.synthesis.representable import require_representable

ONE_WAY, SELECT, MEASURE = "aim.one_way", "aim.select", "aim.measure"

_SHARES = {ONE_WAY: Decimal("0.5"), SELECT: Decimal("0.04"), MEASURE: Decimal("0.46")}
"""Shares of ρ, found on public data (Adult, ε 0.1 to 10, δ=1e-9). With 0.3 on one-way tables it errs
the same from ε=1 up and 10 % more at ε=0.1; with 0.6, 3 % less at ε=0.1 and 2 % more from ε=1 up."""

_ROUNDS_PER_COLUMN = 2
"""Tables measured for each column, if none is given more budget than the first. Three take thrice
the time on Adult and err 1 % less at ε=1, 5 % less at ε=10; one errs 15 % and 40 % more."""

_MEBIBYTES = 1
"""Size of a model's tables. Work on them takes about six times as much; twice this size takes
twice the time and lowers the error on Adult by less than 2 % up to ε=1."""

_COUNTED_AT_MOST = 2**27
"""Cells of all candidates' exact tables together (1 GiB), which are counted once."""


def model_cells(task: Task) -> int:
    """Cells that the tables of the model may have together, at 8 bytes each."""
    return (task.model_mebibytes or _MEBIBYTES) * 2**17


def rounds(task: Task, chosen: Candidates) -> int:
    """Most tables that are measured: public, since a round never costs less than the first."""
    if len(chosen.units) < 2:
        return 1 + len(chosen.required)
    return _ROUNDS_PER_COLUMN * len(task.domain) + len(chosen.required)


def plan(task: Task, rho: Decimal) -> tuple[Event, ...]:
    """One-way tables, then rounds of choosing and measuring whose scales follow from the data.

    Args:
        task: public.
        rho: zCDP budget, > 0.

    Returns:
        `aim.one_way` (once a column) and, for two columns or more, `aim.measure`; if there is
        more than one table to choose among also `aim.select`.

    Raises:
        SynthesisError: there is no column, a required table or all candidates together are too
            large, the workload names a column that is not there, or a value is too large for
            released files.

    Privacy:
        Under add-remove one row moves one cell of a table by 1 (L2²: 1) and a score by
        `SCORE_UNIT` at most; under replace-one two cells (L2²: 2), and a score by twice as much.
    """
    if not task.domain.sizes:
        raise SynthesisError("aim needs at least one column")
    require_representable(task.domain)
    chosen = candidates(task)
    _check_sizes(task, chosen)
    moved = 2 if task.relation == "replace-one" else 1
    used = [ONE_WAY, MEASURE, SELECT][: 1 + min(len(chosen.units), 2)]
    whole = sum(_SHARES[name] for name in used)
    part = {name: significant_down(rho * _SHARES[name] / whole, 12) for name in used}
    events = [
        gaussian_event(
            name=ONE_WAY,
            rho=part[ONE_WAY],
            times=len(task.domain),
            sensitivity_squared=moved,
            relation=task.relation,
        )
    ]
    events += [
        adaptive_event(
            "adaptive-gaussian" if name == MEASURE else "adaptive-noisy-max",
            name=name,
            rho=part[name],
            times=rounds(task, chosen),
            sensitivity_squared=moved if name == MEASURE else (SCORE_UNIT * moved) ** 2,
            relation=task.relation,
        )
        for name in used[1:]
    ]
    return tuple(events)


def _check_sizes(task: Task, chosen: Candidates) -> None:
    """Refuses what cannot fit, before anything is measured.

    Merging makes columns smaller, but by how much is not known before.
    """
    sizes, limit = task.domain.sizes, model_cells(task)
    needed = junction_tree(sizes, chosen.required).cells
    if chosen.units and not chosen.required:
        needed = min(cells_with(sizes, [clique]) for clique in chosen.units)
    if needed > limit:
        what = "the required subgroups" if chosen.required else "any two columns together"
        raise SynthesisError(
            f"a model with {what} has {needed} cells, {limit * 8 / 2**20:g} MiB hold {limit}",
            fix="give columns fewer bins, drop a subgroup, or raise synthesize.model_mebibytes",
        )
    counted = sum(min(cells(sizes, clique), limit) for clique in chosen.units)
    if counted > _COUNTED_AT_MOST:
        raise SynthesisError(
            f"the tables of the workload may have {counted} cells together, "
            f"aim handles {_COUNTED_AT_MOST}",
            fix="release fewer columns, give them fewer bins, or lower order of the workload to 2",
        )


def noise(task: Task, events: Sequence[Event]) -> tuple[NoiseRow, ...]:
    """Noise per cell of each order, before cells are merged, in the first and loudest round."""
    by_name = {event.name: event for event in events}
    rows = [NoiseRow.of(1, float(by_name[ONE_WAY].scale))]
    if MEASURE in by_name:
        event = by_name[MEASURE]
        first = run_scale(event, Fraction(event.loss) / event.times)
        chosen = candidates(task)
        orders = sorted({len(clique) for clique in (*chosen.units, *chosen.required)})
        rows += [NoiseRow.of(n, float(first)) for n in orders]
    return tuple(rows)
