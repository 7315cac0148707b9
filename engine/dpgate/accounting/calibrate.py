"""From a promise (ε, δ) to noise scales, never spending more than promised."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from functools import lru_cache

from dpgate.accounting.compose import epsilon_of_rho
from dpgate.accounting.curves import loss_of
from dpgate.accounting.rounding import (
    EXACT,
    next_up,
    significant_down,
    significant_up,
    sqrt_up,
)
from dpgate.errors import AccountingError
from dpgate.model.event import Event, Mechanism
from dpgate.model.policy import Proof
from dpgate.model.values import Relation

DIGITS = 9
"""Significant digits of calibrated values."""

_MARGIN = Decimal("1.000000000001")
"""Headroom for the rounding of OpenDP's float sums when parts of ρ are composed again."""

_PRECISION = Decimal("1e-11")
"""Width, relative to ρ, at which the search for it ends."""

_HIGHEST_EPSILON = 1000


@lru_cache(maxsize=256)
def rho_for(epsilon: Decimal, delta: Decimal) -> Decimal:
    """The largest ρ whose ε at δ, by OpenDP, is at most `epsilon`.

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
    return _event("foreign", name, rho, 1, factor, relation, proof="real-arithmetic")


def claimed_rho(event: Event) -> Decimal:
    """The ρ that a foreign program says it spends, rounded down to 9 significant digits."""
    return significant_down(1 / (2 * Fraction(event.scale) ** 2), DIGITS)


def _event(
    mechanism: Mechanism,
    name: str,
    rho: Decimal,
    times: int,
    sensitivity_squared: Decimal,
    relation: Relation,
    *,
    proof: Proof = "opendp",
) -> Event:
    if rho <= 0 or sensitivity_squared <= 0 or times < 1:
        raise AccountingError(
            f"{name}: rho {rho}, squared sensitivity {sensitivity_squared} and times {times} "
            "must be above 0"
        )
    exact = Fraction(sensitivity_squared) * times / (2 * Fraction(rho))
    scale = significant_up(sqrt_up(exact), DIGITS)

    def loss() -> Decimal:
        return loss_of(mechanism, sensitivity_squared=sensitivity_squared, scale=scale, times=times)

    while loss() > rho:  # at most once: the charge exceeds the exact loss by one part in 10^11
        scale = next_up(scale, DIGITS)
    return Event(
        name=name,
        mechanism=mechanism,
        relation=relation,
        sensitivity_squared=sensitivity_squared,
        scale=scale,
        times=times,
        loss=loss(),
        delta0=Decimal(0),
        proof=proof,
    )
