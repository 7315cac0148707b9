"""Pictures of released rows, and of a stand-in beside them: columns as bars, dependence as a heat map.

Cells are the public ones; where a column has many, neighbours are joined, and of unordered values
the rarest. All of it is counted from released rows, which are public, or from a stand-in.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

from dpgate.evidence.marginals import batches
from dpgate.evidence.report import Bars, Heat
from dpgate.model.columns import OrdinalColumn, TextColumn, ZipColumn
from dpgate.model.conditions import label
from dpgate.model.dataset import Dataset
from dpgate.model.domain import ColumnDomain, Domain

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from dpgate.sources.interface import Cells, Counts, MarginalSource

    Table = NDArray[np.float64]

BARS = 40
"""Cells of a column that are told apart."""
HEATED = 60
"""Columns of a heat map at most; more are too many to look at."""
_PLACES = 6


@dataclass(frozen=True, kw_only=True)
class Joins:
    """Cells of one column, joined to a few.

    Attributes:
        cells: the bar of each cell.
        labels: of the bars.
    """

    cells: Cells
    labels: tuple[str, ...]


def bars(
    dataset: Dataset,
    domain: Domain,
    released: MarginalSource,
    reference: MarginalSource | None = None,
) -> tuple[Bars, ...]:
    """Shares of rows of every column.

    Args:
        dataset: describes the columns.
        domain: theirs, as they are counted.
        released: counts of the released rows.
        reference: counts of a stand-in; never of private data.

    Privacy:
        Post-processing of released rows; a stand-in is public.
    """
    joins = joined(dataset, domain, released)
    alone = [(place,) for place in range(len(domain))]
    maps = [each.cells for each in joins]
    counts = released.count(alone, merged=maps)
    others = None if reference is None else reference.count(alone, merged=maps)
    columns = dataset.spec.columns
    return tuple(
        Bars(
            column=column.name,
            title=_title(dataset, column.name),
            type=columns[column.name].type if column.name in columns else "integer",
            labels=join.labels,
            released=_shares(counts[place]),
            reference=None if others is None else _shares(others[place]),
        )
        for place, (column, join) in enumerate(zip(domain.columns, joins, strict=True))
    )


def heat(
    dataset: Dataset,
    domain: Domain,
    released: MarginalSource,
    reference: MarginalSource | None = None,
) -> Heat | None:
    """Cramér's V of every pair of columns, on joined cells; None for one column, or too many.

    Args:
        dataset: describes the columns.
        domain: theirs, as they are counted.
        released: counts of the released rows.
        reference: counts of a stand-in; never of private data.

    Privacy:
        Post-processing of released rows; a stand-in is public.
    """
    if not 2 <= len(domain) <= HEATED:
        return None
    maps = [each.cells for each in joined(dataset, domain, released)]
    return Heat(
        columns=domain.names,
        released=_dependence(domain, released, maps),
        reference=None if reference is None else _dependence(domain, reference, maps),
    )


def joined(dataset: Dataset, domain: Domain, released: MarginalSource) -> tuple[Joins, ...]:
    """How cells of every column are joined; values without an order by how many rows they have."""
    counts = released.count([(place,) for place in range(len(domain))])
    return tuple(
        _joined(column, counts[place], ordered=_ordered(dataset, column))
        for place, column in enumerate(domain.columns)
    )


def cramers_v(counts: Counts) -> float:
    """Cramér's V of a two-way table, in [0, 1], corrected for small tables (Bergsma 2013)."""
    import numpy as np

    table = counts[counts.sum(axis=1) > 0][:, counts.sum(axis=0) > 0].astype(np.float64)
    rows, columns = table.shape
    total = float(table.sum())
    if min(rows, columns) < 2 or total < 2:
        return 0.0
    expected = table.sum(axis=1, keepdims=True) * table.sum(axis=0, keepdims=True) / total
    squared = float(((table - expected) ** 2 / expected).sum()) / total
    chance = (rows - 1) * (columns - 1) / (total - 1)
    most = min(size - 1 - (size - 1) ** 2 / (total - 1) for size in (rows, columns))
    return float(min(1.0, (max(0.0, squared - chance) / most) ** 0.5)) if most > 0 else 0.0


def _dependence(
    domain: Domain, source: MarginalSource, maps: Sequence[Cells]
) -> tuple[tuple[Decimal, ...], ...]:
    size = len(domain)
    found = [[Decimal(1)] * size for _ in range(size)]
    for batch in batches(domain, tuple(itertools.combinations(range(size), 2))):
        for (one, other), counts in zip(batch, source.count(batch, merged=maps), strict=True):
            found[one][other] = found[other][one] = _rounded(cramers_v(counts))
    return tuple(map(tuple, found))


def _joined(column: ColumnDomain, counts: Counts, *, ordered: bool) -> Joins:
    import numpy as np

    present = column.size - (column.null is not None)
    missing = [] if column.null is None else ["missing"]
    if present <= BARS:
        labels = [_label(column, cell) for cell in range(present)]
        return Joins(cells=np.arange(column.size), labels=(*labels, *missing))
    if ordered:
        cells = np.arange(column.size) * BARS // present
        ends = [np.flatnonzero(cells[:present] == bar)[[0, -1]] for bar in range(BARS)]
        labels = [_span(column, int(first), int(last)) for first, last in ends]
    else:
        shown = np.sort(np.argsort(-counts[:present], kind="stable")[: BARS - 1])
        cells = np.full(column.size, BARS - 1)
        cells[shown] = np.arange(BARS - 1)
        labels = [*(_label(column, int(cell)) for cell in shown), f"{present - BARS + 1} others"]
    if column.null is not None:
        cells[column.null] = BARS
    return Joins(cells=cells, labels=(*labels, *missing))


def _label(column: ColumnDomain, cell: int) -> str:
    """A cell in words, without the column's name."""
    words = label(column, cell)[len(column.name) + 1 :]
    low, _, high = words.partition("…")
    return low if column.lows and low == high else words


def _span(column: ColumnDomain, first: int, last: int) -> str:
    """Neighbouring cells in words."""
    low, high = _label(column, first), _label(column, last)
    if column.lows:
        low, high = low.partition("…")[0], high.rpartition("…")[2]
    return low if low == high else f"{low}…{high}"


def _ordered(dataset: Dataset, column: ColumnDomain) -> bool:
    described = dataset.spec.columns.get(column.name)
    return bool(column.lows) or isinstance(described, OrdinalColumn | ZipColumn)


def _title(dataset: Dataset, name: str) -> str:
    described = dataset.spec.columns.get(name)
    title = None if isinstance(described, TextColumn) else getattr(described, "title", None)
    return title or name


def _shares(counts: Counts) -> tuple[Decimal, ...]:
    total = max(1, int(counts.sum()))
    return tuple(_rounded(int(count) / total) for count in counts)


def _rounded(value: float) -> Decimal:
    return Decimal(f"{value:.{_PLACES}f}")
