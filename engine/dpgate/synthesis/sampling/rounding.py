"""Whole numbers from expected ones, at random but as near as can be."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from dpgate.synthesis.inference.propagate import Table


def systematic(
    rows: NDArray[np.int64], probabilities: Table, rng: np.random.Generator
) -> NDArray[np.int64]:
    """Splits rows over cells by systematic sampling.

    Args:
        rows: how many rows to split, for each line of the table.
        probabilities: a table whose lines sum to 1.
        rng: source of randomness.

    Returns:
        Whole numbers whose lines sum to `rows`; each is rows·probability rounded up or down, and
        equal to it on average. The error is so far below that of independent draws.
    """
    # The end of each line is exact, so that no row is lost to rounding of the sum.
    upto = np.minimum(np.cumsum(probabilities, axis=1), 1.0) * rows[:, None]
    upto[:, -1] = rows
    ends = np.floor(upto + rng.random((len(rows), 1))).astype(np.int64)
    ends[:, -1] = rows
    np.minimum(ends, rows[:, None], out=ends)
    return np.diff(ends, axis=1, prepend=0)
