"""Composition by OpenDP, over user measurements that carry the recorded privacy maps.

The gate keeps exact sums of its own (`dpgate.accounting.filter`); here a second, independent
implementation composes the same events, for `verify` and for the ε of a single release.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any

from dpgate.accounting.curves import charged, check, float_curve, pure_loss
from dpgate.accounting.filter import INFINITE, Spend, convert
from dpgate.accounting.rounding import EXACT, float_up, up
from dpgate.errors import AccountingError
from dpgate.model.event import Event

REPORT_ORDERS = (*range(2, 65), 72, 80, 96, 112, 128, 160, 192, 256, 384, 512)
"""Orders over which the ε of one planned release is minimised. Its events are fixed before it
runs, so unlike in the gate's filter the best order may be taken at the whole δ."""


def prelude() -> Any:
    """OpenDP's prelude, with the features that dpgate builds on."""
    import opendp.prelude as dp  # lazy: `check` of a malformed document must not pay for it

    # honest-but-curious: user measurements take their recorded privacy map at its word.
    dp.enable_features("contrib", "honest-but-curious")
    return dp


def recompose(events: Sequence[Event] | Counter[Event], orders: Sequence[int]) -> dict[int, float]:
    """Rényi divergence of all events together, by OpenDP's fully adaptive odometer.

    Args:
        events: in any order, or counted; each one's `times` are composed already in its curve.
        orders: whole numbers ≥ 2.

    Returns:
        For each order the divergence in nats, as OpenDP adds it.

    Raises:
        AccountingError: an event records less than its parameters cost.
    """
    dp = prelude()
    space = _space(dp)
    divergence = dp.renyi_divergence()
    odometer = dp.c.make_fully_adaptive_composition(*space, divergence)("population")
    for event in _merged(events):
        odometer(
            dp.m.make_user_measurement(
                *space, divergence, function=lambda _: 0, privacy_map=_renyi_map(event, orders)
            )
        )
    total = odometer.privacy_loss(1)
    return {order: float(total(float(order))) if events else 0.0 for order in orders}


def _merged(events: Sequence[Event] | Counter[Event]) -> list[Event]:
    """Equal events made one, as often run as all together."""
    merged = []
    for event, count in Counter(events).items():
        check(event)
        total = {
            "times": event.times * count,
            "loss": EXACT.multiply(event.loss, Decimal(count)),
            "delta0": EXACT.multiply(event.delta0, Decimal(count)),
        }
        merged.append(event.model_copy(update=total))
    return merged


def release_epsilon(events: Sequence[Event], delta: Decimal) -> Decimal:
    """ε of one release alone, at its own δ.

    Args:
        events: everything that the release runs, fixed before it starts.
        delta: δ of the release, in [0, 1).

    Returns:
        OpenDP's own conversion for zCDP and pure events, else (`sampled-gaussian`) the lowest ε
        over `REPORT_ORDERS`; for δ = 0 the exact sum of pure ε's, infinite where an event has
        none or needs a δ₀. Rounded up to 6 decimals.

    Raises:
        AccountingError: an event records less than its parameters cost, or relations are mixed.
    """
    if not events:
        return Decimal(0)
    spend = Spend.of(events, REPORT_ORDERS)
    if not delta:
        return INFINITE if spend.delta0 else _pure(events)
    left = EXACT.subtract(delta, spend.delta0)
    if left <= 0:
        return INFINITE
    if any(event.mechanism == "sampled-gaussian" for event in events):
        return min(convert(value, order, left) for order, value in spend.orders.items())
    dp = prelude()
    return convert_zcdp(dp.c.make_composition([_zcdp(dp, event) for event in events]), left)


def _pure(events: Sequence[Event]) -> Decimal:
    """Basic composition of pure ε-DP."""
    total = sum((pure_loss(event) for event in events), start=Decimal(0))
    return up(total, 6) if total.is_finite() else INFINITE


def epsilon_of_rho(rho: Decimal, delta: Decimal) -> Decimal:
    """OpenDP's ε of a ρ-zCDP mechanism at δ, rounded up to 6 decimals."""
    dp = prelude()
    return convert_zcdp(_with_rho(dp, float_up(rho)), delta)


def convert_zcdp(measurement: Any, delta: Decimal) -> Decimal:
    """ε of an OpenDP measurement under zCDP at δ, rounded up to 6 decimals."""
    dp = prelude()
    if not 0 < delta < 1:
        raise AccountingError(f"delta must lie strictly between 0 and 1: {delta}")
    # Toward zero: a lower δ gives a higher ε.
    below = float(delta)
    if Decimal(below) > delta:
        below = math.nextafter(below, 0)
    try:
        epsilon, _ = dp.c.make_fix_delta(dp.c.make_zCDP_to_approxDP(measurement), below).map(1)
    except dp.OpenDPException as error:
        if error.variant != "Overflow":
            raise
        return INFINITE  # a loss that no float can hold
    return up(Decimal(epsilon), 6)


def _space(dp: Any) -> tuple[Any, Any]:
    return dp.user_domain("population", lambda _: True), dp.symmetric_distance()


def _renyi_map(event: Event, orders: Sequence[int]) -> Callable[[int], Callable[[float], float]]:
    values = float_curve(event, orders)

    def divergence(order: float) -> float:
        return values.get(order, math.inf)

    # The recorded curve is about one step of the event's neighboring relation, not more.
    return lambda distance: divergence if distance <= 1 else (lambda _: math.inf)


def _with_rho(dp: Any, rho: float) -> Any:
    return dp.m.make_user_measurement(
        *_space(dp),
        dp.zero_concentrated_divergence(),
        function=lambda _: 0,
        privacy_map=lambda distance: rho * distance**2,
    )


def _zcdp(dp: Any, event: Event) -> Any:
    """One event as an OpenDP measurement under zCDP."""
    loss = charged(event)
    if event.mechanism != "laplace":
        return _with_rho(dp, float_up(loss))
    one_run = math.nextafter(float_up(loss) / event.times, math.inf)
    pure = dp.m.make_user_measurement(
        *_space(dp),
        dp.max_divergence(),
        function=lambda _: 0,
        privacy_map=lambda distance: one_run * distance,
    )
    rho = dp.c.make_pureDP_to_zCDP(pure).map(1)
    return _with_rho(dp, math.nextafter(rho * event.times, math.inf))
