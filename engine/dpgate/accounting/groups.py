"""Charging persons: events that were planned for one row, as they are for all rows of one person.

Any two datasets that differ in one person are at most `distance` rows apart, so inputs of a
mechanism are at most so many times as far apart as for one row (the triangle inequality, in any
norm). An event states that distance as its sensitivity; everything downstream then composes at
one unit, the person.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from decimal import Decimal
from fractions import Fraction

from dpgate.accounting.calibrate import Budget
from dpgate.accounting.curves import check_group_rule, distance, loss
from dpgate.accounting.rounding import significant_down
from dpgate.model.event import Event
from dpgate.model.values import Relation

_HEADROOM = 1 - Fraction(1, 10**10)
"""Losses are rounded up to 12 digits when they are stated for persons; this pays for it."""


def row_share(rho: Decimal, rows: int, relation: Relation) -> Decimal:
    """The ρ to plan with for one row, so that `for_persons` stays within `rho`.

    Args:
        rho: zCDP budget for one person, > 0.
        rows: public bound on the rows of one person, ≥ 1; 1 where rows are protected.
        relation: neighboring relation of the population.
    """
    far = distance(rows, relation)
    return rho if far == 1 else significant_down(Fraction(rho) / far**2 * _HEADROOM, 12)


def row_budget(budget: Budget, rows: int, relation: Relation) -> Budget:
    """The budget to plan with for one row; ρ shrinks with the square of the distance, ε with it.

    The promise stays what it is, one to all `rows` rows together: only events that are planned for
    these together, as DP-SGD that samples and clips whole persons, can be planned from it.
    """
    far = distance(rows, relation)
    if far == 1:
        return budget
    if budget.measure == "rho":
        return Budget("rho", row_share(budget.amount, rows, relation), budget.promise, rows)
    return replace(budget.part(_HEADROOM / far), rows=rows)


def for_persons(events: Iterable[Event], rows: int) -> tuple[Event, ...]:
    """The same mechanisms with the same noise, accounted for persons.

    Args:
        events: accounted for one row.
        rows: public bound on the rows of one person, ≥ 1; 1 where rows are protected.

    Returns:
        Events with the squared sensitivity times the squared distance of persons, and the loss
        that follows from it.

    Raises:
        AccountingError: rows > 1 for `sampled-gaussian` and `foreign`, which have no such rule.
    """
    return tuple(_for_person(event, distance(rows, event.relation)) for event in events)


def _for_person(event: Event, far: int) -> Event:
    if far == 1:
        return event
    check_group_rule(event)
    moved = event.model_copy(update={"sensitivity_squared": event.sensitivity_squared * far**2})
    return moved.model_copy(update={"loss": loss(moved)})
