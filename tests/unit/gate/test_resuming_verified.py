"""`verify` holds a reservation that resumes a training against the one that it resumes."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

import dpgate
from dpgate.accounting.filter import Spend
from dpgate.gate.costing import to_record
from dpgate.ledger import envelope
from dpgate.ledger.chain import file_name, link_up, read, subjects
from dpgate.ledger.statement import statement
from dpgate.model.event import Event
from dpgate.model.record import Reserve, Settle
from tests.conftest import enter
from tests.corpus import forging
from tests.team import RELEASE, Team, copy
from tests.unit.gate.test_resuming import stop_at
from tests.unit.gate.test_training import trains

pytestmark = pytest.mark.slow

RESUMED = 4


@pytest.fixture(scope="module")
def made(_templates: Callable[[str], Team], tmp_path_factory: pytest.TempPathFactory) -> Team:
    """One release, by a training that was stopped and resumed."""
    with pytest.MonkeyPatch.context() as patch:
        made = copy(_templates("fresh"), tmp_path_factory.mktemp("resumed") / "team")
        enter(patch, made)
        trains(made).approve(attempts=3)
        with pytest.raises(KeyboardInterrupt):
            made.release(progress=stop_at(0.55))
        assert made.release(resume=True).outcome == "released"
    return made


@pytest.fixture
def team(made: Team, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Team:
    team = copy(made, tmp_path / "team")
    enter(monkeypatch, team)
    return team


def verdict(team: Team, edit: Callable[[Any], Any], number: int = RESUMED) -> tuple[str, str]:
    """Step and detail at which `verify` stops, once a runner has written one entry otherwise."""
    chain = link_up(read(team.ledger()))
    files = forging.rewritten(chain, number, edit, team.key("runner"))
    gone: dict[str, bytes | None] = dict.fromkeys(team.ledger())
    team.push_ledger({**gone, **files})
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DPGATE_STATE", str(team.folder / "auditor"))
        result = dpgate.verify(team.clone, root=team.root)
    failed = [step for step in result.steps if step.status == "fail"]
    return (failed[0].name, failed[0].detail) if failed else ("", "")


def charging(entry: Reserve, events: tuple[Event, ...], **more: Any) -> Reserve:
    """The reservation with other events, and the spend that they cost."""
    spend = Spend.of(events, tuple(map(int, entry.spend.curve)))
    return entry.model_copy(update={"events": events, "spend": to_record(spend), **more})


def steps(entry: Reserve, times: int) -> tuple[Event, ...]:
    training, *rest = entry.events
    return (training.model_copy(update={"times": times}), *rest)


def test_what_was_resumed_verifies(team: Team) -> None:
    assert verdict(team, lambda entry: entry) == ("", "")


@pytest.mark.parametrize("times", [1, 19, 21])
def test_fewer_or_more_steps_than_were_left(team: Team, times: int) -> None:
    found = verdict(team, lambda entry: charging(entry, steps(entry, times)))
    assert found == ("costs", "its events are not those that were left of what it resumes")


def test_evidence_left_out(team: Team) -> None:
    found = verdict(team, lambda entry: charging(entry, entry.events[:1]))
    assert found[0] == "costs"
    assert "not those that were left" in found[1]


@pytest.mark.parametrize("done", [0, 21, 40, 10**6])
def test_another_number_of_steps_done(team: Team, done: int) -> None:
    def edit(entry: Reserve) -> Reserve:
        assert entry.resumes is not None
        resumes = entry.resumes.model_copy(update={"steps": done})
        return entry.model_copy(update={"resumes": resumes})

    assert verdict(team, edit)[0] == "costs"


def test_less_noise_in_what_is_left(team: Team) -> None:
    def edit(entry: Reserve) -> Reserve:
        training, *rest = entry.events
        quiet = training.model_copy(update={"scale": training.scale - Decimal("0.1")})
        return charging(entry, (quiet, *rest))

    assert verdict(team, edit)[0] == "costs"


@pytest.mark.parametrize("factor", ["0.5", "2"])
def test_another_claim_than_that_of_the_whole(team: Team, factor: str) -> None:
    def edit(entry: Reserve) -> Reserve:
        claim = entry.claim.model_copy(update={"epsilon": entry.claim.epsilon * Decimal(factor)})
        return entry.model_copy(update={"claim": claim})

    step, detail = verdict(team, edit)
    assert step == "costs"
    assert "claims" in detail


def test_a_part_that_says_it_resumes_nothing(team: Team) -> None:
    step, detail = verdict(team, lambda entry: entry.model_copy(update={"resumes": None}))
    assert step == "costs"
    assert "left out" in detail


def test_what_it_resumes_is_another_release(team: Team) -> None:
    def edit(entry: Reserve) -> Reserve:
        return entry.model_copy(update={"release": f"{RELEASE}-2"})

    assert verdict(team, edit)[0] in ("form", "chain")


def test_what_it_resumes_ended_well(team: Team) -> None:
    """Then there would be two releases of one training, and the second nearly free."""

    def edit(entry: Settle) -> Settle:
        return entry.model_copy(update={"outcome": "gate-failed"})

    step, detail = verdict(team, edit, number=3)
    assert (step, detail) == ("chain", "what is gate-failed cannot become resumed")


def test_it_is_resumed_a_second_time(team: Team) -> None:
    chain = link_up(read(team.ledger()))
    first = chain.reserves[0][0].digest
    again = chain.reserves[1][1].model_copy(
        update={**forging.place(chain), "attempt": 3, "nonce": "0" * 32}
    )
    assert again.resumes is not None
    assert again.resumes.reserve == first
    payload = statement(again, subjects(again)).payload()
    data = envelope.seal(payload, [team.key("runner")]).to_bytes()
    team.push_ledger({file_name(again): data})
    result = dpgate.verify(team.clone, root=team.root)
    failed = [step for step in result.steps if step.status == "fail"]
    assert failed[0].detail == "what is resumed cannot become resumed"


def test_a_training_resumed_before_its_first_step(team: Team) -> None:
    """One-way tables would be left out that no checkpoint holds."""

    def edit(entry: Reserve) -> Reserve:
        assert entry.resumes is not None
        resumes = entry.resumes.model_copy(update={"steps": 0})
        return charging(entry, steps(entry, 40), resumes=resumes)

    step, detail = verdict(team, edit)
    assert step == "costs"
    assert "before its first step" in detail
