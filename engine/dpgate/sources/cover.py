"""Few tables that hold many: counting three columns at once gives all three pairs of them."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

Clique = tuple[int, ...]

CELLS_AT_MOST = 2**16 - 1
"""Cells of a table that is counted for several: half a megabyte, and an index of two bytes."""


def cover(
    cliques: Sequence[Clique], sizes: Sequence[int], at_most: int = CELLS_AT_MOST
) -> list[Clique]:
    """Sets of columns such that each clique lies within one.

    Args:
        cliques: columns of each table wanted.
        sizes: cells of each column.
        at_most: cells of a set, unless it is a clique itself.

    Returns:
        Sets in increasing order of columns; as few as a greedy search finds. Public: no row is
        looked at.
    """
    left = dict.fromkeys(frozenset(clique) for clique in cliques)
    found: list[Clique] = []
    while left:
        grown = set(max(left, key=lambda clique: prod(sizes[c] for c in clique)))
        while (column := _best(grown, list(left), sizes, at_most)) is not None:
            grown.add(column)
        found.append(tuple(sorted(grown)))
        left = dict.fromkeys(clique for clique in left if not clique <= grown)
    return found


def _best(
    grown: set[int], left: Sequence[frozenset[int]], sizes: Sequence[int], at_most: int
) -> int | None:
    """The column that completes most cliques, if one does; the larger of two that do."""
    room = at_most // max(1, prod(sizes[column] for column in grown))
    gains: dict[int, int] = {}
    for clique in left:
        lacking = clique - grown
        if len(lacking) == 1:
            (column,) = lacking
            if sizes[column] <= room:
                gains[column] = gains.get(column, 0) + 1
    return max(gains, key=lambda c: (gains[c], sizes[c], c), default=None)
