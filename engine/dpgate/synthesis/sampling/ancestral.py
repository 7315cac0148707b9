"""Rows of a directed model: each column given its parents, in one vectorised step a column."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import prod
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from dpgate.synthesis.sampling.rounding import systematic

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from dpgate.synthesis.sampling.directed import Step

    Cells: TypeAlias = NDArray[np.integer[Any]]
    Table = NDArray[np.float64]

_FEW = 2**16


def draw(
    steps: Sequence[Step], sizes: Sequence[int], rows: int, rng: np.random.Generator
) -> list[Cells]:
    """Cells of every column, for so many rows.

    Args:
        steps: one for each column, parents first.
        sizes: cells of each column.
        rows: ≥ 0.
        rng: source of randomness.

    Returns:
        For each column a vector of `rows` cells.
    """
    columns: dict[int, Cells] = {}
    for step in steps:
        line = _line(step.parents, sizes, columns, rows)
        columns[step.column] = _spread(line, step.table, rng)
    return [columns[place] for place in range(len(columns))]


def split(cells: Cells, coarse: Cells, within: Table, rng: np.random.Generator) -> Cells:
    """Undoes the merging of cells.

    Args:
        cells: coarser cells drawn.
        coarse: the coarser cell of each cell of the column.
        within: probability of each cell within its coarser cell.
        rng: source of randomness.
    """
    members = np.bincount(coarse)
    alone = np.zeros(len(members), dtype=_narrow(len(coarse)))
    alone[coarse] = np.arange(len(coarse))
    fine: Cells = alone[cells]
    if members.max() == 1:
        return fine
    # Merged cells are rare ones: only their rows are drawn.
    rows = np.flatnonzero((members > 1)[cells])
    table = np.zeros((len(members), len(coarse)))
    table[coarse, np.arange(len(coarse))] = within
    fine[rows] = _spread(cells[rows], table, rng)
    return fine


def _line(
    parents: Sequence[int], sizes: Sequence[int], columns: Mapping[int, Cells], rows: int
) -> Cells:
    """The line of each row in a table, in as few bytes as it takes: they are sorted by it."""
    if len(parents) == 1:
        return columns[parents[0]]
    lines = prod(sizes[parent] for parent in parents)
    line: Cells = np.zeros(rows, dtype=_narrow(lines) if lines < _FEW else np.int64)
    for parent in parents:
        line *= line.dtype.type(sizes[parent])
        line += columns[parent]
    return line


def _narrow(count: int) -> type[np.uint8 | np.uint16 | np.uint32]:
    """The narrowest type for numbers below `count`; one or two bytes sort in linear time."""
    if count <= 2**8:
        return np.uint8
    return np.uint16 if count <= _FEW else np.uint32


def _spread(given: Cells, conditional: Table, rng: np.random.Generator) -> Cells:
    """A cell for each row by its line of the table; lines are filled evenly, rows at random."""
    lines, cells = conditional.shape
    counts = systematic(np.bincount(given, minlength=lines), conditional, rng)
    shuffled = rng.permutation(len(given))
    order = shuffled[np.argsort(given[shuffled], kind="stable")]
    kind = _narrow(cells)
    drawn = np.empty(len(given), dtype=kind)
    drawn[order] = np.repeat(np.tile(np.arange(cells, dtype=kind), lines), counts.ravel())
    return drawn
