"""The privacy loss of an event, recomputed from its own parameters.

Neither NumPy nor OpenDP is needed, so the gate and `verify` can recompute every recorded loss
with the base install. Everything is exact, or an upper bound.
"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal, Overflow
from fractions import Fraction
from functools import lru_cache

from dpgate.accounting.rounding import (
    EXACT,
    SLACK,
    WORKING,
    float_up,
    significant_up,
    sqrt_up,
    up,
)
from dpgate.errors import AccountingError
from dpgate.model.event import ADAPTIVE, Event, Mechanism
from dpgate.model.values import Relation

_CHARGE = Fraction(2**40 + 1, 2**40)
"""Charged above the exact loss, so that OpenDP's own float maps never exceed it."""

PLACES = 15
"""Decimal places of a Rényi divergence."""


def loss_of(
    mechanism: Mechanism, *, sensitivity_squared: Decimal, scale: Decimal, times: int
) -> Decimal:
    """What `times` runs cost together, rounded up to 12 significant digits.

    Args:
        mechanism: decides the measure of loss.
        sensitivity_squared: squared distance between inputs on neighboring datasets, > 0.
        scale: noise scale in units of the input, > 0.
        times: number of runs, ≥ 1; adaptive runs share the loss of one run at `scale`.

    Returns:
        ρ of zCDP (`gaussian`, `noisy-max`, `foreign`, adaptive ones), pure ε (`laplace`), or 0
        (`sampled-gaussian`, whose loss is its curve).

    Privacy:
        ρ = Δ²·times / 2·scale²: for the discrete Gaussian (Canonne, Kamath, Steinke 2020) and
        for the report-noisy-max of Gumbel noise, which is bounded-range 2Δ/scale-DP and so
        (2Δ/scale)²/8-zCDP (Cesar and Rogers 2021). ε = Δ·times / scale for the Laplace. Runs whose
        scales are chosen adaptively compose to the sum of their ρ as long as it stays within a
        bound fixed beforehand (Feldman and Zrnic 2021; Whitehouse, Ramdas, Rogers, Wu 2023).
    """
    if mechanism == "sampled-gaussian":
        return Decimal(0)
    if mechanism == "laplace":
        root = sqrt_up(Fraction(sensitivity_squared))
        return significant_up(Fraction(root) * times / Fraction(scale) * _CHARGE, 12)
    runs = 1 if mechanism in ADAPTIVE else times
    rho = Fraction(sensitivity_squared) * runs / (2 * Fraction(scale) ** 2)
    return significant_up(rho * _CHARGE, 12)


def pure_loss_of(
    mechanism: Mechanism, *, sensitivity_squared: Decimal, scale: Decimal, times: int
) -> Decimal:
    """Pure ε of `times` runs together, rounded up to 12 significant digits; infinite if none.

    Privacy:
        Δ·times / scale for the Laplace; 2Δ·times / scale for noisy max, which is an exponential
        mechanism of that scale (McSherry and Talwar 2007). Gaussians have no pure ε.
    """
    if mechanism not in ("laplace", "noisy-max"):
        return Decimal("Infinity")
    factor = 1 if mechanism == "laplace" else 2
    root = Fraction(sqrt_up(Fraction(sensitivity_squared)))
    return significant_up(factor * root * times / Fraction(scale) * _CHARGE, 12)


def pure_loss(event: Event) -> Decimal:
    """Pure ε of an event, infinite if it has none; see `pure_loss_of`."""
    least = pure_loss_of(
        event.mechanism,
        sensitivity_squared=event.sensitivity_squared,
        scale=event.scale,
        times=event.times,
    )
    return max(event.loss, least) if event.mechanism == "laplace" else least


def loss(event: Event) -> Decimal:
    """What the event costs by its own parameters; see `loss_of`."""
    return loss_of(
        event.mechanism,
        sensitivity_squared=event.sensitivity_squared,
        scale=event.scale,
        times=event.times,
    )


def charged(event: Event) -> Decimal:
    """What counts as spent: the recorded loss, or the recomputed one where that is higher."""
    return max(event.loss, loss(event))


def check(event: Event) -> None:
    """Accept a recorded loss that is not below the recomputed one.

    Raises:
        AccountingError: the event records less than its parameters cost.
    """
    needed = loss(event)
    if event.loss < needed:
        raise AccountingError(
            f"event {event.name} records a loss of {event.loss:f}, below the {needed:f} that its "
            "parameters cost",
            fix="the record was altered or made by another program: do not trust it",
        )


def curve(event: Event, orders: Iterable[int]) -> dict[int, Decimal]:
    """Rényi divergence of all runs of the event, at integer orders.

    Args:
        event: what was done.
        orders: whole numbers ≥ 2.

    Returns:
        For each order an upper bound on the divergence in nats, rounded up to 15 decimals.

    Privacy:
        ρ-zCDP gives α·ρ (Bun and Steinke 2016). Pure ε gives the divergence of randomized
        response, the largest of any ε-DP mechanism, for each run. The Poisson-subsampled
        Gaussian follows Mironov, Talwar, Zhang (2019), equation for integer α, under add-remove.
    """
    return _curve(event, 1, orders)


def group(event: Event, k: int, orders: Iterable[int]) -> dict[int, Decimal]:
    """The curve for people who have up to `k` rows each.

    Args:
        event: what was done, accounted for one row.
        k: public bound on the rows of one person, ≥ 1.
        orders: whole numbers ≥ 2.

    Raises:
        AccountingError: k < 1, or k > 1 for `sampled-gaussian` and `foreign`, which have no
            such rule: another person may bring another number of rows, which a foreign program
            may take as known.

    Privacy:
        Under add-remove a person is k rows away; under replace-one up to 2k, since the rows of
        the one who leaves and of the one who comes all count (for k = 1 that is one
        replacement). ρ grows with the square of the distance, pure ε in proportion.
    """
    return _curve(event, distance(k, event.relation), orders)


def distance(rows: int, relation: Relation) -> int:
    """How many steps of the relation lie between datasets that differ in one person.

    Args:
        rows: public bound on the rows of one person, ≥ 1.
        relation: neighboring relation of rows.

    Raises:
        AccountingError: rows < 1.
    """
    if rows < 1:
        raise AccountingError(f"rows per person must be at least 1, not {rows}")
    return rows if rows == 1 or relation == "add-remove" else 2 * rows


def check_group_rule(event: Event) -> None:
    """Refuse an event that has no price for a person of several rows.

    Raises:
        AccountingError: a mechanism without a group privacy rule.
    """
    if event.mechanism in ("sampled-gaussian", "foreign"):
        raise AccountingError(
            f"event {event.name}: a person has several rows, and a {event.mechanism} mechanism has "
            "no group privacy rule",
            fix="use another synthesizer, or declare one row per person; or name the persons "
            "(unit.column), for a training that samples whole ones",
        )


def _curve(event: Event, steps: int, orders: Iterable[int]) -> dict[int, Decimal]:
    wanted = tuple(orders)
    if any(order < 2 for order in wanted):
        raise AccountingError(f"orders must be whole numbers from 2 up, not {wanted}")
    if steps != 1:
        check_group_rule(event)
    if event.mechanism == "sampled-gaussian":
        return {order: _sampled(event, order) for order in wanted}
    if event.mechanism == "laplace":
        epsilon = Fraction(charged(event)) * steps / event.times
        return {order: up(event.times * _pure(epsilon, order), PLACES) for order in wanted}
    rho = EXACT.multiply(charged(event), Decimal(steps**2))
    return {order: up(EXACT.multiply(rho, Decimal(order)), PLACES) for order in wanted}


def _pure(epsilon: Fraction, order: int) -> Fraction:
    """ε − [ln(1+e^−ε) − ln(1+e^−(2α−1)ε)] / (α−1), from above."""
    loss_up = WORKING.divide(Decimal(epsilon.numerator), Decimal(epsilon.denominator))
    near, far = (
        WORKING.ln(WORKING.add(Decimal(1), WORKING.exp(WORKING.multiply(loss_up, factor))))
        for factor in (Decimal(-1), Decimal(1 - 2 * order))
    )
    gain = (Fraction(near) - Fraction(far) - Fraction(SLACK)) / (order - 1)
    return min(Fraction(loss_up), Fraction(loss_up) - gain)


def _sampled(event: Event, order: int) -> Decimal:
    """The divergence times · ln(Σ C(α,k)·(1−q)^(α−k)·q^k·e^(k(k−1)/2σ²)) / (α−1), from above."""
    rate = event.sampling_rate or Decimal(1)
    squared = Fraction(event.scale) ** 2 / Fraction(event.sensitivity_squared)
    if rate >= 1:
        return up(event.times * order / (2 * squared), PLACES)
    try:
        logarithm = _log_moment(rate, squared, order)
    except Overflow:
        raise AccountingError(
            f"event {event.name}: scale {event.scale:f} is too small to be accounted"
        ) from None
    return up(event.times * (Fraction(logarithm) + Fraction(SLACK)) / (order - 1), PLACES)


@lru_cache(maxsize=4096)  # the same training is planned, composed and verified
def _log_moment(rate: Decimal, squared: Fraction, order: int) -> Decimal:
    """ln(Σ C(α,k)·(1−q)^(α−k)·q^k·e^(k(k−1)/2σ²)) of one step, from above."""
    keep = WORKING.subtract(Decimal(1), rate)
    step = WORKING.exp(WORKING.divide(Decimal(squared.denominator), Decimal(squared.numerator)))
    odds = WORKING.divide(rate, keep)
    term = total = WORKING.power(keep, order)
    growth = Decimal(1)
    for k in range(order):
        factor = WORKING.multiply(WORKING.multiply(odds, growth), Decimal(order - k))
        term = WORKING.divide(WORKING.multiply(term, factor), Decimal(k + 1))
        total = WORKING.add(total, term)
        growth = WORKING.multiply(growth, step)
    return WORKING.ln(WORKING.multiply(total, WORKING.add(Decimal(1), SLACK)))


def float_curve(event: Event, orders: Iterable[int]) -> dict[float, float]:
    """The curve as binary floats, none below the exact value, for OpenDP's maps."""
    return {float(order): float_up(value) for order, value in curve(event, orders).items()}
