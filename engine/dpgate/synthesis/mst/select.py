"""Choosing the tree: noisy maxima over pairs that a model of independent columns misses most."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np

from dpgate.synthesis.inference.simplex import project
from dpgate.synthesis.interface import Progress
from dpgate.synthesis.mst.merge import Merged
from dpgate.synthesis.mst.plan import SCORE_UNIT, SELECT

if TYPE_CHECKING:
    from dpgate.mechanisms.session import Mechanisms
    from dpgate.sources.interface import Counts, MarginalSource

Pair = tuple[int, int]

_CELLS_AT_ONCE = 2**23
"""Cells of the pair tables that are held at a time."""


def spanning_tree(
    source: MarginalSource,
    columns: Sequence[Merged],
    total: float,
    sigma: float,
    mechanisms: Mechanisms,
    progress: Progress,
) -> list[Pair]:
    """The edges of a tree over all columns, one noisy maximum each (Kruskal's rounds).

    Args:
        source: private counts.
        columns: noisy one-way tables, merged.
        total: noisy number of records.
        sigma: σ of the noise that a chosen pair will be measured with.
        mechanisms: pays `mst.select` for each edge when there are three columns or more.
        progress: told about the stage `select`.

    Privacy:
        A score is Σ|K·count − model| − penalty, whole by construction; model and penalty follow
        from noisy tables. One row moves one count by 1, so a score by K = `SCORE_UNIT` at most
        (replace-one: twice that).
    """
    if len(columns) < 3:
        return [(0, 1)] if len(columns) == 2 else []
    pairs = list(combinations(range(len(columns)), 2))
    scores = _scores(source, columns, pairs, total, sigma, progress)
    return kruskal(pairs, scores, lambda among: mechanisms.select(SELECT, among))


def kruskal(pairs: Sequence[Pair], scores: Counts, choose: Callable[[Counts], int]) -> list[Pair]:
    """A tree over all columns, an edge a round among the pairs that would close no circle.

    Args:
        pairs: all pairs of columns, two columns at least.
        scores: of each pair.
        choose: the place of one of the scores it is given.
    """
    component = sorted({column for pair in pairs for column in pair})
    rounds = len(component) - 1
    chosen: list[Pair] = []
    for _ in range(rounds):
        open_ = np.array([component[a] != component[b] for a, b in pairs])
        places = np.flatnonzero(open_)
        a, b = pairs[places[choose(scores[places])]]
        chosen.append((a, b))
        old, new = component[b], component[a]
        component = [new if c == old else c for c in component]
    return chosen


def _scores(
    source: MarginalSource,
    columns: Sequence[Merged],
    pairs: Sequence[Pair],
    total: float,
    sigma: float,
    progress: Progress,
) -> Counts:
    sizes = [column.size for column in columns]
    merged = [column.cells for column in columns]
    models = [project(column.counts, max(total, 1.0)) for column in columns]
    scores: list[int] = []
    for group in _groups(pairs, sizes):
        for (a, b), counts in zip(group, source.count(group, merged=merged), strict=True):
            independent = np.outer(models[a], models[b] / max(total, 1.0))
            model = np.rint(SCORE_UNIT * independent).astype(np.int64)
            distance = int(np.abs(SCORE_UNIT * counts - model).sum())
            scores.append(distance - penalty(counts.size, sigma))
        progress("select", len(scores) / len(pairs))
    return np.array(scores, dtype=np.int64)


def penalty(cells: int, sigma: float) -> int:
    """Expected L1 size of the noise on a table, in sixteenths of a record."""
    return round(SCORE_UNIT * cells * sigma * float(np.sqrt(2.0 / np.pi)))


def _groups(pairs: Sequence[Pair], sizes: Sequence[int]) -> Iterator[list[Pair]]:
    """Pairs in order, as many at a time as memory is meant for; sizes are public (merged)."""
    group: list[Pair] = []
    held = 0
    for a, b in pairs:
        cells = sizes[a] * sizes[b]
        if group and held + cells > _CELLS_AT_ONCE:
            yield group
            group, held = [], 0
        group.append((a, b))
        held += cells
    if group:
        yield group
