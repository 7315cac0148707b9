"""A fitted tree model and its rows."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from dpgate.model.domain import Domain
from dpgate.synthesis.interface import Progress
from dpgate.synthesis.sampling.ancestral import draw, split
from dpgate.synthesis.sampling.decode import decode, schema

if TYPE_CHECKING:
    from dpgate.synthesis.inference.tree import Edge, Marginals
    from dpgate.synthesis.mst.merge import Merged

_ROWS_AT_ONCE = 2**20


@dataclass(frozen=True, kw_only=True)
class TreeModel:
    """What MST learned: noisy numbers and public ones alone.

    Attributes:
        domain: public cells.
        tree: directed edges between columns.
        fitted: marginals over merged cells.
        columns: how cells were merged.
        total: noisy number of private records, at least 0.
    """

    domain: Domain
    tree: tuple[Edge, ...]
    fitted: Marginals
    columns: tuple[Merged, ...]
    total: float

    def sample(self, rows: int, progress: Progress) -> pa.Table:
        """Rows as one table, see `dpgate.synthesis.interface.Model.sample`."""
        return pa.Table.from_batches(self.batches(rows, progress), schema(self.domain))

    def batches(self, rows: int, progress: Progress) -> Iterator[pa.RecordBatch]:
        """The same rows a batch at a time, so that a large release needs no large memory."""
        rng = np.random.default_rng()  # seeded by the operating system's entropy
        done = 0
        while done < rows:
            size = min(_ROWS_AT_ONCE, rows - done)
            yield self.batch(size, rng)
            done += size
            progress("sample", done / rows)

    def batch(self, rows: int, rng: np.random.Generator) -> pa.RecordBatch:
        """Rows drawn with the given generator, which audits replace."""
        drawn = draw(self.tree, self.fitted, rows, rng)
        arrays = [
            decode(split(cells, column.cells, column.within, rng), public, rng)
            for cells, column, public in zip(drawn, self.columns, self.domain.columns, strict=True)
        ]
        return pa.RecordBatch.from_arrays(arrays, schema=schema(self.domain))
