"""The gate's filter: exact sums, and an ε that is never below the true one."""

from __future__ import annotations

import decimal
import math
from decimal import Decimal

import pytest

from dpgate.accounting.curves import curve
from dpgate.accounting.filter import INFINITE, Spend, admits, convert, epsilon
from dpgate.errors import AccountingError
from tests.suites.ledgers import event, ledger

ORDERS = (4, 8, 16, 32)
DELTA = Decimal("1e-6")


def test_nothing_spent_costs_nothing() -> None:
    assert epsilon(Spend.zero(ORDERS), DELTA) == 0
    assert Spend.of([], ORDERS) == Spend.zero(ORDERS)
    assert admits(Spend.zero(ORDERS), DELTA, Decimal(0))


def test_sums_are_exact() -> None:
    events = ledger(7) * 40
    total = Spend.of(events, ORDERS)
    with decimal.localcontext(decimal.Context(prec=200)):
        for order in ORDERS:
            assert total.orders[order] == sum(curve(e, (order,))[order] for e in events)


def test_epsilon_is_the_best_order_at_its_part_of_delta() -> None:
    spend = Spend.of([event("gaussian", scale="5")], ORDERS)
    by_hand = min(
        float(spend.orders[a]) + math.log1p(-1 / a) - math.log(1e-6 / len(ORDERS) * a) / (a - 1)
        for a in ORDERS
    )
    assert 0 <= float(epsilon(spend, DELTA)) - by_hand <= 1.1e-6


@pytest.mark.parametrize("seed", range(100))
def test_conversion_is_never_below_the_true_value(seed: int) -> None:
    spend = Spend.of(ledger(seed), (2, 7, 64, 1024))
    with decimal.localcontext(decimal.Context(prec=120)):
        for order, value in spend.orders.items():
            shrink = (1 - 1 / Decimal(order)).ln()
            exact = max(value + shrink - (DELTA * order).ln() / (order - 1), Decimal(0))
            assert exact <= convert(value, order, DELTA) <= exact + Decimal("1e-6")


def test_conversion_never_falls_below_zero() -> None:
    assert convert(Decimal(0), 1024, Decimal("0.5")) == 0


def test_delta_of_mechanisms_is_taken_off() -> None:
    plain = Spend.of([event("gaussian", scale="5")], ORDERS)
    half = Spend(plain.orders, Decimal("0.5e-6"))
    assert epsilon(half, DELTA) == epsilon(plain, Decimal("0.5e-6"))
    assert epsilon(Spend(plain.orders, DELTA), DELTA) == INFINITE
    assert not admits(Spend(plain.orders, DELTA), DELTA, Decimal(10**9))


def test_the_limit_itself_is_admitted_and_one_step_less_is_not() -> None:
    spend = Spend.of([event("gaussian", scale="5")], ORDERS)
    limit = epsilon(spend, DELTA)
    assert admits(spend, DELTA, limit)
    assert not admits(spend, DELTA, limit - Decimal("0.000001"))


def test_more_orders_cost_a_part_of_delta() -> None:
    events = [event("gaussian", scale="5")]
    assert epsilon(Spend.of(events, (16,)), DELTA) < epsilon(Spend.of(events, (16, 17)), DELTA)


def test_spends_at_different_orders_do_not_add() -> None:
    with pytest.raises(AccountingError, match="cannot be added"):
        Spend.zero((2, 3)) + Spend.zero((2, 4))


def test_relations_do_not_mix() -> None:
    mixed = [event("gaussian", scale="5"), event("gaussian", scale="5", relation="replace-one")]
    with pytest.raises(AccountingError, match="different neighboring relations"):
        Spend.of(mixed, ORDERS)


def test_a_tampered_event_cannot_be_summed() -> None:
    with pytest.raises(AccountingError, match="records a loss"):
        Spend.of([event("gaussian", scale="5", loss=Decimal("0.001"))], ORDERS)


def test_spends_are_read_only_and_never_negative() -> None:
    spend = Spend.zero(ORDERS)
    with pytest.raises(TypeError):
        spend.orders[4] = Decimal(1)  # type: ignore[index]
    with pytest.raises(AccountingError, match="nothing is ever refunded"):
        Spend({4: Decimal(-1)})


@pytest.mark.parametrize(
    ("spend", "delta"),
    [(Spend.zero(ORDERS), "0"), (Spend.zero(ORDERS), "1"), (Spend.zero(()), "1e-6")],
)
def test_a_delta_out_of_range_or_no_order_is_refused(spend: Spend, delta: str) -> None:
    with pytest.raises(AccountingError, match="strictly between 0 and 1"):
        epsilon(spend, Decimal(delta))
