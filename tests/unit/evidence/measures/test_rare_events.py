"""Rare events: what a release has too few of."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction
from typing import Any, ClassVar

import pytest

from dpgate.errors import EvidenceError
from dpgate.evidence.measures.interface import Scene
from dpgate.evidence.measures.rare_events import of_threshold
from dpgate.model.dataset import Dataset
from dpgate.model.domain import domain_of
from dpgate.model.utility import Subgroups
from tests.suites import worlds
from tests.suites.measures import MeasureSuite, Private, Row
from tests.unit.evidence.measures.slow import clipped, expected, rows_of, table


class TestRareEvents(MeasureSuite):
    asked: ClassVar = {
        "metric": "rare_events",
        "columns": ("job", "grade", "smokes"),
        "at_most": Decimal("0.1"),
    }
    bad_at_least = Fraction(2, 5)

    def slow(self, private: Sequence[Private], released: Sequence[Row], total: int) -> Fraction:
        names = ("job", "grade", "smokes")
        e = expected(released, total, *names)
        lost = [
            max(Fraction(0), x - 2 * e.get(cell, Fraction(0)))
            for cell, x in table(rows_of(private), *names).items()
        ]
        return clipped(sum(lost, Fraction(0)) / total)

    def bad(self, rows: Sequence[Row]) -> list[Row]:
        """Nobody smokes any more."""
        return [{**row, "smokes": False} for row in rows]

    def test_half_of_a_share_is_still_enough(self) -> None:
        rare = [{**worlds.rows(1)[0], "job": "other"}] * 10
        common = worlds.rows(90)
        private = [(row, True) for row in rare + common]
        kept = self.without_noise(private, rare[:5] + common + common[:5], 100)
        assert kept.main.value <= Fraction(2, 100)
        lost = self.without_noise(private, common, 100)
        assert lost.main.value >= Fraction(1, 10)


def rare(columns: tuple[str, ...], data: Dataset | None = None) -> Any:
    chosen = data or worlds.dataset()
    given = {"metric": "rare_events", "columns": columns, "at_most": Decimal("0.1")}
    domain = domain_of(chosen, tuple(worlds.COLUMNS))
    scene = Scene(dataset=chosen, domain=domain, relation="replace-one")
    return of_threshold(Subgroups.model_validate(given), scene, "evidence.asked")


def test_tables_that_cannot_be_counted_are_refused_when_planning() -> None:
    with pytest.raises(EvidenceError, match="name is no column"):
        rare(("name",)).vectors()
    given = worlds.dataset().model_dump()
    many = tuple(f"j{n}" for n in range(10_000))
    given["spec"]["columns"]["job"].update({"domain": many, "other": None})
    given["spec"]["columns"]["age"]["domain"]["bins"] = 99
    large = Dataset.model_validate(given)
    with pytest.raises(EvidenceError, match=r"the table of .* cells") as caught:
        rare(("job", "age", "grade", "income"), large).vectors()
    assert "fewer" in caught.value.fix


def test_a_row_counts_once_under_both_relations() -> None:
    (vector,) = rare(("job",)).vectors()
    assert vector.distance_squared == 1025**2
