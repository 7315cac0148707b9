"""What every synthesizer must do."""

from __future__ import annotations

import random
from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import numpy as np
import pytest

from dpgate.accounting.calibrate import Budget, Promise
from dpgate.accounting.compose import epsilon_of_rho
from dpgate.accounting.curves import check
from dpgate.mechanisms.session import Mechanisms
from dpgate.mechanisms.tape import Call, UnsafePlayer, UnsafeRecorder, UnsafeTape
from dpgate.model.domain import Domain
from dpgate.model.event import Event
from dpgate.model.training import Training
from dpgate.sources.arrow import table_source
from dpgate.synthesis.interface import Model, PlansWithin, Synthesizer, Task
from dpgate.synthesis.kept import formats
from tests.suites import worlds

RELATIONS = ("add-remove", "replace-one")
DELTA = Decimal("1e-9")
ROWS_AT_MOST = 5_000


@dataclass(frozen=True, kw_only=True)
class Fit:
    """What one fit did."""

    model: Model
    events: tuple[Event, ...]
    spent: tuple[Event, ...]
    stages: list[tuple[str, float]]


def ignore(stage: str, done: float) -> None:
    """Progress that nobody watches."""


def planned(synthesizer: Synthesizer, task: Task, rho: str) -> tuple[Event, ...]:
    """Events for a ρ, or for the ε that it stands for."""
    if not isinstance(synthesizer, PlansWithin):
        return synthesizer.plan(task, Decimal(rho))
    promise = Promise(epsilon_of_rho(Decimal(rho), DELTA), DELTA)
    return synthesizer.plan_within(task, Budget("rho", Decimal(rho), promise), ())


def fit(
    synthesizer: Synthesizer,
    rows: list[worlds.Row],
    *,
    relation: str = "add-remove",
    rho: str = "0.5",
    domain: Domain | None = None,
    tape: UnsafeTape | None = None,
    training: Training | None = None,
) -> Fit:
    """Plans and fits on rows of `worlds`."""
    task = Task(
        domain=domain or worlds.domain(),
        relation=relation,
        rows=100,
        training=training or Training(),
        rows_at_most=ROWS_AT_MOST,
    )
    events = planned(synthesizer, task, rho)
    mechanisms = Mechanisms(events, relation, tape=tape)
    source = table_source(worlds.table(rows), task.domain)
    stages: list[tuple[str, float]] = []
    model = synthesizer.fit(
        task, events, source, mechanisms, lambda stage, done: stages.append((stage, done))
    )
    return Fit(model=model, events=events, spent=mechanisms.spent, stages=stages)


def distance_squared(one: Call, other: Call) -> float:
    """Squared distance of two inputs, in the norm of the mechanism."""
    difference = np.abs(one.inputs.ravel() - other.inputs.ravel())
    if one.event.mechanism.endswith("noisy-max"):
        return int(difference.max()) ** 2
    return float((difference**2).sum())


def audit(first: Sequence[Call], second: Sequence[Call]) -> list[str]:
    """What an attacker could tell two worlds apart by, given the same noisy outputs."""
    found = []
    if [(c.event, c.scale) for c in first] != [(c.event, c.scale) for c in second]:
        found.append("the sequence of calls or their parameters differ")
        return found
    for place, (one, other) in enumerate(zip(first, second, strict=True)):
        if one.inputs.shape != other.inputs.shape:
            found.append(f"call {place} ({one.event.name}): shapes differ")
        elif distance_squared(one, other) > one.event.sensitivity_squared:
            found.append(f"call {place} ({one.event.name}): inputs are too far apart")
    return found


def neighbors(relation: str, harm: str | None) -> tuple[list[worlds.Row], list[worlds.Row]]:
    """Two datasets that differ in one row, an odd one if `harm` names it."""
    rows = worlds.rows(400)
    other = worlds.HOSTILE[harm] if harm else worlds.rows(1, seed=99)[0]
    if relation == "add-remove":
        return rows, [*rows, other]
    return rows, [other, *rows[1:]]


def kept(model: Model, domain: Domain) -> bytes:
    """The file of a model."""
    return formats.dump(model, {"release": "made-up/one"}, domain)


class SynthesizerSuite:
    """Subclass it and name the synthesizer."""

    synthesizer: Synthesizer
    columns: tuple[str, ...] = tuple(worlds.COLUMNS)
    """Of `worlds`; fewer where a fit is slow."""
    misfit: float = 0.1
    """Total variation of two columns that is left with much budget, by what a model cannot say."""
    training: Training | None = None
    """Of synthesizers that train."""

    def fit(self, rows: list[worlds.Row], **how: Any) -> Fit:
        """Plans and fits."""
        return fit(self.synthesizer, rows, training=self.training, **how)

    @property
    def domain(self) -> Domain:
        """Cells of the columns."""
        return worlds.domain(self.columns)

    @pytest.mark.parametrize("relation", RELATIONS)
    @pytest.mark.parametrize("rho", ["0.0000123457", "0.0123", "0.5", "40"])
    def test_a_plan_never_costs_more_than_it_may(self, relation: str, rho: str) -> None:
        task = Task(domain=self.domain, relation=relation, rows=10)
        events = self.synthesizer.plan(task, Decimal(rho))
        assert sum(event.loss for event in events) <= Decimal(rho)
        assert sum(event.loss for event in events) > Decimal(rho) * Decimal("0.999")
        assert {event.relation for event in events} == {relation}
        assert {event.proof for event in events} == {self.synthesizer.proof}
        for event in events:
            check(event)
        assert events == self.synthesizer.plan(task, Decimal(rho))

    def test_noise_shrinks_with_the_budget(self) -> None:
        task = Task(domain=self.domain, relation="add-remove", rows=10)
        widths = []
        for rho in ("0.01", "1"):
            noise = self.synthesizer.noise(task, self.synthesizer.plan(task, Decimal(rho)))
            assert [row.order for row in noise] == sorted({row.order for row in noise})
            widths.append([row.half_width for row in noise])
        assert all(a > b > 0 for a, b in zip(*widths, strict=True))

    @pytest.mark.parametrize("relation", RELATIONS)
    def test_a_fit_spends_what_was_planned(self, relation: str) -> None:
        done = self.fit(worlds.rows(200), relation=relation, domain=self.domain)
        assert done.spent == done.events

    def test_rows_are_of_the_domain(self) -> None:
        domain = self.domain
        table = self.fit(worlds.rows(300), domain=domain).model.sample(1001, ignore)
        assert table.num_rows == 1001
        assert tuple(table.column_names) == domain.names
        again = table_source(table, domain)
        for place, column in enumerate(domain.columns):
            values = table.column(column.name)
            nulls = values.null_count
            assert nulls == 0 or column.null is not None
            counted = again.count([(place,)])[0]
            assert counted.sum() == 1001
            if column.values:
                assert set(values.drop_null().to_pylist()) <= set(column.values)
            else:
                inside = values.drop_null().to_numpy()
                assert inside.min() >= column.lows[0]
                assert inside.max() <= column.highs[-1]
            if column.null is not None:
                assert counted[column.null] == nulls

    def test_any_number_of_rows(self) -> None:
        model = self.fit(worlds.rows(30), domain=self.domain).model
        assert [model.sample(rows, ignore).num_rows for rows in (0, 1, 2, 57)] == [0, 1, 2, 57]

    def test_the_total_is_near_and_noisy(self) -> None:
        fits = [self.fit(worlds.rows(500), rho="0.01", domain=self.domain) for _ in range(4)]
        totals = [done.model.total for done in fits]
        assert len({round(total, 6) for total in totals}) > 1
        assert abs(float(np.median(totals)) - 500) < 100

    def test_structure_comes_through_with_much_budget(self) -> None:
        source = table_source(worlds.table(worlds.rows(4000)), self.domain)
        model = self.fit(worlds.rows(4000), rho="50", domain=self.domain).model
        made = table_source(model.sample(4000, ignore), self.domain)
        last = len(self.columns) - 1
        for clique in [(0, last), (0, last // 2 or last), (1,)]:
            a, b = source.count([clique])[0], made.count([clique])[0]
            allowed = self.misfit if len(clique) > 1 else 0.1
            assert 0.5 * np.abs(a - b).sum() / 4000 < allowed

    def test_progress_is_told_in_fractions(self) -> None:
        done = self.fit(worlds.rows(50), domain=self.domain)
        stages = list(done.stages)
        done.model.sample(10, lambda stage, part: stages.append((stage, part)))
        assert stages
        assert all(0 <= part <= 1 for _, part in stages)
        named = {told.partition(" · ")[0]: part for told, part in stages}
        assert set(named.values()) == {1.0}  # the last word on each stage

    def test_two_runs_differ_whatever_is_seeded(self) -> None:
        tables = []
        for _ in range(2):
            random.seed(1)
            np.random.seed(1)  # noqa: NPY002 - the seeding is what is tested
            model = self.fit(worlds.rows(100), domain=self.domain).model
            tables.append(model.sample(100, ignore))
        assert not tables[0].equals(tables[1])

    @pytest.mark.parametrize("rho", ["0.000001", "1", "200"])
    @pytest.mark.parametrize(
        "names",
        [("smokes", "job"), ("age", "income"), ("smokes", "job", "grade"), ("grade",)],
    )
    @pytest.mark.parametrize("count", [0, 1, 40])
    def test_tiny_problems(self, names: tuple[str, ...], count: int, rho: str) -> None:
        domain = worlds.domain(names)
        model = self.fit(worlds.rows(count), domain=domain, rho=rho).model
        table = model.sample(20, ignore)
        assert table.num_rows == 20
        assert tuple(table.column_names) == names
        assert model.total >= 0

    def test_batches_are_the_rows_of_a_sample(self) -> None:
        model = self.fit(worlds.rows(100), domain=self.domain).model
        table = model.sample(30, ignore)
        batches = list(model.batches(30, ignore))
        assert sum(batch.num_rows for batch in batches) == 30
        assert all(batch.schema == table.schema for batch in batches)

    @pytest.mark.parametrize("relation", RELATIONS)
    @pytest.mark.parametrize("harm", [None, *worlds.HOSTILE])
    def test_record_and_replay(
        self, relation: str, harm: str | None, capfd: pytest.CaptureFixture[str]
    ) -> None:
        """Neighboring datasets, the same noisy outputs: nothing else may differ.

        Every input distance is at most what the events declare; the models agree to the bit.
        """
        ours, theirs = neighbors(relation, harm)
        first = UnsafeRecorder()
        domain = self.domain
        one = self.fit(ours, relation=relation, tape=first, domain=domain)
        second = UnsafePlayer(outputs=[call.output for call in first.calls])
        other = self.fit(theirs, relation=relation, tape=second, domain=domain)
        assert audit(first.calls, second.calls) == []
        assert first.calls
        assert one.stages == other.stages
        assert one.model.total == other.model.total
        assert self.same(one.model, other.model)
        assert kept(one.model, domain) == kept(other.model, domain)
        assert capfd.readouterr() == ("", "")

    def test_a_kept_model_holds_no_row_and_reads_back(self) -> None:
        """Nothing of hostile rows, and a file that makes the very same file again."""
        formats.require(self.synthesizer)
        rows = [*worlds.rows(100), *worlds.HOSTILE.values()]
        body = kept(self.fit(rows, domain=self.domain).model, self.domain)
        # Longer than a float: the shares 25/34 have four bytes "xxxx" in a row.
        for canary in (b"astronaut", b"eve@example.com", b"x" * 9, b"2,smith", b"pickle"):
            assert canary not in body
        again = formats.load(body, self.domain)
        assert kept(again, self.domain) == body
        assert again.sample(20, ignore).num_rows == 20

    @abstractmethod
    def same(self, one: Model, other: Model) -> bool:
        """Whether two models make the same rows of the same randomness."""
