"""Budgets of both measures: what is shared out never costs more than the whole."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import pytest

from dpgate.accounting import calibrate, curves, groups
from dpgate.accounting.calibrate import Budget, Promise, budget_for, laplace_event, selection_event
from dpgate.accounting.compose import release_epsilon
from dpgate.accounting.filter import INFINITE
from dpgate.errors import AccountingError
from dpgate.model.event import Event

EPSILONS = ["0.000001", "0.013", "1", "2.7182818", "1000"]


def parts(budget: Budget) -> list[Event]:
    """A third for each of three: Laplace once, Laplace seven times, selections."""
    third = budget.part(Fraction(1, 3))
    return [
        laplace_event(name="a", budget=third, times=1, sensitivity=3, relation="add-remove"),
        laplace_event(name="b", budget=third, times=7, sensitivity=10**9, relation="add-remove"),
        selection_event(name="c", budget=third, times=5, sensitivity=2, relation="add-remove"),
    ]


@pytest.mark.parametrize("epsilon", EPSILONS)
def test_pure_parts_compose_to_the_promise(epsilon: str) -> None:
    budget = budget_for(Decimal(epsilon), Decimal(0))
    assert budget.measure == "epsilon"
    events = parts(budget)
    alone = release_epsilon(events, Decimal(0))
    assert alone <= Decimal(epsilon)
    assert alone >= Decimal(epsilon) * Decimal("0.99999")
    exact = Fraction(3) / Fraction(events[0].scale)
    assert Fraction(curves.pure_loss(events[0])) >= exact
    assert Fraction(curves.pure_loss(events[2])) >= Fraction(2 * 2 * 5) / Fraction(events[2].scale)


@pytest.mark.parametrize("epsilon", ["0.01", "1", "20"])
def test_parts_under_zcdp_compose_to_the_promise(epsilon: str) -> None:
    delta = Decimal("1e-9")
    budget = budget_for(Decimal(epsilon), delta)
    promise = Promise(Decimal(epsilon), delta)
    assert budget == Budget("rho", calibrate.rho_for(Decimal(epsilon), delta), promise)
    assert budget.part(Fraction(1)).promise is None
    events = parts(budget)
    assert release_epsilon(events, delta) <= Decimal(epsilon)
    third = Fraction(budget.amount) / 3
    for event in events[:2]:  # ε²/2 for each run
        each = Fraction(event.loss) / event.times
        assert each**2 / 2 * event.times <= third
        assert each**2 / 2 * event.times >= third * Fraction(999, 1000)
    assert Fraction(events[2].loss) <= third


@pytest.mark.parametrize("relation", ["add-remove", "replace-one"])
@pytest.mark.parametrize("delta", ["0", "1e-9"])
def test_persons_share_a_budget_with_all_their_rows(relation: str, delta: str) -> None:
    whole = budget_for(Decimal(1), Decimal(delta))
    row = groups.row_budget(whole, 5, relation)
    planned = [event.model_copy(update={"relation": relation}) for event in parts(row)]
    events = groups.for_persons(planned, 5)
    alone = release_epsilon(events, Decimal(delta))
    assert Decimal("0.999") < alone <= 1
    assert groups.row_budget(whole, 1, relation) == whole


def test_a_gaussian_has_no_pure_epsilon() -> None:
    gaussian = calibrate.gaussian_event(
        name="g", rho=Decimal("0.1"), times=1, sensitivity_squared=1, relation="add-remove"
    )
    assert curves.pure_loss(gaussian) == INFINITE
    assert (
        release_epsilon([gaussian, *parts(Budget("epsilon", Decimal(1)))], Decimal(0)) == INFINITE
    )


def test_delta_that_a_mechanism_needs_leaves_no_pure_epsilon() -> None:
    threshold = parts(Budget("epsilon", Decimal(1)))[0].model_copy(
        update={"delta0": Decimal("1e-9")}
    )
    assert release_epsilon([threshold], Decimal(0)) == INFINITE


def test_a_recorded_loss_above_the_recomputed_one_counts() -> None:
    event = parts(Budget("epsilon", Decimal(3)))[0]
    dearer = event.model_copy(update={"loss": event.loss * 2})
    assert curves.pure_loss(dearer) == event.loss * 2


@pytest.mark.parametrize("epsilon", ["0.0000009", "1001"])
def test_pure_promises_out_of_range_are_refused(epsilon: str) -> None:
    with pytest.raises(AccountingError, match="epsilon must lie in"):
        budget_for(Decimal(epsilon), Decimal(0))
