"""A fitted junction tree as a sequence of draws."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING

import numpy as np

from dpgate.synthesis.inference.propagate import Beliefs
from dpgate.synthesis.sampling.directed import Step

if TYPE_CHECKING:
    from dpgate.synthesis.inference.propagate import Table


def steps_of(beliefs: Beliefs) -> tuple[Step, ...]:
    """Each column given those of its bag that are drawn before it: a perfect order.

    Args:
        beliefs: exact marginals; their memory is not shared with the result.

    Privacy:
        Post-processing.
    """
    steps = []
    for bag, conditional in zip(beliefs.tree.bags, beliefs.conditionals, strict=True):
        sizes = [beliefs.tree.sizes[c] for c in bag.columns]
        for last in range(len(bag.separator), len(sizes)):
            later = tuple(range(last + 1, len(sizes)))
            table = conditional.sum(axis=later).reshape(prod(sizes[:last]), sizes[last])
            steps.append(
                Step(column=bag.columns[last], parents=bag.columns[:last], table=_lines(table))
            )
    return tuple(steps)


def _lines(table: Table) -> Table:
    """Lines that sum to 1; one that no row can reach is uniform."""
    sums = table.sum(axis=1, keepdims=True)
    lines = np.full_like(table, 1 / table.shape[1])
    return np.asarray(np.divide(table, sums, out=lines, where=sums > 0))
