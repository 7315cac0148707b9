"""Pearson's χ² in a form that one row moves by a bounded amount, in exact integers.

A cell that should hold e records and holds x adds (x − e)²/e to χ²: one row in a cell that should be
nearly empty moves that without bound. Here it adds d·h((x − e)/d) with d = max(e, 5), where h(r) is r²
up to |r| = 1 and 2|r| − 1 beyond, so that a row moves one cell's part by at most 2. Five records is the
textbook's rule for cells that χ² may be trusted in.

Squares would overflow 64 bits, so h is interpolated between the 33 points r = 0, 1/32, … 1: it is then
the largest of a few straight lines of slope below 2, hence still convex and no steeper, and lies above
r² by at most 1/4096.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dpgate.evidence.measures.interface import RESOLUTION

if TYPE_CHECKING:
    from dpgate.sources.interface import Counts

PIECES = 32
"""Straight pieces of the parabola between 0 and 1."""
UNIT = PIECES**2
"""What the results of `huber` are to be divided by."""
SLOPE = 2
"""How far one step in one cell moves the result at most, in steps."""
FEWEST = 5
"""Records that a cell counts as expected to hold at least."""


def huber(counts: Counts, expected: Counts) -> int:
    """Σ d·h((x − e)/d), times `UNIT`, in steps of 1/K record.

    Args:
        counts: x in steps, ≥ 0; private or not.
        expected: e in steps, ≥ 0; public. Sums of both stay below 2⁵⁰.

    Privacy:
        One step in one cell of `counts` moves it by at most `SLOPE`·`UNIT`.
    """
    import numpy as np

    base = np.maximum(expected, FEWEST * RESOLUTION)
    far = np.abs(counts - expected)
    inside = np.minimum(far, base)
    piece = np.minimum(inside * PIECES // base, PIECES - 1)
    curved = PIECES * (2 * piece + 1) * inside - piece * (piece + 1) * base
    return int(curved.sum()) + SLOPE * UNIT * int((far - inside).sum())
