"""A fitted model as a sequence of draws, each column given some drawn before it.

Every graphical model whose columns hang together in a junction tree can be written so. The order
is *perfect*: the parents of a step are columns of one earlier step, so that a message about them
fits into that step's table, and conditioning is exact at the cost of one pass.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from math import prod
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from dpgate.errors import SynthesisError
from dpgate.model.domain import Domain
from dpgate.synthesis.interface import Progress
from dpgate.synthesis.sampling.ancestral import draw, split
from dpgate.synthesis.sampling.decode import decode, schema

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from dpgate.sources.interface import Cells
    from dpgate.synthesis.sampling.ancestral import Table

_ROWS_AT_ONCE = 2**17
"""Columns of a batch, and the order their rows are sorted in, then stay in a processor's cache."""
_WORKERS = min(4, os.cpu_count() or 1)
"""Batches made at a time; what one costs is spent outside Python's lock."""


@dataclass(frozen=True, kw_only=True)
class Coarsening:
    """How cells of one column were merged, and how they come apart again.

    Attributes:
        cells: the coarser cell of each public cell, numbered from 0 without gaps.
        within: probability of each public cell within its coarser cell.
    """

    cells: Cells
    within: Table

    @property
    def size(self) -> int:
        """Number of coarser cells."""
        return int(self.cells.max()) + 1

    @classmethod
    def none(cls, size: int) -> Coarsening:
        """Every cell stands for itself."""
        return cls(cells=np.arange(size), within=np.ones(size))


@dataclass(frozen=True, kw_only=True)
class Step:
    """One column, given columns that were drawn before.

    Attributes:
        column: index of the column.
        parents: indices of the columns it depends on.
        table: probability of each coarser cell of the column, which sum to 1 in every line; a
            line for each combination of the parents' coarser cells, the last parent fastest.
    """

    column: int
    parents: tuple[int, ...]
    table: Table

    @property
    def scope(self) -> tuple[int, ...]:
        """The columns that the table is about, its own last."""
        return (*self.parents, self.column)


@dataclass(frozen=True, kw_only=True)
class DirectedModel:
    """What a synthesizer learned: noisy numbers and public ones alone.

    Attributes:
        domain: public cells.
        columns: how cells were merged, column by column.
        steps: one for each column, in a perfect order.
        total: noisy number of private records, at least 0.

    Raises:
        ValueError: the steps are not in a perfect order, or a table has another shape.
    """

    domain: Domain
    columns: tuple[Coarsening, ...]
    steps: tuple[Step, ...]
    total: float

    def __post_init__(self) -> None:
        scopes: list[set[int]] = []
        for step in self.steps:
            if step.parents and not any(scope.issuperset(step.parents) for scope in scopes):
                raise ValueError(f"column {step.column}: its parents are not one earlier step's")
            lines = prod(self.columns[parent].size for parent in step.parents)
            if step.table.shape != (lines, self.columns[step.column].size):
                raise ValueError(f"column {step.column}: a table of shape {step.table.shape}")
            scopes.append(set(step.scope))
        if sorted(step.column for step in self.steps) != list(range(len(self.domain))):
            raise ValueError("steps must draw every column once")

    def sample(self, rows: int, progress: Progress) -> pa.Table:
        """Rows as one table, see `dpgate.synthesis.interface.Model.sample`."""
        return pa.Table.from_batches(self.batches(rows, progress), schema(self.domain))

    def batches(self, rows: int, progress: Progress) -> Iterator[pa.RecordBatch]:
        """The same rows a batch at a time, so that a large release needs no large memory."""
        parent = np.random.default_rng()  # seeded by the operating system's entropy
        starts = range(0, rows, _ROWS_AT_ONCE)
        tasks = ((min(_ROWS_AT_ONCE, rows - start), parent.spawn(1)[0]) for start in starts)
        done = 0
        for batch in _in_order(self.batch, tasks, _WORKERS):
            done += len(batch)
            progress("sample", done / rows)
            yield batch

    def batch(self, rows: int, rng: np.random.Generator) -> pa.RecordBatch:
        """Rows drawn with the given generator, which audits replace."""
        drawn = draw(self.steps, [column.size for column in self.columns], rows, rng)
        arrays = [
            decode(split(cells, column.cells, column.within, rng), public, rng)
            for cells, column, public in zip(drawn, self.columns, self.domain.columns, strict=True)
        ]
        return pa.RecordBatch.from_arrays(arrays, schema=schema(self.domain))

    def conditioned(self, weights: Mapping[int, NDArray[np.float64]]) -> DirectedModel:
        """The model of rows reweighted by a product of weights of single columns.

        Args:
            weights: for some columns a weight ≥ 0 of each public cell: 1 and 0 condition on a
                set of cells, the inverse of a column's marginal balances it.

        Returns:
            The exact conditional model; its total is scaled by the mean weight.

        Raises:
            SynthesisError: rows of any weight above 0 have probability 0.

        Privacy:
            Post-processing.
        """
        columns = list(self.columns)
        likely = [np.ones(column.size) for column in columns]
        for place, weight in weights.items():
            columns[place], likely[place] = _reweighted(columns[place], weight)
        steps, mass = _backwards(self.steps, likely)
        if not mass:
            raise SynthesisError("no row of the model satisfies the condition")
        return replace(self, columns=tuple(columns), steps=steps, total=self.total * mass)


def _in_order(
    make: Callable[[int, np.random.Generator], pa.RecordBatch],
    tasks: Iterable[tuple[int, np.random.Generator]],
    workers: int,
) -> Iterator[pa.RecordBatch]:
    """What tasks make, in their order, a few of them at a time in threads."""
    with ThreadPoolExecutor(workers) as pool:
        running: deque[Future[pa.RecordBatch]] = deque()
        for task in tasks:
            running.append(pool.submit(make, *task))
            if len(running) > workers:
                yield running.popleft().result()
        while running:
            yield running.popleft().result()


def _reweighted(column: Coarsening, weight: Table) -> tuple[Coarsening, Table]:
    """Merged cells with other shares within them, and the weight of each as a whole."""
    mass = column.within * weight
    whole: Table = np.bincount(column.cells, weights=mass).astype(np.float64)
    fine = whole[column.cells]
    # Cells that cannot be drawn any more keep their shares, which must sum to 1.
    within = np.divide(mass, fine, out=column.within.copy(), where=fine > 0)
    return Coarsening(cells=column.cells, within=within), whole


def _backwards(steps: Sequence[Step], likely: Sequence[Table]) -> tuple[tuple[Step, ...], float]:
    """Tables given the weights of all later columns, and the weight of everything."""
    sizes = [len(weight) for weight in likely]
    waiting: dict[int, list[tuple[tuple[int, ...], Table]]] = {step.column: [] for step in steps}
    place = {step.column: number for number, step in enumerate(steps)}
    made: list[Step] = []
    mass = 1.0
    for step in reversed(steps):
        table = step.table.reshape([sizes[column] for column in step.scope]) * likely[step.column]
        for columns, message in waiting[step.column]:
            table *= _spread_over(message, columns, step.scope)
        message = table.sum(axis=-1)
        # Lines that no row can reach must sum to 1 all the same.
        lines = np.where(message[..., None] > 0, table, 1.0)
        table = (lines / lines.sum(axis=-1, keepdims=True)).reshape(step.table.shape)
        made.append(replace(step, table=table))
        if step.parents:
            waiting[max(step.parents, key=place.__getitem__)].append((step.parents, message))
        else:
            mass *= float(message)
    return tuple(reversed(made)), mass


def _spread_over(message: Table, columns: tuple[int, ...], scope: tuple[int, ...]) -> Table:
    """A table over some columns of a scope, with its axes where they are in the scope."""
    ordered = sorted(columns, key=scope.index)
    moved = message.transpose([columns.index(column) for column in ordered])
    shape = [moved.shape[ordered.index(c)] if c in columns else 1 for c in scope]
    return moved.reshape(shape)
