"""Utility under DP: what is planned, what is measured, and that neighbors stay close."""

from __future__ import annotations

import itertools
import json
import math
import subprocess
import sys
from collections import Counter
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dpgate.errors import EvidenceError, InsufficientBudgetError
from dpgate.evidence import utility
from dpgate.evidence.disclosure import records
from dpgate.evidence.marginals import marginals
from dpgate.mechanisms.session import Mechanisms
from dpgate.mechanisms.tape import UnsafePlayer, UnsafeRecorder
from dpgate.model.domain import ColumnDomain, Domain
from dpgate.model.event import Event
from tests.unit.evidence.worlds import (
    DOMAIN,
    RHO,
    SAMPLE,
    SYNTHETIC,
    Row,
    quiet,
    session,
    source,
    table,
    task,
)

RELATIONS = ("add-remove", "replace-one")
TOTAL = 5.4
STEP = Decimal("0.000001")


def planned(relation: str = "add-remove") -> tuple[Event, ...]:
    return utility.plan(task(relation), (1, 2), RHO, relation)


def cell(row: Row) -> tuple[int, ...]:
    """The cells of a row of the small domain, written independently of the encoder."""
    job, age, income, smokes = row
    jobs = {"none": 0, "part": 1, "full": 2}
    return jobs.get(job or "", 3), (age >= 18) + (age >= 65), int(income >= 10), int(smokes)


def mean_distance(private: list[Row], released: list[Row], total: int, order: int) -> Fraction:
    """T by its definition, in exact fractions."""
    distances = []
    for clique in itertools.combinations(range(4), order):
        x = Counter(tuple(cell(row)[c] for c in clique) for row in private)
        s = Counter(tuple(cell(row)[c] for c in clique) for row in released)
        distances.append(
            sum(abs(x[key] - Fraction(total * s[key], len(released))) for key in x | s) / 2
        )
    return Fraction(sum(distances)) / len(distances)


# ── plan ─────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(("relation", "reach"), [("add-remove", 513), ("replace-one", 1025)])
def test_plan_has_one_event_per_order_within_the_budget(relation: str, reach: int) -> None:
    events = planned(relation)
    assert [event.name for event in events] == ["evidence.tvd_1", "evidence.tvd_2"]
    assert {(e.mechanism, e.relation, e.times) for e in events} == {("gaussian", relation, 1)}
    assert {event.sensitivity_squared for event in events} == {reach**2}
    spent = sum(event.loss for event in events)
    assert RHO * Decimal("0.999999") < spent <= RHO


def test_nothing_wanted_is_nothing_planned() -> None:
    assert utility.plan(task(), (), Decimal(0), "add-remove") == ()


@pytest.mark.parametrize(
    ("orders", "rho", "relation", "message"),
    [
        ((1,), Decimal(0), "add-remove", "evidence_share|no budget"),
        ((1,), RHO, "replace-one", "under replace-one"),
        ((5,), RHO, "add-remove", "order 5"),
    ],
)
def test_a_plan_that_cannot_be_is_refused(
    orders: tuple[int, ...], rho: Decimal, relation: str, message: str
) -> None:
    with pytest.raises(EvidenceError, match=message):
        utility.plan(task(), orders, rho, relation)


def test_planning_loads_no_numerics() -> None:
    program = (
        "import sys; from decimal import Decimal; from dpgate.evidence import utility\n"
        "from dpgate.synthesis.interface import Task; from dpgate.model.domain import *\n"
        "c = [ColumnDomain(name=n, kind='boolean', values=(False, True)) for n in 'ab']\n"
        "task = Task(domain=Domain(columns=tuple(c)), relation='add-remove', rows=1)\n"
        "utility.plan(task, (1, 2), Decimal('0.1'), 'add-remove')\n"
        "print(*{'numpy', 'pyarrow', 'pandas', 'torch'} & set(sys.modules))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout.split()) == (0, [])


# ── measure ──────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("order", [1, 2, 3])
@pytest.mark.parametrize("total", [1, 5, 1_000_003])
def test_the_statistic_is_what_its_definition_says(order: int, total: int) -> None:
    cliques = marginals(DOMAIN, order)
    exact = utility.statistic(source(SAMPLE), source(SYNTHETIC), total, cliques, quiet)
    expected = mean_distance(SAMPLE, SYNTHETIC, total, order) * utility.RESOLUTION
    # Each cell of a target is rounded to 1/K record: half a step, halved again by T.
    cells = max(math.prod(DOMAIN.sizes[c] for c in clique) for clique in cliques)
    assert abs(exact - expected) <= 1 + Fraction(cells, 4)


def test_identical_tables_are_at_distance_zero() -> None:
    for order in (1, 2):
        cliques = marginals(DOMAIN, order)
        exact = utility.statistic(source(SAMPLE), source(SAMPLE), len(SAMPLE), cliques, quiet)
        assert exact == 0


@pytest.mark.parametrize(
    ("noisy", "value"), [(2560, "0.5"), (-900, "0"), (9000, "1"), (1, "0.000196")]
)
def test_results_hold_the_noisy_value_its_interval_and_what_paid(noisy: int, value: str) -> None:
    events = planned()
    player = UnsafePlayer(outputs=[np.array([noisy]), np.array([noisy])])
    results = utility.measure(
        task(), events, source(SAMPLE), table(SYNTHETIC), 4.6, session(events, player), quiet
    )
    assert [(r.order, r.marginals, r.events) for r in results] == [
        (1, 4, ("evidence.tvd_1",)),
        (2, 6, ("evidence.tvd_2",)),
    ]
    unit = 1024 * 5
    half = Decimal("1.959964") * events[0].scale
    low, high = (noisy - half) / unit, (noisy + half + 1) / unit
    for result in results:
        assert result.value == Decimal(value)  # rounded up: 1/5120 = 0.0001953125
        assert result.low == min(max(low, Decimal(0)), Decimal(1)).quantize(STEP, ROUND_FLOOR)
        assert result.high == min(max(high, Decimal(0)), Decimal(1)).quantize(STEP, ROUND_CEILING)
        assert result.conditional_on == "the noisy total of 5 records"
        assert result.confidence == Decimal("0.95")


def test_measuring_runs_each_planned_event_once_and_no_other() -> None:
    other = planned()[0].model_copy(update={"name": "mst.one_way"})
    events = (other, *planned())
    mechanisms = session(events)
    arguments = task(), events, source(SAMPLE), table(SYNTHETIC), TOTAL, mechanisms, quiet
    results = utility.measure(*arguments)
    assert mechanisms.spent == events[1:]
    assert len(records(results, mechanisms.spent)) == 2
    with pytest.raises(InsufficientBudgetError):
        utility.measure(*arguments)


@pytest.mark.parametrize("total", [0.0, -3.0, 0.4])
def test_a_total_below_one_counts_as_one(total: float) -> None:
    events = planned()
    results = utility.measure(
        task(), events, source([]), table(SYNTHETIC), total, session(events), quiet
    )
    assert results[0].conditional_on == "the noisy total of 1 records"


def test_no_synthetic_rows_is_an_error_before_anything_is_spent() -> None:
    events = planned()
    mechanisms = session(events)
    with pytest.raises(EvidenceError, match="no synthetic rows"):
        utility.measure(task(), events, source(SAMPLE), table([]), TOTAL, mechanisms, quiet)
    assert mechanisms.spent == ()


def test_progress_ends_at_one_and_depends_on_public_values_alone() -> None:
    seen: list[list[tuple[str, float]]] = []
    for rows in (SAMPLE, SAMPLE * 50):
        told: list[tuple[str, float]] = []
        utility.statistic(
            source(rows),
            source(SYNTHETIC),
            5,
            marginals(DOMAIN, 2),
            lambda stage, fraction, told=told: told.append((stage, fraction)),  # type: ignore[misc]
        )
        seen.append(told)
    assert seen[0] == seen[1] == [("evidence", 1.0)]


# ── neighbors ────────────────────────────────────────────────────────────────────────────────

ROWS = st.tuples(
    st.sampled_from(["none", "part", "full", None, "canary@example.org"]),
    st.sampled_from([-(2**40), 0, 17, 18, 64, 65, 2**40]),
    st.sampled_from([0.0, 9.9, 10.0, 1e30, float("nan"), float("-inf")]),
    st.booleans(),
)
TABLES = st.lists(ROWS, max_size=8)


def neighbor(relation: str, rows: list[Row], row: Row, place: int) -> list[Row]:
    if relation == "add-remove":
        return [*rows, row]
    return [*rows[: place % len(rows)], row, *rows[place % len(rows) + 1 :]] if rows else rows


@pytest.mark.parametrize("relation", RELATIONS)
@settings(max_examples=150, deadline=None)
@given(
    rows=TABLES,
    row=ROWS,
    place=st.integers(0, 7),
    released=st.lists(ROWS, min_size=1, max_size=6),
    total=st.one_of(st.integers(1, 20), st.integers(1, 10**12)),
    order=st.integers(1, 3),
)
def test_neighbors_are_no_farther_apart_than_declared(
    relation: str,
    rows: list[Row],
    row: Row,
    place: int,
    released: list[Row],
    total: int,
    order: int,
) -> None:
    cliques = marginals(DOMAIN, order)
    other = neighbor(relation, rows, row, place)
    one, two = (
        utility.statistic(source(data), source(released), total, cliques, quiet)
        for data in (rows, other)
    )
    assert abs(one - two) <= utility.distance(relation)


@pytest.mark.parametrize(("relation", "reached"), [("add-remove", 512), ("replace-one", 1024)])
def test_the_declared_distance_is_needed_up_to_one_step(relation: str, reached: int) -> None:
    # Rows that the release does not have: each one more is half a record of distance more.
    agree = [SYNTHETIC[0]] * 3
    alone: Row = ("part", 1, 1.0, True)
    other = [*agree, alone] if relation == "add-remove" else [*agree[1:], alone]
    one, two = (
        utility.statistic(source(d), source(agree), 3, marginals(DOMAIN, 1), quiet)
        for d in (agree, other)
    )
    assert abs(one - two) == reached == utility.distance(relation) - 1


HOSTILE: Row = ("canary@example.org", 2**62, float("nan"), True)


@pytest.mark.parametrize("relation", RELATIONS)
def test_replayed_on_a_neighbor_the_record_is_the_same_bytes(relation: str) -> None:
    events = planned(relation)
    recorder = UnsafeRecorder()
    one = _record(relation, SAMPLE, session(events, recorder))
    player = UnsafePlayer(outputs=[call.output for call in recorder.calls])
    two = _record(relation, neighbor(relation, SAMPLE, HOSTILE, 2), session(events, player))
    assert one == two
    assert [call.event for call in recorder.calls] == [call.event for call in player.calls]
    apart = [
        int(abs(a.inputs - b.inputs).max())
        for a, b in zip(recorder.calls, player.calls, strict=True)
    ]
    assert max(apart) > 0  # the worlds do differ
    assert all(d**2 <= e.sensitivity_squared for d, e in zip(apart, events, strict=True))


def _record(relation: str, rows: list[Row], mechanisms: Mechanisms) -> str:
    results = utility.measure(
        task(relation), planned(relation), source(rows), table(SYNTHETIC), 1.0, mechanisms, quiet
    )
    return json.dumps(records(results, mechanisms.spent))


def test_without_replay_two_runs_differ() -> None:
    events = planned()
    values = {
        utility.measure(
            task(), events, source(SAMPLE * 99), table(SYNTHETIC), 495.0, session(events), quiet
        )[1].value
        for _ in range(3)
    }
    assert len(values) > 1


def test_a_mean_over_many_marginals_has_the_same_distance() -> None:
    columns = (ColumnDomain(name=f"c{i}", kind="whole", values=(0, 1)) for i in range(12))
    events = utility.plan(task(domain=Domain(columns=tuple(columns))), (1, 2), RHO, "add-remove")
    assert {event.sensitivity_squared for event in events} == {Decimal(513**2)}
