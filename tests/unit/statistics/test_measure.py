"""Answers are what was asked: by hand on the rows, up to noise that is next to nothing."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from dpgate.sources.encode import encode
from tests.suites import queries, worlds

ROWS = [*worlds.rows(400), worlds.HOSTILE["nan"], worlds.HOSTILE["unseen"]]
Line = dict[str, Any]


@pytest.fixture(scope="module", params=["gaussian", "laplace"])
def exact(request: pytest.FixtureRequest) -> queries.Run:
    """So much ε that the noise hardly shows."""
    asked = queries.task(noise=request.param)
    return queries.run(
        asked, ROWS, epsilon="900", delta="0" if request.param == "laplace" else "1e-9"
    )


def clamped(row: worlds.Row, name: str) -> float | None:
    value = row[name]
    if value is None or math.isnan(value):
        return 0.0 if name == "age" else None
    return float(min(max(value, 0), 99 if name == "age" else 5000.5))


def kept(line: Line, row: worlds.Row) -> bool:
    """Whether a row is in the group of a line."""
    job = row["job"] if row["job"] in ("clerk", "smith", "other") else "other"
    grade = row["grade"] if row["grade"] in (1, 2, 3, 5) else None
    mine = {
        "job": "other" if row["job"] is None else job,
        "grade": grade,
        "smokes": bool(row["smokes"]),
    }
    return all(line[name] == value for name, value in mine.items() if name in line)


def each(
    run: queries.Run, name: str, truth: Callable[[list[worlds.Row]], float], near: float
) -> None:
    lines = run.answer(name)
    for line in lines:
        expected = truth([row for row in ROWS if kept(line, row)])
        # The interval itself may miss, one time in twenty; six of them do not.
        far = min(near, 6 * (line["high"] - line["low"]) + 1)
        assert line["value"] == pytest.approx(expected, abs=far), (name, line)
        assert (line["query"], line["confidence"]) == (name, 0.95)


def total(rows: list[worlds.Row], name: str) -> float:
    return sum(v for row in rows if (v := clamped(row, name)) is not None)


def average(rows: list[worlds.Row], name: str) -> float:
    values = [v for row in rows if (v := clamped(row, name)) is not None]
    return float(np.mean(values)) if values else 50.0


def test_counts(exact: queries.Run) -> None:
    each(exact, "rows", len, 2)
    each(exact, "table", len, 2)
    assert len(exact.answer("table")) == 3 * 5 * 2
    assert {line["unit"] for line in exact.answer("table")} == {"persons"}


def test_counts_by_bins_name_both_ends(exact: queries.Run) -> None:
    lines = exact.answer("cut")
    column = exact.task.column(1)
    assert [line["income_from"] for line in lines] == [*column.lows, None]
    assert [line["income_to"] for line in lines] == [*column.highs, None]
    cells = encode(worlds.table(ROWS).column("income").combine_chunks(), column)
    counted = np.bincount(cells, minlength=column.size)
    assert [line["value"] for line in lines] == pytest.approx(counted.tolist(), abs=2)
    assert min(line["value"] for line in lines) >= 0
    assert min(line["low"] for line in lines) >= 0


def test_sums(exact: queries.Run) -> None:
    each(exact, "ages", lambda rows: total(rows, "age"), 200)
    each(exact, "incomes", lambda rows: total(rows, "income"), 9_000)
    assert {type(line["value"]) for line in exact.answer("ages")} == {int}
    assert {line["unit"] for line in exact.answer("incomes")} == {"income"}
    assert all(float(line["value"]).is_integer() for line in exact.answer("coarse"))


def test_means(exact: queries.Run) -> None:
    each(exact, "mean_age", lambda rows: average(rows, "age"), 3)
    each(exact, "mean_income", lambda rows: average(rows, "income"), 60)


def test_means_within_bins_of_the_same_column_lie_in_them(exact: queries.Run) -> None:
    lines = exact.answer("mean_by_itself")
    assert len(lines) == exact.task.column(1).size
    for line in lines[:-1]:
        inside = [
            v for row in ROWS
            if (v := clamped(row, "income")) is not None
            and line["income_from"] <= v < line["income_to"]
        ]  # fmt: skip
        if len(inside) > 60:
            assert line["value"] == pytest.approx(np.mean(inside), abs=500)


def test_quantiles(exact: queries.Run) -> None:
    values = sorted(v for row in ROWS if (v := clamped(row, "income")) is not None)
    for line in exact.answer("quartiles"):
        truth = values[math.ceil(line["quantile"] * len(values)) - 1]
        assert line["low"] <= truth <= line["high"]
        assert line["low"] <= line["value"] <= line["high"]
    assert [line["quantile"] for line in exact.answer("quartiles")] == [0.25, 0.5]
    for line in exact.answer("deciles"):
        ages = sorted(clamped(row, "age") or 0.0 for row in ROWS if kept(line, row))
        if len(ages) > 30:
            assert line["low"] <= ages[math.ceil(0.9 * len(ages)) - 1] <= line["high"]
        assert type(line["value"]) is int


def test_most_frequent_values(exact: queries.Run) -> None:
    lines = exact.answer("jobs")
    assert [line["rank"] for line in lines] == [1, 2]
    assert {line["job"] for line in lines} == {"clerk", "smith"}
    assert lines[0]["value"] >= lines[1]["value"]
    each(exact, "jobs", len, 3)


@pytest.mark.parametrize("rows", [0, 1])
def test_nobody_and_one_alone(rows: int) -> None:
    """Same tables, whatever is in them; every number within its interval and its bounds."""
    made = queries.run(queries.task(), worlds.rows(rows), epsilon="0.01")
    for answer in made.answers:
        assert answer.table.num_rows == answer.lines
        for line in answer.table.to_pylist():
            assert line["low"] <= line["value"] <= line["high"]
    for line in made.answer("mean_age"):
        assert line["low"] >= 0
        assert line["high"] <= 99


def test_a_column_that_is_named_like_a_tables_own_gets_an_underscore() -> None:
    from dpgate.model.domain import ColumnDomain
    from dpgate.statistics.table import _cells

    value = ColumnDomain(name="value", kind="text", values=("a", "b"))
    made = _cells(value, np.array([1, 0]))
    assert {name: column.to_pylist() for name, column in made.items()} == {"value_": ["b", "a"]}


def test_two_runs_differ() -> None:
    first, second = (queries.run(queries.task(), ROWS) for _ in range(2))
    assert first.answer("table") != second.answer("table")
