"""Recomputed losses and curves: exact, above the truth, and checked against others."""

from __future__ import annotations

import decimal
import math
import time
from decimal import Decimal
from fractions import Fraction

import dp_accounting
import pytest
from dp_accounting import rdp

from dpgate.accounting import curves
from dpgate.errors import AccountingError
from dpgate.model.event import ADAPTIVE, Event
from tests.suites.ledgers import event, ledger

ORDERS = (2, 3, 4, 8, 16, 32, 64)


def as_dp_event(item: Event) -> dp_accounting.DpEvent:
    """The event in dp-accounting's words; ρ events as the Gaussian of equal ρ."""
    if item.mechanism == "sampled-gaussian":
        one = dp_accounting.PoissonSampledDpEvent(
            float(item.sampling_rate or 1), dp_accounting.GaussianDpEvent(float(item.scale))
        )
        return dp_accounting.SelfComposedDpEvent(one, item.times)
    squared = float(item.scale) ** 2 / float(item.sensitivity_squared)
    runs = 1 if item.mechanism in ADAPTIVE else item.times
    return dp_accounting.SelfComposedDpEvent(
        dp_accounting.GaussianDpEvent(math.sqrt(squared)), runs
    )


def reference(item: Event) -> dict[int, float]:
    """Rényi divergences by dp-accounting; for pure ε those of randomized response."""
    if item.mechanism == "laplace":
        epsilon = math.sqrt(item.sensitivity_squared) / float(item.scale)
        # Replacing a row flips the true answer: the extreme pair of any ε-DP mechanism.
        accountant = rdp.RdpAccountant(
            ORDERS, neighboring_relation=dp_accounting.NeighboringRelation.REPLACE_ONE
        )
        response = dp_accounting.RandomizedResponseDpEvent(2 / (1 + math.exp(epsilon)), 2)
        accountant.compose(dp_accounting.SelfComposedDpEvent(response, item.times))
    else:
        accountant = rdp.RdpAccountant(ORDERS)
        accountant.compose(as_dp_event(item))
    return dict(zip(ORDERS, map(float, accountant._rdp), strict=True))


@pytest.mark.parametrize("seed", range(300))
def test_curves_agree_with_dp_accounting_and_are_never_below(seed: int) -> None:
    for item in ledger(seed):
        ours, theirs = curves.curve(item, ORDERS), reference(item)
        for order in ORDERS:
            # dp-accounting sums in binary floats: it may be above the truth by rounding.
            assert float(ours[order]) >= theirs[order] * (1 - 1e-9) - 1e-14
            assert float(ours[order]) <= theirs[order] * 1.001 + 1e-12


def test_the_curve_of_a_laplace_is_above_that_of_the_continuous_laplace() -> None:
    item = event("laplace", scale="3", times=5)
    accountant = rdp.RdpAccountant(ORDERS)
    accountant.compose(dp_accounting.SelfComposedDpEvent(dp_accounting.LaplaceDpEvent(3.0), 5))
    for order, theirs in zip(ORDERS, accountant._rdp, strict=True):
        assert theirs < float(curves.curve(item, ORDERS)[order]) <= 5 / 3 + 1e-9


@pytest.mark.parametrize(
    ("item", "exact"),
    [
        (event("gaussian", scale="10"), Fraction(1, 200)),
        (event("gaussian", scale="7", sensitivity_squared="2", times=3), Fraction(3, 49)),
        (event("noisy-max", scale="10", times=4), Fraction(4, 200)),
        (event("laplace", scale="3", sensitivity_squared="4", times=3), Fraction(2)),
        (event("laplace", scale="1", sensitivity_squared="0.25"), Fraction(1, 2)),
    ],
)
def test_losses_are_the_formula_rounded_up(item: Event, exact: Fraction) -> None:
    charged = Fraction(curves.loss(item))
    assert exact * (1 + Fraction(1, 2**40)) <= charged <= exact * (1 + Fraction(3, 10**11))
    assert len(curves.loss(item).normalize().as_tuple().digits) <= 12


def test_a_subsampled_gaussian_charges_its_curve_alone() -> None:
    assert curves.loss(event("sampled-gaussian", scale="1.1", rate="0.02", times=500)) == 0


def test_a_tampered_loss_is_caught() -> None:
    honest = event("gaussian", scale="10")
    curves.check(honest)
    tampered = honest.model_copy(update={"loss": honest.loss - Decimal("1e-14")})
    with pytest.raises(AccountingError, match=r"below the 0[.]005"):
        curves.check(tampered)


def test_a_loss_recorded_too_low_does_not_lower_the_curve() -> None:
    honest = event("gaussian", scale="10")
    tampered = honest.model_copy(update={"loss": Decimal(0)})
    assert curves.curve(tampered, ORDERS) == curves.curve(honest, ORDERS)


def test_a_loss_recorded_higher_counts_as_recorded() -> None:
    item = event("gaussian", scale="10", loss=Decimal("0.25"))
    assert curves.curve(item, (2, 4)) == {2: Decimal("0.5"), 4: Decimal(1)}


def test_curves_do_not_depend_on_the_decimal_context_of_the_caller() -> None:
    items = [
        event("laplace", scale="3.3", times=7),
        event("sampled-gaussian", scale="1.1", rate="0.02", times=500),
        event("gaussian", scale="10.123456789", sensitivity_squared="2"),
    ]
    usual = [curves.curve(item, ORDERS) for item in items]
    with decimal.localcontext(decimal.Context(prec=4, rounding=decimal.ROUND_DOWN)):
        assert [curves.curve(item, ORDERS) for item in items] == usual


@pytest.mark.parametrize("rate", ["1", "0." + "9" * 60])
def test_sampling_everyone_is_no_sampling(rate: str) -> None:
    item = event("sampled-gaussian", scale="2", rate=rate, times=3)
    step = Decimal("1e-15")
    for order, exact in ((2, Decimal("0.75")), (8, Decimal(3))):
        assert exact <= curves.curve(item, (order,))[order] <= exact + step


def test_small_and_large_pure_losses_stay_bounded() -> None:
    tiny = curves.curve(event("laplace", scale="1000000"), (2,))[2]
    assert Decimal("1e-12") <= tiny <= Decimal("1.001e-12")  # α·ε²/2
    huge = curves.curve(event("laplace", scale="0.0001"), (2, 1024))
    assert huge[2] <= huge[1024] <= Decimal("10000.0001")


def test_orders_below_two_are_refused() -> None:
    with pytest.raises(AccountingError, match="whole numbers from 2 up"):
        curves.curve(event("gaussian", scale="1"), (1, 2))


def test_a_scale_that_overflows_is_refused_and_fast() -> None:
    started = time.process_time()
    with pytest.raises(AccountingError, match="too small to be accounted"):
        curves.curve(event("sampled-gaussian", scale="0." + "0" * 30 + "1", rate="0.5"), (1024,))
    assert time.process_time() - started < 2


@pytest.mark.parametrize(
    ("relation", "k", "distance"),
    [("add-remove", 1, 1), ("add-remove", 5, 5), ("replace-one", 1, 1), ("replace-one", 5, 10)],
)
def test_group_privacy_by_relation(relation: str, k: int, distance: int) -> None:
    rho = event("gaussian", scale="100", relation=relation)
    exact = 4 * rho.loss * distance**2
    assert exact <= curves.group(rho, k, (4,))[4] <= exact + Decimal("1e-15")
    pure = event("laplace", scale="100", relation=relation)
    closer = event("laplace", scale="100", sensitivity_squared=str(distance**2))
    assert float(curves.group(pure, k, (4,))[4]) == pytest.approx(
        float(curves.curve(closer, (4,))[4]), rel=1e-9
    )


def test_group_privacy_of_a_subsampled_gaussian_is_refused() -> None:
    item = event("sampled-gaussian", scale="1", rate="0.1")
    assert curves.group(item, 1, ORDERS) == curves.curve(item, ORDERS)
    with pytest.raises(AccountingError, match="no group privacy rule"):
        curves.group(item, 2, ORDERS)
    with pytest.raises(AccountingError, match="at least 1"):
        curves.group(item, 0, ORDERS)


def test_float_curves_are_not_below_the_exact_ones() -> None:
    item = event("gaussian", scale="7.77", times=13)
    exact, floats = curves.curve(item, ORDERS), curves.float_curve(item, ORDERS)
    assert all(Decimal(floats[order]) >= exact[order] for order in ORDERS)
