"""Least-squares projection of noisy numbers onto non-negative ones of a given sum."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from dpgate.synthesis.inference.propagate import Table


def project(values: Table, total: float) -> Table:
    """The nearest non-negative vector that sums to `total`.

    Args:
        values: a vector, not empty.
        total: > 0.

    Returns:
        max(values − t, 0) for the one t that gives the sum (Held, Wolfe, Crowder 1974).
    """
    falling = np.sort(values)[::-1]
    excess = np.cumsum(falling) - total
    kept = int(np.flatnonzero(falling > excess / np.arange(1, len(values) + 1))[-1])
    return np.asarray(np.maximum(values - excess[kept] / (kept + 1), 0.0))
