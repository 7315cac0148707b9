"""Half-widths against the distributions themselves, summed term by term."""

from __future__ import annotations

import math
from decimal import Decimal

import numpy as np
import pytest

from dpgate.model.event import Event, Mechanism
from dpgate.statistics.tails import half_width, rank_margin, trailing, weighted_margin

SCALES = ["0.05", "0.4", "1", "2.5", "17", "800"]


def event(mechanism: Mechanism, scale: str, times: int = 1) -> Event:
    return Event(
        name="test.tails",
        mechanism=mechanism,
        relation="add-remove",
        sensitivity_squared=Decimal(1),
        scale=Decimal(scale),
        times=times,
        loss=Decimal(1),
        delta0=Decimal(0),
        proof="opendp",
    )


def law(mechanism: Mechanism, scale: float) -> tuple[np.ndarray, np.ndarray]:
    """Whole numbers and their probabilities."""
    reach = math.ceil(40 * scale) + 5
    x = np.arange(-reach, reach + 1)
    weight = (
        np.exp(-(x**2) / (2 * scale**2)) if mechanism == "gaussian" else np.exp(-abs(x) / scale)
    )
    return x, weight / weight.sum()


@pytest.mark.parametrize("mechanism", ["gaussian", "laplace"])
@pytest.mark.parametrize("scale", SCALES)
@pytest.mark.parametrize("alpha", [0.5, 0.05, 0.025, 0.001])
def test_half_widths_cover_and_hardly_more(mechanism: Mechanism, scale: str, alpha: float) -> None:
    x, chance = law(mechanism, float(scale))
    half = half_width(event(mechanism, scale), alpha)
    assert chance[abs(x) > half].sum() <= alpha * (1 + 1e-9)
    less = half - (1 if mechanism == "laplace" else 2)
    if less >= 0:
        assert chance[abs(x) > less].sum() > alpha


@pytest.mark.parametrize("mechanism", ["gaussian", "laplace"])
@pytest.mark.parametrize("scale", ["0.4", "3"])
@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
@pytest.mark.parametrize("cells", [(1, 0), (0, 1), (2, 3), (0, 6)])
def test_margins_of_weighted_sums_cover(
    mechanism: Mechanism, scale: str, share: float, cells: tuple[int, int]
) -> None:
    """By convolution of the law of each cell on a grid of tenths."""
    x, chance = law(mechanism, float(scale))
    total = np.array([1.0])
    for weight, count in ((1 - share, cells[0]), (share, cells[1])):
        spread = np.zeros((len(x) - 1) * round(weight * 10) + 1)
        spread[:: round(weight * 10)] = chance
        for _ in range(count):
            total = np.convolve(total, spread)
    place = (np.arange(len(total)) - len(total) // 2) / 10
    margin = weighted_margin(event(mechanism, scale), share, *cells)
    assert total[place > margin + 1e-9].sum() <= 0.025
    assert margin < 12 * float(scale) * math.sqrt(sum(cells)) + 1
    assert margin <= rank_margin(event(mechanism, scale), share, sum(cells)) * (1 + 1e-9)


def test_selections_trail_by_no_more() -> None:
    """P(i) ∝ e^(score/scale), the worst case: all others at the same distance below the best."""
    for others, times in ((1, 1), (5, 1), (40, 3)):
        chosen = event("noisy-max", "7", times)
        behind = trailing(chosen, others + 1)
        odds = others * math.exp(-behind / 7)
        assert times * odds / (1 + odds) <= 0.05
        assert trailing(chosen, 1) <= behind
