"""Counting codes into contingency tables, batch by batch."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import prod
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from dpgate.sources.interface import Cells, Counts

    Codes = NDArray[np.uint16]


def tables(
    batches: Iterable[Sequence[Codes]],
    cliques: Sequence[tuple[int, ...]],
    sizes: Sequence[int],
    merged: Sequence[Cells] | None = None,
) -> list[Counts]:
    """Tables over all batches; memory is that of the tables and of one batch.

    Args:
        batches: codes of each column, below its size; columns of a batch are equally long.
        cliques: columns of each table.
        sizes: cells of each column, before merging.
        merged: coarser cell of each cell, see `MarginalSource.count`.

    Returns:
        int64 tables in the order of `cliques`.

    Privacy:
        Exact private counts.
    """
    if merged is not None:
        sizes = [int(cells.max()) + 1 for cells in merged]
    shapes = [tuple(sizes[column] for column in clique) for clique in cliques]
    totals = [np.zeros(prod(shape), dtype=np.int64) for shape in shapes]
    used = sorted({column for clique in cliques for column in clique})
    for batch in batches:
        # Indices are computed once a column in the width that bincount wants.
        codes = {column: _coarse(batch[column], merged, column) for column in used}
        for clique, shape, total in zip(cliques, shapes, totals, strict=True):
            np.add(total, np.bincount(_index(clique, shape, codes), minlength=total.size), total)
    return [total.reshape(shape) for total, shape in zip(totals, shapes, strict=True)]


def _coarse(codes: Codes, merged: Sequence[Cells] | None, column: int) -> Cells:
    return codes.astype(np.int64) if merged is None else merged[column][codes]


def _index(clique: tuple[int, ...], shape: tuple[int, ...], codes: dict[int, Cells]) -> Cells:
    index = codes[clique[0]]
    for column, size in zip(clique[1:], shape[1:], strict=True):
        index = index * size + codes[column]
    return index
