"""Least squares over the marginals of a tree, by entropic mirror descent with a line search.

The step is in the potentials, along the gradient in the marginals (McKenna, Sheldon, Miklau
2019, "Graphical-model based estimation and inference for differential privacy").
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from dpgate.synthesis.inference.tree import Edge, Marginals, Potentials, marginals

if TYPE_CHECKING:
    from dpgate.synthesis.inference.tree import Table


_TOLERANCE = 1e-3
"""Descent ends when ten steps together lower the loss by a smaller fraction than this. A hundred
times smaller takes thrice as long and changes the error on Adult by less than its noise."""

_STEPS = 500


@dataclass(frozen=True, kw_only=True)
class Observed:
    """A noisy table and how far to trust each of its cells.

    Attributes:
        counts: noisy counts, in records; may be negative.
        weight: inverse variance of each cell, in records⁻²; broadcasts against `counts`.
    """

    counts: Table
    weight: Table


def fit(
    tree: Sequence[Edge],
    nodes: Sequence[Observed],
    edges: Sequence[Observed],
    total: float,
    *,
    progress: Callable[[float], None],
) -> Marginals:
    """The tree model whose marginals are nearest to noisy tables.

    Args:
        tree: from `rooted`.
        nodes: a vector for each node.
        edges: a table [parent, child] for each edge of `tree`.
        total: records that the model stands for, > 0.
        progress: told the fraction of the steps allowed that is done.

    Returns:
        The model's marginals.

    Privacy:
        Post-processing of noisy tables.
    """
    potentials = Potentials(
        tuple(_start(node.counts) for node in nodes), tuple(np.zeros(e.counts.shape) for e in edges)
    )
    now = marginals(tree, potentials)
    loss, slope = _loss(now, nodes, edges, total)
    step = 1.0 / max(1.0, total * total * max(float(np.max(o.weight)) for o in (*nodes, *edges)))
    earlier = loss
    for turn in range(1, _STEPS + 1):
        while True:
            moved = potentials.moved(slope, -step)
            candidate = marginals(tree, moved)
            better, its_slope = _loss(candidate, nodes, edges, total)
            if better <= loss - 0.5 * (now.dot(slope) - candidate.dot(slope)):
                break
            step /= 2
            if step < 1e-300:
                return now
        potentials, now, loss, slope = moved, candidate, better, its_slope
        step *= 1.1  # gently: each step too far costs an evaluation
        if turn % 10 == 0:
            progress(turn / _STEPS)
            if earlier - loss <= _TOLERANCE * loss:
                break
            earlier = loss
    return now


def _start(counts: Table) -> Table:
    """Logarithms of the noisy counts, those below one record raised to it."""
    return np.asarray(np.log(np.maximum(counts, 1.0)))


def _loss(
    now: Marginals, nodes: Sequence[Observed], edges: Sequence[Observed], total: float
) -> tuple[float, Potentials]:
    """Half the weighted squared distance, and its gradient in the marginals."""
    value = 0.0
    slopes: list[Table] = []
    for table, seen in zip((*now.nodes, *now.edges), (*nodes, *edges), strict=True):
        error = total * table - seen.counts
        weighted = error * seen.weight
        value += 0.5 * float(np.vdot(error, weighted))
        weighted *= total
        slopes.append(weighted)
    return value, Potentials(tuple(slopes[: len(nodes)]), tuple(slopes[len(nodes) :]))
