"""AIM: the suite, its plan, its workload, and the audits of its parts."""

from __future__ import annotations

import subprocess
import sys
from decimal import Decimal
from fractions import Fraction
from itertools import combinations
from typing import Any

import numpy as np
import pytest

from dpgate.errors import SynthesisError
from dpgate.mechanisms.session import Mechanisms
from dpgate.mechanisms.tape import UnsafePlayer, UnsafeRecorder
from dpgate.model.domain import ColumnDomain, Domain
from dpgate.model.workload import Workload
from dpgate.sources.arrow import table_source
from dpgate.synthesis.aim.candidates import SCORE_UNIT, candidates
from dpgate.synthesis.aim.score import Exact, penalty
from dpgate.synthesis.aim.synthesizer import Aim
from dpgate.synthesis.inference.triangulate import Clique, cells_with
from dpgate.synthesis.interface import Model, Task
from dpgate.synthesis.sampling.directed import DirectedModel
from tests.suites import models, synthesizers, worlds
from tests.suites.synthesizers import SynthesizerSuite

NAMES = worlds.domain().names


class TestAim(SynthesizerSuite):
    synthesizer = Aim()

    def same(self, one: Model, other: Model) -> bool:
        assert isinstance(one, DirectedModel)
        assert isinstance(other, DirectedModel)
        first, second = (m.batch(500, np.random.default_rng(5)) for m in (one, other))
        return bool(first.equals(second))


def task(domain: Domain | None = None, *, size: int | None = None, **workload: Any) -> Task:
    return Task(
        domain=worlds.domain() if domain is None else domain,
        relation="add-remove",
        rows=100,
        workload=Workload.model_validate(workload),
        model_mebibytes=size,
    )


def place(*names: str) -> tuple[int, ...]:
    return tuple(sorted(NAMES.index(name) for name in names))


def run(wanted: Task, rows: int = 300, rho: str = "0.5") -> tuple[DirectedModel, UnsafeRecorder]:
    events = Aim().plan(wanted, Decimal(rho))
    tape = UnsafeRecorder()
    source = table_source(worlds.table(worlds.rows(rows)), wanted.domain)
    session = Mechanisms(events, wanted.relation, tape=tape)
    model = Aim().fit(wanted, events, source, session, synthesizers.ignore)
    assert isinstance(model, DirectedModel)
    return model, tape


@pytest.mark.parametrize(
    ("columns", "times"),
    [
        (1, {"aim.one_way": 1}),
        (2, {"aim.one_way": 2, "aim.measure": 1}),
        (3, {"aim.one_way": 3, "aim.measure": 6, "aim.select": 6}),
        (5, {"aim.one_way": 5, "aim.measure": 10, "aim.select": 10}),
    ],
)
def test_events_of_a_plan(columns: int, times: dict[str, int]) -> None:
    wanted = task(models.domain([4] * columns))
    events = Aim().plan(wanted, Decimal("0.1"))
    assert {event.name: event.times for event in events} == times


def test_all_pairs_matter_alike_unless_said_otherwise() -> None:
    found = candidates(task())
    assert found.units == dict.fromkeys(combinations(range(5), 2), SCORE_UNIT)
    assert found.required == ()


def test_weights_targets_and_tables_of_a_workload() -> None:
    found = candidates(
        task(
            weights={"age": Decimal(2)},
            target="smokes",
            marginals=({"columns": ("grade", "job", "age"), "weight": Decimal("0.5")},),
            subgroups=(("job", "grade"), ("smokes", "age", "job")),
        )
    )
    assert found.units[place("age", "smokes")] == 16  # 2 for age, 2 for the target
    assert found.units[place("job", "smokes")] == 8
    assert found.units[place("age", "job")] == 8
    assert found.units[place("job", "grade")] == 4
    assert found.units[place("age", "job", "smokes")] == 8
    assert found.units[place("age", "job", "grade")] == 2
    assert len(found.units) == 10 + 6 + 1
    assert found.required == (place("job", "grade"), place("smokes", "age", "job"))


def test_a_workload_of_order_three_has_every_triple() -> None:
    assert len(candidates(task(order=3)).units) == 10 + 10


def test_what_must_be_refused_before_data_is_opened() -> None:
    def refused(wanted: Task, words: str) -> None:
        with pytest.raises(SynthesisError, match=words):
            Aim().plan(wanted, Decimal(1))

    refused(task(models.domain([])), "at least one column")
    refused(task(target="wealth"), "columns that are not released: wealth")
    large = models.domain([500, 500, 500])
    refused(task(large, subgroups=(("c0", "c1", "c2"),)), "the required subgroups has 125000000")
    refused(task(large, size=1), r"any two columns together has 250500 cells, 1 MiB hold 131072")
    assert Aim().plan(task(large, size=2), Decimal(1))
    refused(task(models.domain([300] * 60)), "the tables of the workload may have")
    beyond = ColumnDomain(name="x", kind="whole", values=(1, 2**63))
    refused(task(Domain(columns=(beyond, *worlds.domain().columns))), "64-bit numbers: x")


def test_planning_needs_no_numerics() -> None:
    code = (
        "import sys, dpgate.synthesis.aim.synthesizer, dpgate.synthesis.registry\n"
        "heavy = {'numpy', 'pyarrow', 'pandas', 'opendp', 'torch', 'scipy'} & set(sys.modules)\n"
        "assert not heavy, heavy"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_required_subgroups_are_measured_first() -> None:
    wanted = task(subgroups=(("job", "grade", "smokes"),))
    _, tape = run(wanted)
    first = next(call for call in tape.calls if call.event.name == "aim.measure")
    assert first.inputs.ndim == 3


def test_a_heavy_table_is_chosen_before_others() -> None:
    light = {name: Decimal("0.05") for name in NAMES if name not in ("age", "job")}
    found = candidates(task(weights=light))
    assert found.units[place("age", "job")] == 16
    assert max(u for clique, u in found.units.items() if clique != place("age", "job")) == 1
    model, _ = run(task(weights=light), rows=2000, rho="5")
    assert any(set(place("age", "job")) <= set(step.scope) for step in model.steps)


@pytest.mark.parametrize("workload", [{"order": 3}, {"target": "smokes"}])
def test_larger_tables_are_scored_and_measured(workload: dict[str, Any]) -> None:
    model, _ = run(task(**workload), rows=2000, rho="20")
    assert model.sample(100, synthesizers.ignore).num_rows == 100


def test_the_budget_is_used_up_and_never_exceeded() -> None:
    wanted = task()
    events = {event.name: event for event in Aim().plan(wanted, Decimal("0.5"))}
    _, tape = run(wanted)
    for name in ("aim.measure", "aim.select"):
        event = events[name]
        calls = [call for call in tape.calls if call.event.name == name]
        assert 0 < len(calls) <= event.times
        spent = sum(
            Fraction(event.sensitivity_squared) / (2 * Fraction(call.scale) ** 2) for call in calls
        )
        assert Fraction(event.loss) * Fraction(999_999, 10**6) < spent <= Fraction(event.loss)
        scales = [call.scale for call in calls]
        assert scales == sorted(scales, reverse=True)  # a round never costs less than one before


def test_rounds_that_teach_nothing_give_their_budget_to_fewer_and_better_ones() -> None:
    """Independent noise in every column: nothing to learn, so the budget is spent in few rounds."""
    domain = models.domain([3, 3, 3, 3, 3])
    wanted = task(domain)
    rng = np.random.default_rng(4)
    source = table_source(models.table(domain, rng.integers(0, 3, size=(2000, 5))), domain)
    events = Aim().plan(wanted, Decimal("0.05"))
    tape = UnsafeRecorder()
    session = Mechanisms(events, "add-remove", tape=tape)
    Aim().fit(wanted, events, source, session, synthesizers.ignore)
    assert sum(call.event.name == "aim.measure" for call in tape.calls) < 10


def test_the_model_stays_within_its_size(monkeypatch: pytest.MonkeyPatch) -> None:
    domain = models.domain([6] * 6)
    monkeypatch.setattr("dpgate.synthesis.aim.fit.model_cells", lambda task: 300)
    rng = np.random.default_rng(4)
    codes = (rng.integers(0, 6, size=(3000, 1)) + rng.integers(0, 3, size=(3000, 6))) % 6
    wanted = task(domain)
    events = Aim().plan(wanted, Decimal(5))
    source = table_source(models.table(domain, codes), domain)
    session = Mechanisms(events, "add-remove")
    model = Aim().fit(wanted, events, source, session, synthesizers.ignore)
    assert isinstance(model, DirectedModel)
    assert cells_with([6] * 6, [step.scope for step in model.steps]) <= 300


def test_scores_are_whole_and_reach_their_distance() -> None:
    pair: Clique = (0, 1)
    tables = {pair: np.array([[5, 0], [1, 9]])}
    more = {pair: np.array([[6, 0], [1, 9]])}
    expected = {pair: np.array([[4.03, 1.0], [2.0, 8.0]])}
    for unit in (1, 7, 16):
        one, other = (
            Exact(tables=t, units={pair: unit}).scores([pair], expected, 2.0)
            for t in (tables, more)
        )
        assert one.dtype == np.int64
        assert other[0] - one[0] == unit


def test_a_penalty_counts_noise_where_records_are_expected() -> None:
    assert penalty(np.array([1000.0, 1000.0]), 10.0) == pytest.approx(2 * 7.9788, rel=1e-4)
    assert penalty(np.array([1000.0, 0.5]), 10.0) == pytest.approx(7.9788 + 0.5, rel=1e-4)


def test_mechanisms_are_all_that_reads_the_source() -> None:
    """With every output on tape, a fit on no rows at all equals the fit on the data."""
    first = UnsafeRecorder()
    done = synthesizers.fit(Aim(), worlds.rows(400), tape=first)
    second = UnsafePlayer(outputs=[call.output for call in first.calls])
    empty = synthesizers.fit(Aim(), [], tape=second)
    assert TestAim().same(done.model, empty.model)
    assert [call.scale for call in first.calls] == [call.scale for call in second.calls]


@pytest.mark.parametrize("relation", synthesizers.RELATIONS)
def test_distances_are_reached(relation: str) -> None:
    """The declared sensitivity is no larger than it must be: some neighbors attain it."""
    ours, theirs = synthesizers.neighbors(relation, None)
    first = UnsafeRecorder()
    synthesizers.fit(Aim(), ours, relation=relation, tape=first)
    second = UnsafePlayer(outputs=[call.output for call in first.calls])
    synthesizers.fit(Aim(), theirs, relation=relation, tape=second)
    tables = [
        synthesizers.distance_squared(one, other)
        for one, other in zip(first.calls, second.calls, strict=True)
        if one.event.mechanism == "adaptive-gaussian"
    ]
    assert max(tables) == first.calls[0].event.sensitivity_squared
