"""Merging cells that drown in noise, so that two-way tables are not mostly noise."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from dpgate.synthesis.inference.estimate import Observed
from dpgate.synthesis.inference.simplex import project
from dpgate.synthesis.sampling.directed import Coarsening

if TYPE_CHECKING:
    from dpgate.sources.interface import Counts
    from dpgate.synthesis.inference.propagate import Table

_SIGMAS = 3.0
"""Cells whose noisy count is below so many standard deviations are merged."""


@dataclass(frozen=True, kw_only=True)
class Merged(Coarsening):
    """One column after merging.

    Attributes:
        counts: noisy counts of the coarser cells.
        weight: inverse variance of each; a cell merged of k has k times the variance.
    """

    counts: Table
    weight: Table

    def observed(self, column: int) -> Observed:
        """What was seen of the column of this number."""
        return Observed(columns=(column,), counts=self.counts, weight=self.weight)


def merge(noisy: Counts, sigma: float) -> Merged:
    """Merges the cells of one column that are below three σ into one, the last.

    Args:
        noisy: noisy counts of one column, in records.
        sigma: standard deviation of the noise on each.

    Privacy:
        Post-processing.
    """
    rare = noisy < _SIGMAS * sigma
    cells = np.cumsum(~rare) - 1
    if rare.any():
        cells[rare] = int((~rare).sum())
    members: Table = np.bincount(cells).astype(np.float64)
    counts: Table = np.bincount(cells, weights=noisy).astype(np.float64)
    within = np.ones(len(noisy))
    if rare.any():
        mass = max(float(counts[-1]), 1.0)
        within[rare] = project(noisy[rare].astype(np.float64), mass) / mass
    return Merged(
        cells=cells,
        counts=counts,
        weight=1.0 / (members * sigma * sigma),
        within=within,
    )


def total_of(tables: list[tuple[Counts, float]]) -> float:
    """Number of records, from the sums of noisy tables weighted by their inverse variance.

    Args:
        tables: noisy counts with the σ of their noise.

    Returns:
        At least 0.

    Privacy:
        Post-processing: the exact number of rows is never read.
    """
    weights = np.array([1.0 / (noisy.size * sigma**2) for noisy, sigma in tables])
    sums = np.array([float(noisy.sum()) for noisy, _ in tables])
    return max(0.0, float(weights @ sums / weights.sum()))
