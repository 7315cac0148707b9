"""Rank errors of quantiles: what is measured, and for which columns."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction
from typing import Any, ClassVar

import pytest

from dpgate.errors import EvidenceError
from dpgate.evidence.measures.interface import Scene
from dpgate.evidence.measures.quantile import of_threshold
from dpgate.model.utility import QuantileError
from tests.suites import worlds
from tests.suites.measures import MeasureSuite, Private, Row, cell_of
from tests.unit.evidence.measures.slow import COLUMNS, clipped, rows_of


class Quantiles(MeasureSuite):
    of: ClassVar[str]
    by: ClassVar[tuple[str, ...]] = ()
    at: ClassVar[Fraction]

    def _known(self, rows: Sequence[Row]) -> list[tuple[tuple[int, ...], int]]:
        found = [
            (tuple(cell_of(n, row[n]) for n in self.by), cell_of(self.of, row[self.of]))
            for row in rows
        ]
        return [(group, cell) for group, cell in found if cell != COLUMNS[self.of].null]

    def _quantile(self, cells: list[int]) -> tuple[int, Fraction]:
        for cell in sorted(cells):
            share = Fraction(sum(other <= cell for other in cells), len(cells))
            if share >= self.at:
                return cell, share
        return 0, Fraction(1)

    def slow(self, private: Sequence[Private], released: Sequence[Row], total: int) -> Fraction:
        known = self._known(released)
        wrong: dict[tuple[int, ...], Fraction] = {}
        for group, cell in self._known(rows_of(private)):
            mine = [c for g, c in known if g == group] or [c for _, c in known]
            at, share = self._quantile(mine)
            wrong[group] = wrong.get(group, Fraction(0)) + (cell <= at) - share
        valued = Fraction(len(known) or len(released), len(released))
        return clipped(sum(map(abs, wrong.values()), Fraction(0)) / (total * valued))

    def tolerance(self, released: Sequence[Row], total: int) -> Fraction:
        return Fraction(2 * len(released), 1024) / total


class TestNinetieth(Quantiles):
    asked: ClassVar = {
        "metric": "quantile",
        "of": "income",
        "by": ("smokes",),
        "at": Decimal("0.9"),
        "rank_error_at_most": Decimal("0.1"),
    }
    of, by, at, bad_at_least = "income", ("smokes",), Fraction(9, 10), Fraction(1, 5)

    def bad(self, rows: Sequence[Row]) -> list[Row]:
        return [{**row, "income": 60.0} for row in rows]


class TestMedianOfOrdinal(Quantiles):
    asked: ClassVar = {
        "metric": "quantile",
        "of": "grade",
        "at": Decimal("0.5"),
        "rank_error_at_most": Decimal("0.1"),
    }
    of, at, bad_at_least = "grade", Fraction(1, 2), Fraction(1, 2)

    def bad(self, rows: Sequence[Row]) -> list[Row]:
        return [{**row, "grade": 1} for row in rows]


def ranks(of: str, by: tuple[str, ...] = (), relation: str = "add-remove") -> Any:
    data = worlds.dataset(relation)
    given = {"metric": "quantile", "of": of, "by": by, "at": Decimal("0.5")}
    threshold = QuantileError.model_validate({**given, "rank_error_at_most": Decimal("0.1")})
    scene = Scene(dataset=data, domain=worlds.domain(), relation=relation)
    return of_threshold(threshold, scene, "evidence.asked")


@pytest.mark.parametrize(
    ("of", "by", "message"),
    [
        ("job", (), "quantile needs an order of values, and job is category"),
        ("name", (), "name is no column"),
        ("age", ("name",), "name is no column"),
        ("grade", ("grade",), "grade cannot be within groups of itself"),
    ],
)
def test_columns_that_have_no_quantile_are_refused_when_planning(
    of: str, by: tuple[str, ...], message: str
) -> None:
    with pytest.raises(EvidenceError, match=message) as caught:
        ranks(of, by).vectors()
    assert caught.value.fix


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
    (vector,) = ranks("age", by, relation).vectors()
    assert vector.distance_squared == (records * 1024 + 1) ** 2


def test_a_row_that_changes_its_group_moves_nearly_as_much_as_declared() -> None:
    plain = worlds.rows(1)[0]

    def rows(job: str, age: int, times: int) -> list[Row]:
        return [{**plain, "job": job, "age": age}] * times

    released = [row for job in ("clerk", "smith") for row in rows(job, 0, 49) + rows(job, 99, 1)]
    most = rows("clerk", 0, 200) + rows("smith", 99, 1)
    one, suite = ranks("age", ("job",), "replace-one"), TestNinetieth()
    here, there = (
        one.statistic(
            suite.subject(suite.scene("replace-one"), [(row, True) for row in private], released, 9)
        )
        for private in (most + rows("clerk", 99, 1), most + rows("smith", 99, 1))
    )
    assert there - here == int(2 * 0.98 * 1024)
