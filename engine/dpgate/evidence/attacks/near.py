"""Distances between rows of cells: whole numbers, so that no order of summing changes one.

A column adds `APART` where two cells differ; if its cells lie on a line, as many as they are apart, up to
`APART`. The null cell is apart from every other.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from dpgate.evidence.whole_rows import Cells
    from dpgate.model.domain import ColumnDomain

    Distances = NDArray[np.unsignedinteger]

APART = 4
"""What a column adds at most."""
_ROWS, _OTHERS = 128, 8_192
_LINE = 200
"""Places on the line of an ordered column; more cells are put together."""
_NOWHERE = 255


class Near:
    """Distances to some public rows.

    Args:
        rows: their cells, at least one row; public.
        columns: of the domain.
        ordered: for each column whether its cells lie on a line.
        used: columns that count; none: all.
    """

    def __init__(
        self,
        rows: Cells,
        columns: Sequence[ColumnDomain],
        ordered: Sequence[bool],
        used: Sequence[int] | None = None,
    ) -> None:
        self._used = tuple(range(len(columns)) if used is None else used)
        self._maps = [_places(columns[c], line=ordered[c]) for c in self._used]
        self._ordered = [ordered[c] for c in self._used]
        self._rows = self._placed(rows)
        self.size = len(rows)
        self.farthest = APART * len(self._used)
        """The largest distance there can be."""
        self._kind = np.uint8 if self.farthest <= 255 else np.uint16

    def closest(self, cells: Cells) -> NDArray[np.int64]:
        """Distance to the closest row, for each row of cells."""
        found = np.full(len(cells), self.farthest, dtype=np.int64)
        for at, _, tile in self.tiles(cells):
            found[at] = np.minimum(found[at], tile.min(axis=1))
        return found

    def weighed(self, cells: Cells, weights: NDArray[np.uint16]) -> NDArray[np.int64]:
        """Σ over rows of the weight of their distance, for each row of cells; exact."""
        found = np.zeros(len(cells), dtype=np.int64)
        for at, _, tile in self.tiles(cells):
            heavy = np.take(weights, tile, mode="clip")
            found[at] += heavy.sum(axis=1, dtype=np.uint32)  # 8,192 · 2¹⁶ fit
        return found

    def few(self, cells: Cells, count: int) -> NDArray[np.int64]:
        """Places of the closest rows, for each row of cells; of equally close ones the first."""
        wanted = min(count, self.size)
        last = (self.farthest + 1) * self.size
        found = np.full((len(cells), wanted), last, dtype=np.int64)
        for at, to, tile in self.tiles(cells):
            keys = tile.astype(np.int64) * self.size
            keys += np.arange(to.start, to.start + tile.shape[1])
            few = min(wanted, tile.shape[1])
            keys = np.partition(keys, few - 1, axis=1)[:, :few]
            both = np.concatenate([found[at], keys], axis=1)
            found[at] = np.partition(both, wanted - 1, axis=1)[:, :wanted]
        return found % self.size

    def others(self, count: int, of: Callable[[Distances], NDArray[np.int64]]) -> NDArray[np.int64]:
        """What `of` makes of the distances of each of the first rows to all rows but itself."""
        others = [self._against(place, slice(None)) for place in range(len(self._rows))]
        found = []
        for place in range(min(count, self.size)):
            out = self._distances([column[place : place + 1] for column in self._rows], others)
            found.append(of(np.delete(out[0], place)))
        return np.array(found, dtype=np.int64)

    def tiles(self, cells: Cells) -> Iterator[tuple[slice, slice, Distances]]:
        """Which rows of cells, which of the public rows, and the distances between them."""
        placed = self._placed(cells)
        for first in range(0, self.size, _OTHERS):
            to = slice(first, first + _OTHERS)
            others = [self._against(place, to) for place in range(len(self._rows))]
            for low in range(0, len(cells), _ROWS):
                at = slice(low, low + _ROWS)
                yield at, to, self._distances([column[at] for column in placed], others)

    def _placed(self, cells: Cells) -> list[NDArray[np.unsignedinteger]]:
        pairs = zip(self._used, self._maps, strict=True)
        return [places[np.minimum(cells[:, c], len(places) - 1)] for c, places in pairs]

    def _against(self, place: int, to: slice) -> Distances:
        """Of an unordered column its cells; of an ordered one what each place on the line adds."""
        column = self._rows[place][to]
        if not self._ordered[place]:
            return column
        apart = np.abs(np.arange(_NOWHERE + 1)[:, None] - column.astype(np.int64)[None, :])
        adds: Distances = np.minimum(apart, APART).astype(np.uint8)
        return adds

    def _distances(self, some: Sequence[Distances], others: Sequence[Distances]) -> Distances:
        total = np.zeros((len(some[0]), others[0].shape[-1]), dtype=self._kind)
        adds, differ = np.empty(total.shape, dtype=np.uint8), np.empty(total.shape, dtype=np.bool_)
        for one, two, line in zip(some, others, self._ordered, strict=True):
            if line:
                np.take(two, one, axis=0, out=adds, mode="clip")
            else:
                np.not_equal(one[:, None], two[None, :], out=differ)
                np.multiply(differ.view(np.uint8), np.uint8(APART), out=adds)
            np.add(total, adds, out=total)
        return total


def _places(column: ColumnDomain, *, line: bool) -> NDArray[np.unsignedinteger]:
    """For each cell its place on the line, or its own number in as few bytes as hold it."""
    size = column.size
    if not line:
        return np.arange(size, dtype=np.uint8 if size <= 256 else np.uint16)
    there = size - (column.null is not None)
    places = np.arange(size, dtype=np.int64)
    if there > _LINE:
        places = places * _LINE // there
    placed = places.astype(np.uint8)
    if column.null is not None:
        placed[column.null] = _NOWHERE
    return placed
