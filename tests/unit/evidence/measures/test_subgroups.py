"""Fidelity within subgroups: the worst one, those too small to judge, and the interval."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction
from typing import Any, ClassVar

import numpy as np
import pytest

from dpgate.errors import EvidenceError
from dpgate.evidence.measures.interface import Scene
from dpgate.evidence.measures.subgroups import of_threshold
from dpgate.evidence.measures.subject import Subject
from dpgate.model.dataset import Dataset
from dpgate.model.domain import domain_of
from dpgate.model.utility import Subgroups
from tests.suites import worlds
from tests.suites.measures import MeasureSuite, Private, Row
from tests.unit.evidence.measures.slow import clipped, rows_of, table

BY = ("job", "smokes")
OTHERS = ("age", "income", "grade")


class TestSubgroups(MeasureSuite):
    asked: ClassVar = {"metric": "subgroup_tvd", "columns": BY, "at_most": Decimal("0.1")}
    bad_at_least = Fraction(1, 2)

    def slow(self, private: Sequence[Private], released: Sequence[Row], total: int) -> Fraction:
        found = []
        mine, theirs = table(rows_of(private), *BY), table(released, *BY)
        for group, size in mine.items():
            apart = Fraction(0)
            for name in OTHERS:
                x, s = (table(rows, *BY, name) for rows in (rows_of(private), released))
                cells = {cell for cell in (*x, *s) if cell[:2] == group}
                apart += sum(
                    abs(x[cell] - Fraction(size * s[cell], max(theirs[group], 1))) for cell in cells
                )
            worst = apart / (2 * len(OTHERS) * size)
            found.append(worst if theirs[group] else Fraction(1))
        return clipped(max(found, default=Fraction(1)))

    def tolerance(self, released: Sequence[Row], total: int) -> Fraction:
        return Fraction(30, 1024)

    def bad(self, rows: Sequence[Row]) -> list[Row]:
        """Smokers are as they were; the others all of one age."""
        return [
            row if row["smokes"] else {**row, "age": 3, "grade": 1, "income": 1.0} for row in rows
        ]


def distance(
    columns: tuple[str, ...] = BY, relation: str = "add-remove", data: Dataset | None = None
) -> Any:
    chosen = data or worlds.dataset(relation)
    given = {"metric": "subgroup_tvd", "columns": columns, "at_most": Decimal("0.1")}
    domain = domain_of(chosen, tuple(worlds.COLUMNS))
    scene = Scene(dataset=chosen, domain=domain, relation=relation)
    return of_threshold(Subgroups.model_validate(given), scene, "evidence.asked")


@pytest.mark.parametrize(
    ("relation", "sizes", "distances"),
    [("add-remove", 1, 512**2), ("replace-one", 2, 1024**2)],
)
def test_what_a_row_moves(relation: str, sizes: int, distances: int) -> None:
    found = distance(relation=relation).vectors()
    assert [(v.suffix, v.distance_squared) for v in found] == [
        ("sizes", sizes),
        ("distances", distances),
    ]
    assert sum(v.share for v in found) == 1


@pytest.mark.parametrize(
    ("columns", "message"),
    [(("name",), "name is no column"), (("job", "name"), "name is no column")],
)
def test_columns_that_are_not_learned_are_refused_when_planning(
    columns: tuple[str, ...], message: str
) -> None:
    with pytest.raises(EvidenceError, match=message):
        distance(columns).vectors()


def test_subgroups_of_all_columns_or_too_many_are_refused() -> None:
    data = worlds.dataset()
    given = {"metric": "subgroup_tvd", "columns": BY, "at_most": Decimal("0.1")}
    scene = Scene(dataset=data, domain=domain_of(data, BY), relation="add-remove")
    with pytest.raises(EvidenceError, match="no columns but those of the subgroups"):
        of_threshold(Subgroups.model_validate(given), scene, "evidence.asked").vectors()
    many = data.model_dump()
    many["spec"]["columns"]["job"].update(
        {"domain": tuple(f"j{n}" for n in range(5_000)), "other": None}
    )
    with pytest.raises(EvidenceError, match="5000 cells; 4096 can be measured") as caught:
        distance(("job",), data=Dataset.model_validate(many)).vectors()
    assert caught.value.fix


def given_world() -> Subject:
    suite = TestSubgroups()
    return suite.subject(suite.scene(), [], worlds.rows(400), 400)


def vectors(sizes: dict[int, int], distances: dict[int, int]) -> list[Any]:
    """Six subgroups: clerk, smith, other; each smokes or does not."""
    return [
        np.array([part.get(group, 0) for group in range(6)], dtype=np.int64)
        for part in (sizes, distances)
    ]


def test_small_subgroups_are_named_but_not_judged() -> None:
    noisy = vectors({0: 200, 1: 9, 3: 300}, {0: 20 * 1024, 1: 9 * 1024, 3: 60 * 1024})
    found = distance().figures(given_world(), noisy, (Decimal(1), Decimal(512)))
    assert found.main.value == Fraction(60, 300)
    assert [part.label for part in found.parts] == [
        "job=smith, smokes=true",
        "job=clerk, smokes=false",
        "job=clerk, smokes=true (too small)",
        "job=smith, smokes=false (too small)",
        "job=other, smokes=false (too small)",
        "job=other, smokes=true (too small)",
    ]
    assert found.given == "noisy sizes; 4 of 6 subgroups have fewer than 10 rows, too few to judge"
    half = Fraction("1.959964") / 2 / 300
    assert found.parts[0].low == Fraction(60, 300) - half
    assert found.main.high == found.parts[0].high == Fraction(60 * 1024 + 1, 300 * 1024) + half
    assert found.main.low < found.parts[0].low  # six chances to be too high
    assert found.marginals == 3


def test_the_bad_end_covers_subgroups_that_are_wider() -> None:
    noisy = vectors({0: 20, 3: 300}, {0: 3 * 1024, 3: 48 * 1024})
    found = distance().figures(given_world(), noisy, (Decimal(1), Decimal(512)))
    assert found.main.value == Fraction(48, 300) > Fraction(3, 20)
    assert found.main.high > Fraction(48, 300) + Fraction(3, 100)


def test_nothing_large_enough_is_denied() -> None:
    found = distance().figures(given_world(), vectors({}, {}), (Decimal(9), Decimal(512)))
    assert (found.main.low, found.main.value, found.main.high) == (0, 1, 1)
    assert "6 of 6 subgroups" in found.given


def test_a_large_subgroup_that_the_release_lacks_counts_as_one() -> None:
    noisy = vectors({4: 50}, {4: 0})  # nobody released has another job
    found = distance().figures(given_world(), noisy, (Decimal(1), Decimal(512)))
    assert (found.main.low, found.main.value, found.main.high) == (1, 1, 1)


def test_a_plan_states_the_noise_of_a_subgroup_of_average_size() -> None:
    scales = (Decimal(10), Decimal(5120))
    assert distance().half_width(scales, 6_000) == Fraction("1.959964") * 5 / 1000
    assert distance().half_width(scales, 1) == 1


@pytest.mark.parametrize(("relation", "reached"), [("add-remove", 512), ("replace-one", 1024)])
def test_the_declared_distance_is_reached(relation: str, reached: int) -> None:
    # A row of the same subgroup in another's place empties a cell and fills one, in each column.
    plain: Row = {"age": 3, "income": 1.0, "job": "clerk", "grade": 1, "smokes": False}
    other: Row = {**plain, "age": 99, "income": 4000.0, "grade": 5}
    suite, one = TestSubgroups(), distance(relation=relation)
    agree = [plain] * 5
    changed = [*agree, other] if relation == "add-remove" else [*agree[1:], other]
    sizes = vectors({0: 5}, {})[:1]
    here, there = (
        one.exact(
            1,
            suite.subject(suite.scene(relation), [(row, True) for row in rows], [plain], 5),
            sizes,
        )
        for rows in (agree, changed)
    )
    assert list(np.abs(here - there)) == [reached, 0, 0, 0, 0, 0]
    assert one.vectors()[1].distance_squared == reached**2
