"""`dp-ctgan` and `dp-tvae`: the suite, and what DP-SGD adds to it."""

from __future__ import annotations

import itertools
import re
from decimal import Decimal
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from dpgate.accounting.compose import epsilon_of_rho, release_epsilon
from dpgate.errors import SynthesisError
from dpgate.mechanisms import sampled
from dpgate.mechanisms.tape import UnsafePlayer, UnsafeRecorder
from dpgate.model.training import Training
from dpgate.sources.arrow import table_source
from dpgate.synthesis.gan import ctgan
from dpgate.synthesis.gan.start import Start
from dpgate.synthesis.gan.synthesizer import DpCtgan, DpTvae, Trained
from dpgate.synthesis.gan.team import children
from dpgate.synthesis.inference.simplex import project
from dpgate.synthesis.interface import Model, Synthesizer, Task
from dpgate.synthesis.sampling.network import NetworkModel
from tests.suites import worlds
from tests.suites.synthesizers import (
    DELTA,
    ROWS_AT_MOST,
    SynthesizerSuite,
    audit,
    ignore,
    kept,
    neighbors,
    planned,
)
from tests.suites.teams import altered, same_normal

pytestmark = pytest.mark.slow

SMALL = Training(steps=12, batch=100, width=16, latent=4)
TINY = ["0.001", "1", "200"]


class Coins:
    """Random numbers whose n-th step begins alike, however many rows there are."""

    def __init__(self) -> None:
        self._steps = itertools.count()
        self._noise = np.random.default_rng(1)

    def words(self, count: int) -> NDArray[np.uint32]:
        rng = np.random.default_rng(next(self._steps))
        return rng.integers(0, 2**32, 5_000, dtype=np.uint32)[:count]

    def normal(self, count: int) -> NDArray[np.float64]:
        return self._noise.standard_normal(count)


@pytest.fixture
def coupled(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """Rows that two worlds share fall into the same steps and meet the same random numbers."""

    def normal(start: Start, rows: int, width: int) -> torch.Tensor:
        made = torch.randn((max(rows, 5_000), width), generator=torch.Generator().manual_seed(3))
        return made[:rows]

    monkeypatch.setattr(sampled, "Fresh", Coins)
    monkeypatch.setattr(Start, "normal", normal)
    monkeypatch.setattr("dpgate.synthesis.gan.start.secrets.randbits", lambda bits: 7)
    return monkeypatch


@pytest.fixture
def coupled_team(coupled: pytest.MonkeyPatch) -> None:
    """The same in workers, where a row may be anywhere in its part."""
    coupled.setattr(Start, "normal", same_normal)
    coupled.setattr(children, "ENTRY", altered("coupled"))


class TrainedSuite(SynthesizerSuite):
    """Under add-remove alone, from a promise instead of a ρ."""

    training = SMALL

    def same(self, one: Model, other: Model) -> bool:
        assert isinstance(one, NetworkModel)
        assert isinstance(other, NetworkModel)
        first, second = (m.batch(200, np.random.default_rng(5)) for m in (one, other))
        return bool(first.equals(second))

    @pytest.mark.parametrize("rho", TINY)
    def test_a_plan_keeps_its_promise_and_uses_it(self, rho: str) -> None:
        task = Task(
            domain=self.domain, relation="add-remove", rows=9, training=SMALL, rows_at_most=5_000
        )
        events = planned(self.synthesizer, task, rho)
        spent, promised = release_epsilon(events, DELTA), epsilon_of_rho(Decimal(rho), DELTA)
        assert spent <= promised
        assert spent > promised * Decimal("0.98") or rho == "200"  # the least noise multiplier
        assert events == planned(self.synthesizer, task, rho)
        assert {event.proof for event in events} == {"opendp", "real-arithmetic"}
        assert (events[1].times, events[1].sampling_rate) == (12, Decimal("0.02"))
        with pytest.raises(SynthesisError, match="planned from epsilon and delta"):
            self.synthesizer.plan(task, Decimal(1))

    @pytest.mark.parametrize("relation", ["add-remove"])
    @pytest.mark.parametrize("rho", ["1"])
    def test_a_plan_never_costs_more_than_it_may(self, relation: str, rho: str) -> None:
        self.test_a_plan_keeps_its_promise_and_uses_it(rho)

    def test_noise_shrinks_with_the_budget(self) -> None:
        task = Task(domain=self.domain, relation="add-remove", rows=10, rows_at_most=5_000)
        quiet, loud = (planned(self.synthesizer, task, rho) for rho in ("1", "0.01"))
        assert all(a.scale < b.scale for a, b in zip(quiet, loud, strict=True))
        (row,) = self.synthesizer.noise(task, quiet)
        assert row.order == 1

    @pytest.mark.parametrize("relation", ["add-remove"])
    def test_a_fit_spends_what_was_planned(self, relation: str) -> None:
        super().test_a_fit_spends_what_was_planned(relation)

    def test_replacing_rows_is_not_accounted_for(self) -> None:
        with pytest.raises(SynthesisError, match="add-remove alone"):
            self.fit(worlds.rows(10), relation="replace-one")

    def test_the_total_is_near_and_noisy(self) -> None:
        totals = [self.fit(worlds.rows(500), rho="0.2").model.total for _ in range(3)]
        assert len({round(total, 6) for total in totals}) > 1
        assert abs(float(np.median(totals)) - 500) < 100

    def test_structure_comes_through_with_much_budget(self) -> None:
        done = type(self)()
        done.training = Training(steps=800, batch=400, width=64, latent=8)
        SynthesizerSuite.test_structure_comes_through_with_much_budget(done)

    @pytest.mark.parametrize("rho", TINY)
    @pytest.mark.parametrize("names", [("smokes", "job"), ("grade",)])
    @pytest.mark.parametrize("count", [0, 1, 40])
    def test_tiny_problems(self, names: tuple[str, ...], count: int, rho: str) -> None:
        super().test_tiny_problems(names, count, rho)

    def test_two_runs_differ_whatever_is_seeded(self) -> None:
        models = []
        for _ in range(2):
            torch.manual_seed(1)
            models.append(kept(self.fit(worlds.rows(60)).model, self.domain))
        assert models[0] != models[1]
        super().test_two_runs_differ_whatever_is_seeded()

    def test_made_up_rows_have_the_shares_of_noisy_tables(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """However far a training has moved its weights: quick ones throw either generator far off."""
        tape = UnsafeRecorder()
        monkeypatch.setattr(ctgan, "_RATE", 0.03)
        self.training = SMALL.model_copy(update={"learning_rate": Decimal("0.1")})
        done = self.fit(worlds.rows(1_000), tape=tape, rho="0.05")
        assert ("match one-way tables", 1.0) in done.stages
        model = done.model
        made = table_source(model.sample(20_000, ignore), self.domain)
        for place, call in enumerate(tape.calls[: len(self.domain)]):
            noisy = np.asarray(call.output, dtype=np.float64)
            shares = project(noisy, model.total) / model.total
            found = made.count([(place,)])[0] / 20_000
            assert np.abs(found - shares).max() < 0.03

    @pytest.mark.parametrize("relation", ["add-remove"])
    @pytest.mark.parametrize("harm", [None, "nan", "huge", "email"])
    @pytest.mark.usefixtures("coupled")
    def test_record_and_replay(
        self, relation: str, harm: str | None, capfd: pytest.CaptureFixture[str]
    ) -> None:
        """One row more, the same coins, the same noisy sums: nothing else may differ."""
        super().test_record_and_replay(relation, harm, capfd)

    def test_steps_are_told_in_tenths_with_a_loss_of_made_up_rows(self) -> None:
        """`test_record_and_replay` holds them against those of a neighboring dataset."""
        done = self.fit(worlds.rows(50), domain=self.domain)
        first, *later = dict.fromkeys(told for told, _ in done.stages if told.startswith("train"))
        assert first.startswith("train · 12 steps, noise multiplier ")
        pattern = r"train · step (\d+) of 12, loss (\d+\.\d{3}) of made-up rows"
        found = [match.groups() for told in later if (match := re.fullmatch(pattern, told))]
        assert [int(step) for step, _ in found] == [2, 3, 4, 5, 6, 8, 9, 10, 11, 12]
        assert all(0 < float(loss) < 100 for _, loss in found)

    @pytest.mark.usefixtures("coupled")
    def test_a_row_moves_every_step_that_it_is_in_by_its_clipped_gradient(self) -> None:
        self.training = SMALL.model_copy(update={"batch": ROWS_AT_MOST})  # it is in each
        ours, theirs = neighbors("add-remove", "huge")
        first = UnsafeRecorder()
        self.fit(ours, tape=first)
        second = UnsafePlayer(outputs=[call.output for call in first.calls])
        self.fit(theirs, tape=second)
        assert audit(first.calls, second.calls) == []
        pairs = zip(first.calls, second.calls, strict=True)
        moved = [
            float(np.linalg.norm(a.inputs - b.inputs))
            for a, b in pairs
            if a.event.mechanism == "sampled-gaussian"
        ]
        assert len(moved) == SMALL.steps
        assert min(moved) > 0.001
        assert max(moved) <= 1.0


def far_more(suite: SynthesizerSuite, **how: Any) -> list[float]:
    """Norms of the sums of all steps, in clipping norms, of a fit on few rows."""
    tape = UnsafeRecorder()
    suite.fit(worlds.rows(40), tape=tape, **how)
    return [float(np.linalg.norm(c.inputs)) for c in tape.calls[len(suite.domain) :]]


class TestDpTvae(TrainedSuite):
    synthesizer: Synthesizer = DpTvae()
    misfit = 0.15


class TestDpCtgan(TrainedSuite):
    synthesizer: Synthesizer = DpCtgan()
    misfit = 0.3


@pytest.mark.parametrize("synthesizer", [DpTvae(), DpCtgan()])
def test_most_steps_hold_no_row_where_there_are_few(synthesizer: Trained) -> None:
    """40 rows at a rate of 1 in 50: empty steps are steps, and a row adds at most one norm."""
    suite = TestDpTvae()
    suite.synthesizer = synthesizer
    norms = far_more(suite)
    assert len(norms) == SMALL.steps
    assert min(norms) == 0.0
    assert max(norms) <= 6.0


def test_chunks_change_nothing_but_memory(coupled: pytest.MonkeyPatch) -> None:
    """The same coins, all rows at once or seven at a time: the same sums."""
    suite = TestDpCtgan()
    found = []
    for at_once in (1024, 7):
        suite.training = SMALL.model_copy(update={"at_once": at_once, "batch": 2_000, "steps": 1})
        tape = UnsafeRecorder()
        suite.fit(worlds.rows(300), tape=tape)
        found.append(tape.calls[-1].inputs)
    np.testing.assert_allclose(found[0], found[1], rtol=1e-4, atol=1e-5)
    assert np.linalg.norm(found[0]) > 1


@pytest.mark.parametrize("synthesizer", [DpTvae(), DpCtgan()])
@pytest.mark.usefixtures("coupled_team")
def test_two_processes_come_to_the_sums_of_one(synthesizer: Trained) -> None:
    """The same coins, codes and noisy sums: the same sums at every step, and at no other cost."""
    suite = TestDpTvae()
    suite.synthesizer = synthesizer
    alone = UnsafeRecorder()
    suite.training = SMALL.model_copy(update={"batch": 1_000})
    suite.fit(worlds.rows(300), tape=alone)
    together = UnsafePlayer(outputs=[call.output for call in alone.calls])
    suite.training = suite.training.model_copy(update={"processes": 2})
    done = suite.fit(worlds.rows(300), tape=together)
    assert done.spent == done.events
    assert ("gather 2 processes", 1.0) in done.stages
    pairs = list(zip(alone.calls, together.calls, strict=True))
    assert [(a.event, a.scale) for a, _ in pairs] == [(b.event, b.scale) for _, b in pairs]
    steps = [pair for pair in pairs if pair[0].event.mechanism == "sampled-gaussian"]
    assert len(steps) == SMALL.steps
    for one, other in steps:
        np.testing.assert_allclose(one.inputs, other.inputs, rtol=1e-4, atol=1e-5)
        assert np.linalg.norm(one.inputs) > 1


@pytest.mark.parametrize("synthesizer", [DpTvae(), DpCtgan()])
@pytest.mark.usefixtures("coupled_team")
def test_one_row_more_is_not_told_by_two_processes(
    capfd: pytest.CaptureFixture[str], synthesizer: Trained
) -> None:
    suite = TestDpTvae()
    suite.synthesizer = synthesizer
    suite.training = SMALL.model_copy(update={"processes": 2})
    SynthesizerSuite.test_record_and_replay(suite, "add-remove", "huge", capfd)


@pytest.mark.parametrize("suite", [TestDpTvae(), TestDpCtgan()])
def test_two_processes_reach_the_fit_that_is_asked_of_one(suite: TrainedSuite) -> None:
    suite.training = Training(steps=800, batch=400, width=64, latent=8, processes=2)
    SynthesizerSuite.test_structure_comes_through_with_much_budget(suite)


def test_a_source_that_only_counts_is_refused() -> None:
    class Counts:
        domain = worlds.domain()

        def count(self, *tables: Any, **how: Any) -> Any:
            return table_source(worlds.table(worlds.rows(9)), self.domain).count(*tables, **how)

    task = Task(domain=Counts.domain, relation="add-remove", rows=9, rows_at_most=ROWS_AT_MOST)
    synthesizer = DpTvae()
    events = planned(synthesizer, task, "1")
    with pytest.raises(SynthesisError, match="needs whole rows"):
        synthesizer.fit(task, events, Counts(), sampled_session(events), ignore)  # type: ignore[arg-type]


def sampled_session(events: Any) -> Any:
    from dpgate.mechanisms.session import Mechanisms

    return Mechanisms(events, "add-remove")


def test_weights_that_leave_the_range_of_numbers_are_said_to(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(Coins, "normal", lambda self, count: np.full(count, np.inf))
    monkeypatch.setattr(sampled, "Fresh", Coins)
    with pytest.raises(SynthesisError, match="diverged"):
        TestDpTvae().fit(worlds.rows(20))


@pytest.mark.parametrize("synthesizer", [DpTvae(), DpCtgan()])
def test_the_numbers_that_see_rows_are_counted_without_torch(synthesizer: Trained) -> None:
    from dpgate.synthesis.gan.clip import parameters
    from dpgate.synthesis.gan.layers import Mlp

    task = Task(domain=worlds.domain(), relation="add-remove", rows=1, rows_at_most=100)
    random = torch.Generator()
    made = [Mlp(sizes, random) for sizes in synthesizer.widths(task)]
    layers: list[Any] = [layer for network in made for layer in network.layers]
    assert synthesizer.trained(task) == sum(p.numel() for p in parameters(layers))
