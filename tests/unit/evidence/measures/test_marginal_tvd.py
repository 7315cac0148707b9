"""Total variation of marginals: what is planned, what is measured, and that neighbors stay close."""

from __future__ import annotations

import itertools
import json
import math
from collections import Counter
from collections.abc import Sequence
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from fractions import Fraction
from typing import ClassVar

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dpgate.errors import EvidenceError, InsufficientBudgetError
from dpgate.evidence.disclosure import DpResult, records
from dpgate.evidence.measures.interface import RESOLUTION, Scene
from dpgate.evidence.measures.marginal_tvd import MarginalDistance, of_threshold
from dpgate.evidence.measures.plan import plan
from dpgate.evidence.measures.run import measure
from dpgate.evidence.measures.subject import Subject
from dpgate.mechanisms.session import Mechanisms
from dpgate.mechanisms.tape import UnsafePlayer, UnsafeRecorder
from dpgate.model.domain import ColumnDomain, Domain
from dpgate.model.event import Event
from dpgate.model.utility import MarginalTvd
from tests.suites import worlds
from tests.suites.measures import MeasureSuite, Private
from tests.suites.measures import Row as WorldRow
from tests.unit.evidence.measures.slow import clipped, expected, mean_of, rows_of
from tests.unit.evidence.measures.slow import table as counted
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
STEP = Decimal("0.000001")


def distance(
    order: int, relation: str = "add-remove", domain: Domain = DOMAIN, *, worst: bool = False
) -> MarginalDistance:
    metric = "worst_marginal_tvd" if worst else "marginal_tvd"
    given_ = {"metric": metric, "order": min(order, 2), "at_most": Decimal("0.1")}
    scene = Scene(dataset=worlds.dataset(relation), domain=domain, relation=relation)
    made = of_threshold(MarginalTvd.model_validate(given_), scene, f"evidence.tvd_{order}")
    if order <= 2:
        return made
    return MarginalDistance(
        key=made.key,
        event=made.event,
        weight=made.weight,
        scene=scene,
        order=order,
        worst=worst,
    )


def planned(relation: str = "add-remove") -> tuple[Event, ...]:
    return plan([distance(1, relation), distance(2, relation)], RHO, relation)


def subject(private: Sequence[Row], released: Sequence[Row] = SYNTHETIC, total: int = 5) -> Subject:
    return Subject(
        task=task(),
        released=table(released),
        total=total,
        source=source(private),
        progress=quiet,
    )


def measured(
    private: Sequence[Row], mechanisms: Mechanisms, relation: str = "add-remove", total: int = 5
) -> tuple[DpResult, ...]:
    both = [distance(1, relation), distance(2, relation)]
    return measure(both, planned(relation), subject(private, total=total), mechanisms)


def cell(row: Row) -> tuple[int, ...]:
    """The cells of a row of the small domain, written independently of the encoder."""
    job, age, income, smokes = row
    jobs = {"none": 0, "part": 1, "full": 2}
    return jobs.get(job or "", 3), (age >= 18) + (age >= 65), int(income >= 10), int(smokes)


def distances(
    private: Sequence[Row], released: Sequence[Row], total: int, order: int
) -> list[Fraction]:
    """T of each marginal by its definition, in exact fractions."""
    found = []
    for clique in itertools.combinations(range(4), order):
        x = Counter(tuple(cell(row)[c] for c in clique) for row in private)
        s = Counter(tuple(cell(row)[c] for c in clique) for row in released)
        apart = (abs(x[key] - Fraction(total * s[key], len(released))) for key in x | s)
        found.append(sum(apart, Fraction(0)) / 2)
    return found


class Marginals(MeasureSuite):
    order: ClassVar[int]
    worst: ClassVar[bool] = False
    slack = Fraction(1)
    bad_at_least = Fraction(1, 4)

    def slow(
        self, private: Sequence[Private], released: Sequence[WorldRow], total: int
    ) -> Fraction:
        found = []
        for names in itertools.combinations(worlds.COLUMNS, self.order):
            x, e = counted(rows_of(private), *names), expected(released, total, *names)
            cells = {*x, *e}
            found.append(sum((abs(x[c] - e.get(c, Fraction(0))) for c in cells), Fraction(0)) / 2)
        return clipped((max(found) if self.worst else mean_of(found)) / total)

    def bad(self, rows: Sequence[WorldRow]) -> list[WorldRow]:
        return [{**row, "age": 3, "smokes": not row["smokes"]} for row in rows]


class TestOneWay(Marginals):
    asked: ClassVar = {"metric": "marginal_tvd", "order": 1, "at_most": Decimal("0.1")}
    order, bad_at_least = 1, Fraction(1, 6)


class TestTwoWay(Marginals):
    asked: ClassVar = {"metric": "marginal_tvd", "order": 2, "at_most": Decimal("0.1")}
    order = 2


class TestWorstTwoWay(Marginals):
    asked: ClassVar = {"metric": "worst_marginal_tvd", "order": 2, "at_most": Decimal("0.1")}
    order, worst, bad_at_least = 2, True, Fraction(3, 4)


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
    assert plan((), Decimal(0), "add-remove") == ()


@pytest.mark.parametrize(
    ("order", "rho", "message"),
    [(1, Decimal(0), "no budget"), (5, RHO, "order 5")],
)
def test_a_plan_that_cannot_be_is_refused(order: int, rho: Decimal, message: str) -> None:
    with pytest.raises(EvidenceError, match=message):
        plan([distance(order)], rho, "add-remove")


# ── measure ──────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("worst", [False, True])
@pytest.mark.parametrize("order", [1, 2, 3])
@pytest.mark.parametrize("total", [1, 5, 1_000_003])
def test_the_statistic_is_what_its_definition_says(order: int, total: int, *, worst: bool) -> None:
    one = distance(order, worst=worst)
    found = distances(SAMPLE, SYNTHETIC, total, order)
    wanted = (max(found) if worst else mean_of(found)) * RESOLUTION
    # Each cell of a target is rounded to 1/K record: half a step, halved again by T.
    cells = max(math.prod(DOMAIN.sizes[c] for c in clique) for clique in one.cliques)
    assert abs(one.statistic(subject(SAMPLE, total=total)) - wanted) <= 1 + Fraction(cells, 4)


@pytest.mark.parametrize("order", [1, 2])
def test_identical_tables_are_at_distance_zero(order: int) -> None:
    assert distance(order).statistic(subject(SAMPLE, SAMPLE, len(SAMPLE))) == 0


@pytest.mark.parametrize(
    ("noisy", "value"), [(2560, "0.5"), (-900, "0"), (9000, "1"), (1, "0.000196")]
)
def test_results_hold_the_noisy_value_its_interval_and_what_paid(noisy: int, value: str) -> None:
    events = planned()
    player = UnsafePlayer(outputs=[np.array([noisy]), np.array([noisy])])
    results = measured(SAMPLE, session(events, player))
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
    results = measured(SAMPLE, mechanisms)
    assert mechanisms.spent == events[1:]
    assert len(records(results, mechanisms.spent)) == 2
    with pytest.raises(InsufficientBudgetError):
        measured(SAMPLE, mechanisms)


def test_no_synthetic_rows_is_an_error_before_anything_is_spent() -> None:
    mechanisms = session(planned())
    with pytest.raises(EvidenceError, match="no synthetic rows"):
        measure([distance(1)], planned(), subject(SAMPLE, []), mechanisms)
    assert mechanisms.spent == ()


def test_progress_ends_at_one_and_depends_on_public_values_alone() -> None:
    seen: list[list[tuple[str, float]]] = []
    for rows in (SAMPLE, SAMPLE * 50):
        told: list[tuple[str, float]] = []
        seen.append(told)
        looked_at = Subject(
            task=task(),
            released=table(SYNTHETIC),
            total=5,
            source=source(rows),
            progress=lambda stage, done, told=told: told.append((stage, done)),  # type: ignore[misc]
        )
        distance(2).statistic(looked_at)
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
@settings(max_examples=100, deadline=None)
@given(
    rows=TABLES,
    row=ROWS,
    place=st.integers(0, 7),
    released=st.lists(ROWS, min_size=1, max_size=6),
    total=st.one_of(st.integers(1, 20), st.integers(1, 10**12)),
    order=st.integers(1, 3),
    worst=st.booleans(),
)
def test_neighbors_are_no_farther_apart_than_declared(
    relation: str,
    rows: list[Row],
    row: Row,
    place: int,
    released: list[Row],
    total: int,
    order: int,
    worst: bool,
) -> None:
    one = distance(order, relation, worst=worst)
    here, there = (
        one.statistic(subject(data, released, total))
        for data in (rows, neighbor(relation, rows, row, place))
    )
    assert (here - there) ** 2 <= one.vectors()[0].distance_squared


@pytest.mark.parametrize(("relation", "reached"), [("add-remove", 512), ("replace-one", 1024)])
def test_the_declared_distance_is_needed_up_to_one_step(relation: str, reached: int) -> None:
    # Rows that the release does not have: each one more is half a record of distance more.
    agree = [SYNTHETIC[0]] * 3
    alone: Row = ("part", 1, 1.0, True)
    other = [*agree, alone] if relation == "add-remove" else [*agree[1:], alone]
    one = distance(1, relation)
    here, there = (one.statistic(subject(data, agree, 3)) for data in (agree, other))
    assert abs(here - there) == reached
    assert one.vectors()[0].distance_squared == (reached + 1) ** 2


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
    return json.dumps(records(measured(rows, mechanisms, relation, 1), mechanisms.spent))


def test_without_replay_two_runs_differ() -> None:
    events = planned()
    values = {measured(SAMPLE * 99, session(events), total=495)[1].value for _ in range(3)}
    assert len(values) > 1


def test_a_mean_over_many_marginals_has_the_same_distance() -> None:
    columns = (ColumnDomain(name=f"c{i}", kind="whole", values=(0, 1)) for i in range(12))
    domain = Domain(columns=tuple(columns))
    events = plan([distance(o, domain=domain) for o in (1, 2)], RHO, "add-remove")
    assert {event.sensitivity_squared for event in events} == {Decimal(513**2)}
