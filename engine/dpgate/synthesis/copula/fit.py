"""Measuring margins and signs, and solving for correlations."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np

from dpgate.model.event import Event
from dpgate.synthesis.copula.correlation import nearest, polychoric, shrunk, thresholds
from dpgate.synthesis.copula.model import CopulaModel
from dpgate.synthesis.copula.synthesizer import ONE_WAY, PAIRS, SPLITS
from dpgate.synthesis.independent.margins import measure
from dpgate.synthesis.interface import Progress, Task

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from dpgate.mechanisms.session import Mechanisms
    from dpgate.sources.interface import Cells, Counts, MarginalSource


@dataclass(frozen=True, kw_only=True)
class Levels:
    """A column in few levels.

    Attributes:
        cells: the level of each cell, numbered from 0.
        score: of each level: splits below it less splits above it.
        above: share of rows above each of the `SPLITS` splits, by noisy margins.
    """

    cells: Cells
    score: Counts
    above: NDArray[np.float64]


def fit(
    task: Task,
    events: Sequence[Event],
    source: MarginalSource,
    mechanisms: Mechanisms,
    progress: Progress,
) -> CopulaModel:
    """See `Synthesizer.fit`.

    Privacy:
        `source` is read twice: one-way tables, and levels by splits that follow from them noisy.
    """
    sigma = {event.name: float(event.scale) for event in events}
    margins = measure(source, mechanisms, ONE_WAY, sigma[ONE_WAY], progress)
    columns = len(task.domain)
    correlation = np.eye(columns)
    if columns > 1:
        levels = [split(shares) for shares in margins.shares]
        noisy = mechanisms.gaussian(PAIRS, products(source, levels))
        upper = np.triu_indices(columns, 1)  # pairs in the order of `combinations`
        correlation[upper] = correlations(levels, noisy, max(margins.total, 1.0), sigma[PAIRS])
        correlation = nearest(correlation + np.triu(correlation, 1).T)
        progress("measure pairs", 1.0)
    return CopulaModel(
        domain=task.domain, shares=margins.shares, correlation=correlation, total=margins.total
    )


def split(shares: NDArray[np.float64]) -> Levels:
    """Splits between cells, as near to quantiles as they can be; several may be the same."""
    upto = np.cumsum(shares)[:-1]
    if not upto.size:
        cells = np.zeros(1, dtype=np.int64)
        return Levels(cells=cells, score=cells - SPLITS, above=np.zeros(SPLITS))
    wanted = np.arange(1, SPLITS + 1) / (SPLITS + 1)
    cuts = np.abs(upto[:, None] - wanted).argmin(axis=0)  # the last cell below each split
    first = np.append(0, np.unique(cuts) + 1)  # the lowest cell of each level
    passed = (cuts < first[:, None]).sum(axis=1)
    return Levels(
        cells=np.searchsorted(first, np.arange(len(shares)), side="right") - 1,
        score=2 * passed - SPLITS,
        above=1.0 - upto[cuts],
    )


def products(source: MarginalSource, levels: Sequence[Levels]) -> Counts:
    """For each pair of columns the sum over all rows of the product of their scores.

    Privacy:
        Exact private numbers. Every row adds at most `SPLITS`² in size, whatever it holds.
    """
    pairs = list(combinations(range(len(levels)), 2))
    tables = source.count(pairs, merged=[column.cells for column in levels])
    sums = [
        levels[a].score @ table @ levels[b].score
        for (a, b), table in zip(pairs, tables, strict=True)
    ]
    return np.array(sums, dtype=np.int64)


def correlations(
    levels: Sequence[Levels], noisy: Counts, total: float, sigma: float
) -> NDArray[np.float64]:
    """Polychoric correlations of all pairs.

    Args:
        levels: of each column.
        noisy: from `products`, with noise.
        total: noisy number of rows, > 0.
        sigma: standard deviation of the noise, in the unit of `noisy`.

    Returns:
        A mean product is the product of the mean scores plus 4 times the quadrants of all pairs
        of splits, which rise with the correlation; what noise alone may explain is taken for 0.
    """
    above = np.array([column.above for column in levels])
    mean = (2.0 * above - 1.0).sum(axis=1)
    one, other = np.triu_indices(len(levels), 1)
    excess = shrunk(noisy / total - mean[one] * mean[other], sigma / total)
    at = thresholds(above)
    return np.where(excess == 0, 0.0, polychoric(at[one], at[other], excess / 4.0))
