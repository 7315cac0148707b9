"""Noisy one-way tables as distributions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from dpgate.synthesis.inference.simplex import project
from dpgate.synthesis.mst.merge import total_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from dpgate.mechanisms.session import Mechanisms
    from dpgate.sources.interface import MarginalSource
    from dpgate.synthesis.interface import Progress


@dataclass(frozen=True, kw_only=True)
class Margins:
    """What one-way tables say.

    Attributes:
        shares: for each column the probability of each cell; they sum to 1.
        total: noisy number of private records, at least 0.
    """

    shares: tuple[NDArray[np.float64], ...]
    total: float


def measure(
    source: MarginalSource, mechanisms: Mechanisms, name: str, sigma: float, progress: Progress
) -> Margins:
    """One-way tables of all columns.

    Args:
        source: private counts.
        mechanisms: pays for a table a column.
        name: of the event that pays.
        sigma: its scale, in records.
        progress: told about the stage `measure one-way`.

    Privacy:
        Each table goes through a mechanism at once; projecting the noisy counts onto
        distributions, and their sum, are post-processing.
    """
    columns = len(source.domain)
    noisy = []
    for place, table in enumerate(source.count([(column,) for column in range(columns)])):
        noisy.append(mechanisms.gaussian(name, table))
        progress("measure one-way", (place + 1) / columns)
    total = total_of([(table, sigma) for table in noisy])
    whole = max(total, 1.0)
    shares = tuple(project(table.astype(np.float64), whole) / whole for table in noisy)
    return Margins(shares=shares, total=total)
