"""Noise of a training by DP-SGD, solved from a promise (ε, δ) before anything runs.

Steps of a Poisson-subsampled Gaussian have no ρ, so their noise follows from the promise itself:
the smallest noise multiplier at which they and everything that runs beside them keep it. Neither
NumPy nor torch is needed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Decimal
from fractions import Fraction
from functools import lru_cache

from dpgate.accounting.calibrate import Promise
from dpgate.accounting.compose import release_epsilon
from dpgate.accounting.rounding import (
    EXACT,
    WORKING,
    significant_down,
    significant_up,
)
from dpgate.errors import AccountingError
from dpgate.model.event import Event
from dpgate.model.values import plain, short

DIGITS = 5
"""Significant digits of a noise multiplier; one step more of it costs less than 0.1 % of ε."""

SCALE_AT_LEAST = Decimal("0.3")
"""Smallest noise multiplier that is tried: below it a step protects nobody in practice."""
SCALE_AT_MOST = Decimal(1000)
"""Largest noise multiplier that is tried: above it nothing is learned."""

_RATE_DIGITS = 9


def sampled_event(
    *,
    name: str,
    promise: Promise,
    beside: Sequence[Event],
    steps: int,
    rate: Decimal,
    at_most: Decimal = SCALE_AT_MOST,
) -> Event:
    """Steps of DP-SGD that keep a promise together with everything that runs beside them.

    Args:
        name: what is trained.
        promise: (ε, δ) of the whole release, δ > 0.
        beside: all other events of the release; add-remove.
        steps: how many, ≥ 1, public.
        rate: Poisson sampling rate, in (0, 1], public.
        at_most: largest noise multiplier that is of any use, > 0.

    Returns:
        An event whose noise multiplier, rounded up to 5 significant digits, is the smallest (not
        below `SCALE_AT_LEAST`) at which `release_epsilon` of it and `beside` is at most ε.

    Raises:
        AccountingError: no noise multiplier up to `at_most` keeps the promise. The fix says which
            of steps, rate, ε or δ to change, and to what.

    Privacy:
        Under add-remove, with a clipped sum of sensitivity 1 in units of the clipping norm
        (Mironov, Talwar, Zhang 2019). Reads no data.
    """
    scale = _least(promise, tuple(beside), steps, rate, at_most)
    if scale is None:
        raise _unreachable(promise, tuple(beside), steps, rate, at_most)
    return training(name, scale, steps, rate)


def training(name: str, scale: Decimal, steps: int, rate: Decimal) -> Event:
    """The event of `steps` steps with this noise multiplier, by real arithmetic."""
    return Event(
        name=name,
        mechanism="sampled-gaussian",
        relation="add-remove",
        sensitivity_squared=Decimal(1),
        scale=scale,
        sampling_rate=rate,
        times=steps,
        loss=Decimal(0),
        delta0=Decimal(0),
        proof="real-arithmetic",
    )


@lru_cache(maxsize=256)
def _least(
    promise: Promise, beside: tuple[Event, ...], steps: int, rate: Decimal, at_most: Decimal
) -> Decimal | None:
    """The smallest noise multiplier that keeps the promise; None if none up to `at_most` does."""

    def fits(scale: Decimal) -> bool:
        return _kept(promise, beside, scale, steps, rate)

    if not fits(at_most):
        return None
    low, high = min(SCALE_AT_LEAST, at_most), at_most
    if fits(low):
        return low
    while (middle := _between(low, high)) < high:
        low, high = (low, middle) if fits(middle) else (middle, high)
    return high


def _between(low: Decimal, high: Decimal) -> Decimal:
    """The geometric mean, rounded up: noise multipliers span orders of magnitude."""
    return significant_up(WORKING.sqrt(EXACT.multiply(low, high)), DIGITS)


def _kept(
    promise: Promise, beside: tuple[Event, ...], scale: Decimal, steps: int, rate: Decimal
) -> bool:
    events = (*beside, training("steps", scale, steps, rate))
    return release_epsilon(events, promise.delta) <= promise.epsilon


def _unreachable(
    promise: Promise, beside: tuple[Event, ...], steps: int, rate: Decimal, at_most: Decimal
) -> AccountingError:
    """What one change at a time would mend it, the other three left as they are."""

    def keeps(
        epsilon: Decimal = promise.epsilon,
        delta: Decimal = promise.delta,
        steps: int = steps,
        rate: Decimal = rate,
    ) -> bool:
        return _kept(Promise(epsilon, delta), beside, at_most, steps, rate)

    ways = []
    fewer = _most(lambda n: keeps(steps=int(n)), Fraction(1), Fraction(steps))
    if fewer is not None:
        ways.append(f"steps: {int(fewer)} instead of {steps}")
    lower = _most(lambda q: keeps(rate=_rate(q)), Fraction(rate) / 10**6, Fraction(rate))
    if lower is not None:
        found = significant_down(lower, 3)
        ways.append(f"sampling rate: {short(found)} instead of {short(rate)}, by a smaller batch")
    dearer = release_epsilon((*beside, training("steps", at_most, steps, rate)), promise.delta)
    ways.append(f"epsilon: {plain(significant_up(dearer, 4))} instead of {plain(promise.epsilon)}")
    weaker = _delta(promise, beside, steps, rate, at_most)
    if weaker is not None:
        ways.append(f"delta: {short(weaker)} instead of {short(promise.delta)}")
    return AccountingError(
        f"{steps} steps at sampling rate {short(rate)} do not keep epsilon {plain(promise.epsilon)} at "
        f"delta {short(promise.delta)} with any noise multiplier up to {plain(at_most)}",
        fix="change one: " + "; or ".join(ways),
    )


def _rate(value: Fraction) -> Decimal:
    return significant_down(value, _RATE_DIGITS)


def _most(holds: Callable[[Fraction], bool], low: Fraction, high: Fraction) -> Fraction | None:
    """The largest value of [low, high] at which a monotone condition holds, to within 0.1 %."""
    if not holds(low):
        return None
    while high > low * Fraction(1001, 1000):
        middle = (low + high) / 2 if high <= 2 * low else low * 2
        low, high = (middle, high) if holds(middle) else (low, middle)
    return low


def _delta(
    promise: Promise, beside: tuple[Event, ...], steps: int, rate: Decimal, at_most: Decimal
) -> Decimal | None:
    """The lowest power of ten, below 0.01, at which ε would hold."""
    events = (*beside, training("steps", at_most, steps, rate))
    first = promise.delta.adjusted() + 1
    for exponent in range(first, -2):
        delta = Decimal(1).scaleb(exponent)
        if release_epsilon(events, delta) <= promise.epsilon:
            return delta
    return None
