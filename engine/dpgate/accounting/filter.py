"""The gate's privacy filter: Rényi sums at a few fixed orders, and their ε.

The minimum over many orders is no valid adaptive filter: a release chosen after seeing earlier
ones can exploit whichever order is best. So the policy fixes a small set O of orders before the
first release, and order α converts at (δ − Σδ₀)/|O|: by a union bound, all of O hold at once.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from functools import lru_cache
from types import MappingProxyType

from dpgate.accounting.curves import check, curve
from dpgate.accounting.rounding import EXACT, SLACK, WORKING, up
from dpgate.errors import AccountingError
from dpgate.model.event import Event

INFINITE = Decimal("Infinity")


@dataclass(frozen=True)
class Spend:
    """Exact running sums: a Rényi divergence per order, and Σδ₀."""

    orders: Mapping[int, Decimal]
    """Sum of divergences, in nats, at each order; read-only."""
    delta0: Decimal = field(default=Decimal(0))

    def __post_init__(self) -> None:
        object.__setattr__(self, "orders", MappingProxyType(dict(sorted(self.orders.items()))))
        if any(value < 0 for value in (*self.orders.values(), self.delta0)):
            raise AccountingError("a spend cannot be negative: nothing is ever refunded")

    @classmethod
    def zero(cls, orders: Iterable[int]) -> Spend:
        """Nothing spent, at these orders."""
        return cls(dict.fromkeys(orders, Decimal(0)))

    @classmethod
    def of(cls, events: Iterable[Event], orders: Iterable[int]) -> Spend:
        """What events spend together.

        Raises:
            AccountingError: an event records less than it costs, or the events are accounted in
                different neighboring relations.
        """
        wanted, given = tuple(orders), tuple(events)
        if len({event.relation for event in given}) > 1:
            raise AccountingError("events of different neighboring relations cannot be composed")
        total = cls.zero(wanted)
        for event in given:
            check(event)
            total += cls(curve(event, wanted), event.delta0)
        return total

    def plus(self, other: Spend) -> Spend:
        """The exact sum; both must hold the same orders."""
        if self.orders.keys() != other.orders.keys():
            raise AccountingError(
                f"spends at orders {list(self.orders)} and {list(other.orders)} cannot be added"
            )
        return Spend(
            {order: EXACT.add(value, other.orders[order]) for order, value in self.orders.items()},
            EXACT.add(self.delta0, other.delta0),
        )

    __add__ = plus


def convert(divergence: Decimal, order: int | Decimal, delta: Decimal) -> Decimal:
    """ε at which a Rényi divergence holds with probability 1 − δ, rounded up to 6 decimals.

    Args:
        divergence: Rényi divergence at `order`, nats, ≥ 0.
        order: α > 1; a whole number ≥ 2 unless the divergence is known at others.
        delta: δ, in (0, 1).

    Privacy:
        ε = r + ln(1 − 1/α) − ln(δ·α)/(α−1) (Canonne, Kamath, Steinke 2020, proposition 12),
        never below 0.
    """
    return up(max(EXACT.add(divergence, _offset(order, delta)), Decimal(0)), 6)


@lru_cache(maxsize=4096)
def _offset(order: int | Decimal, delta: Decimal) -> Decimal:
    """What conversion adds to a divergence: ln(1 − 1/α) − ln(δ·α)/(α−1), from above."""
    alpha = Decimal(order)
    less = EXACT.subtract(alpha, Decimal(1))
    shrink = WORKING.ln(WORKING.divide(less, alpha))
    tail = WORKING.divide(WORKING.ln(WORKING.multiply(delta, alpha)), less)
    return EXACT.add(EXACT.subtract(shrink, tail), SLACK)


def epsilon(spend: Spend, delta: Decimal) -> Decimal:
    """ε of everything spent at the policy's δ, as the gate judges it.

    Args:
        spend: sums at the policy's orders.
        delta: δ of the policy, in (0, 1).

    Returns:
        The lowest ε over the orders, each at its part of δ, rounded up to 6 decimals; 0 when
        nothing was spent; Infinity when the mechanisms' own δ₀ use up δ.
    """
    if not 0 < delta < 1 or not spend.orders:
        raise AccountingError(f"delta must lie strictly between 0 and 1, with some order: {delta}")
    left = EXACT.subtract(delta, spend.delta0)
    if left <= 0:
        return INFINITE
    if not any(spend.orders.values()):
        return Decimal(0)
    # The part of δ is rounded down: a lower δ gives a higher ε.
    share = EXACT.divide(left, Decimal(len(spend.orders)))
    share = EXACT.next_minus(share)
    return min(convert(value, order, share) for order, value in spend.orders.items())


def admits(spend: Spend, delta: Decimal, limit: Decimal) -> bool:
    """Whether everything spent stays within ε = `limit`, at one order of the policy at least."""
    return epsilon(spend, delta) <= limit
