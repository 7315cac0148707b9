"""Measuring a source and fitting a tree to what came out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from dpgate.model.event import Event
from dpgate.synthesis.inference.estimate import Observed, estimate, prior_for
from dpgate.synthesis.inference.steps import steps_of
from dpgate.synthesis.inference.triangulate import junction_tree
from dpgate.synthesis.interface import Progress, Task
from dpgate.synthesis.mst.merge import merge, total_of
from dpgate.synthesis.mst.plan import ONE_WAY, TWO_WAY, scales
from dpgate.synthesis.mst.select import spanning_tree
from dpgate.synthesis.sampling.directed import DirectedModel

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
    cells = [column.cells for column in columns]
    edges = _measure(source, pairs, mechanisms, TWO_WAY, progress, cells)
    total = total_of(sums + [(table, sigma.two_way) for table in edges])
    observed = [column.observed(place) for place, column in enumerate(columns)]
    observed += [
        Observed(columns=pair, counts=table.astype(np.float64), weight=np.array(sigma.two_way**-2))
        for pair, table in zip(pairs, edges, strict=True)
    ]
    fitted = estimate(
        junction_tree([column.size for column in columns], pairs),
        observed,
        max(total, 1.0),
        prior=prior_for(max(total, 1.0), sigma.two_way or sigma.one_way),
        progress=lambda done: progress("fit", done),
    )
    progress("fit", 1.0)
    return DirectedModel(
        domain=task.domain, columns=tuple(columns), steps=steps_of(fitted.beliefs), total=total
    )


def _measure(
    source: MarginalSource,
    cliques: Sequence[tuple[int, ...]],
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
