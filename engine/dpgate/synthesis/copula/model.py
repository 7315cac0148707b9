"""A fitted copula and its rows."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from dpgate.model.domain import Domain
from dpgate.synthesis.interface import Progress
from dpgate.synthesis.sampling.decode import decode, schema
from dpgate.synthesis.sampling.rounding import systematic

if TYPE_CHECKING:
    from numpy.typing import NDArray

_ROWS_AT_ONCE = 2**18


@dataclass(frozen=True, kw_only=True)
class CopulaModel:
    """What the copula synthesizer learned: noisy numbers and public ones alone.

    Given cells of some columns a Gaussian copula is none any more: it has no exact conditioning,
    and rows that satisfy a condition are picked from what is drawn.

    Attributes:
        domain: public cells.
        shares: for each column the probability of each cell; they sum to 1.
        correlation: of the normal variables behind the columns, positive definite.
        total: noisy number of private records, at least 0.
    """

    domain: Domain
    shares: tuple[NDArray[np.float64], ...]
    correlation: NDArray[np.float64]
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
        """Rows drawn with the given generator, which audits replace.

        The rows of a batch take their cells by rank, so that every column has its shares almost
        exactly.
        """
        normal = (
            rng.standard_normal((rows, len(self.shares))) @ np.linalg.cholesky(self.correlation).T
        )
        whole = np.array([rows], dtype=np.int64)
        arrays = []
        for place, (shares, column) in enumerate(
            zip(self.shares, self.domain.columns, strict=True)
        ):
            counts = systematic(whole, shares[None, :], rng)[0]
            cells = np.empty(rows, dtype=np.int64)
            cells[np.argsort(normal[:, place])] = np.repeat(np.arange(len(shares)), counts)
            arrays.append(decode(cells, column, rng))
        return pa.RecordBatch.from_arrays(arrays, schema=schema(self.domain))
