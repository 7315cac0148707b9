"""Rows from a trained generator, by NumPy alone: a kept model needs no torch to be drawn from."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from dpgate.model.domain import Domain
from dpgate.synthesis.interface import Progress
from dpgate.synthesis.sampling.decode import decode, schema

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Weights = NDArray[np.float64]
    Cells = NDArray[np.int64]

_NUMBERS_AT_ONCE = 2**24
"""Numbers of a batch's widest layer: bounds memory."""


@dataclass(frozen=True, kw_only=True)
class Layer:
    """A linear layer: `weight` has a line for each number that comes out."""

    weight: Weights
    bias: Weights


@dataclass(frozen=True, kw_only=True)
class NetworkModel:
    """A generator and what it is conditioned on: noisy numbers and public ones alone.

    Attributes:
        domain: public cells.
        layers: from normal numbers (and a condition) to a score for each cell of each column.
        slope: of the leaky rectifier between layers, below 0.
        latent: normal numbers that go in.
        shares: for each column the noisy probability of each cell, from which a row's condition is
            drawn: one column and its cell, which go in as a one among zeros, and hold in the row.
            None: rows have no condition.
        total: noisy number of private records, at least 0.
    """

    domain: Domain
    layers: tuple[Layer, ...]
    slope: float
    latent: int
    shares: tuple[Weights, ...] | None
    total: float

    def sample(self, rows: int, progress: Progress) -> pa.Table:
        """Rows as one table, see `dpgate.synthesis.interface.Model.sample`."""
        return pa.Table.from_batches(self.batches(rows, progress), schema(self.domain))

    def batches(self, rows: int, progress: Progress) -> Iterator[pa.RecordBatch]:
        """The same rows a batch at a time, so that a large release needs no large memory."""
        rng = np.random.default_rng()  # seeded by the operating system's entropy
        widest = max(self.latent, *(len(layer.bias) for layer in self.layers))
        at_once = max(1, _NUMBERS_AT_ONCE // widest)
        done = 0
        while done < rows:
            size = min(at_once, rows - done)
            yield self.batch(size, rng)
            done += size
            progress("sample", done / rows)

    def batch(self, rows: int, rng: np.random.Generator) -> pa.RecordBatch:
        """Rows drawn with the given generator, which audits replace."""
        cells = self.cells(rows, rng)
        arrays = [
            decode(cells[:, place], column, rng) for place, column in enumerate(self.domain.columns)
        ]
        return pa.RecordBatch.from_arrays(arrays, schema=schema(self.domain))

    def cells(self, rows: int, rng: np.random.Generator) -> Cells:
        """A cell of each column for each row."""
        numbers = rng.standard_normal((rows, self.latent))
        held: tuple[Cells, Cells] | None = None
        if self.shares is not None:
            held = self._conditions(rows, rng)
            numbers = np.concatenate([numbers, self._as_ones(*held)], axis=1)
        for place, layer in enumerate(self.layers):
            numbers = numbers @ layer.weight.T + layer.bias
            if place < len(self.layers) - 1:
                numbers = np.where(numbers < 0, self.slope * numbers, numbers)
        # The highest of scores with Gumbel noise: a draw by their softmax.
        numbers += rng.gumbel(size=numbers.shape)
        ends = np.cumsum(self.domain.sizes)
        made = np.stack(
            [part.argmax(axis=1) for part in np.split(numbers, ends[:-1], axis=1)], axis=1
        )
        if held is not None:
            made[np.arange(rows), held[0]] = held[1]
        return made

    def _conditions(self, rows: int, rng: np.random.Generator) -> tuple[Cells, Cells]:
        """A column for each row, and a cell of it by its noisy shares."""
        assert self.shares is not None  # noqa: S101 - the caller saw to it
        columns = rng.integers(0, len(self.shares), rows)
        cells = np.zeros(rows, dtype=np.int64)
        for place, shares in enumerate(self.shares):
            mine = np.flatnonzero(columns == place)
            cells[mine] = rng.choice(len(shares), size=len(mine), p=shares)
        return columns, cells

    def _as_ones(self, columns: Cells, cells: Cells) -> Weights:
        starts = np.cumsum([0, *self.domain.sizes[:-1]])
        ones = np.zeros((len(cells), sum(self.domain.sizes)))
        ones[np.arange(len(cells)), starts[columns] + cells] = 1.0
        return ones
