"""From a promise (ε, δ) to noise scales, never spending more than promised."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from functools import lru_cache
from typing import Literal

from dpgate.accounting.curves import loss_of, pure_loss_of
from dpgate.accounting.rounding import (
    EXACT,
    down,
    next_up,
    significant_down,
    significant_up,
    sqrt_up,
)
from dpgate.accounting.zcdp import epsilon_of_rho
from dpgate.errors import AccountingError
from dpgate.model.event import ADAPTIVE, Event, Mechanism
from dpgate.model.values import Relation

DIGITS = 9
"""Significant digits of calibrated values."""

_MARGIN = Decimal("1.000000000001")
"""Headroom for the rounding of OpenDP's float sums when parts of ρ are composed again."""

_PRECISION = Decimal("1e-11")
"""Width, relative to ρ, at which the search for it ends."""

_HIGHEST_EPSILON = 1000


@dataclass(frozen=True)
class Promise:
    """(ε, δ) that everything a release runs keeps together.

    Attributes:
        epsilon: nats, > 0.
        delta: in (0, 1).
    """

    epsilon: Decimal
    delta: Decimal


@dataclass(frozen=True)
class Budget:
    """What the events of a release may cost together.

    Attributes:
        measure: `rho`, zCDP for a release with δ above 0; `epsilon`, pure DP for one with δ = 0.
        amount: ρ or ε for one row, > 0.
        promise: what a whole ρ stands for, for events that have none (DP-SGD) and are planned from
            (ε, δ) itself. It is made to `rows` rows together. Parts of a budget have none.
        rows: public bound on the rows of one person, where persons are protected; else 1. See
            `dpgate.accounting.groups`.
    """

    measure: Literal["rho", "epsilon"]
    amount: Decimal
    promise: Promise | None = None
    rows: int = 1

    def part(self, share: Fraction) -> Budget:
        """A share of it, in (0, 1], rounded down; shares that sum to 1 cost no more than it."""
        amount = significant_down(Fraction(self.amount) * share, DIGITS + 3)
        return Budget(self.measure, amount, rows=self.rows)


def budget_for(epsilon: Decimal, delta: Decimal) -> Budget:
    """The budget that keeps a release within (ε, δ).

    Args:
        epsilon: nats, in (0, 1000].
        delta: in [0, 1); 0 for pure ε.

    Raises:
        AccountingError: nothing fits, or an argument is out of range.

    Privacy:
        ρ by `rho_for`. Pure ε composes by addition; it is rounded down to the 6 decimals that a
        release's ε is stated with.
    """
    if delta:
        return Budget("rho", rho_for(epsilon, delta), Promise(epsilon, delta))
    pure = down(epsilon, 6)
    if not 0 < pure <= _HIGHEST_EPSILON:
        raise AccountingError(f"epsilon must lie in [0.000001, {_HIGHEST_EPSILON}]: {epsilon}")
    return Budget("epsilon", pure)


@lru_cache(maxsize=256)
def rho_for(epsilon: Decimal, delta: Decimal) -> Decimal:
    """The largest ρ whose ε at δ, by `epsilon_of_rho`, is at most `epsilon`.

    Args:
        epsilon: nats, in (0, 1000].
        delta: in (0, 1).

    Returns:
        ρ of zCDP, rounded down to 9 significant digits. Events whose losses sum to at most ρ
        have `release_epsilon` at most `epsilon`.

    Raises:
        AccountingError: no ρ above zero fits, or an argument is out of range.
    """
    if not 0 < epsilon <= _HIGHEST_EPSILON or not 0 < delta < 1:
        raise AccountingError(
            f"epsilon must lie in (0, {_HIGHEST_EPSILON}] and delta in (0, 1): {epsilon}, {delta}"
        )
    low, high = Decimal(0), Decimal(epsilon)  # ε of ρ-zCDP is above ρ, so ρ < ε
    for _ in range(80):
        if high - low <= low * _PRECISION:
            break
        middle = significant_down(Fraction(EXACT.add(low, high)) / 2, DIGITS + 3)
        if _fits(middle, epsilon, delta):
            low = middle
        else:
            high = middle
    rho = significant_down(low, DIGITS)
    if not rho:
        raise AccountingError(
            f"no noise is large enough for epsilon {epsilon} at delta {delta}",
            fix="raise epsilon: it is rounded up to 6 decimals",
        )
    return rho


def _fits(rho: Decimal, epsilon: Decimal, delta: Decimal) -> bool:
    return epsilon_of_rho(EXACT.multiply(rho, _MARGIN), delta) <= epsilon


def gaussian_event(
    *,
    name: str,
    rho: Decimal,
    times: int,
    sensitivity_squared: Decimal | int,
    relation: Relation,
) -> Event:
    """Integer Gaussian noise, `times` vectors of it, that cost at most `rho` together.

    Args:
        name: what the noise is for.
        rho: zCDP budget for all runs, > 0.
        times: number of runs, ≥ 1.
        sensitivity_squared: squared L2 distance of one input on neighboring datasets, > 0.
        relation: neighboring relation of the population.

    Returns:
        An event whose loss is at most `rho`; the scale is rounded up to 9 significant digits.
    """
    return _event("gaussian", name, rho, times, Decimal(sensitivity_squared), relation)


def noisy_max_event(
    *,
    name: str,
    rho: Decimal,
    times: int,
    sensitivity_squared: Decimal | int,
    relation: Relation,
) -> Event:
    """Noisy max under zCDP, `times` selections that cost at most `rho` together.

    Args:
        name: what is selected.
        rho: zCDP budget for all runs, > 0.
        times: number of selections, ≥ 1.
        sensitivity_squared: squared L-infinity distance of the integer scores, > 0.
        relation: neighboring relation of the population.

    Returns:
        An event whose loss is at most `rho`; the scale is rounded up to 9 significant digits.
    """
    return _event("noisy-max", name, rho, times, Decimal(sensitivity_squared), relation)


def foreign_event(*, name: str, rho: Decimal, factor: Decimal, relation: Relation) -> Event:
    """One run of another program that costs at most `rho`.

    Args:
        name: what runs.
        rho: zCDP budget, > 0.
        factor: how many times the ρ that the program claims it really costs, > 0.
        relation: neighboring relation for which that was shown.

    Returns:
        An event whose loss is at most `rho`; the program is to be given `claimed_rho` of it.
    """
    return _event("foreign", name, rho, 1, factor, relation)


def claimed_rho(event: Event) -> Decimal:
    """The ρ that a foreign program says it spends, rounded down to 9 significant digits."""
    return significant_down(1 / (2 * Fraction(event.scale) ** 2), DIGITS)


def laplace_event(
    *,
    name: str,
    budget: Budget,
    times: int,
    sensitivity: int,
    relation: Relation,
) -> Event:
    """Integer Laplace noise, `times` vectors of it, that cost at most the budget together.

    Args:
        name: what the noise is for.
        budget: pure ε, or ρ: an ε-DP run is ε²/2-zCDP (Bun and Steinke 2016), so that `times` of
            them may have ε = √(2ρ/times) each.
        times: number of runs, ≥ 1.
        sensitivity: L1 distance of one input on neighboring datasets, ≥ 1.
        relation: neighboring relation of the population.

    Returns:
        An event of pure DP; the scale is rounded up to 9 significant digits.
    """
    each = Fraction(budget.amount) / times
    if budget.measure == "rho":
        # 1/√(1/x) from above is √x from below.
        each = 1 / Fraction(sqrt_up(1 / (2 * each)))
    return _least(
        "laplace", name, each * times, times, Decimal(sensitivity) ** 2, relation,
        Fraction(sensitivity) / each, loss_of,
    )  # fmt: skip


def selection_event(
    *, name: str, budget: Budget, times: int, sensitivity: int, relation: Relation
) -> Event:
    """Noisy max, `times` selections that cost at most the budget together.

    Args:
        name: what is selected.
        budget: ρ, or pure ε: a selection of scale s is 2Δ/s-DP (the exponential mechanism).
        times: number of selections, ≥ 1.
        sensitivity: L-infinity distance of the integer scores, ≥ 1.
        relation: neighboring relation of the population.
    """
    squared = Decimal(sensitivity) ** 2
    if budget.measure == "rho":
        return noisy_max_event(
            name=name, rho=budget.amount, times=times, sensitivity_squared=squared,
            relation=relation,
        )  # fmt: skip
    limit = Fraction(budget.amount)
    scale = 2 * sensitivity * times / limit
    return _least("noisy-max", name, limit, times, squared, relation, scale, pure_loss_of)


def adaptive_event(
    mechanism: Literal["adaptive-gaussian", "adaptive-noisy-max"],
    *,
    name: str,
    rho: Decimal,
    times: int,
    sensitivity_squared: Decimal | int,
    relation: Relation,
) -> Event:
    """Up to `times` runs that share a loss of at most `rho`, each with a scale chosen when it runs.

    Args:
        mechanism: which noise.
        name: what it is for.
        rho: zCDP budget for all runs, > 0.
        times: most runs there can be, ≥ 1, a public bound.
        sensitivity_squared: squared distance of one input on neighboring datasets, > 0.
        relation: neighboring relation of the population.

    Returns:
        An event whose loss is at most `rho`; its scale is that of a single run that costs all.
    """
    return _event(mechanism, name, rho, times, Decimal(sensitivity_squared), relation)


def run_scale(event: Event, rho: Fraction) -> Decimal:
    """The scale of one run of an adaptive event that costs at most `rho`.

    Args:
        event: adaptive.
        rho: > 0.

    Returns:
        Rounded up to 9 significant digits, with room for the rounding of OpenDP's own map.
    """
    exact = Fraction(event.sensitivity_squared) / (2 * rho)
    return next_up(significant_up(sqrt_up(exact), DIGITS), DIGITS)


def _event(
    mechanism: Mechanism,
    name: str,
    rho: Decimal,
    times: int,
    sensitivity_squared: Decimal,
    relation: Relation,
) -> Event:
    if rho <= 0 or sensitivity_squared <= 0 or times < 1:
        raise AccountingError(
            f"{name}: rho {rho}, squared sensitivity {sensitivity_squared} and times {times} "
            "must be above 0"
        )
    runs = 1 if mechanism in ADAPTIVE else times
    exact = Fraction(sensitivity_squared) * runs / (2 * Fraction(rho))
    scale = Fraction(sqrt_up(exact))
    return _least(
        mechanism, name, Fraction(rho), times, sensitivity_squared, relation, scale, loss_of
    )


def _least(
    mechanism: Mechanism,
    name: str,
    limit: Fraction,
    times: int,
    sensitivity_squared: Decimal,
    relation: Relation,
    scale: Fraction,
    cost: Callable[..., Decimal],
) -> Event:
    """The event of the lowest scale, from `scale` up, whose cost is within the limit."""
    rounded = significant_up(scale, DIGITS)

    def fits() -> bool:
        return limit >= Fraction(
            cost(mechanism, sensitivity_squared=sensitivity_squared, scale=rounded, times=times)
        )

    while not fits():  # at most once: the charge exceeds the exact loss by one part in 10^11
        rounded = next_up(rounded, DIGITS)
    return Event(
        name=name,
        mechanism=mechanism,
        relation=relation,
        sensitivity_squared=sensitivity_squared,
        scale=rounded,
        times=times,
        loss=loss_of(
            mechanism, sensitivity_squared=sensitivity_squared, scale=rounded, times=times
        ),
        delta0=Decimal(0),
        proof="real-arithmetic" if mechanism == "foreign" else "opendp",
    )
