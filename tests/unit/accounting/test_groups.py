"""Charging persons: the same noise, accounted for all rows of one person."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import pytest

from dpgate.accounting.calibrate import budget_for, gaussian_event, noisy_max_event
from dpgate.accounting.curves import check, group, loss_of
from dpgate.accounting.groups import for_persons, row_budget, row_share
from dpgate.errors import AccountingError
from dpgate.mechanisms.measurement import measurement
from dpgate.model.event import Event

RHO = Decimal("0.0317")


def planned(rows: int, relation: str) -> tuple[Event, ...]:
    share = row_share(RHO, rows, relation) / 2
    moved = 2 if relation == "replace-one" else 1
    return (
        gaussian_event(name="a", rho=share, times=7, sensitivity_squared=moved, relation=relation),
        noisy_max_event(
            name="b", rho=share, times=3, sensitivity_squared=(16 * moved) ** 2, relation=relation
        ),
    )


@pytest.mark.parametrize("relation", ["add-remove", "replace-one"])
@pytest.mark.parametrize("rows", [1, 2, 5, 1000])
def test_persons_cost_what_the_release_may(rows: int, relation: str) -> None:
    events = for_persons(planned(rows, relation), rows)
    total = sum(event.loss for event in events)
    assert RHO * Decimal("0.999999") < total <= RHO
    for event in events:
        check(event)
        measurement(event)  # OpenDP charges no more


@pytest.mark.parametrize("relation", ["add-remove", "replace-one"])
def test_group_privacy_of_a_row_is_what_a_person_is_charged(relation: str) -> None:
    rows = planned(5, relation)
    for row, person in zip(rows, for_persons(rows, 5), strict=True):
        assert person.scale == row.scale
        for order, value in group(row, 5, (2, 64)).items():
            assert abs(group(person, 1, (order,))[order] / value - 1) < Decimal("1e-9")


def test_pure_loss_grows_in_proportion() -> None:
    loss = loss_of("laplace", sensitivity_squared=Decimal(1), scale=Decimal(10), times=4)
    row = Event(
        name="a", mechanism="laplace", relation="add-remove", sensitivity_squared=Decimal(1),
        scale=Decimal(10), times=4, loss=loss, delta0=Decimal(0), proof="opendp",
    )  # fmt: skip
    (person,) = for_persons([row], 3)
    assert abs(person.loss / row.loss - 3) < Decimal("1e-9")


def test_one_row_a_person_changes_nothing() -> None:
    rows = planned(1, "replace-one")
    assert for_persons(rows, 1) == rows
    assert row_share(RHO, 1, "replace-one") == RHO


def test_what_has_no_rule_is_refused() -> None:
    row = Event(
        name="a", mechanism="sampled-gaussian", relation="add-remove",
        sensitivity_squared=Decimal(1), scale=Decimal(2), sampling_rate=Decimal("0.1"), times=4,
        loss=Decimal(0), delta0=Decimal(0), proof="real-arithmetic",
    )  # fmt: skip
    assert for_persons([row], 1) == (row,)
    with pytest.raises(AccountingError, match="no group privacy rule"):
        for_persons([row], 2)


@pytest.mark.parametrize("relation", ["add-remove", "replace-one"])
def test_a_budget_of_a_row_keeps_the_promise_to_the_person(relation: str) -> None:
    """ρ is that of one row, (ε, δ) that of all rows of a person; parts stand for no promise."""
    whole = budget_for(Decimal(1), Decimal("1e-6"))
    assert whole.rows == 1
    assert row_budget(whole, 1, relation) is whole
    budget = row_budget(whole, 5, relation)
    assert (budget.promise, budget.rows) == (whole.promise, 5)
    assert budget.amount == row_share(whole.amount, 5, relation)
    assert (budget.part(Fraction(1, 2)).promise, budget.part(Fraction(1, 2)).rows) == (None, 5)
    pure = row_budget(budget_for(Decimal(1), Decimal(0)), 5, relation)
    assert (pure.measure, pure.promise, pure.rows) == ("epsilon", None, 5)
