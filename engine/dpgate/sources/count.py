"""Counting codes into contingency tables, batch by batch."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from math import prod
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from dpgate.sources.cover import CELLS_AT_MOST, Clique, cover
from dpgate.sources.lookup import taken

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from dpgate.sources.interface import Cells, Counts

    Codes: TypeAlias = NDArray[np.unsignedinteger[Any]]
    Batch: TypeAlias = Sequence[Codes] | Mapping[int, Codes]


def tables(
    batches: Iterable[Batch],
    cliques: Sequence[Clique],
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
    coarser = None if merged is None else [_narrow(cells) for cells in merged]
    if merged is not None:
        sizes = [int(cells.max()) + 1 for cells in merged]
    groups = cover(cliques, sizes)
    shapes = [tuple(sizes[column] for column in group) for group in groups]
    totals = [np.zeros(prod(shape), dtype=np.int64) for shape in shapes]
    used = used_by(cliques)
    for batch in batches:
        codes = {c: batch[c] if coarser is None else taken(coarser[c], batch[c]) for c in used}
        for group, shape, total in zip(groups, shapes, totals, strict=True):
            index = _index(group, shape, codes)
            np.add(total, np.bincount(index, minlength=total.size), out=total)
    wholes = [total.reshape(shape) for total, shape in zip(totals, shapes, strict=True)]
    return [part(clique, groups, wholes) for clique in cliques]


def used_by(cliques: Sequence[Clique]) -> list[int]:
    """The columns of any clique, in order."""
    return sorted({column for clique in cliques for column in clique})


def _narrow(cells: Cells) -> Codes:
    return cells.astype(np.uint8 if cells.max() < 2**8 else np.uint16)


def _index(
    group: Clique, shape: tuple[int, ...], codes: Mapping[int, Codes]
) -> NDArray[np.integer]:
    """The place of each row in the table, in as few bytes as hold it: memory is what it costs."""
    wide = np.uint16 if prod(shape) <= CELLS_AT_MOST else np.int64
    index: NDArray[np.integer] = codes[group[0]].astype(wide)
    for column, size in zip(group[1:], shape[1:], strict=True):
        index *= wide(size)
        index += codes[column]
    return index


def part(clique: Clique, groups: Sequence[Clique], wholes: Sequence[Counts]) -> Counts:
    """The table of a clique out of one that holds it; axes in the clique's order.

    Args:
        clique: its columns.
        groups: columns of the tables at hand; one of them holds the clique's.
        wholes: those tables.
    """
    fitting = [place for place, group in enumerate(groups) if set(clique) <= set(group)]
    place = min(fitting, key=lambda place: wholes[place].size)
    group = groups[place]
    others = tuple(axis for axis, column in enumerate(group) if column not in clique)
    kept = [column for column in group if column in clique]
    summed = wholes[place].sum(axis=others)
    return np.ascontiguousarray(summed.transpose([kept.index(column) for column in clique]))
