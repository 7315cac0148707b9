"""The marginals of all pairs of columns at once, also of those that lie in no bag together.

A column's joint table with a separator is carried across bags as a product of matrices, all
columns on one side of the separator stacked: two passes over the tree, nothing is done pair by
pair until its two columns meet.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import TYPE_CHECKING

import numpy as np

from dpgate.synthesis.inference.propagate import Beliefs, onto
from dpgate.synthesis.inference.triangulate import Clique

if TYPE_CHECKING:
    from dpgate.synthesis.inference.propagate import Table

Pair = tuple[int, int]


@dataclass(frozen=True)
class _Message:
    """Joint tables of single columns with one separator: [their cells in turn, separator]."""

    columns: tuple[int, ...]
    separator: Clique
    table: Table


def pair_marginals(beliefs: Beliefs) -> dict[Pair, Table]:
    """Exact marginals of all pairs of columns, keyed and laid out with the lower column first.

    Args:
        beliefs: of any junction tree.

    Privacy:
        Post-processing.
    """
    return _Carrier(beliefs).pairs()


class _Carrier:
    def __init__(self, beliefs: Beliefs) -> None:
        self.tree = beliefs.tree
        self.joints = beliefs.joints
        self.bags = beliefs.tree.bags
        self.children: list[list[int]] = [[] for _ in self.bags]
        for place, bag in enumerate(self.bags[1:], start=1):
            self.children[bag.parent].append(place)

    def pairs(self) -> dict[Pair, Table]:
        found: dict[Pair, Table] = {}
        up: dict[int, _Message] = {}
        for place in range(len(self.bags) - 1, 0, -1):
            up[place] = self._leaving(place, self.bags[place].separator, up, None, -1)
        down: dict[int, _Message] = {}
        for place, bag in enumerate(self.bags):
            above = down.get(place)
            for child in self.children[place]:
                separator = self.bags[child].separator
                down[child] = self._leaving(place, separator, up, above, child)
            self._within(place, found)
            if above is not None:
                for column in bag.rest:
                    self._meet(place, above, column, found)
        return found

    def _leaving(
        self, place: int, to: Clique, up: dict[int, _Message], above: _Message | None, child: int
    ) -> _Message:
        """All that is behind a bag, as seen from a separator that leads out of it."""
        columns: list[int] = []
        tables: list[Table] = []
        for column in self.bags[place].columns:
            if column not in to:
                columns.append(column)
                table = onto(self.joints[place], self.bags[place].columns, (column, *to))
                tables.append(table.reshape(table.shape[0], -1))
        coming = [up[other] for other in self.children[place] if other != child]
        for message in [*coming, *([above] if above is not None else [])]:
            if message.columns:
                columns += message.columns
                tables.append(self._carried(place, message, to))
        cells = prod(self.tree.sizes[c] for c in to)
        stacked = np.concatenate(tables) if tables else np.empty((0, cells))
        return _Message(tuple(columns), to, stacked)

    def _carried(self, place: int, message: _Message, to: Clique) -> Table:
        """A message from one separator of a bag to another, or to a column of it."""
        sizes = self.tree.sizes
        both = tuple(c for c in message.separator if c in to)
        old = tuple(c for c in message.separator if c not in to)
        new = tuple(c for c in to if c not in message.separator)
        inside = self.bags[place].columns
        given = onto(self.joints[place], inside, both + old + new)
        given = given.reshape(_cells(sizes, both), _cells(sizes, old), _cells(sizes, new))
        mass = given.sum(axis=2, keepdims=True)
        given = np.divide(given, mass, out=np.zeros_like(given), where=mass > 0)
        rows = len(message.table)
        table = message.table.reshape(rows, *(sizes[c] for c in message.separator))
        order = [1 + message.separator.index(c) for c in both + old]
        # One product of matrices for each cell of the columns that the separators share.
        table = table.transpose(*order[: len(both)], 0, *order[len(both) :])
        table = table.reshape(_cells(sizes, both), rows, _cells(sizes, old)) @ given
        table = table.transpose(1, 0, 2).reshape(rows, *(sizes[c] for c in both + new))
        back = [0, *(1 + (both + new).index(c) for c in to)]
        return np.asarray(table.transpose(back).reshape(rows, _cells(sizes, to)))

    def _within(self, place: int, found: dict[Pair, Table]) -> None:
        """Pairs that share this bag and no earlier one."""
        bag = self.bags[place]
        for column in bag.rest:
            for other in bag.columns:
                if other in bag.separator or other < column:
                    pair = (min(column, other), max(column, other))
                    found[pair] = onto(self.joints[place], bag.columns, pair)

    def _meet(self, place: int, above: _Message, column: int, found: dict[Pair, Table]) -> None:
        """Pairs of a column of this bag with all that came from before it in the order."""
        table = self._carried(place, above, (column,))
        begin = 0
        for other in above.columns:
            end = begin + self.tree.sizes[other]
            pair, joint = (other, column), table[begin:end]
            if pair[::-1] not in found and pair not in found:
                found[pair if other < column else pair[::-1]] = joint if other < column else joint.T
            begin = end


def _cells(sizes: tuple[int, ...], columns: Clique) -> int:
    return prod(sizes[c] for c in columns)
