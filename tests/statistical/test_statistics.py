"""Published intervals cover as often as they say, and are hardly wider than that takes.

Many cells with the same exact numbers go through one run of a mechanism: each is a trial.
"""

from __future__ import annotations

from decimal import Decimal

import numpy as np
import pytest
from scipy import stats

from dpgate.accounting.calibrate import Budget, gaussian_event, laplace_event
from dpgate.mechanisms.session import Mechanisms
from dpgate.model.domain import ColumnDomain
from dpgate.model.event import Event
from dpgate.model.grid import Grid
from dpgate.statistics import interval
from dpgate.statistics.interval import Estimates

pytestmark = pytest.mark.slow

TRIALS = 6_000
ALPHA = 1e-6
"""Chance that a right interval fails one of these tests."""


def event(kind: str, name: str, scale: float, moved: int = 1) -> Event:
    """Noise of about the given scale for each unit that a row moves."""
    if kind == "laplace":
        budget = Budget("epsilon", Decimal(str(round(1 / scale, 9))))
        return laplace_event(
            name=f"test.{name}", budget=budget, times=1, sensitivity=moved, relation="add-remove"
        )
    return gaussian_event(
        name=f"test.{name}", rho=Decimal(str(round(0.5 / scale**2, 12))), times=1,
        sensitivity_squared=moved**2, relation="add-remove",
    )  # fmt: skip


def noisy(made: Event, exact: np.ndarray) -> np.ndarray:
    session = Mechanisms([made], "add-remove")
    return (session.laplace if made.mechanism == "laplace" else session.gaussian)(made.name, exact)


def covered(made: Estimates, truth: float) -> float:
    """Share of intervals that hold the truth; fails if that is too low to be chance."""
    inside = int(((made.low <= truth) & (truth <= made.high)).sum())
    trials = np.asarray(made.low).size
    assert stats.binom.cdf(inside, trials, 0.95) > ALPHA, inside / trials
    return inside / trials


@pytest.mark.parametrize("kind", ["gaussian", "laplace"])
@pytest.mark.parametrize("scale", [0.7, 20.0])
def test_counts_and_sums_cover(kind: str, scale: float) -> None:
    paid = event(kind, "count", scale)
    out = noisy(paid, np.full(TRIALS, 3, dtype=np.int64))
    share = covered(interval.counts(out, paid), 3)
    assert share < 0.965 or scale < 1  # whole numbers are coarse there
    assert covered(interval.counts(out, paid, nonnegative=True), 3) >= share
    grid = Grid(decimals=2, low=0, high=500)
    dear = event(kind, "sum", scale, moved=500)
    exact = np.full(TRIALS, 12_345, dtype=np.int64)
    share = covered(interval.sums(noisy(dear, exact), dear, grid), 123.45)
    assert share < 0.965


@pytest.mark.parametrize("kind", ["gaussian", "laplace"])
@pytest.mark.parametrize("rows", [1, 3, 40, 5_000])
@pytest.mark.parametrize("mean", [0, 37, 100])
def test_means_cover(kind: str, rows: int, mean: int) -> None:
    """From groups that drown in noise to groups that do not notice it, in the middle and at a bound."""
    grid = Grid(decimals=0, low=0, high=100)
    summed, counted = event(kind, "sum", 15, moved=50), event(kind, "count", 15)
    total = np.full(TRIALS, rows * (mean - grid.middle), dtype=np.int64)
    count = np.full(TRIALS, rows, dtype=np.int64)
    made = interval.means(noisy(summed, total), summed, noisy(counted, count), counted, grid)
    covered(made, mean)
    assert (np.asarray(made.low) <= made.value).all()
    assert (made.value <= np.asarray(made.high)).all()


@pytest.mark.parametrize("kind", ["gaussian", "laplace"])
@pytest.mark.parametrize("share", [0.02, 0.5, 0.9])
@pytest.mark.parametrize("shape", ["level", "steep", "one", "few"])
def test_quantiles_cover(kind: str, share: float, shape: str) -> None:
    bins = 12
    exact = {
        "level": np.full(bins, 60),
        "steep": (600 * 0.6 ** np.arange(bins)).astype(int),
        "one": np.eye(bins, dtype=int)[7] * 500,
        "few": np.eye(bins, dtype=int)[3] * 2,
    }[shape]
    column = ColumnDomain(
        name="x", kind="integer", lows=tuple(range(0, 120, 10)), highs=tuple(range(9, 120, 10))
    )
    paid = event(kind, "histogram", 6)
    out = noisy(paid, np.tile(exact, (TRIALS // 4, 1)).astype(np.int64))
    made = interval.quantiles(out, paid, [share], column)
    bin_of = int((np.cumsum(exact) >= share * exact.sum()).argmax())
    low = int(((made.low <= column.lows[bin_of]) & (column.highs[bin_of] <= made.high)).sum())
    assert stats.binom.cdf(low, TRIALS // 4, 0.95) > ALPHA, low
    assert ((made.low <= made.value) & (made.value <= made.high)).all()


def test_intervals_for_half_the_noise_would_not_cover() -> None:
    """The other side: a too small half-width is found out."""
    paid = event("gaussian", "count", 40)
    out = noisy(paid, np.zeros(TRIALS, dtype=np.int64))
    half = event("gaussian", "count", 30)
    with pytest.raises(AssertionError):
        covered(interval.counts(out, half), 0)
