"""A training that ends early is resumed once: charged for what is left, and claimed as a whole."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dpgate.accounting.compose import release_epsilon
from dpgate.errors import ChainError, SynthesisError, UsageError
from dpgate.gate import release as release_steps
from dpgate.gate.resuming import left
from dpgate.ledger.chain import link_up, read
from dpgate.model.record import Reserve, Resumes
from tests.team import MANIFEST, POLICY, RELEASE, Team
from tests.unit.gate.test_training import persons, trains

pytestmark = pytest.mark.slow

STEPS = 40


def stop_at(fraction: float, error: type[BaseException] = KeyboardInterrupt) -> Callable[..., None]:
    """Progress that ends a release once so much of its training is done."""

    def progress(stage: str, done: float) -> None:
        if stage.startswith("train · ") and done >= fraction:
            raise error

    return progress


@pytest.fixture
def ready(fresh_team: Team) -> Team:
    team = trains(fresh_team)
    team.approve(attempts=4)
    return team


def stopped(team: Team, fraction: float = 0.55, **options: Any) -> list[str]:
    """Begin a release and end it there; what is said then."""
    with pytest.raises(KeyboardInterrupt) as caught:
        team.release(progress=stop_at(fraction), **options)
    return getattr(caught.value, "__notes__", [])


def reserves(team: Team) -> list[Reserve]:
    chain = link_up(read(team.ledger()))
    return [entry for _, entry in chain.reserves]


def kept(team: Team) -> list[Path]:
    return sorted(team.state.rglob("after-*.npz"))


@pytest.mark.parametrize("maker", ["dp-tvae", "dp-ctgan"])
def test_what_was_stopped_goes_on_and_is_charged_for_what_is_left(
    fresh_team: Team, maker: str
) -> None:
    team = trains(
        fresh_team, f"with: {maker}, training: {{steps: 40, batch: 25000, width: 16, latent: 4}},"
    )
    team.approve(attempts=2)
    (note,) = stopped(team)
    assert "20 steps are left" in note
    assert f"dpgate release {RELEASE} --resume" in note
    (checkpoint,) = kept(team)
    assert checkpoint.name == "after-20.npz"
    assert checkpoint.stat().st_mode & 0o077 == 0
    anew, rest = team.api.plan(RELEASE), team.api.plan(RELEASE, resume=True)
    assert (rest.verdict, rest.next) == ("ready", f"{anew.next} --resume")
    assert rest.training == f"{anew.training}; the last 20 steps of it are left, and charged here"
    assert rest.epsilon == anew.epsilon
    assert 0 < rest.scopes[0].this < anew.scopes[0].this
    stages: list[str] = []
    out = team.folder / "out"
    done = team.release(resume=True, progress=lambda stage, _: stages.append(stage), out=out)
    assert done.outcome == "released", done
    assert not any(stage.startswith("measure one-way") for stage in stages)
    assert any(
        "20 steps" in stage and "after 20 of an earlier attempt" in stage for stage in stages
    )
    first, second = reserves(team)
    assert first.resumes is None
    assert second.resumes is not None
    assert second.resumes.steps == 20
    assert second.claim == first.claim
    assert {e.name: e.times for e in second.events if "evidence" not in e.name} == {
        f"{maker.replace('-', '_')}.training": 20
    }
    alone = release_epsilon(second.events, first.claim.delta)
    assert 0 < alone < first.claim.epsilon
    verified = team.dpgate("verify", "--root", team.root)
    assert verified.returncode == 0, verified.stdout + verified.stderr
    card = json.loads(next(out.rglob("card.json")).read_text())
    assert str(first.claim.epsilon) in json.dumps(card)
    assert kept(team) == []
    assert any(
        "resumes the training of entry 2 after 20 steps" in line.text
        for line in team.api.log().lines
    )
    shown = team.api.show(release=RELEASE).rows
    assert [row.summary.endswith(", resumed") for row in shown if row.kind == "reserve"] == [
        False,
        True,
    ]


def test_the_command_offers_to_resume_and_does(ready: Team) -> None:
    stopped(ready)
    words = ("release", RELEASE, "--source", str(ready.source), "--key", ready.key_file("runner"))
    done = ready.dpgate(*words, "--resume")
    assert done.returncode == 0, done.stderr
    assert ready.dpgate("verify", "--root", ready.root).returncode == 0


def test_it_is_resumed_once(ready: Team) -> None:
    stopped(ready)
    (place,) = kept(ready)
    copy = place.read_bytes()
    stopped(ready, 0.01, resume=True)  # before a checkpoint of its own
    first, second = reserves(ready)
    place.write_bytes(copy)
    stopped(ready, 0.85, resume=True)  # what is left of the second, from the same checkpoint
    third = reserves(ready)[2]
    assert second.resumes is not None
    assert third.resumes is not None
    states = link_up(read(ready.ledger())).states
    assert third.resumes.reserve != second.resumes.reserve
    assert (third.resumes.steps, third.events) == (0, second.events)
    assert list(states.values()) == ["resumed", "resumed", "failed"]
    assert ready.release(resume=True).outcome == "released"
    fourth = reserves(ready)[3]
    assert fourth.resumes is not None
    assert fourth.resumes.steps == 16
    assert fourth.events[0].times == 4
    assert fourth.claim == first.claim
    assert ready.dpgate("verify", "--root", ready.root).returncode == 0


def test_the_steps_of_all_attempts_are_those_of_one_training(ready: Team) -> None:
    """The optimizer and the weights go on where they were: no step is taken twice, none left out."""
    stopped(ready)
    with np.load(kept(ready)[0]) as held:
        assert int(held["done"]) == 20
        assert float(held["optimizer.both.0.step"]) == 20
        before = held["network.decoder.layers.0.weight"]
    stopped(ready, 0.85, resume=True)
    with np.load(next(path for path in kept(ready) if path.name == "after-16.npz")) as held:
        assert int(held["done"]) == 36
        assert float(held["optimizer.both.0.step"]) == 36
        moved = np.abs(held["network.decoder.layers.0.weight"] - before)
    # Adam moves a weight by about its learning rate a step; anew it would begin far away.
    assert 0 < float(moved.max()) < 0.005 * 16 * 3


def test_nothing_is_resumed_that_is_not_there(ready: Team) -> None:
    with pytest.raises(UsageError, match=r"no attempt of .* left a checkpoint"):
        ready.release(resume=True)
    assert stopped(ready, 0.02) == []  # before the first checkpoint
    with pytest.raises(UsageError, match=r"no attempt of .* left a checkpoint"):
        ready.release(resume=True)
    assert len(reserves(ready)) == 1


def test_an_edited_manifest_starts_anew(ready: Team) -> None:
    stopped(ready)
    ready.edit(MANIFEST, "rows: 1000", "rows: 900")
    ready.commit()
    ready.approve()
    with pytest.raises(UsageError, match="edited after entry 2 began"):
        ready.release(resume=True)
    assert ready.release().outcome == "released"


@pytest.mark.parametrize(
    "harm", ["cut", "empty", "pickle", "version", "lacking", "strange", "steps"]
)
def test_a_broken_checkpoint_costs_nothing(ready: Team, harm: str) -> None:
    stopped(ready)
    (place,) = kept(ready)
    data = place.read_bytes()
    if harm == "cut":
        place.write_bytes(data[: len(data) // 2])
    elif harm == "empty":
        place.write_bytes(b"")
    else:
        with np.load(place) as held:
            arrays: dict[str, Any] = dict(held)
        arrays["version"] = (
            np.array("0.0.1") if harm == "version" else np.array([print], dtype=object)
        )
        np.savez(place, **arrays)
    with pytest.raises(SynthesisError, match=r"no checkpoint that can be read|made the checkpoint"):
        ready.release(resume=True)
    assert len(reserves(ready)) == 1
    assert ready.release().outcome == "released"


def test_a_checkpoint_holds_no_row_and_is_never_released(ready: Team) -> None:
    stopped(ready)
    with np.load(kept(ready)[0]) as held:
        names = {name.split(".")[0] for name in held.files}
        assert max(array.size for array in held.values()) < 10_000  # weights; the data has more
    assert names == {
        "done", "total", "shares", "network", "optimizer", "version", "holdout", "names",
    }  # fmt: skip
    out = ready.folder / "out"
    ready.release(resume=True, out=out)
    assert not list(out.rglob("*.npz"))


def test_rows_that_were_held_out_stay_so(fresh_team: Team, monkeypatch: pytest.MonkeyPatch) -> None:
    """Attacks compare members with rows that no step of the training ever saw."""
    from dpgate.sources import split

    keys: list[bytes] = []

    class Coins(split._Coins):
        def __init__(self, read: Any, key: bytes, bound: Any, column: Any) -> None:
            keys.append(key)
            super().__init__(read, key, bound, column)

    monkeypatch.setattr(split, "_Coins", Coins)
    team = trains(fresh_team)
    team.edit(
        MANIFEST,
        "  utility:",
        "  threat_model: {adversary: recipient, holdout: 0.2, fears: [membership]}\n"
        "  attacks: [{attack: membership, advantage_at_most: 0.9}]\n  utility:",
    )
    team.commit()
    team.approve(attempts=2)
    stopped(team)
    assert team.release(resume=True).outcome == "released"
    assert len(keys) == 2
    assert keys[0] == keys[1]


def test_what_is_left_of_a_reservation(ready: Team) -> None:
    stopped(ready)
    (entry,) = reserves(ready)
    names = [event.name for event in entry.events]
    assert names[:2] == ["dp_tvae.one_way", "dp_tvae.training"]
    assert [event.name for event in left(entry.events, 7)] == names[1:]
    assert left(entry.events, 7)[0].times == STEPS - 7
    assert left(entry.events, 0)[1:] == entry.events[2:]
    for steps in (STEPS, STEPS + 1, -1):
        with pytest.raises(ChainError):
            left(entry.events, steps)
    with pytest.raises(ChainError):
        left(entry.events[2:], 0)


def test_a_training_on_persons_goes_on_and_stays_a_promise_to_persons(fresh_team: Team) -> None:
    team = persons(fresh_team)
    team.approve(attempts=2)
    stopped(team)
    done = team.release(resume=True)
    assert done.outcome == "released", done
    first, second = reserves(team)
    assert second.claim == first.claim
    assert second.claim.unit == "person"
    (rest,) = [e for e in second.events if e.mechanism == "sampled-gaussian"]
    assert (rest.times, rest.sensitivity_squared) == (STEPS // 2, Decimal(1))
    assert team.api.verify(root=team.root).verified


def test_a_newer_checkpoint_that_the_ledger_does_not_count_is_left_alone(
    ready: Team, tmp_path: Path
) -> None:
    """Two machines with one state directory: the rows would follow from more steps than are claimed."""
    stopped(ready)  # after 20 steps
    shutil.copytree(ready.state, tmp_path / "other")
    stopped(ready, 0.85, resume=True)  # here, 16 more
    stopped(replace(ready, state=tmp_path / "other"), 0.02, resume=True)  # there, from 20 again
    told: list[str] = []
    done = ready.release(resume=True, progress=lambda stage, _: told.append(stage))
    assert done.outcome == "released"
    assert any("20 steps" in stage and "after 20 of an earlier" in stage for stage in told)
    assert [entry.resumes and entry.resumes.steps for entry in reserves(ready)] == [None, 20, 0, 0]
    assert ready.api.verify(root=ready.root).verified


def test_a_checkpoint_under_another_name_is_none(ready: Team) -> None:
    stopped(ready)
    (place,) = kept(ready)
    place.rename(place.with_name(f"after-{STEPS + 1}.npz"))
    with pytest.raises(UsageError, match="left a checkpoint"):
        ready.release(resume=True)


def test_where_there_is_no_room_the_training_goes_on(
    ready: Team, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(np, "savez", full)
    assert ready.release().outcome == "released"
    assert not list(ready.state.rglob("*.tmp"))


def test_what_came_to_its_end_is_not_resumed(ready: Team, monkeypatch: pytest.MonkeyPatch) -> None:
    """It may have missed a threshold: nobody gets a second draw for a tenth of the training."""

    def dies(*_: object, **__: object) -> None:
        raise SystemExit

    with monkeypatch.context() as patch:
        patch.setattr(release_steps, "close", dies)
        with pytest.raises(SystemExit):
            ready.release()
    assert kept(ready) == []
    ready.api.recover(entry=2, key=ready.key("runner"))
    with pytest.raises(UsageError, match="left a checkpoint"):
        ready.release(resume=True)


def test_a_manifest_that_was_restored_finds_its_own_checkpoint(fresh_team: Team) -> None:
    ready = trains(fresh_team)
    ready.edit(MANIFEST, "epsilon: 1.0", "epsilon: 0.4")
    ready.commit()
    ready.approve(attempts=2)
    stopped(ready)
    ready.edit(MANIFEST, "rows: 1000", "rows: 900")
    ready.commit()
    ready.approve()
    stopped(ready)
    ready.edit(MANIFEST, "rows: 900", "rows: 1000")
    ready.commit()
    ready.approve()
    done = ready.release(resume=True)
    assert done.outcome == "released", done.plan
    assert reserves(ready)[-1].resumes == Resumes(
        reserve=link_up(read(ready.ledger())).reserves[0][0].digest, steps=20
    )
    with pytest.raises(UsageError, match="entry 7 released"):
        ready.api.plan(RELEASE, resume=True)


def test_what_is_told_of_a_resumed_attempt(ready: Team) -> None:
    stopped(ready)
    whole = ready.api.plan(RELEASE)
    rest = ready.api.plan(RELEASE, resume=True)
    assert rest.row_epsilon == whole.row_epsilon
    ready.release(resume=True)
    terms = {term.label: term.value for term in ready.api.explain(4).terms}
    assert terms["resumes"] == "the training of entry 2, after 20 of its steps"
    assert "of the whole training, over its attempts" in terms
    assert "alone, composed by OpenDP" not in terms
    ready.api.export(ready.folder / "ledger.jsonl")
    rows = [json.loads(line) for line in (ready.folder / "ledger.jsonl").read_text().splitlines()]
    assert [row["resumes"] for row in rows if row["kind"] == "reserve"] == [None, 2]


def test_a_budget_that_denies_what_is_left_proposes_no_other_epsilon(fresh_team: Team) -> None:
    """Another ε is another manifest, and that cannot go on with this training."""
    quota = '{recipient: "*", lifetime: true, epsilon: '
    fresh_team.edit(POLICY, f"{quota}2}}", f"{quota}0.83}}")
    team = trains(fresh_team)
    team.approve(attempts=2)
    stopped(team, 0.15)
    plan = team.api.plan(RELEASE, resume=True)
    (fix,) = [f.fix for f in plan.findings if f.rule == "budget"]
    assert "epsilon" not in fix
    assert "a policy change" in fix
