"""What SmartNoise gets in place of a data set: tables of counts, never a row."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from mbi import Domain

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from dpgate.sources.interface import Cells, Counts, MarginalSource

Clique = tuple[str, ...]


@dataclass(frozen=True)
class Table:
    """Counts over the columns of a clique, as far as SmartNoise looks at them."""

    counts: Counts

    def datavector(self) -> NDArray[np.float64]:
        """The counts as one vector, the last column fastest."""
        return self.counts.ravel().astype(np.float64)


class Counted:
    """Stands in for `mbi.Dataset`.

    Args:
        source: private counts.
        records: what SmartNoise takes for the number of rows.
        merged: for each column the coarser cell of each cell.

    Attributes:
        domain: columns `col0`, `col1`, … with their numbers of (coarser) cells.
        df: SmartNoise reads nothing of it but its length.

    Privacy:
        Gives out exact private counts.
    """

    def __init__(
        self, source: MarginalSource, records: int, merged: Sequence[Cells] | None = None
    ) -> None:
        sizes = source.domain.sizes
        if merged is not None:
            sizes = tuple(int(cells.max()) + 1 for cells in merged)
        self.domain = Domain([f"col{place}" for place in range(len(sizes))], sizes)
        self.df = range(records)
        self._source = source
        self._merged = merged

    def count(self, cliques: Sequence[Clique]) -> list[Counts]:
        """Exact tables, all of them in one pass over the data."""
        places = [self.domain.axes(clique) for clique in cliques]
        return self._source.count(places, merged=self._merged)

    def project(self, clique: Sequence[str]) -> Table:
        """One exact table; SmartNoise's name for it."""
        return Table(self.count([tuple(clique)])[0])

    def merged(self, cells: Sequence[Cells]) -> Counted:
        """The same rows, counted in coarser cells."""
        return Counted(self._source, len(self.df), cells)
