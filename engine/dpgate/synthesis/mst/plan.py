"""The budget of an MST release, from public values alone. No NumPy here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from dpgate.accounting.calibrate import gaussian_event, noisy_max_event
from dpgate.accounting.rounding import significant_down
from dpgate.errors import SynthesisError
from dpgate.model.event import Event
from dpgate.synthesis.interface import NoiseRow, Task
from dpgate.synthesis.representable import require_representable

ONE_WAY, SELECT, TWO_WAY = "mst.one_way", "mst.select", "mst.two_way"

SCORE_UNIT = 16
"""Scores count sixteenths of a record, so that a model's fractions of records still show."""

_SHARES = {ONE_WAY: Decimal("0.5"), SELECT: Decimal("0.1"), TWO_WAY: Decimal("0.4")}
"""Shares of ρ, found on public data (Adult, ε 0.05 to 3, δ=1e-9). Thirds, as in the paper, err
4 % more at ε=1 and 10 % more at ε=0.1: whole scores need little budget, one-way tables much."""

_CELLS_AT_MOST = 2**24
"""Cells of one two-way table; noise for more of them would take minutes and leave nothing."""


@dataclass(frozen=True, kw_only=True)
class Scales:
    """Noise scales, from the events.

    Attributes:
        one_way: σ on each cell of a one-way table, in records.
        two_way: σ on each cell of a two-way table, in records.
    """

    one_way: float
    two_way: float


def plan(task: Task, rho: Decimal) -> tuple[Event, ...]:
    """One-way tables of all columns, then a tree of two-way tables.

    Args:
        task: public.
        rho: zCDP budget, > 0.

    Returns:
        `mst.one_way` (once a column) and, for two columns or more, `mst.two_way` (once an edge);
        for three or more also `mst.select` (once an edge).

    Raises:
        SynthesisError: there is no column, a pair of columns has too many cells, or a value is
            too large for released files.

    Privacy:
        Under add-remove one row moves one cell of a table by 1 (L2²: 1) and a score by
        `SCORE_UNIT`; under replace-one two cells (L2²: 2), and a score by twice as much.
    """
    sizes = sorted(task.domain.sizes)
    if not sizes:
        raise SynthesisError("mst needs at least one column")
    if len(sizes) > 1 and sizes[-1] * sizes[-2] > _CELLS_AT_MOST:
        raise SynthesisError(
            f"the two largest columns have {sizes[-1]} × {sizes[-2]} cells together, "
            f"mst handles {_CELLS_AT_MOST}",
            fix="give one of them fewer bins",
        )
    require_representable(task.domain)
    moved = 2 if task.relation == "replace-one" else 1
    times = _times(len(sizes))
    whole = sum(_SHARES[name] for name in times)
    events = []
    for name, count in times.items():
        make = noisy_max_event if name == SELECT else gaussian_event
        events.append(
            make(
                name=name,
                rho=significant_down(rho * _SHARES[name] / whole, 12),
                times=count,
                sensitivity_squared=(SCORE_UNIT * moved) ** 2 if name == SELECT else moved,
                relation=task.relation,
            )
        )
    return tuple(events)


def _times(columns: int) -> dict[str, int]:
    if columns == 1:
        return {ONE_WAY: 1}
    if columns == 2:  # a single candidate: nothing to select
        return {ONE_WAY: 2, TWO_WAY: 1}
    return {ONE_WAY: columns, SELECT: columns - 1, TWO_WAY: columns - 1}


def scales(events: Sequence[Event]) -> Scales:
    """Scales of the noise that planned events add."""
    by_name = {event.name: float(event.scale) for event in events}
    return Scales(one_way=by_name[ONE_WAY], two_way=by_name.get(TWO_WAY, 0.0))


def noise(task: Task, events: Sequence[Event]) -> tuple[NoiseRow, ...]:
    """Noise per cell of one-way and two-way tables, before cells are merged."""
    known = scales(events)
    rows = [NoiseRow.of(1, known.one_way)]
    if len(task.domain) > 1:
        rows.append(NoiseRow.of(2, known.two_way))
    return tuple(rows)
