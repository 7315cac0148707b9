"""Adaptive events: scales chosen run by run, the sum of their losses never above the reserved one."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dpgate.accounting import compose, curves, groups
from dpgate.accounting.calibrate import adaptive_event, run_scale
from dpgate.errors import AccountingError, InsufficientBudgetError
from dpgate.mechanisms.measurement import measurement_at
from dpgate.mechanisms.session import Mechanisms
from dpgate.mechanisms.tape import UnsafeRecorder
from dpgate.model.event import Event

COUNTS = np.array([5, 10**6, 7], dtype=np.int64)


def noise(times: int = 8, rho: str = "0.5", squared: int = 1) -> Event:
    return adaptive_event(
        "adaptive-gaussian",
        name="test.noise",
        rho=Decimal(rho),
        times=times,
        sensitivity_squared=squared,
        relation="add-remove",
    )


def choice(times: int = 8) -> Event:
    return adaptive_event(
        "adaptive-noisy-max",
        name="test.choice",
        rho=Decimal("0.5"),
        times=times,
        sensitivity_squared=256,
        relation="add-remove",
    )


def test_the_loss_is_that_of_one_run_at_the_scale_whatever_the_number_of_runs() -> None:
    assert noise(times=1).loss == noise(times=1000).loss
    for event in (noise(), choice()):
        curves.check(event)
        exact = Fraction(event.sensitivity_squared) / (2 * Fraction(event.scale) ** 2)
        assert exact <= Fraction(event.loss) <= Fraction(1, 2)
        assert Fraction(event.loss) <= exact * (1 + Fraction(1, 10**10))
        with pytest.raises(AccountingError, match="below the"):
            curves.check(event.model_copy(update={"loss": event.loss * Decimal("0.999")}))


def test_a_curve_is_that_of_the_whole_loss_and_squares_with_the_group() -> None:
    event = noise()
    assert curves.curve(event, (2, 8))[8] == pytest.approx(8 * event.loss)
    assert curves.group(event, 3, (8,))[8] == pytest.approx(9 * 8 * event.loss)
    (person,) = groups.for_persons([event], 3)
    assert person.scale == event.scale
    assert person.loss == pytest.approx(9 * event.loss)


def test_opendp_composes_them_as_recorded() -> None:
    event = noise()
    assert compose.recompose([event, event], (8,))[8] == pytest.approx(float(16 * event.loss))
    once = compose.release_epsilon([event], Decimal("1e-9"))
    assert once == compose.epsilon_of_rho(event.loss, Decimal("1e-9"))


@settings(max_examples=30, deadline=None)
@given(st.lists(st.fractions(min_value="1/1000", max_value=1), min_size=1, max_size=12))
def test_no_sequence_of_scales_costs_more_than_was_reserved(parts: list[Fraction]) -> None:
    event = noise(times=12)
    session = Mechanisms([event], "add-remove")
    spent = Fraction(0)
    for part in parts:
        scale = run_scale(event, part * Fraction(event.loss))
        cost = Fraction(measurement_at(event, scale).loss)
        assert part * Fraction(event.loss) * Fraction(999_999, 10**6) <= cost
        if spent + cost <= Fraction(event.loss):
            session.gaussian("test.noise", COUNTS, scale=scale)
            spent += cost
        else:
            with pytest.raises(InsufficientBudgetError):
                session.gaussian("test.noise", COUNTS, scale=scale)
        assert session.left("test.noise") == Fraction(event.loss) - spent >= 0


def test_a_run_may_take_all_that_is_left_and_nothing_runs_after_it() -> None:
    event = noise()
    session = Mechanisms([event], "add-remove")
    for part in (Fraction(1, 3), Fraction(1)):
        left = session.left("test.noise")
        session.gaussian("test.noise", COUNTS, scale=run_scale(event, part * left))
    assert 0 <= session.left("test.noise") < Fraction(event.loss) / 10**6
    with pytest.raises(InsufficientBudgetError, match=r"test\.noise: .* requested, .* remaining"):
        session.gaussian("test.noise", COUNTS, scale=event.scale)


def test_there_are_no_more_runs_than_the_bound() -> None:
    session = Mechanisms([noise(times=2)], "add-remove")
    for _ in range(2):
        session.gaussian("test.noise", COUNTS, scale=Decimal(1000))
    with pytest.raises(InsufficientBudgetError):
        session.gaussian("test.noise", COUNTS, scale=Decimal(1000))


def test_selection_takes_scales_too() -> None:
    session = Mechanisms([choice()], "add-remove")
    assert session.select("test.choice", COUNTS, scale=choice().scale * 2) == 1
    assert session.left("test.choice") == pytest.approx(0.375, rel=1e-6)


def test_a_scale_goes_with_an_adaptive_event_and_with_no_other() -> None:
    session = Mechanisms([noise()], "add-remove")
    with pytest.raises(AccountingError, match="reserved for adaptive-gaussian, not gaussian"):
        session.gaussian("test.noise", COUNTS)
    with pytest.raises(AccountingError, match="not adaptive-noisy-max"):
        session.select("test.noise", COUNTS, scale=Decimal(10))
    assert session.spent == ()


def test_what_was_run_is_on_tape_with_its_scale_and_counts_in_full() -> None:
    tape = UnsafeRecorder()
    session = Mechanisms([noise()], "add-remove", tape=tape)
    session.gaussian("test.noise", COUNTS, scale=Decimal("12.5"))
    assert [call.scale for call in tape.calls] == [Decimal("12.5")]
    assert session.spent == (noise(),)


def test_a_loss_below_opendps_is_refused() -> None:
    short = noise().model_copy(update={"loss": Decimal("0.4")})
    with pytest.raises(AccountingError, match="OpenDP charges"):
        Mechanisms([short], "add-remove")
