"""Laws of composition, for any events."""

from __future__ import annotations

import random
from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dpgate.accounting import calibrate, curves, rounding
from dpgate.accounting.filter import Spend, epsilon
from dpgate.errors import AccountingError
from dpgate.model.event import Event
from tests.suites.ledgers import event

ORDERS = (2, 8, 32)
DELTA = Decimal("1e-6")

scales = st.decimals("0.5", "5000", places=4).map(str)
events = st.one_of(
    st.builds(
        event,
        st.sampled_from(("gaussian", "noisy-max", "laplace")),
        scale=scales,
        sensitivity_squared=st.integers(1, 9).map(str),
        times=st.integers(1, 200),
    ),
    st.builds(
        event,
        st.just("sampled-gaussian"),
        scale=scales,
        rate=st.decimals("0.0001", "0.9", places=4).map(str),
        times=st.integers(1, 2000),
    ),
)
ledgers = st.lists(events, max_size=8)


@given(ledgers, events)
def test_composition_is_monotone(before: list[Event], more: Event) -> None:
    less, all_ = Spend.of(before, ORDERS), Spend.of([*before, more], ORDERS)
    assert all(all_.orders[order] >= less.orders[order] for order in ORDERS)
    assert epsilon(all_, DELTA) >= epsilon(less, DELTA)


@given(ledgers, st.randoms(use_true_random=False))
def test_order_and_grouping_do_not_matter(made: list[Event], draw: random.Random) -> None:
    shuffled = list(made)
    draw.shuffle(shuffled)
    cut = draw.randint(0, len(made))
    parts = Spend.of(shuffled[:cut], ORDERS) + Spend.of(shuffled[cut:], ORDERS)
    assert parts == Spend.of(made, ORDERS)


@given(events)
def test_curves_grow_with_the_order(item: Event) -> None:
    values = curves.curve(item, ORDERS)
    assert values[2] <= values[8] <= values[32]


@given(events, st.integers(2, 50))
def test_splitting_runs_never_costs_less(item: Event, times: int) -> None:
    many = event(
        item.mechanism,
        scale=str(item.scale),
        sensitivity_squared=str(item.sensitivity_squared),
        times=times,
        rate=None if item.sampling_rate is None else str(item.sampling_rate),
    )
    one = many.model_copy(
        update={
            "times": 1,
            "loss": curves.loss(many.model_copy(update={"times": 1})),
        }
    )
    together, apart = Spend.of([many], ORDERS), Spend.of([one] * times, ORDERS)
    slack = 1 + Decimal("2e-11")  # each loss is rounded up on its own
    assert all(together.orders[order] <= apart.orders[order] * slack for order in ORDERS)


@given(events, st.integers(1, 10**6))
def test_a_tampered_loss_is_caught(item: Event, parts: int) -> None:
    needed = curves.loss(item)
    curves.check(item)
    if needed:
        lower = rounding.EXACT.subtract(needed, needed * Decimal(parts) / Decimal(10**7))
        with pytest.raises(AccountingError):
            curves.check(item.model_copy(update={"loss": lower}))


@given(st.decimals("0", "1e12", places=20), st.integers(0, 15))
def test_rounding_is_outward_and_tight(value: Decimal, places: int) -> None:
    step = Fraction(1, 10**places)
    above, below = rounding.up(value, places), rounding.down(value, places)
    assert 0 <= Fraction(above) - Fraction(value) < step
    assert 0 <= Fraction(value) - Fraction(below) < step


@given(st.fractions(min_value="1/1000000", max_value=10**9), st.integers(1, 20))
def test_significant_rounding_is_outward_and_tight(value: Fraction, digits: int) -> None:
    above, below = rounding.significant_up(value, digits), rounding.significant_down(value, digits)
    assert Fraction(below) <= value <= Fraction(above)
    assert Fraction(above) - Fraction(below) <= value * Fraction(10, 10**digits)


@settings(max_examples=200)
@given(
    st.decimals("0.000001", "50", places=9),
    st.integers(1, 10_000),
    st.integers(1, 50),
    st.sampled_from((calibrate.gaussian_event, calibrate.noisy_max_event)),
)
def test_calibrated_events_stay_within_rho(
    rho: Decimal, times: int, squared: int, make: Callable[..., Event]
) -> None:
    item = make(name="x", rho=rho, times=times, sensitivity_squared=squared, relation="add-remove")
    assert rho * (1 - Decimal("1e-7")) <= item.loss <= rho
    curves.check(item)
