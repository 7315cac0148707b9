"""Distances of single columns: what they are, and for which columns."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction
from typing import Any, ClassVar

import pyarrow as pa
import pytest

from dpgate.errors import EvidenceError
from dpgate.evidence.measures.column_distance import of_threshold
from dpgate.evidence.measures.columns import positions
from dpgate.evidence.measures.interface import Scene
from dpgate.evidence.measures.subject import Subject
from dpgate.model.dataset import Dataset
from dpgate.model.domain import ColumnDomain, domain_of
from dpgate.model.utility import ColumnDistance
from dpgate.sources.arrow import table_source
from dpgate.synthesis.interface import Task
from tests.suites import worlds
from tests.suites.measures import MeasureSuite, Private, Row
from tests.unit.evidence.measures.slow import (
    COLUMNS,
    SIZES,
    clipped,
    expected,
    huber,
    mean_of,
    rows_of,
    table,
)

ORDERED = ("age", "income", "grade")


def cuts(private: Sequence[Private], released: Sequence[Row], total: int, name: str) -> list[Any]:
    """|X_c − N̂·F_c| at each cut."""
    x, e = table(rows_of(private), name), expected(released, total, name)
    return [
        abs(sum(x[c,] - e.get((c,), Fraction(0)) for c in range(cut + 1)))
        for cut in range(SIZES[name] - 1)
    ]


class TestKolmogorovSmirnov(MeasureSuite):
    asked: ClassVar = {"metric": "ks", "at_most": Decimal("0.1")}
    bad_at_least = Fraction(1, 4)

    def slow(self, private: Sequence[Private], released: Sequence[Row], total: int) -> Fraction:
        found = [max(cuts(private, released, total, name)) for name in ORDERED]
        return clipped(mean_of(found) / total)

    def bad(self, rows: Sequence[Row]) -> list[Row]:
        return [{**row, "age": 3, "income": 1.0, "grade": 1} for row in rows]


class TestWasserstein(MeasureSuite):
    asked: ClassVar = {"metric": "wasserstein", "at_most": Decimal("0.1"), "weight": Decimal(2)}
    bad_at_least = Fraction(1, 4)

    def slow(self, private: Sequence[Private], released: Sequence[Row], total: int) -> Fraction:
        found = []
        for name in ORDERED:
            column = COLUMNS[name]
            line = (
                [
                    (Fraction(a) + Fraction(b)) / 2
                    for a, b in zip(column.lows, column.highs, strict=True)
                ]
                if column.lows
                else [Fraction(n) for n in range(len(column.values))]
            )
            if column.null is not None:
                line.append(line[-1] + (line[-1] - line[0]) / (len(line) - 1))
            gaps = [line[n + 1] - line[n] for n in range(len(line) - 1)]
            wrong = cuts(private, released, total, name)
            moved = sum(gap * cut for gap, cut in zip(gaps, wrong, strict=True))
            found.append(moved / (line[-1] - line[0]))
        return clipped(mean_of(found) / total)

    def bad(self, rows: Sequence[Row]) -> list[Row]:
        return [{**row, "age": 99, "income": 5000.0, "grade": 5} for row in rows]

    def tolerance(self, released: Sequence[Row], total: int) -> Fraction:
        return super().tolerance(released, total) + Fraction(1, 10**6)


class TestChiSquare(MeasureSuite):
    asked: ClassVar = {"metric": "chi_square", "at_most": Decimal("0.1")}
    bad_at_least = Fraction(1, 2)

    def slow(self, private: Sequence[Private], released: Sequence[Row], total: int) -> Fraction:
        found = []
        for name in ("job", "smokes"):
            x, e = table(rows_of(private), name), expected(released, total, name)
            found.append(
                sum(
                    (huber(x[c,], e.get((c,), Fraction(0))) for c in range(SIZES[name])),
                    Fraction(0),
                )
            )
        return clipped(mean_of(found) / total, 3)

    def bad(self, rows: Sequence[Row]) -> list[Row]:
        return [{**row, "job": "other", "smokes": False} for row in rows]

    def tolerance(self, released: Sequence[Row], total: int) -> Fraction:
        # The broken parabola lies above the smooth one by at most 1/4096 of each cell's base.
        return super().tolerance(released, total) + Fraction(1 + 3 * 5, 4096)


@pytest.mark.parametrize(
    ("metric", "columns", "message"),
    [
        ("ks", ("job",), "needs an order of values, and job is category"),
        ("wasserstein", ("age", "job"), "job is category"),
        ("chi_square", ("age",), "needs a list of values, and age is integer"),
        ("ks", ("name",), "name is no column that the release learns"),
        ("chi_square", ("nobody",), "nobody is no column"),
    ],
)
def test_columns_of_another_kind_are_refused_when_planning(
    metric: str, columns: tuple[str, ...], message: str
) -> None:
    with pytest.raises(EvidenceError, match=message) as caught:
        distance(metric, columns).vectors()
    assert caught.value.fix


@pytest.mark.parametrize(
    ("metric", "learned"), [("ks", ("job", "smokes")), ("chi_square", ("age", "grade"))]
)
def test_a_release_without_columns_of_the_kind_is_refused(
    metric: str, learned: tuple[str, ...]
) -> None:
    data = worlds.dataset()
    scene = Scene(dataset=data, domain=domain_of(data, learned), relation="add-remove")
    with pytest.raises(EvidenceError, match="none of") as caught:
        distance(metric, None, scene).vectors()
    assert "drop the threshold" in caught.value.fix


def distance(metric: str, columns: tuple[str, ...] | None, scene: Scene | None = None) -> Any:
    data = worlds.dataset()
    threshold = ColumnDistance.model_validate(
        {"metric": metric, "columns": columns, "at_most": Decimal("0.1")}
    )
    usual = Scene(dataset=data, domain=worlds.domain(), relation="add-remove")
    return of_threshold(threshold, scene or usual, "evidence.asked")


def test_a_boolean_has_an_order_and_an_ordinal_is_a_list_where_they_are_named() -> None:
    assert distance("ks", ("smokes",)).places() == (4,)
    assert distance("chi_square", ("grade",)).places() == (3,)
    assert distance("ks", None).places() == (0, 1, 3)
    assert distance("chi_square", None).places() == (2, 4)


@pytest.mark.parametrize(
    ("metric", "far"), [("ks", 1025), ("wasserstein", 1025), ("chi_square", 2049)]
)
def test_what_a_row_moves(metric: str, far: int) -> None:
    (vector,) = distance(metric, None).vectors()
    assert vector.distance_squared == far**2


def test_days_lie_where_the_calendar_has_them() -> None:
    data = dated()
    domain = domain_of(data, ("day",))
    middles = positions(domain.columns[0])
    first = (dt.date(2020, 1, 1) - dt.date(1970, 1, 1)).days
    assert list(map(float, middles)) == [first + 15, first + 31 + 14, first + 60 + 15]
    days = [dt.date(2020, 1, 5), dt.date(2020, 3, 31)]
    subject = Subject(
        task=Task(domain=domain, relation="add-remove", rows=1),
        released=pa.table({"day": pa.array(days[1:])}),
        total=1,
        source=table_source(pa.table({"day": pa.array(days[:1])}), domain),
        progress=lambda _stage, _done: None,
    )
    scene = Scene(dataset=data, domain=domain, relation="add-remove")
    for metric in ("ks", "wasserstein"):  # from one end to the other: everything is wrong
        found = distance(metric, None, scene).statistic(subject)
        assert 1023 <= found <= 1024


def dated() -> Dataset:
    given = worlds.dataset().model_dump()
    given["spec"]["columns"]["day"] = {
        "type": "date",
        "sensitivity": "plain",
        "source": {"public_codebook": "made up"},
        "domain": {"min": dt.date(2020, 1, 1), "max": dt.date(2020, 3, 31), "bins": "month"},
    }
    return Dataset.model_validate(given)


def test_listed_values_lie_at_their_ranks() -> None:
    column = ColumnDomain(name="stage", kind="text", values=("i", "ii", "iv"))
    assert list(map(int, positions(column))) == [0, 1, 2]
