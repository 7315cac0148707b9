"""From noisy vectors to numbers with 95 % intervals: post-processing, on arrays.

Each interval holds for its own number, over the noise alone; not for all of them at once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from dpgate.model.domain import ColumnDomain
from dpgate.model.event import Event
from dpgate.model.grid import Grid
from dpgate.statistics.tails import ALPHA, half_width, weighted_margin

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from dpgate.sources.interface import Counts

    Numbers = NDArray[np.float64]


_PARTS = ("value", "low", "high")


@dataclass(frozen=True, kw_only=True)
class Estimates:
    """Numbers and their intervals, alike in shape; int64 for counts, float64 else."""

    value: Counts | Numbers
    low: Counts | Numbers
    high: Counts | Numbers


def counts(noisy: Counts, event: Event, *, nonnegative: bool = False) -> Estimates:
    """Counts as they came out; below 0 only noise can take them, and `nonnegative` cuts that off."""
    half = half_width(event)
    low, high = noisy - half, noisy + half
    if not nonnegative:
        return Estimates(value=noisy, low=low, high=high)
    return Estimates(value=np.maximum(noisy, 0), low=np.maximum(low, 0), high=np.maximum(high, 0))


def sums(noisy: Counts, event: Event, grid: Grid) -> Estimates:
    """Sums in the column's own unit; whole numbers stay whole."""
    half = half_width(event)
    if grid.per == 1:
        return Estimates(value=noisy, low=noisy - half, high=noisy + half)
    return Estimates(
        value=noisy / grid.per, low=(noisy - half) / grid.per, high=(noisy + half) / grid.per
    )


def means(
    total: Counts, sum_event: Event, count: Counts, count_event: Event, grid: Grid
) -> Estimates:
    """Means from noisy sums (from the grid's middle) and noisy counts of the same rows.

    The interval is that of every ratio within both intervals, at 97.5 % each, and within the
    column's bounds; so it covers at 95 % where there is any row. Rounded outwards.
    """
    far, few = half_width(sum_event, ALPHA / 2), half_width(count_event, ALPHA / 2)
    least, most = np.maximum(count - few, 1), np.maximum(count + few, 1)
    below, above = total - far, total + far
    bounds = grid.low - grid.middle, grid.high - grid.middle
    low = np.clip(below / np.where(below >= 0, most, least), *bounds)
    high = np.clip(above / np.where(above >= 0, least, most), *bounds)
    value = np.clip(total / np.maximum(count, 1), low, high)
    middle, per = 1000 * grid.middle, 1000 * grid.per  # in thousandths of a unit
    return Estimates(
        value=(np.rint(value * 1000) + middle) / per,
        low=(np.floor(low * 1000) + middle) / per,
        high=(np.ceil(high * 1000) + middle) / per,
    )


def quantiles(
    noisy: Counts, event: Event, shares: Sequence[float], column: ColumnDomain
) -> Estimates:
    """Quantiles from a noisy histogram.

    The quantile at q lies in the first bin j with T(j) = C(j) − q·N ≥ 0, where C(j) counts the
    rows up to its end. T(j) ≥ 0 > T(j−1) holds at that one bin, so the interval runs from the
    first bin whose noisy T is above minus its margin to the last one whose predecessor's is
    below its margin: each end fails with probability at most 2.5 %.

    Args:
        noisy: a line of bins for each group, without the null cell.
        event: what it was measured with.
        shares: the q's.
        column: its bins.

    Returns:
        A line of quantiles for each group. Estimates interpolate within a bin of a histogram that
        was made to rise; they are not unbiased.
    """
    cells = noisy.shape[1]
    upto = np.cumsum(noisy, axis=1).astype(np.float64)
    rising = np.maximum.accumulate(upto, axis=1)
    falling = np.minimum.accumulate(upto[:, ::-1], axis=1)[:, ::-1]
    smooth = np.maximum((rising + falling) / 2, 0)
    lows = np.array(column.lows, dtype=np.float64)
    highs = np.array(column.highs, dtype=np.float64)
    found = []
    for share in shares:
        margin = np.array(
            [weighted_margin(event, share, j + 1, cells - j - 1) for j in range(cells)]
        )
        distance = upto - share * upto[:, -1:]
        reached = distance >= -margin
        reached[:, -1] = True
        first = reached.argmax(axis=1)
        open_ = distance[:, :-1] < margin[:-1]
        last = np.where(open_.any(axis=1), cells - 1 - open_[:, ::-1].argmax(axis=1), 0)
        low, high = lows[first], highs[last]
        value = _interpolated(smooth, share, lows, highs)
        if column.kind == "integer":
            value = np.rint(value)
        found.append((np.clip(value, low, high), low, high))
    parts = [np.stack(part, axis=1) for part in zip(*found, strict=True)]
    if column.kind == "integer":
        return Estimates(**{n: p.astype(np.int64) for n, p in zip(_PARTS, parts, strict=True)})
    return Estimates(**dict(zip(_PARTS, parts, strict=True)))


def _interpolated(smooth: Numbers, share: float, lows: Numbers, highs: Numbers) -> Numbers:
    """Where a rising histogram reaches its share, by straight lines within bins."""
    wanted = share * smooth[:, -1]
    place = (smooth >= wanted[:, None]).argmax(axis=1)
    lines = np.arange(len(smooth))
    before = np.where(place > 0, smooth[lines, place - 1], 0.0)
    held = smooth[lines, place] - before
    part = np.where(held > 0, (wanted - before) / np.where(held > 0, held, 1.0), 0.5)
    return np.asarray(lows[place] + np.clip(part, 0, 1) * (highs[place] - lows[place]))
