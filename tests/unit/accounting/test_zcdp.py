"""ε of a ρ in pure Python is OpenDP's own to the last decimal that is stated."""

from __future__ import annotations

import math
import subprocess
import sys
from decimal import Decimal
from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dpgate.accounting import calibrate, compose, zcdp
from dpgate.errors import AccountingError

RHOS = ("1e-14", "1e-9", "0.00312", "0.05", "0.1", "1", "7.5", "40", "900")
DELTAS = ("1e-30", "1e-12", "1e-9", "1e-6", "0.01", "0.3", "0.99")


@pytest.mark.parametrize(("rho", "delta"), list(product(RHOS, DELTAS)))
def test_the_figure_is_opendps(rho: str, delta: str) -> None:
    ours = zcdp.epsilon_of_rho(Decimal(rho), Decimal(delta))
    assert ours == compose.epsilon_of_rho(Decimal(rho), Decimal(delta))


@settings(max_examples=60, deadline=None)
@given(rho=st.floats(1e-12, 500), log_delta=st.floats(-60, -0.1))
def test_the_figure_is_opendps_anywhere(rho: float, log_delta: float) -> None:
    some, delta = Decimal(rho), Decimal(math.exp(log_delta))
    ours, theirs = zcdp.epsilon_of_rho(some, delta), compose.epsilon_of_rho(some, delta)
    # Both round up to 6 decimals; OpenDP's floats err upwards by a few parts in 10^15.
    assert ours <= theirs <= ours + Decimal("0.000001")


@pytest.mark.parametrize(("epsilon", "delta"), list(product(("0.01", "1", "30"), DELTAS)))
def test_a_calibrated_rho_keeps_its_promise_by_opendp_too(epsilon: str, delta: str) -> None:
    rho = calibrate.rho_for(Decimal(epsilon), Decimal(delta))
    assert compose.epsilon_of_rho(rho, Decimal(delta)) <= Decimal(epsilon)
    if Decimal(delta) < Decimal("0.1"):  # else ρ itself is kept below ε, and ε of it is lower
        assert compose.epsilon_of_rho(rho * Decimal("1.0001"), Decimal(delta)) > Decimal(epsilon)


def test_nothing_costs_nothing() -> None:
    assert zcdp.epsilon_of_rho(Decimal(0), Decimal("1e-9")) == 0


def test_a_rho_below_all_floats_still_has_an_epsilon() -> None:
    assert zcdp.epsilon_of_rho(Decimal("1e-900"), Decimal("1e-800")) == Decimal("0.000001")


@pytest.mark.parametrize("delta", ["0", "1", "-0.1"])
def test_a_delta_out_of_range_is_refused(delta: str) -> None:
    with pytest.raises(AccountingError, match="strictly between"):
        zcdp.epsilon_of_rho(Decimal("0.1"), Decimal(delta))


def test_a_budget_is_found_without_opendp() -> None:
    program = (
        "import sys\n"
        "from decimal import Decimal\n"
        "from dpgate.accounting.calibrate import budget_for\n"
        "budget_for(Decimal(1), Decimal('1e-9'))\n"
        "print(*sorted({'numpy', 'opendp'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == []
