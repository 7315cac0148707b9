"""Rates and funnels: what passes, and which conditions can be counted."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Decimal
from fractions import Fraction
from typing import Any, ClassVar

import pytest

from dpgate.errors import EvidenceError
from dpgate.evidence.measures.interface import Scene
from dpgate.evidence.measures.rates import of_threshold
from dpgate.model.utility import Funnel, Rate
from tests.suites import worlds
from tests.suites.measures import MeasureSuite, Private, Row, cell_of
from tests.unit.evidence.measures.slow import COLUMNS, clipped, rows_of


def old(row: Row) -> bool:
    """At least 50; 50 is an edge of the bins."""
    return COLUMNS["age"].lows[cell_of("age", row["age"])] >= 50


def smoker(row: Row) -> bool:
    return bool(row["smokes"])


def graded(row: Row) -> bool:
    return cell_of("grade", row["grade"]) in (1, 2)


def worker(row: Row) -> bool:
    return cell_of("job", row["job"]) != 2


class Passing(MeasureSuite):
    steps: ClassVar[tuple[tuple[Callable[[Row], bool], ...], ...]]

    def slow(self, private: Sequence[Private], released: Sequence[Row], total: int) -> Fraction:
        found = []
        for step in self.steps:
            here, there = (
                sum(all(passes(row) for passes in step) for row in rows)
                for rows in (rows_of(private), released)
            )
            found.append(abs(here - Fraction(total * there, len(released))))
        return clipped(max(found) / total)

    def bad(self, rows: Sequence[Row]) -> list[Row]:
        return [{**row, "smokes": not row["smokes"]} for row in rows]


class TestRate(Passing):
    asked: ClassVar = {
        "metric": "rate",
        "name": "smoking_old",
        "where": ("age>=50", "smokes=true", "grade=2|3"),
        "at_most": Decimal("0.1"),
    }
    steps: ClassVar = ((old, smoker, graded),)
    bad_at_least = Fraction(1, 10)


class TestFunnel(Passing):
    asked: ClassVar = {
        "metric": "funnel",
        "name": "into_smoking",
        "steps": ("job!=other", "age>=50", "smokes=true", "grade=2|3"),
        "at_most": Decimal("0.1"),
    }
    steps: ClassVar = (
        (worker,),
        (worker, old),
        (worker, old, smoker),
        (worker, old, smoker, graded),
    )
    bad_at_least = Fraction(1, 5)


class TestFunnelOfOneColumn(Passing):
    asked: ClassVar = {
        "metric": "funnel",
        "name": "ages",
        "steps": ("age>=50", "smokes=true", "age<66"),
        "at_most": Decimal("0.1"),
    }
    steps: ClassVar = (
        (old,),
        (old, smoker),
        (old, smoker, lambda row: COLUMNS["age"].highs[cell_of("age", row["age"])] < 66),
    )
    bad_at_least = Fraction(1, 5)


def rate(*where: str) -> Any:
    threshold = Rate.model_validate(
        {"metric": "rate", "name": "asked", "where": where, "at_most": Decimal("0.1")}
    )
    return of_threshold(threshold, scene(), "evidence.asked")


def funnel(*steps: str) -> Any:
    threshold = Funnel.model_validate(
        {"metric": "funnel", "name": "asked", "steps": steps, "at_most": Decimal("0.1")}
    )
    return of_threshold(threshold, scene(), "evidence.asked")


def scene() -> Scene:
    return Scene(dataset=worlds.dataset(), domain=worlds.domain(), relation="replace-one")


@pytest.mark.parametrize(
    ("where", "message"),
    [
        (("age>=51",), "age>=51 cuts the bin age 50…57"),
        (("age=30",), "age=30 cuts the bin"),
        (("name=x",), "name is no column that was modelled"),
        (("job>=clerk",), "it has no order, so only = and != apply"),
        (("job=astronaut",), "job has no 'astronaut'"),
        (("old",), "'old' is no condition"),
        (("job=clerk|clerk",), "'job=clerk|clerk': job =: values are given once each"),
        (("age>=50", "age<50"), "no value of age can satisfy it"),
        (("age>=fifty",), "'fifty' is no number"),
    ],
)
def test_conditions_that_cannot_be_counted_are_refused_when_planning(
    where: tuple[str, ...], message: str
) -> None:
    with pytest.raises(EvidenceError) as caught:
        rate(*where).vectors()
    assert message in str(caught.value)
    assert caught.value.fix


def test_the_edge_to_use_is_named() -> None:
    with pytest.raises(EvidenceError) as caught:
        funnel("smokes=true", "age>=51").vectors()
    assert caught.value.fix == (
        "move the bound to an edge of age 50…57, or declare an edge of age at 51"
    )


def test_a_bin_that_another_condition_excludes_may_be_cut() -> None:
    assert rate("age>=51", "age>=66").vectors()
    with pytest.raises(EvidenceError, match="cuts"):
        funnel("age>=51", "age>=66").vectors()


def test_a_row_counts_once_under_both_relations() -> None:
    (vector,) = rate("smokes=true").vectors()
    assert vector.distance_squared == 1025**2


def test_a_condition_that_every_row_satisfies_is_at_the_total() -> None:
    suite = TestRate()
    subject = suite.subject(scene(), [(row, True) for row in worlds.rows(7)], worlds.rows(3), 10)
    assert rate("age>=0").statistic(subject) == 3 * 1024
