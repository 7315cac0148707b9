"""Trainings on data where a person has several rows: what one whole person can move, and what it costs."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from numpy.typing import NDArray

from dpgate.accounting.calibrate import budget_for
from dpgate.accounting.compose import release_epsilon
from dpgate.accounting.groups import row_budget
from dpgate.errors import SynthesisError
from dpgate.mechanisms import sampled
from dpgate.mechanisms.session import Mechanisms
from dpgate.mechanisms.tape import UnsafePlayer, UnsafeRecorder
from dpgate.model.dataset import Dataset
from dpgate.model.event import Event
from dpgate.model.training import Training
from dpgate.sources.arrow import table_source
from dpgate.sources.open import open_source
from dpgate.synthesis.gan.start import Start
from dpgate.synthesis.gan.synthesizer import DpCtgan, DpTvae, Trained
from dpgate.synthesis.interface import Model, Task
from tests.suites import worlds
from tests.suites.synthesizers import DELTA, audit, ignore, kept

MOST = 3
"""Rows of a person."""
BOUND = 5_000
SMALL = Training(steps=10, batch=100, width=16, latent=4)
SYNTHESIZERS = [DpTvae(), DpCtgan()]


class Coins:
    """The n-th step begins with the same coins and has the same noise, however many persons there are."""

    def __init__(self) -> None:
        self._steps = itertools.count()

    def words(self, count: int) -> NDArray[np.uint32]:
        rng = np.random.default_rng(next(self._steps))
        return rng.integers(0, 2**32, 20_000, dtype=np.uint32)[:count]

    def normal(self, count: int) -> NDArray[np.float64]:
        return np.random.default_rng(count).standard_normal(count)


@pytest.fixture
def coupled(monkeypatch: pytest.MonkeyPatch) -> None:
    def normal(start: Start, rows: int, width: int) -> torch.Tensor:
        return torch.randn((20_000, width), generator=torch.Generator().manual_seed(3))[:rows]

    monkeypatch.setattr(sampled, "Fresh", Coins)
    monkeypatch.setattr(Start, "normal", normal)
    monkeypatch.setattr("dpgate.synthesis.gan.start.secrets.randbits", lambda bits: 7)
    monkeypatch.setattr("dpgate.sources.persons.secrets.token_hex", lambda size: "0" * 2 * size)


def dataset() -> Dataset:
    plain = worlds.dataset().model_dump(mode="python", by_alias=True)
    plain["spec"]["unit"] |= {"column": "name", "max_rows_per_person": MOST}
    return Dataset.model_validate(plain)


def task(training: Training = SMALL, **how: Any) -> Task:
    made: dict[str, Any] = {"rows_at_most": BOUND, "person_rows": MOST, **how}
    return Task(domain=worlds.domain(), relation="add-remove", rows=50, training=training, **made)


def planned(synthesizer: Trained, asked: Task, epsilon: str = "2") -> tuple[Event, ...]:
    budget = budget_for(Decimal(epsilon), DELTA)
    return synthesizer.plan_within(asked, row_budget(budget, MOST, "add-remove"), ())


def fit(
    synthesizer: Trained,
    rows: Sequence[worlds.Row],
    names: Sequence[str | None],
    folder: Path,
    tape: UnsafeRecorder,
    training: Training = SMALL,
) -> Model:
    asked = task(training)
    events = planned(synthesizer, asked)
    table = worlds.table(list(rows)).append_column("name", pa.array(names, pa.string()))
    pq.write_table(table, folder / "rows.parquet")
    source = open_source(str(folder / "rows.parquet"), dataset(), list(worlds.COLUMNS))
    return synthesizer.fit(
        asked, events, source, Mechanisms(events, "add-remove", tape=tape), ignore
    )


def people(count: int = 150) -> tuple[list[worlds.Row], list[str | None]]:
    """400 rows of 150 persons, some with more than the bound, and some rows of nobody."""
    names: list[str | None] = [f"p{place * place % count}" for place in range(400)]
    names[::40] = [None, " "] * 5
    return worlds.rows(400), names


@pytest.mark.usefixtures("coupled")
@pytest.mark.parametrize("batch", [100, BOUND], ids=["by coins", "in each step"])
@pytest.mark.parametrize("own", [1, 2, 10_000])
@pytest.mark.parametrize("synthesizer", SYNTHESIZERS, ids=lambda s: s.name)
@pytest.mark.slow
def test_one_person_with_any_number_of_hostile_rows_moves_each_step_by_one_norm(
    synthesizer: Trained, own: int, batch: int, tmp_path: Path
) -> None:
    """Given coins and noise, nothing else tells: and tables move by the bound's rows, no more."""
    training = SMALL.model_copy(update={"batch": batch})
    rows, names = people()
    cruel = list(itertools.islice(itertools.cycle(worlds.HOSTILE.values()), own))
    first = UnsafeRecorder()
    one = fit(synthesizer, rows, names, tmp_path, first, training)
    second = UnsafePlayer(outputs=[call.output for call in first.calls])
    other = fit(
        synthesizer, [*rows, *cruel], [*names, *["mallory"] * own], tmp_path, second, training
    )
    assert audit(first.calls, second.calls) == []
    assert kept(one, worlds.domain()) == kept(other, worlds.domain())
    pairs = list(zip(first.calls, second.calls, strict=True))
    tables = [float(abs(a.inputs - b.inputs).sum()) for a, b in pairs[: len(worlds.COLUMNS)]]
    assert set(tables) == {min(own, MOST)}
    moved = [float(np.linalg.norm(a.inputs - b.inputs)) for a, b in pairs[len(worlds.COLUMNS) :]]
    assert len(moved) == SMALL.steps
    assert max(moved) <= 1.0
    if batch == BOUND:
        assert min(moved) > 0.01  # in each of them


@pytest.mark.usefixtures("coupled")
@pytest.mark.parametrize("synthesizer", SYNTHESIZERS, ids=lambda s: s.name)
@pytest.mark.slow
def test_whose_rows_they_are_is_what_counts(synthesizer: Trained, tmp_path: Path) -> None:
    """300 rows of 100 persons: sums of 100 norms at most. The same rows of 300 persons add up to more.

    Over six fits: where a network begins follows from noisy tables, and one ratio lies between 1.4 and 2.7.
    """
    training = SMALL.model_copy(update={"batch": BOUND, "steps": 1, "clip": Decimal("0.01")})
    rows, sums = worlds.rows(300), {100: 0.0, 300: 0.0}
    for persons in list(sums) * 6:
        tape = UnsafeRecorder()
        fit(synthesizer, rows, [f"p{n % persons}" for n in range(300)], tmp_path, tape, training)
        norm = float(np.linalg.norm(tape.calls[-1].inputs))
        assert norm <= persons
        sums[persons] += norm
    assert (
        sums[300] > 1.5 * sums[100]
    )  # by single rows, whoever they belong to, they would be equal


@pytest.mark.usefixtures("coupled")
@pytest.mark.parametrize("at_once", [3, 40])
def test_chunks_change_nothing_but_memory(at_once: int, tmp_path: Path) -> None:
    """`dp-ctgan`, whose losses take no random numbers: all persons at once, or a few."""
    rows, names = people()
    found = []
    for room in (4_096, at_once):
        tape = UnsafeRecorder()
        training = SMALL.model_copy(update={"at_once": room, "batch": BOUND, "steps": 1})
        fit(DpCtgan(), rows, names, tmp_path, tape, training)
        found.append(tape.calls[-1].inputs)
    np.testing.assert_allclose(found[0], found[1], rtol=1e-4, atol=1e-5)
    assert np.linalg.norm(found[0]) > 1


@pytest.mark.parametrize("synthesizer", SYNTHESIZERS, ids=lambda s: s.name)
@pytest.mark.parametrize("epsilon", ["0.5", "3"])
def test_a_plan_keeps_its_promise_to_a_person_and_uses_it(
    synthesizer: Trained, epsilon: str
) -> None:
    one_way, training = planned(synthesizer, task(), epsilon)
    assert one_way.sensitivity_squared == MOST**2
    assert training.sensitivity_squared == 1
    assert Decimal("0.98") * Decimal(epsilon) < release_epsilon((one_way, training), DELTA)
    assert release_epsilon((one_way, training), DELTA) <= Decimal(epsilon)
    budget = budget_for(Decimal(epsilon), DELTA)
    rows = synthesizer.plan_within(task(person_rows=None), budget, ())
    assert abs(training.scale / rows[1].scale - 1) < Decimal("0.001")  # no group factor
    assert abs(one_way.scale / rows[0].scale / MOST - 1) < Decimal("1e-6")


def test_an_empty_source_and_persons_of_nobody(tmp_path: Path) -> None:
    tape = UnsafeRecorder()
    model = fit(DpTvae(), worlds.rows(5), [None] * 5, tmp_path, tape)
    assert model.total >= 0
    assert [float(abs(call.inputs).sum()) for call in tape.calls] == [0.0] * 15


def test_what_a_plan_for_persons_refuses() -> None:
    synthesizer = DpTvae()
    with pytest.raises(SynthesisError, match="nothing says whose each row is"):
        planned(synthesizer, task(person_rows=None))
    with pytest.raises(SynthesisError, match="nothing says whose each row is"):
        synthesizer.plan_within(task(), budget_for(Decimal(1), DELTA), ())
    with pytest.raises(SynthesisError, match="up to 3 rows, whose gradients are computed together"):
        planned(synthesizer, task(SMALL.model_copy(update={"at_once": 2})))


def test_a_source_that_does_not_tell_persons_apart_is_refused() -> None:
    synthesizer, asked = DpTvae(), task()
    events = planned(synthesizer, asked)
    source = table_source(worlds.table(worlds.rows(9)), asked.domain)
    with pytest.raises(Exception, match="nothing says whose a row of this source is"):
        synthesizer.fit(asked, events, source, Mechanisms(events, "add-remove"), ignore)
