"""Rows drawn under conditions have the model's own distribution given those, by brute force."""

from __future__ import annotations

import itertools
from collections import Counter

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dpgate.errors import SynthesisError, UsageError
from dpgate.model.domain import ColumnDomain, Domain
from dpgate.model.draw import Draw, parse_balance, parse_condition
from dpgate.synthesis import redraw
from dpgate.synthesis.finish.finisher import Finisher
from dpgate.synthesis.interface import Progress
from dpgate.synthesis.sampling.directed import Coarsening, DirectedModel, Step

DOMAIN = Domain(
    columns=(
        ColumnDomain(
            name="age", kind="integer", lows=(0, 3, 4), highs=(2, 3, 9), fallback=3, null=3
        ),
        ColumnDomain(name="job", kind="text", values=("clerk", "smith", "other"), fallback=2),
        ColumnDomain(name="grade", kind="whole", values=(1, 2, 5), fallback=3, null=3),
    )
)
ROWS = 4000
CONDITIONS = (
    "age>=2", "age<8", "age=1|5|9", "age!=4", "age=", "age!=", "age>3", "age<=3", "job=clerk|other",
    "job!=smith", "grade>1", "grade<=2", "grade=|5", "grade!=1",
)  # fmt: skip
Row = tuple[int | None, str, int | None]

FINISH = Finisher(names=DOMAIN.names, domain=DOMAIN, constraints=(), derived={}, made_up={})


def ignore(stage: str, done: float) -> None:
    """Progress that nobody watches."""


def model(seed: int) -> DirectedModel:
    """Merged cells, and a column with two parents."""
    rng = np.random.default_rng(seed)
    merged = Coarsening(cells=np.array([1, 0, 1, 1]), within=np.array([0.5, 1.0, 0.25, 0.25]))
    shapes = (((), 1, 1, 3), ((1,), 0, 3, 2), ((0, 1), 2, 6, 4))
    steps = []
    for parents, column, lines, cells in shapes:
        table = rng.dirichlet(np.full(cells, 0.7), size=lines)
        table[table < 0.05] = 0.0
        table = table / table.sum(axis=1, keepdims=True)
        steps.append(Step(column=column, parents=parents, table=table))
    columns = (merged, Coarsening.none(3), Coarsening.none(4))
    return DirectedModel(domain=DOMAIN, columns=columns, steps=tuple(steps), total=9.0)


def distribution(of: DirectedModel) -> dict[Row, float]:
    """Probability of every row, by multiplying out; values within a bin are equally likely."""
    found: Counter[Row] = Counter()
    ages: list[list[int | None]] = [[0, 1, 2], [3], [4, 5, 6, 7, 8, 9], [None]]
    grades: list[int | None] = [1, 2, 5, None]
    merged = of.columns[0]
    for cell, job, grade in itertools.product(range(4), range(3), range(4)):
        coarse = int(merged.cells[cell])
        chance = of.steps[0].table[0, job] * of.steps[1].table[job, coarse] * merged.within[cell]
        chance *= of.steps[2].table[coarse * 3 + job, grade]
        for age in ages[cell]:
            found[age, str(DOMAIN.columns[1].values[job]), grades[grade]] += chance / len(
                ages[cell]
            )
    return {row: chance for row, chance in found.items() if chance > 0}


def satisfies(row: Row, text: str) -> bool:
    """The condition as its documentation reads; a second, slower reading of it."""
    condition = parse_condition(text)
    value = row[DOMAIN.names.index(condition.column)]
    shown = "" if value is None else str(value)
    if condition.operator in ("=", "!="):
        return (shown in condition.values) == (condition.operator == "=")
    if not isinstance(value, int):
        return False
    bound = int(condition.values[0])
    return {
        ">=": value >= bound, ">": value > bound, "<=": value <= bound, "<": value < bound
    }[condition.operator]  # fmt: skip


def drawn(of: object, draw: Draw) -> list[Row]:
    table = pa.Table.from_batches(redraw.batches(of, FINISH, draw, ignore))  # type: ignore[arg-type]
    return [(r["age"], r["job"], r["grade"]) for r in table.to_pylist()]


class Plain:
    """A model that cannot be conditioned: it can only be drawn from."""

    def __init__(self, inner: DirectedModel) -> None:
        self.inner = inner
        self.total = inner.total

    def sample(self, rows: int, progress: Progress) -> pa.Table:
        return self.inner.sample(rows, progress)


@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 10**6),
    where=st.lists(st.sampled_from(CONDITIONS), max_size=3, unique=True),
    plain=st.booleans(),
)
def test_conditional_rows_have_the_conditional_distribution(
    seed: int, where: list[str], plain: bool
) -> None:
    fitted = model(seed)
    expected = {
        row: chance
        for row, chance in distribution(fitted).items()
        if all(satisfies(row, text) for text in where)
    }
    mass = sum(expected.values())
    draw = Draw(rows=ROWS, where=tuple(map(parse_condition, where)), formats=("csv",))
    if mass < 0.01:
        return
    rows = drawn(Plain(fitted) if plain else fitted, draw)
    assert len(rows) == ROWS
    assert all(satisfies(row, text) for row in rows for text in where)
    counted = Counter(rows)
    distance = sum(abs(counted[row] / ROWS - expected.get(row, 0.0) / mass) for row in
                   expected.keys() | counted.keys()) / 2  # fmt: skip
    # Independent draws over 120 values would differ by 0.07 on average, and hardly ever by 0.12.
    assert distance < 0.12


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10**6), where=st.lists(st.sampled_from(CONDITIONS), max_size=2))
def test_impossible_conditions_are_told_and_possible_ones_are_met(
    seed: int, where: list[str]
) -> None:
    fitted = model(seed)
    possible = any(all(satisfies(r, text) for text in where) for r in distribution(fitted))
    draw = Draw(rows=5, where=tuple(map(parse_condition, where)), formats=("csv",))
    if possible:
        assert len(drawn(fitted, draw)) == 5
        return
    with pytest.raises((UsageError, SynthesisError), match="satisf"):
        drawn(fitted, draw)


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10**6), rows=st.integers(1, 500), plain=st.booleans())
def test_balanced_rows_are_spread_evenly_and_follow_the_model_within_a_value(
    seed: int, rows: int, plain: bool
) -> None:
    fitted = model(seed)
    jobs = Counter(row[1] for row in distribution(fitted))
    draw = Draw(rows=rows, balance=parse_balance("job"), formats=("csv",))
    if len(jobs) < 3:
        return
    counts = Counter(row[1] for row in drawn(Plain(fitted) if plain else fitted, draw))
    assert sum(counts.values()) == rows
    assert max(counts.values()) - min(counts.get(job, 0) for job in jobs) <= 1
