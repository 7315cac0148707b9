"""Private rows in memory as cells, and as the ones and zeros that networks read."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from dpgate.sources.interface import RowSource

    Codes = NDArray[np.uint16]


def read(source: RowSource, columns: int) -> Codes:
    """Every row, a line of cells each.

    Privacy:
        Private data in the clear, in memory: two bytes a cell.
    """
    wanted = range(columns)
    batches = [
        np.stack([codes[column] for column in wanted], axis=1).astype(np.uint16)
        for codes in source.rows(wanted)
    ]
    return np.concatenate([np.empty((0, columns), dtype=np.uint16), *batches])


class Blocks:
    """Where each column's cells lie in a line of ones and zeros.

    Args:
        sizes: how many cells each column has.
        device: where tensors are made.
    """

    def __init__(self, sizes: Sequence[int], device: torch.device) -> None:
        self.sizes = tuple(sizes)
        self.width = sum(sizes)
        starts = np.cumsum([0, *sizes[:-1]])
        self._starts = torch.from_numpy(starts.astype(np.int64)).to(device)

    def ones(self, cells: NDArray[np.integer]) -> Tensor:
        """Rows of cells as rows of ones and zeros: a one for each column, and nothing else."""
        return self.placed(torch.from_numpy(cells.astype(np.int64)).to(self._starts.device))

    def placed(self, cells: Tensor) -> Tensor:
        """The same of cells in a tensor."""
        found = torch.zeros((len(cells), self.width), device=self._starts.device)
        return found.scatter_(1, cells + self._starts, 1.0)

    def split(self, rows: Tensor) -> tuple[Tensor, ...]:
        """The part of each column."""
        return torch.split(rows, list(self.sizes), dim=1)
