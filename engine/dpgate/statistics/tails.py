"""How far noise reaches: half-widths that hold exactly, or are on the safe side. No NumPy here."""

from __future__ import annotations

import math
from statistics import NormalDist

from dpgate.model.event import Event

CONFIDENCE = 0.95
"""Of every interval, one at a time."""

ALPHA = 1 - CONFIDENCE


def half_width(event: Event, alpha: float = ALPHA) -> int:
    """The lowest whole h found with P(|noise| > h) ≤ alpha, for one number of a vector.

    Args:
        event: `gaussian` or `laplace`.
        alpha: in (0, 1).

    Returns:
        h in units of the input. For the discrete Laplace it is the exact quantile: P(|X| > h) =
        2·e^(−(h+1)/b) / (1 + e^(−1/b)). For the discrete Gaussian it is at most one above it:
        P(X ≥ m) ≤ P(N(0, σ²) ≥ m − 1) (Canonne, Kamath, Steinke 2020, proposition 25).
    """
    scale = float(event.scale)
    if event.mechanism == "gaussian":
        return math.ceil(NormalDist().inv_cdf(1 - alpha / 2) * scale)
    found = scale * math.log(2 / (alpha * (1 + math.exp(-1 / scale)))) - 1
    return max(0, math.ceil(found - 1e-9 * abs(found)))


def trailing(event: Event, candidates: int, alpha: float = ALPHA) -> int:
    """How far a selected score may trail the best that was left, for all selections together.

    Args:
        event: `noisy-max`; its `times` are the number of selections.
        candidates: scores in the first selection, ≥ 1.
        alpha: in (0, 1).

    Returns:
        t with P(some selection trails by more than t) ≤ alpha: each of the others is chosen with
        probability at most e^(−t/scale) of the best one's.
    """
    others = max(candidates - 1, 1)
    return math.ceil(float(event.scale) * math.log(others * event.times / alpha))


def rank_margin(event: Event, share: float, cells: int, alpha: float = ALPHA) -> float:
    """One-sided margin of Σ w·noise, with w = 1 − share for `cells[0]` cells and −share for the rest.

    See `weighted_margin`; this is its largest value over where among `cells` cells the quantile
    may be: the logarithm of the moments is linear in it, so one of the ends is worst.
    """
    return max(weighted_margin(event, share, below, cells - below, alpha) for below in (0, cells))


def weighted_margin(
    event: Event, share: float, below: int, above: int, alpha: float = ALPHA
) -> float:
    """T with P(Σ w·noise > t) ≤ alpha / 2, the same on the other side.

    Args:
        event: `gaussian` or `laplace`, independent noise on each cell.
        share: in (0, 1).
        below: cells of weight 1 − share.
        above: cells of weight −share.
        alpha: both sides together, in (0, 1).

    Returns:
        Chernoff's bound: (ln E e^(λ·Σ) + ln(2/alpha)) / λ, at a good λ; any λ gives a bound. The
        discrete Gaussian's moments are below the Gaussian's (Canonne, Kamath, Steinke 2020).
    """
    chance = math.log(2 / alpha)
    scale = float(event.scale)
    weights = [(below, 1 - share), (above, share)]
    weights = [(cells, weight) for cells, weight in weights if cells]
    if event.mechanism == "gaussian":
        spread = sum(cells * weight**2 for cells, weight in weights)
        return scale * math.sqrt(2 * spread * chance)
    # The moments end where λ is 1/(b·largest weight): steps toward it.
    limit = 1 / (scale * max(weight for _, weight in weights))
    best = math.inf
    for step in range(1, 64):
        rate = limit * (1 - math.exp(-step / 16))
        moments = sum(cells * _laplace_moment(rate * weight, scale) for cells, weight in weights)
        best = min(best, (moments + chance) / rate)
    return best


def _laplace_moment(rate: float, scale: float) -> float:
    """Ln E e^(rate·X) of the discrete Laplace of that scale; rate·scale < 1."""
    p = math.exp(-1 / scale)
    return 2 * math.log1p(-p) - math.log1p(-p * math.exp(rate)) - math.log1p(-p * math.exp(-rate))
