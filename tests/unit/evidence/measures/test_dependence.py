"""Differences of dependences: what they are, and for which columns."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction
from typing import Any, ClassVar

import numpy as np
import pytest

from dpgate.errors import EvidenceError
from dpgate.evidence.measures.dependence import of_threshold
from dpgate.evidence.measures.interface import RESOLUTION, Scene
from dpgate.model.domain import domain_of
from dpgate.model.utility import Dependence
from tests.suites import worlds
from tests.suites.measures import MeasureSuite, Private, Row, cell_of
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


def standard(name: str, rows: Sequence[Row], released: Sequence[Row]) -> list[Fraction]:
    """The z of each row in 32nds, from the released rows' mean and deviation."""
    column = COLUMNS[name]
    line = (
        [(low + high) / 2 for low, high in zip(column.lows, column.highs, strict=True)]
        if column.lows
        else [float(n) for n in range(len(column.values))]
    )
    cells = [cell_of(name, row[name]) for row in released]
    known = [line[cell] for cell in cells if cell != column.null] or line
    mean = math.fsum(known) / len(known)
    scale = math.sqrt(math.fsum((v - mean) ** 2 for v in known) / len(known))
    scale = scale or (line[-1] - line[0]) / 4
    made = []
    for row in rows:
        cell = cell_of(name, row[name])
        z = 0.0 if cell == column.null else min(max((line[cell] - mean) / scale, -3), 3)
        made.append(Fraction(round(z * 32), 32))
    return made


class TestCorrelation(MeasureSuite):
    asked: ClassVar = {"metric": "correlation", "at_most": Decimal("0.1")}
    bad_at_least = Fraction(1, 8)

    def slow(self, private: Sequence[Private], released: Sequence[Row], total: int) -> Fraction:
        found = []
        for one, two in itertools.combinations(ORDERED, 2):
            here, there = (
                sum(
                    (
                        a * b
                        for a, b in zip(
                            *(standard(n, rows, released) for n in (one, two)), strict=True
                        )
                    ),
                    Fraction(0),
                )
                for rows in (rows_of(private), released)
            )
            found.append(abs(here - Fraction(total, len(released)) * there))
        return mean_of(found) / total

    def bad(self, rows: Sequence[Row]) -> list[Row]:
        # Every column as it was, but none goes with another.
        rng = np.random.default_rng(3)
        mixed = {name: rng.permutation(len(rows)) for name in rows[0]}
        return [{name: rows[mixed[name][n]][name] for name in row} for n, row in enumerate(rows)]

    def tolerance(self, released: Sequence[Row], total: int) -> Fraction:
        return super().tolerance(released, total) + Fraction(1, 1000)


class TestCramersV(MeasureSuite):
    asked: ClassVar = {"metric": "cramers_v", "at_most": Decimal("0.1")}
    bad_at_least = Fraction(1, 20)
    slack = Fraction(4)

    def slow(self, private: Sequence[Private], released: Sequence[Row], total: int) -> Fraction:
        found = []
        for pair in itertools.combinations(worlds.COLUMNS, 2):
            x, e = table(rows_of(private), *pair), expected(released, total, *pair)
            p, q = (expected(released, 1, name) for name in pair)
            phi = [Fraction(0), Fraction(0)]
            for cell in itertools.product(*(range(SIZES[name]) for name in pair)):
                none = Fraction(0)
                wanted = total * p.get(cell[:1], none) * q.get(cell[1:], none)
                for side, held in enumerate((Fraction(x[cell]), e.get(cell, none))):
                    phi[side] += huber(held, wanted)
            values = [len(COLUMNS[name].lows or COLUMNS[name].values) for name in pair]
            found.append(abs(phi[0] - phi[1]) / (min(values) - 1))
        return clipped(mean_of(found) / total, 3)

    def bad(self, rows: Sequence[Row]) -> list[Row]:
        return TestCorrelation().bad(rows)

    def tolerance(self, released: Sequence[Row], total: int) -> Fraction:
        return super().tolerance(released, total) + Fraction(1, 1000)


def made(
    metric: str, columns: tuple[str, ...] | None, learned: tuple[str, ...] = tuple(worlds.COLUMNS)
) -> Any:
    data = worlds.dataset()
    given = {"metric": metric, "columns": columns, "at_most": Decimal("0.1")}
    scene = Scene(dataset=data, domain=domain_of(data, learned), relation="add-remove")
    return of_threshold(Dependence.model_validate(given), scene, "evidence.asked")


@pytest.mark.parametrize(
    ("metric", "columns", "learned", "message"),
    [
        ("correlation", ("age", "job"), None, "job is category"),
        ("correlation", ("age", "name"), None, "name is no column"),
        ("correlation", None, ("age", "job"), "needs two columns that can vary; found 1"),
        ("correlation", None, ("job", "smokes"), "needs an order of values"),
        ("cramers_v", ("age", "name"), None, "name is no column"),
        ("cramers_v", None, ("age",), "needs two columns"),
    ],
)
def test_columns_that_have_no_such_dependence_are_refused_when_planning(
    metric: str, columns: tuple[str, ...] | None, learned: tuple[str, ...] | None, message: str
) -> None:
    with pytest.raises(EvidenceError, match=message) as caught:
        made(metric, columns, learned or tuple(worlds.COLUMNS)).vectors()
    assert caught.value.fix


def test_more_values_make_a_row_count_less() -> None:
    two = made("cramers_v", ("job", "smokes")).moves()
    four = made("cramers_v", ("age", "grade")).moves()
    assert (two, four) == (2 * RESOLUTION, math.ceil(2 * RESOLUTION / 3))
    assert made("correlation", None).moves() == 9 * RESOLUTION


def test_a_boolean_correlates_where_it_is_named() -> None:
    assert made("correlation", ("smokes", "age")).cliques() == ((0, 4),)
    assert made("correlation", None).cliques() == ((0, 1), (0, 3), (1, 3))


@pytest.mark.parametrize(("relation", "records"), [("add-remove", 9), ("replace-one", 18)])
def test_a_row_far_out_moves_a_correlation_by_as_much_as_declared(
    relation: str, records: int
) -> None:
    plain = worlds.rows(1)[0]
    low, middle, high = (
        {**plain, "age": age, "income": income}
        for age, income in ((0, 0.0), (50, 2500.0), (99, 5000.0))
    )
    odd = {**plain, "age": 99, "income": 0.0}
    one, suite = made("correlation", ("age", "income")), TestCorrelation()
    private = [[low, high], [low, odd]] if relation == "replace-one" else [[low], [low, high]]
    here, there = (
        one.statistic(
            suite.subject(
                suite.scene(relation),
                [(row, True) for row in rows],
                [low, *[middle] * 40, high],
                1000,
            )
        )
        for rows in private
    )
    assert abs(here - there) == records * RESOLUTION
