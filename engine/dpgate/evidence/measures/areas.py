"""Areas under ROC curves, and R², from noisy counts, with intervals.

Both are functions f of a vector of counts y whose noise has variance σ² in each entry. To first order the
noise contributes σ²·Σ(∂f/∂y)² to the variance of f; that real rows are a sample contributes the variance
of the same gradients over rows (for the area: DeLong and others 1988), times k where up to k rows are
of one person. The interval is 1.96 standard deviations of both together. First order is not enough
where a class is lost in its noise: then nothing is known, and the interval says so.
"""

from __future__ import annotations

from math import sqrt
from typing import TYPE_CHECKING

import numpy as np

from dpgate.evidence.attacks.interval import FEWEST, TAIL, Interval, quantile

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

LOST = 4.0
"""Standard deviations of its noise that a denominator must be above 0."""


def one_area(counts: Floats, sigma: float, together: int) -> tuple[Interval, float]:
    """The area of one class against all others, and its standard deviation.

    Args:
        counts: of shape (score bins, 2), scores increasing; others, then the class itself.
        sigma: σ of the noise on each.
        together: most rows of one person.

    Returns:
        A standard deviation of infinity where a class is lost in its noise.
    """
    bins = len(counts)
    others, own = counts[:, 0], counts[:, 1]
    n0, n1 = float(others.sum()), float(own.sum())
    lost = LOST * sigma * sqrt(bins)
    if min(n0, n1) < FEWEST * together + lost:
        return Interval(low=0.0, value=0.5, high=1.0), float("inf")
    below = np.cumsum(others) - others / 2
    above = n1 - np.cumsum(own) + own / 2
    area = float(own @ below) / (n0 * n1)
    up, down = below / n0, above / n1
    gradient = np.concatenate([(up - area) / n1, (down - area) / n0])
    noise = sigma**2 * float(gradient @ gradient) + sigma**4 * bins**2 / 2 / (n0 * n1) ** 2
    spread = _variance(up, own, area) / n1 + _variance(down, others, area) / n0
    # A sample without a single error still says nothing finer than one row.
    spread = together * (spread + (together / min(n0, n1)) ** 2)
    deviation = sqrt(noise + spread)
    half = quantile(TAIL) * deviation
    return Interval(low=area - half, value=area, high=area + half), deviation


def _variance(values: Floats, weights: Floats, mean: float) -> float:
    return max(float(weights @ (values - mean) ** 2) / float(weights.sum()), 0.0)


def mean_area(counts: Floats, sigma: float, together: int) -> tuple[Interval, list[Interval]]:
    """The mean area of all classes, weighted by their rows, and that of each.

    Args:
        counts: of shape (classes, score bins, 2).
        sigma: σ of the noise on each.
        together: most rows of one person.

    Returns:
        Classes that are lost in their noise count from 0 to 1, by the most rows that they may have.
    """
    found = [one_area(each, sigma, together) for each in counts]
    rows = counts[:, :, 1].sum(axis=1)
    unsure = quantile(TAIL) * sigma * sqrt(counts.shape[1])
    sure = np.array([deviation < float("inf") for _, deviation in found])
    if not sure.any():
        return Interval(low=0.0, value=0.5, high=1.0), [each for each, _ in found]
    lost = float(np.maximum(rows[~sure] + unsure, 0).sum())
    weights = rows[sure] / rows[sure].sum()
    areas = np.array([each.value for each, _ in found])[sure]
    deviations = np.array([deviation for _, deviation in found])[sure]
    area = float(weights @ areas)
    # The same rows speak for every class, so that deviations add up; those of weights come on top.
    moved = unsure / quantile(TAIL) * sqrt(float(((areas - area) ** 2).sum())) / rows[sure].sum()
    half = quantile(TAIL) * sqrt(float(weights @ deviations) ** 2 + moved**2)
    part = lost / (lost + float(rows[sure].sum()))
    main = Interval(
        low=(1 - part) * (area - half), value=area, high=(1 - part) * (area + half) + part
    )
    return _within(main), [_within(each) for each, _ in found]


def explained(
    counts: Floats, predicted: Floats, true: Floats, sigma: float, together: int
) -> Interval:
    """R² = 1 − Σ(v − v̂)²/Σ(v − v̄)² from counts of (predicted, true) values; below 0 it is 0.

    Args:
        counts: of shape (predicted values, true values).
        predicted: values of the first axis.
        true: values of the second one.
        sigma: σ of the noise on each count.
        together: most rows of one person.
    """
    rows, total = counts.sum(axis=0), float(counts.sum())
    unknown = Interval(low=0.0, value=0.0, high=1.0)
    if total < FEWEST * together + LOST * sigma * sqrt(counts.size):
        return unknown
    mean = float(rows @ true) / total
    off = np.broadcast_to((true - mean) ** 2, counts.shape)
    wrong = (true[None, :] - predicted[:, None]) ** 2
    all_off = float((counts * off).sum())
    if all_off <= LOST * sigma * sqrt(float((off**2).sum())) or all_off <= 0:
        return unknown
    value = 1 - float((counts * wrong).sum()) / all_off
    gradient = -(wrong - (1 - value) * off) / all_off
    noise = sigma**2 * float((gradient**2).sum())
    spread = together * max(float((counts * gradient**2).sum()), 0.0)
    half = quantile(TAIL) * sqrt(noise + spread + (together / total) ** 2)
    return _within(Interval(low=value - half, value=value, high=value + half))


def _within(found: Interval) -> Interval:
    low, value, high = (min(max(v, 0.0), 1.0) for v in (found.low, found.value, found.high))
    return Interval(low=low, value=value, high=high)
