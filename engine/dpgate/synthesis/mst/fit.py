"""Measuring a source and fitting a tree to what came out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from dpgate.model.event import Event
from dpgate.synthesis.inference import descent
from dpgate.synthesis.inference.descent import Observed
from dpgate.synthesis.inference.tree import rooted
from dpgate.synthesis.interface import Progress, Task
from dpgate.synthesis.mst.merge import merge, total_of
from dpgate.synthesis.mst.plan import ONE_WAY, TWO_WAY, scales
from dpgate.synthesis.mst.select import spanning_tree
from dpgate.synthesis.sampling.directed import DirectedModel, Step

if TYPE_CHECKING:
    from dpgate.mechanisms.session import Mechanisms
    from dpgate.sources.interface import Counts, MarginalSource


def fit(
    task: Task,
    events: Sequence[Event],
    source: MarginalSource,
    mechanisms: Mechanisms,
    progress: Progress,
) -> DirectedModel:
    """See `Synthesizer.fit`.

    Privacy:
        `source` is read in three places: one-way tables, scores and the tables of the chosen
        pairs, each of which goes through a mechanism at once.
    """
    sigma = scales(events)
    width = len(task.domain)
    noisy = _measure(source, [(c,) for c in range(width)], mechanisms, ONE_WAY, progress)
    sums = [(table, sigma.one_way) for table in noisy]
    columns = [merge(table, sigma.one_way) for table in noisy]
    pairs = spanning_tree(source, columns, total_of(sums), sigma.two_way, mechanisms, progress)
    tree = rooted(pairs, width)
    cells = [column.cells for column in columns]
    edges = _measure(
        source, [(e.parent, e.child) for e in tree], mechanisms, TWO_WAY, progress, cells
    )
    total = total_of(sums + [(table, sigma.two_way) for table in edges])
    weight = np.array(1.0 / sigma.two_way**2) if edges else np.array(0.0)
    fitted = descent.fit(
        tree,
        [column.observed for column in columns],
        [Observed(counts=table.astype(np.float64), weight=weight) for table in edges],
        max(total, 1.0),
        progress=lambda done: progress("fit", done),
    )
    progress("fit", 1.0)
    steps = [Step(column=0, parents=(), table=fitted.nodes[0][None, :])]
    steps += [
        Step(column=edge.child, parents=(edge.parent,), table=conditional)
        for edge, conditional in zip(tree, fitted.conditionals, strict=True)
    ]
    return DirectedModel(
        domain=task.domain, columns=tuple(columns), steps=tuple(steps), total=total
    )


def _measure(
    source: MarginalSource,
    cliques: list[tuple[int, ...]],
    mechanisms: Mechanisms,
    name: str,
    progress: Progress,
    merged: Sequence[Counts] | None = None,
) -> list[Counts]:
    """Noisy tables."""
    stage = f"measure {name.rpartition('.')[2].replace('_', '-')}"
    noisy = []
    for place, counts in enumerate(source.count(cliques, merged=merged)):
        noisy.append(mechanisms.gaussian(name, counts))
        progress(stage, (place + 1) / len(cliques))
    return noisy
