"""Rows of a directed model: each column given its parents, in one vectorised step a column."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from dpgate.synthesis.sampling.rounding import systematic

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from dpgate.synthesis.sampling.directed import Step

    Cells = NDArray[np.int64]
    Table = NDArray[np.float64]


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
        line = np.zeros(rows, dtype=np.int64)
        for parent in step.parents:
            line = line * sizes[parent] + columns[parent]
        columns[step.column] = _spread(line, step.table, rng)
    return [columns[place] for place in range(len(columns))]


def _spread(given: Cells, conditional: Table, rng: np.random.Generator) -> Cells:
    """A cell for each row by its line of the table; lines are filled evenly, rows at random."""
    lines = len(conditional)
    counts = systematic(np.bincount(given, minlength=lines), conditional, rng)
    shuffled = rng.permutation(len(given))
    order = shuffled[np.argsort(given[shuffled], kind="stable")]
    drawn = np.empty(len(given), dtype=np.int64)
    drawn[order] = np.repeat(np.tile(np.arange(conditional.shape[1]), lines), counts.ravel())
    return drawn


def split(cells: Cells, coarse: Cells, within: Table, rng: np.random.Generator) -> Cells:
    """Undoes the merging of cells.

    Args:
        cells: coarser cells drawn.
        coarse: the coarser cell of each cell of the column.
        within: probability of each cell within its coarser cell.
        rng: source of randomness.
    """
    lines = int(coarse.max()) + 1
    if lines == len(coarse):
        return np.argsort(coarse)[cells]
    table = np.zeros((lines, len(coarse)))
    table[coarse, np.arange(len(coarse))] = within
    return _spread(cells, table, rng)
