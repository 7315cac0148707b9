"""Combinations of cells among public rows: found by exact codes, without hashes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from dpgate.evidence.whole_rows import Cells

    Ints = NDArray[np.int64]


class Combinations:
    """The distinct combinations of some columns among public rows.

    A code of the columns so far and the next cell make the next code, numbered anew each time, so
    that codes stay below the number of rows whatever the sizes of the columns.

    Args:
        rows: cells of public rows, at least one row.
        columns: which to combine; none: everybody is in one combination.
    """

    def __init__(self, rows: Cells, columns: Sequence[int]) -> None:
        self._steps: list[tuple[int, Ints]] = []
        codes = np.zeros(len(rows), dtype=np.int64)
        for column in columns:
            keys = codes << 16 | rows[:, column]
            known, codes = np.unique(keys, return_inverse=True)
            self._steps.append((column, known))
        self.of_rows = codes
        """The combination of each public row."""
        self.counts = np.bincount(codes)
        """How many public rows have each combination."""

    def find(self, cells: Cells) -> Ints:
        """The combination of each row of cells, −1 where no public row has it."""
        codes, missing = np.zeros(len(cells), dtype=np.int64), np.zeros(len(cells), dtype=np.bool_)
        for column, known in self._steps:
            keys = codes << 16 | cells[:, column]
            codes = np.searchsorted(known, keys).clip(0, len(known) - 1)
            missing |= known[codes] != keys
        return np.where(missing, -1, codes)

    def repeats(self, cells: Cells) -> Ints:
        """How many public rows have the combination of each row of cells."""
        found = self.find(cells)
        return np.where(found < 0, 0, self.counts[found])
