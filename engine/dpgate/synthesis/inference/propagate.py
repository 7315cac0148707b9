"""Exact marginals of p(x) ∝ exp(Σ potentials), by belief propagation on a junction tree."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from dpgate.synthesis.inference.triangulate import Clique, JunctionTree

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Table: TypeAlias = NDArray[np.float64]


@dataclass(frozen=True)
class Beliefs:
    """Marginals of every bag of a tree, and of its own columns given its separator's.

    Attributes:
        tree: of which they are.
        joints: probabilities, one axis for each column of the bag; each sums to 1.
        conditionals: the same shape; each sums to 1 over the axes of `rest`.
        log_partition: ln Σ exp(Σ potentials).
    """

    tree: JunctionTree
    joints: tuple[Table, ...]
    conditionals: tuple[Table, ...]
    log_partition: float

    def within(self, clique: Clique) -> Table:
        """The marginal of columns that lie within one bag, axes in the clique's order."""
        place = self.tree.home(clique)
        return onto(self.joints[place], self.tree.bags[place].columns, clique)


class Propagation:
    """Belief propagation for potentials over given cliques; made once, run at every step.

    Tables over a clique have the axes of the bag that it lies in, those of other columns with
    length 1, so that adding and summing needs no reordering.

    Args:
        tree: a junction tree.
        cliques: cliques of the potentials, each within one bag.
    """

    def __init__(self, tree: JunctionTree, cliques: Sequence[Clique]) -> None:
        self.tree = tree
        self._homes = [tree.home(clique) for clique in cliques]
        bags = [bag.columns for bag in tree.bags]
        self._shapes = [self._shape(columns, columns) for columns in bags]
        self._summed = [_others(bags[h], c) for h, c in zip(self._homes, cliques, strict=True)]
        # Of each bag but the first: its separator seen from its parent, and from itself.
        inner = [bag.separator for bag in tree.bags]
        above = [bags[max(bag.parent, 0)] for bag in tree.bags]
        self._upward = [self._shape(a, i) for a, i in zip(above, inner, strict=True)]
        self._above = [_others(a, i) for a, i in zip(above, inner, strict=True)]
        self._downward = [self._shape(b, i) for b, i in zip(bags, inner, strict=True)]
        self._lines = [prod(tree.sizes[c] for c in separator) for separator in inner]
        self.shapes = [self._shape(bags[h], q) for h, q in zip(self._homes, cliques, strict=True)]

    def _shape(self, columns: Clique, long: Clique) -> tuple[int, ...]:
        return tuple(self.tree.sizes[c] if c in long else 1 for c in columns)

    def aligned(self, table: Table, columns: Clique, clique: int) -> Table:
        """A table over some columns of a clique, as it adds to the potential of that clique."""
        bag = self.tree.bags[self._homes[clique]].columns
        order = sorted(range(len(columns)), key=lambda axis: bag.index(columns[axis]))
        return table.transpose(order).reshape(self._shape(bag, columns))

    def unaligned(self, table: Table, columns: Clique, clique: int) -> Table:
        """What `aligned` made of a table over these columns, as it was."""
        bag = self.tree.bags[self._homes[clique]].columns
        kept = [c for c in bag if c in columns]
        return table.reshape([self.tree.sizes[c] for c in kept]).transpose(
            [kept.index(c) for c in columns]
        )

    def sums(self, columns: Clique, clique: int) -> tuple[int, ...]:
        """The axes to sum over to get from a clique to some of its columns."""
        return _others(self.tree.bags[self._homes[clique]].columns, columns)

    def _loaded(self, potentials: Sequence[Table]) -> list[Table]:
        """Sums of the potentials of each bag, in new arrays."""
        loaded = [np.zeros(shape) for shape in self._shapes]
        for table, home in zip(potentials, self._homes, strict=True):
            loaded[home] += table
        return loaded

    def beliefs(self, potentials: Sequence[Table]) -> Beliefs:
        """Exact marginals.

        Args:
            potentials: finite logarithms of factors, one table for each clique.

        Returns:
            Marginals of all bags. Lines are normalised by their own largest entry, so nothing
            under- or overflows.
        """
        bags = self.tree.bags
        tables = self._loaded(potentials)
        for place in range(len(bags) - 1, -1, -1):
            table = tables[place]
            # The separator's axes come first: lines over them, whatever the number of axes.
            lines = table.reshape(self._lines[place], -1)
            top = lines.max(axis=1, keepdims=True)
            lines -= top
            np.exp(lines, out=lines)
            mass = lines.sum(axis=1, keepdims=True)
            lines /= mass
            top += np.log(mass)
            if place:
                tables[bags[place].parent] += top.reshape(self._upward[place])
        log_partition = float(top.item())
        joints: list[Table] = [tables[0]]
        for place in range(1, len(bags)):
            outer = summed(joints[bags[place].parent], self._above[place])
            joints.append(outer.reshape(self._downward[place]) * tables[place])
        return Beliefs(self.tree, tuple(joints), tuple(tables), log_partition)

    def marginals(self, beliefs: Beliefs) -> list[Table]:
        """The marginal of each clique."""
        return [
            summed(beliefs.joints[home], axes)
            for home, axes in zip(self._homes, self._summed, strict=True)
        ]


def _others(columns: Clique, kept: Clique) -> tuple[int, ...]:
    """Axes of the columns that are not kept."""
    return tuple(axis for axis, column in enumerate(columns) if column not in kept)


def onto(table: Table, columns: Clique, wanted: Clique) -> Table:
    """A table over columns, summed to those that are wanted, axes in the order wanted."""
    kept = [c for c in columns if c in wanted]
    short = summed(table, _others(columns, wanted)).reshape(
        [table.shape[columns.index(c)] for c in kept]
    )
    return np.asarray(short.transpose([kept.index(c) for c in wanted]))


def summed(table: Table, axes: tuple[int, ...]) -> Table:
    """A table summed over axes, which keep length 1; itself if there are none.

    One axis after the other from the first, unless they are the last ones: NumPy is up to ten
    times slower at several axes among others.
    """
    if axes and axes[0] == table.ndim - len(axes):
        return np.asarray(table.sum(axis=axes, keepdims=True))
    for axis in axes:
        table = np.add.reduce(table, axis=axis, keepdims=True)
    return table
