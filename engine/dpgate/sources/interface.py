"""What a synthesizer may ask of private data: counts over cliques of columns, nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

from dpgate.model.domain import Domain

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Counts = NDArray[np.int64]
    Cells = NDArray[np.int64]


class MarginalSource(Protocol):
    """Exact counts of private rows.

    Every row falls into exactly one cell of each table, whatever it holds, so adding or
    removing a row moves one entry of each table by one.
    """

    @property
    def domain(self) -> Domain:
        """The cells of every column."""

    def count(
        self, cliques: Sequence[tuple[int, ...]], *, merged: Sequence[Cells] | None = None
    ) -> list[Counts]:
        """Contingency tables.

        Args:
            cliques: column indices of each table wanted; within a table all different.
            merged: for each column a map from its cells to coarser ones, numbered from 0
                without gaps; tables then count the coarser cells.

        Returns:
            One int64 table for each clique; one axis for each column, in the clique's order,
            as long as the column has (coarser) cells. Units: records.

        Raises:
            SourceError: the data became unreadable; the message is fixed.

        Privacy:
            Reads private data and returns it unprotected: only mechanisms may see the result.
        """
