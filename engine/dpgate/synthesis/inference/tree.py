"""Exact marginals of a tree-shaped graphical model, by two passes of belief propagation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Table = NDArray[np.float64]


@dataclass(frozen=True)
class Edge:
    """A directed edge of a rooted tree."""

    parent: int
    child: int


def rooted(edges: Sequence[tuple[int, int]], nodes: int) -> tuple[Edge, ...]:
    """The edges of a tree over all nodes, directed away from node 0, parents first.

    Raises:
        ValueError: the edges are no tree that spans the nodes.
    """
    neighbors: dict[int, list[int]] = {node: [] for node in range(nodes)}
    for one, other in edges:
        neighbors[one].append(other)
        neighbors[other].append(one)
    found: list[Edge] = []
    seen, waiting = {0}, [0]
    while waiting:
        parent = waiting.pop()
        for child in sorted(neighbors[parent]):
            if child not in seen:
                seen.add(child)
                waiting.append(child)
                found.append(Edge(parent, child))
    if len(seen) != nodes or len(edges) != nodes - 1:
        raise ValueError(f"{len(edges)} edges do not make a tree over {nodes} nodes")
    return tuple(found)


@dataclass(frozen=True)
class Potentials:
    """Logarithms of the factors: a vector for each node, a table [parent, child] for each edge."""

    nodes: tuple[Table, ...]
    edges: tuple[Table, ...]

    def moved(self, direction: Potentials, step: float) -> Potentials:
        """`self + step · direction`."""
        return Potentials(
            tuple(a + step * b for a, b in zip(self.nodes, direction.nodes, strict=True)),
            tuple(a + step * b for a, b in zip(self.edges, direction.edges, strict=True)),
        )


@dataclass(frozen=True)
class Marginals:
    """Probabilities: of each node, of each edge, and of the child of each edge given its parent."""

    nodes: tuple[Table, ...]
    edges: tuple[Table, ...]
    conditionals: tuple[Table, ...]

    def dot(self, other: Potentials) -> float:
        """Inner product with node and edge tables."""
        pairs = zip((*self.nodes, *self.edges), (*other.nodes, *other.edges), strict=True)
        return float(sum(np.vdot(a, b) for a, b in pairs))


def marginals(tree: Sequence[Edge], potentials: Potentials) -> Marginals:
    """Marginals of p(x) ∝ exp(sum of potentials).

    Args:
        tree: from `rooted`.
        potentials: finite; edge tables in the order of `tree`.

    Returns:
        Exact marginals, each summing to 1. Rows are normalised by their own largest entry, so
        nothing under- or overflows.
    """
    inward = list(potentials.nodes)
    conditionals: list[Table] = [np.empty(0)] * len(tree)
    for place in range(len(tree) - 1, -1, -1):
        edge = tree[place]
        table = potentials.edges[place] + inward[edge.child]
        top = table.max(axis=1, keepdims=True)
        np.exp(table - top, out=table)
        mass = table.sum(axis=1, keepdims=True)
        table /= mass
        conditionals[place] = table
        inward[edge.parent] = inward[edge.parent] + (top + np.log(mass)).ravel()
    root = np.exp(inward[0] - inward[0].max())
    nodes: list[Table] = [root / root.sum()] + [np.empty(0)] * len(tree)
    joints: list[Table] = []
    for edge, conditional in zip(tree, conditionals, strict=True):
        joint = nodes[edge.parent][:, None] * conditional
        joints.append(joint)
        nodes[edge.child] = joint.sum(axis=0)
    return Marginals(tuple(nodes), tuple(joints), tuple(conditionals))
