"""Statistics of any rows: no row moves a vector farther than is charged for, and exact totals are exact."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from dpgate.mechanisms.tape import Call, UnsafePlayer, UnsafeRecorder
from dpgate.statistics.task import Task
from tests.suites import queries, worlds

ANY_ROW = st.fixed_dictionaries(
    {
        "age": st.none() | st.integers(-(2**62), 2**62) | st.integers(-1, 101),
        "income": st.none() | st.floats() | st.floats(-1, 5001),
        "job": st.none() | st.sampled_from(["clerk", "smith", "other", ""]) | st.text(max_size=9),
        "grade": st.none() | st.integers(0, 6),
        "smokes": st.none() | st.booleans(),
    }
)
COLUMNS = st.sampled_from(list(worlds.COLUMNS))


@st.composite
def asked(draw: st.DrawFn) -> Task:
    """A few queries of any kind, over any groups."""
    found: list[dict[str, Any]] = []
    for place in range(draw(st.integers(1, 4))):
        kind = draw(st.sampled_from(["count", "sum", "mean", "quantiles", "top"]))
        query: dict[str, Any] = {"name": f"q{place}", "type": kind}
        if kind in ("sum", "mean", "quantiles"):
            query["of"] = draw(st.sampled_from(["age", "income"]))
        if kind == "quantiles":
            query["at"] = (Decimal("0.5"),)
        if kind == "top":
            query |= {"of": "job", "k": draw(st.integers(1, 2))}
        else:
            groups = draw(st.lists(COLUMNS, max_size=2, unique=True))
            query["by"] = tuple(g for g in groups if kind != "quantiles" or g != query["of"])
        found.append(query)
    relation = draw(st.sampled_from(["add-remove", "replace-one"]))
    return queries.task(
        found, relation=relation, noise=draw(st.sampled_from(["gaussian", "laplace"]))
    )


def squared(one: Call, other: Call) -> int:
    """Squared distance of two inputs, in the norm of the mechanism."""
    apart = [abs(int(a) - int(b)) for a, b in zip(one.inputs.flat, other.inputs.flat, strict=True)]
    if one.event.mechanism == "noisy-max":
        return max(apart) ** 2
    return sum(a**2 for a in apart) if one.event.mechanism == "gaussian" else sum(apart) ** 2


@given(asked(), st.lists(ANY_ROW, max_size=6), ANY_ROW, ANY_ROW)
@settings(max_examples=60, deadline=None)
def test_any_row_moves_a_vector_by_what_is_charged_at_most(
    task: Task, base: list[worlds.Row], old: worlds.Row, new: worlds.Row
) -> None:
    first = UnsafeRecorder()
    queries.run(task, [*base, old], tape=first)
    second = UnsafePlayer(outputs=[call.output for call in first.calls])
    other = [*base, new] if task.relation == "replace-one" else base
    queries.run(task, other, tape=second)
    assert [c.event for c in first.calls] == [c.event for c in second.calls]
    for one, two in zip(first.calls, second.calls, strict=True):
        assert one.inputs.shape == two.inputs.shape
        assert squared(one, two) <= one.event.sensitivity_squared


@given(st.lists(ANY_ROW, max_size=8))
@settings(max_examples=40, deadline=None)
def test_sums_are_exact_before_noise(rows: list[worlds.Row]) -> None:
    tape = UnsafeRecorder()
    queries.run(queries.task([{"name": "ages", "type": "sum", "of": "age"}]), rows, tape=tape)
    # A column without missing values has none: what is missing reads as its lowest value.
    ages = [min(max(row["age"] or 0, 0), 99) for row in rows]
    assert int(np.asarray(tape.calls[0].inputs).sum()) == sum(ages)


@given(st.lists(st.decimals(0, Decimal("5000.5"), places=2), max_size=8))
@settings(max_examples=40, deadline=None)
def test_cents_are_summed_without_rounding(incomes: list[Decimal]) -> None:
    tape = UnsafeRecorder()
    base = {"age": 1, "job": "smith", "grade": 1, "smokes": True}
    rows = [{**base, "income": float(income)} for income in incomes]
    queries.run(queries.task([{"name": "all", "type": "sum", "of": "income"}]), rows, tape=tape)
    total = Fraction(int(np.asarray(tape.calls[0].inputs).sum()), 100)
    assert total == sum(map(Fraction, incomes), Fraction(0))
