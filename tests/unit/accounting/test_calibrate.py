"""Calibrated scales never spend more than was promised, and waste next to nothing."""

from __future__ import annotations

from decimal import Decimal

import pytest

from dpgate.accounting import calibrate, compose
from dpgate.errors import AccountingError

PROMISES = [("1", "1e-9"), ("0.1", "1e-6"), ("3", "1e-6"), ("0.0001", "1e-12"), ("20", "1e-9")]


@pytest.mark.parametrize(("epsilon", "delta"), PROMISES)
def test_rho_is_the_largest_that_keeps_the_promise(epsilon: str, delta: str) -> None:
    rho = calibrate.rho_for(Decimal(epsilon), Decimal(delta))
    assert len(rho.normalize().as_tuple().digits) <= 9
    assert compose.epsilon_of_rho(rho, Decimal(delta)) <= Decimal(epsilon)
    more = rho * Decimal("1.00000002")
    above = compose.epsilon_of_rho(more, Decimal(delta))
    # ε is compared after rounding up to 6 decimals: within one step of the promise.
    assert above > Decimal(epsilon) or Decimal(epsilon) - above < Decimal("0.000001")


@pytest.mark.parametrize(("epsilon", "delta"), PROMISES)
def test_events_that_share_rho_keep_the_promise_together(epsilon: str, delta: str) -> None:
    rho = calibrate.rho_for(Decimal(epsilon), Decimal(delta))
    parts = [
        calibrate.gaussian_event(
            name="one_way", rho=rho / 4, times=14, sensitivity_squared=1, relation="add-remove"
        ),
        calibrate.noisy_max_event(
            name="select", rho=rho / 4, times=13, sensitivity_squared=9, relation="add-remove"
        ),
        calibrate.gaussian_event(
            name="two_way", rho=rho / 2, times=13, sensitivity_squared=2, relation="add-remove"
        ),
    ]
    assert sum(part.loss for part in parts) <= rho
    spent = compose.release_epsilon(parts, Decimal(delta))
    assert spent <= Decimal(epsilon)
    assert spent >= Decimal(epsilon) * Decimal("0.9999") - Decimal("0.000001")


def test_a_scale_that_would_be_exact_is_still_within_rho() -> None:
    # σ = 10 costs ρ = 0.005 exactly, plus the charge for float maps: one step more noise.
    item = calibrate.gaussian_event(
        name="exact", rho=Decimal("0.005"), times=1, sensitivity_squared=1, relation="replace-one"
    )
    assert item.scale == Decimal("10.0000001")
    assert item.loss <= Decimal("0.005")
    assert item.relation == "replace-one"


@pytest.mark.parametrize(
    ("epsilon", "delta"), [("0", "1e-6"), ("-1", "1e-6"), ("1001", "1e-6"), ("1", "0"), ("1", "1")]
)
def test_promises_out_of_range_are_refused(epsilon: str, delta: str) -> None:
    with pytest.raises(AccountingError, match="must lie in"):
        calibrate.rho_for(Decimal(epsilon), Decimal(delta))


def test_a_promise_below_the_rounding_of_epsilon_is_refused() -> None:
    with pytest.raises(AccountingError, match="no noise is large enough"):
        calibrate.rho_for(Decimal("1e-9"), Decimal("1e-300"))


@pytest.mark.parametrize(("rho", "times", "squared"), [("0", 1, 1), ("1", 0, 1), ("1", 1, 0)])
def test_events_need_something_above_zero(rho: str, times: int, squared: int) -> None:
    with pytest.raises(AccountingError, match="above 0"):
        calibrate.gaussian_event(
            name="x",
            rho=Decimal(rho),
            times=times,
            sensitivity_squared=squared,
            relation="add-remove",
        )
