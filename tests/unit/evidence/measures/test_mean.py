"""Means by group: what is measured, in which unit, and for which columns."""

from __future__ import annotations

import math
from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction
from typing import Any, ClassVar

import pytest

from dpgate.errors import EvidenceError
from dpgate.evidence.measures.interface import Scene
from dpgate.evidence.measures.mean import of_threshold
from dpgate.model.dataset import Dataset
from dpgate.model.domain import domain_of
from dpgate.model.utility import MeanError
from tests.suites import worlds
from tests.suites.measures import MeasureSuite, Private, Row, cell_of
from tests.unit.evidence.measures.slow import rows_of

BOUNDS = {"age": (Fraction(0), Fraction(99)), "income": (Fraction(0), Fraction(10001, 2))}
PLACES = {"age": 0, "income": 2}


def value_of(name: str, row: Row) -> Fraction | None:
    """A clamped value on its grid; None where a nullable column has none."""
    given, (low, high) = row[name], BOUNDS[name]
    if given is None or math.isnan(given):
        return None if name == "income" else low
    kept = low if given < low else high if given > high else Fraction(given)
    return Fraction(round(kept * 10 ** PLACES[name]), 10 ** PLACES[name])


class Means(MeasureSuite):
    of: ClassVar[str]
    by: ClassVar[tuple[str, ...]] = ()

    def _group(self, row: Row) -> tuple[int, ...]:
        return tuple(cell_of(name, row[name]) for name in self.by)

    def _known(self, rows: Sequence[Row]) -> list[tuple[tuple[int, ...], Fraction]]:
        found = [(self._group(row), value_of(self.of, row)) for row in rows]
        return [(group, value) for group, value in found if value is not None]

    def _scale(self, released: Sequence[Row]) -> Fraction:
        """|m| times the share of rows with a value."""
        known = [value for _, value in self._known(released)]
        low, high = BOUNDS[self.of]
        mean = sum(known, Fraction(0)) / len(known) if known else self._middle()
        return (abs(mean) or high - low) * Fraction(len(known) or len(released), len(released))

    def _middle(self) -> Fraction:
        low, high = (bound * 10 ** PLACES[self.of] for bound in BOUNDS[self.of])
        return Fraction((low + high) // 2, 10 ** PLACES[self.of])

    def slow(self, private: Sequence[Private], released: Sequence[Row], total: int) -> Fraction:
        known = self._known(released)
        overall = sum((v for _, v in known), Fraction(0)) / len(known) if known else self._middle()
        wrong: dict[tuple[int, ...], Fraction] = {}
        for group, value in self._known(rows_of(private)):
            mine = [v for g, v in known if g == group]
            mean = sum(mine, Fraction(0)) / len(mine) if mine else overall
            wrong[group] = wrong.get(group, Fraction(0)) + value - mean
        return sum(map(abs, wrong.values()), Fraction(0)) / (total * self._scale(released))

    def tolerance(self, released: Sequence[Row], total: int) -> Fraction:
        low, high = BOUNDS[self.of]
        return Fraction(2, 1024) / total * (high - low) / self._scale(released)

    def bad(self, rows: Sequence[Row]) -> list[Row]:
        """Groups exchange their values; the overall mean stays as it is."""
        values = [row[self.of] for row in sorted(rows, key=lambda row: row["smokes"])]
        ordered = sorted(rows, key=lambda row: not row["smokes"])
        return [{**row, self.of: value} for row, value in zip(ordered, values, strict=True)]


class TestMeanByGroup(Means):
    asked: ClassVar = {
        "metric": "mean",
        "of": "age",
        "by": ("smokes", "job"),
        "relative_error_at_most": Decimal("0.1"),
    }
    of, by, bad_at_least = "age", ("smokes", "job"), Fraction(1, 5)


class TestMeanOfNullable(Means):
    asked: ClassVar = {
        "metric": "mean",
        "of": "income",
        "by": ("smokes",),
        "relative_error_at_most": Decimal("0.1"),
    }
    of, by, bad_at_least = "income", ("smokes",), Fraction(1, 3)


class TestOverallMean(Means):
    asked: ClassVar = {"metric": "mean", "of": "income", "relative_error_at_most": Decimal("0.1")}
    of, bad_at_least = "income", Fraction(1, 2)

    def bad(self, rows: Sequence[Row]) -> list[Row]:
        return [{**row, "income": 100.0} for row in rows]


def means(
    of: str, by: tuple[str, ...] = (), relation: str = "add-remove", data: Dataset | None = None
) -> Any:
    chosen = data or worlds.dataset(relation)
    names = tuple(worlds.COLUMNS)
    threshold = MeanError.model_validate(
        {"metric": "mean", "of": of, "by": by, "relative_error_at_most": Decimal("0.1")}
    )
    scene = Scene(dataset=chosen, domain=domain_of(chosen, names), relation=relation)
    return of_threshold(threshold, scene, "evidence.asked")


@pytest.mark.parametrize(
    ("of", "by", "message"),
    [
        ("job", (), "mean needs numbers, and job is category"),
        ("smokes", (), "smokes is boolean"),
        ("grade", (), "grade is ordinal"),
        ("name", (), "name is no column"),
        ("age", ("name",), "name is no column"),
        ("age", ("age",), "age cannot be within groups of itself"),
    ],
)
def test_columns_that_have_no_mean_are_refused_when_planning(
    of: str, by: tuple[str, ...], message: str
) -> None:
    with pytest.raises(EvidenceError, match=message) as caught:
        means(of, by).vectors()
    assert caught.value.fix


def test_too_many_groups_are_refused() -> None:
    given = worlds.dataset().model_dump()
    many = tuple(f"j{n}" for n in range(9_000))
    given["spec"]["columns"]["job"].update({"domain": many, "other": None})
    with pytest.raises(EvidenceError, match="has 108000 cells; 65536 can be measured"):
        means("income", ("age", "job"), data=Dataset.model_validate(given)).vectors()


@pytest.mark.parametrize(
    ("by", "relation", "records"),
    [
        ((), "add-remove", 1),
        (("job",), "add-remove", 1),
        ((), "replace-one", 1),
        (("job",), "replace-one", 2),
    ],
)
def test_what_a_row_moves(by: tuple[str, ...], relation: str, records: int) -> None:
    (vector,) = means("age", by, relation).vectors()
    assert vector.distance_squared == (records * 1024 + 1) ** 2


@pytest.mark.parametrize(
    ("low", "high", "decimals", "kept"),
    [("0", "5000.5", 2, 2), ("0", "9000000", 9, 5), ("0.2", "0.8", 0, 1)],
)
def test_the_grid_is_as_fine_as_exact_sums_allow(
    low: str, high: str, decimals: int, kept: int
) -> None:
    given = worlds.dataset().model_dump()
    given["spec"]["columns"]["income"].update(
        {"domain": {"min": Decimal(low), "max": Decimal(high), "bins": 4}, "decimals": decimals}
    )
    assert means("income", data=Dataset.model_validate(given)).grid().decimals == kept


def test_bounds_that_leave_nothing_to_add_up_are_refused() -> None:
    given = worlds.dataset().model_dump()
    given["spec"]["columns"]["age"]["domain"].update({"max": Decimal(2**52)})
    with pytest.raises(EvidenceError, match="too far apart for exact sums"):
        means("age", data=Dataset.model_validate(given)).vectors()


def test_a_released_mean_of_zero_makes_the_value_relative_to_the_range() -> None:
    suite = TestOverallMean()
    rows = worlds.rows(50)
    found = suite.without_noise([(row, True) for row in rows], [{**rows[0], "income": 0.0}], 50)
    assert found.given.endswith("; relative to the range, as the mean is 0")
    assert 0 < found.main.value < 1
