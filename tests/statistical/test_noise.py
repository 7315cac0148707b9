"""The noise is as large as the events say: neither less (a leak) nor more (a waste)."""

from __future__ import annotations

import random
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest
from scipy import stats

from dpgate.accounting.calibrate import (
    Budget,
    adaptive_event,
    gaussian_event,
    laplace_event,
    noisy_max_event,
    run_scale,
)
from dpgate.mechanisms.session import Mechanisms
from dpgate.model.event import Event

pytestmark = pytest.mark.slow

DRAWS = 12_000
ALPHA = 1e-6
"""Chance that a right mechanism fails one of these tests."""


def noise_event(rho: str, times: int = 1, moved: int = 1, relation: str = "add-remove") -> Event:
    return gaussian_event(
        name="test.noise",
        rho=Decimal(rho),
        times=times,
        sensitivity_squared=moved,
        relation=relation,
    )


def choice_event(scale_rho: str, times: int) -> Event:
    return noisy_max_event(
        name="test.choice",
        rho=Decimal(scale_rho),
        times=times,
        sensitivity_squared=16 * 16,
        relation="add-remove",
    )


def p_value(noise: np.ndarray, scale: float) -> float:
    """Two-sided p-value of χ² = Σ (noise/scale)² against its law under the true scale."""
    statistic = float(((noise / scale) ** 2).sum())
    tail = stats.chi2(len(noise))
    return float(2 * min(tail.cdf(statistic), tail.sf(statistic)))


@pytest.mark.parametrize("rho", ["0.0001", "0.005", "0.02"])
@pytest.mark.parametrize(("moved", "relation"), [(1, "add-remove"), (2, "replace-one")])
def test_gaussian_noise_has_its_scale_and_no_other(rho: str, moved: int, relation: str) -> None:
    event = noise_event(rho, moved=moved, relation=relation)
    counts = np.full(DRAWS, 1000, dtype=np.int64)
    noise = Mechanisms([event], relation).gaussian("test.noise", counts) - counts
    scale = float(event.scale)
    assert p_value(noise, scale) > ALPHA
    assert p_value(noise, scale * 1.3) < ALPHA
    assert p_value(noise, scale * 0.7) < ALPHA
    assert abs(noise.mean()) < 5 * scale / DRAWS**0.5
    assert abs(np.corrcoef(noise[1:], noise[:-1])[0, 1]) < 5 / DRAWS**0.5


def laplace_p_value(noise: np.ndarray, scale: float) -> float:
    """Two-sided p-value of Σ |noise| against its law under the discrete Laplace of that scale."""
    p = np.exp(-1 / scale)
    mean = 2 * p / (1 - p**2)
    square = 2 * p / (1 - p) ** 2  # E x²; Σ|x| is normal enough at 12,000 draws
    score = (abs(noise).sum() - len(noise) * mean) / np.sqrt(len(noise) * (square - mean**2))
    return float(2 * stats.norm.sf(abs(score)))


@pytest.mark.parametrize(
    ("measure", "amount"), [("epsilon", "2"), ("epsilon", "0.05"), ("rho", "0.001")]
)
@pytest.mark.parametrize("moved", [1, 2, 300])
def test_laplace_noise_has_its_scale_and_no_other(measure: str, amount: str, moved: int) -> None:
    event = laplace_event(
        name="test.noise", budget=Budget(measure, Decimal(amount)), times=1, sensitivity=moved,  # type: ignore[arg-type]
        relation="add-remove",
    )  # fmt: skip
    counts = np.full(DRAWS, -70, dtype=np.int64)
    noise = Mechanisms([event], "add-remove").laplace("test.noise", counts) - counts
    scale = float(event.scale)
    assert laplace_p_value(noise, scale) > ALPHA
    assert laplace_p_value(noise, scale * 1.3) < ALPHA
    assert laplace_p_value(noise, scale * 0.7) < ALPHA
    assert abs(noise.mean()) < 5 * 2**0.5 * scale / DRAWS**0.5


@pytest.mark.parametrize("wrong", [1.0, 1.3, 0.7])
def test_noisy_max_selects_with_its_probabilities(wrong: float) -> None:
    """Gumbel noise of the scale: P(i) ∝ exp(score_i / scale)."""
    event = choice_event("2000", times=DRAWS)
    scale = float(event.scale)
    scores = np.rint(scale * np.array([0.0, 0.5, 1.0, 2.0]) * 100).astype(np.int64) // 100
    session = Mechanisms([event], "add-remove")
    seen = np.bincount([session.select("test.choice", scores) for _ in range(DRAWS)], minlength=4)
    weights = np.exp(scores / (scale * wrong))
    p = stats.chisquare(seen, DRAWS * weights / weights.sum()).pvalue
    assert (p > ALPHA) == (wrong == 1.0)


@pytest.mark.parametrize("part", ["1/40", "1/3", "1"])
def test_an_adaptive_run_has_the_scale_it_was_given_and_no_other(part: str) -> None:
    event = adaptive_event(
        "adaptive-gaussian",
        name="test.noise",
        rho=Decimal("0.01"),
        times=40,
        sensitivity_squared=1,
        relation="add-remove",
    )
    chosen = run_scale(event, Fraction(part) * Fraction(event.loss))
    counts = np.full(DRAWS, 1000, dtype=np.int64)
    session = Mechanisms([event], "add-remove")
    noise = session.gaussian("test.noise", counts, scale=chosen) - counts
    scale = 1 / (2 * float(event.loss) * float(Fraction(part))) ** 0.5
    assert p_value(noise, scale) > ALPHA
    assert p_value(noise, scale * 1.3) < ALPHA
    assert p_value(noise, scale * 0.7) < ALPHA


def test_seeds_change_nothing() -> None:
    """Noise comes from the operating system; seeding what programs seed leaves it alone."""
    counts = np.zeros(50, dtype=np.int64)
    runs = []
    for _ in range(2):
        random.seed(0)
        np.random.seed(0)  # noqa: NPY002 - the seeding is what is tested
        runs.append(Mechanisms([noise_event("0.001")], "add-remove").gaussian("test.noise", counts))
    assert not np.array_equal(runs[0], runs[1])
