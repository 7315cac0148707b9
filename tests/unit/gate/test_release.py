"""A release from reservation to promotion, and the ways in which it ends early."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from pyarrow import parquet

from dpgate.errors import (
    RemoteError,
    RepositoryError,
    SignatureError,
    SourceError,
    UndecidedError,
    UsageError,
)
from dpgate.ledger.chain import link_up, read
from dpgate.ledger.memory import Memory
from dpgate.model.record import Reserve, Settle
from tests.team import MANIFEST, POLICY, RELEASE, Team


def entries(team: Team) -> list[str]:
    return [name[7:].partition(".")[0] for name in sorted(team.ledger())]


@pytest.fixture
def ready(team: Team) -> Team:
    team.approve()
    return team


def test_the_cost_is_on_the_remote_before_the_data_is_opened(
    ready: Team, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[list[str]] = []
    from dpgate.gate import attempt
    from dpgate.sources.open import open_source

    def watched(*args: object, **options: object) -> object:
        seen.append(entries(ready.second_clone("watcher")))
        return open_source(*args, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(attempt, "open_source", watched)
    assert ready.release(out=ready.folder / "out").outcome == "released"
    assert seen == [["genesis", "reserve"]]
    assert entries(ready) == ["genesis", "reserve", "settle"]


def test_what_is_recorded_is_what_was_made(released_team: Team) -> None:
    chain = link_up(read(released_team.ledger()))
    ((link, reserve),) = chain.reserves
    settle = chain.settles[link.digest][1]
    assert isinstance(reserve, Reserve)
    assert isinstance(settle, Settle)
    assert reserve.documents[0].text == (released_team.clone / MANIFEST).read_text()
    named = {artifact.name: artifact for artifact in settle.artifacts}
    assert set(named) == {
        "data.parquet",
        "data.csv",
        "data.csv-metadata.json",
        "card.json",
        "card.md",
        "evidence.html",
        "evidence.json",
        "evidence.json.age",
    }
    facts = parquet.read_schema(released_team.folder / "released" / "data.parquet").metadata
    assert facts[b"dpgate.record"].decode() == link.digest
    assert [name for name, artifact in named.items() if artifact.sealed] == ["evidence.json.age"]
    kept = list((Memory(chain.root).folder / "sealed").iterdir())
    assert len(kept) == 1
    assert kept[0].read_bytes().startswith(b"age-encryption.org/v1")
    card = json.loads((released_team.folder / "released" / "card.json").read_text())
    assert card


def test_it_is_made_once(released_team: Team) -> None:
    out = released_team.folder / "released"
    again = released_team.release(out=out)
    assert (again.outcome, again.folder) == ("already-released", str(out))
    assert len(released_team.ledger()) == 3


def test_nothing_is_spent_without_approval(team: Team) -> None:
    result = team.release(source="/no/such/file")
    assert result.outcome == "denied"
    assert result.plan is not None
    assert result.plan.verdict == "waiting"
    assert entries(team) == ["genesis"]


def nothing_spent(team: Team, error: type[Exception], message: str, **options: Any) -> None:
    before = team.ledger()
    with pytest.raises(error, match=message):
        team.release(**options)
    assert team.ledger() == before


def test_whatever_can_fail_before_the_data_is_opened_spends_nothing(ready: Team) -> None:
    full = ready.folder / "full"
    full.mkdir()
    (full / "file").write_text("mine")
    bad = ready.folder / "bad.parquet"
    bad.write_bytes(b"PAR1 not really")
    nothing_spent(
        ready, SourceError, "the source is not a file", source=str(ready.folder / "none.parquet")
    )
    nothing_spent(ready, SourceError, "source", source=str(bad))
    nothing_spent(ready, UsageError, "is not empty", out=full)
    nothing_spent(ready, SignatureError, "does not hold role runner", key=ready.key("privacy"))
    nothing_spent(ready, UsageError, "no manifest", release="clinic-visits/none")
    assert (full / "file").read_text() == "mine"
    assert ready.release(out=ready.folder / "out").outcome == "released"


def test_a_release_is_made_of_what_was_committed(ready: Team) -> None:
    policy = (ready.clone / POLICY).read_text()
    ready.write(POLICY, policy + "\n")
    nothing_spent(ready, RepositoryError, "work tree is dirty: policies/organization.yaml")
    ready.git("update-index", "--assume-unchanged", POLICY)
    nothing_spent(ready, RepositoryError, "work tree is dirty: policies/organization.yaml")
    ready.git("update-index", "--no-assume-unchanged", POLICY)
    ready.write(POLICY, policy)
    ready.git("checkout", "-q", "--detach")
    nothing_spent(ready, RepositoryError, "HEAD is detached")


def test_a_manifest_that_git_ignores_is_not_committed(team: Team) -> None:
    team.write(".gitignore", "hidden/\n")
    name = team.copy_manifest("hidden")
    team.commit()
    team.approve(name)
    nothing_spent(team, RepositoryError, "work tree is dirty", release=name)


def test_a_machine_that_never_saw_the_ledger_needs_its_root(ready: Team) -> None:
    other = ready.second_clone()
    nothing_spent(other, UndecidedError, "no root was given")
    assert other.release(root=ready.root, out=ready.folder / "out").outcome == "released"


def test_one_release_at_a_time_on_one_machine(ready: Team) -> None:
    with Memory(ready.root).lock.acquire(timeout=0):
        nothing_spent(ready, UndecidedError, "another release of this repository is running")


def test_a_failed_gate_spends_and_releases_nothing(team: Team) -> None:
    team.edit(MANIFEST, "at_most: 0.9}", "at_most: 0.0}")
    team.commit()
    team.approve()
    out = team.folder / "out"
    result = team.release(out=out)
    assert result.outcome == "gate-failed"
    assert result.failures
    assert not out.exists()
    assert entries(team) == ["genesis", "reserve", "settle"]
    assert not any((Memory(team.root).folder / "runs").iterdir())
    assert team.api.verify().verified
    plan = team.api.plan(RELEASE)
    assert plan.scopes[0].before > 0
    assert plan.rejected[0].reason == "its 1 attempt is used up"


def test_an_attempt_that_fails_inside_is_closed_and_says_nothing_of_the_data(
    ready: Team, monkeypatch: pytest.MonkeyPatch
) -> None:
    from dpgate.gate import attempt

    def fail(*_: object, **__: object) -> None:
        raise ValueError("patient 17 of the north clinic")

    monkeypatch.setattr(attempt, "open_source", fail)
    with pytest.raises(Exception, match="the attempt failed inside") as failed:
        ready.release(out=ready.folder / "out")
    assert "patient" not in str(failed.value)
    assert entries(ready) == ["genesis", "reserve", "settle"]
    assert ready.api.verify().verified
    assert ready.api.plan(RELEASE).scopes[0].before > 0


@pytest.mark.parametrize("stop", [KeyboardInterrupt, SystemExit])
def test_an_attempt_that_is_stopped_is_closed(
    ready: Team, monkeypatch: pytest.MonkeyPatch, stop: type[BaseException]
) -> None:
    from dpgate.gate import attempt

    def interrupt(*_: object, **__: object) -> None:
        raise stop

    monkeypatch.setattr(attempt, "open_source", interrupt)
    with pytest.raises(stop):
        ready.release()
    assert entries(ready) == ["genesis", "reserve", "settle"]


def test_a_settlement_that_cannot_be_pushed_is_finished_by_the_next_run(
    ready: Team, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dpgate.gate.entries.PAUSE_SECONDS", 0)
    away = ready.folder / "away.git"
    out = ready.folder / "out"

    def progress(stage: str, fraction: float) -> None:
        if stage == "settle":
            ready.remote.rename(away)

    with pytest.raises(RemoteError):
        ready.release(out=out, progress=progress)
    assert not out.exists()
    away.rename(ready.remote)
    assert entries(ready) == ["genesis", "reserve"]
    done = ready.release(out=out)
    assert done.outcome == "released"
    assert entries(ready) == ["genesis", "reserve", "settle"]
    assert (out / "data.csv").exists()


def test_a_died_run_is_recovered_and_stays_spent(
    ready: Team, monkeypatch: pytest.MonkeyPatch
) -> None:
    from dpgate.gate import release

    def die(*_: object, **__: object) -> None:
        raise MemoryError

    with monkeypatch.context() as patch:
        patch.setattr(release, "settle", die)
        patch.setattr(release, "attempt", die)
        with pytest.raises(MemoryError):
            ready.release()
    assert ready.release().outcome == "denied"
    runner = ready.key("runner")
    with pytest.raises(UsageError, match="entry 1 is no open reservation") as wrong:
        ready.api.recover(entry=1, key=runner)
    assert wrong.value.fix == "open reservations: 2"
    with pytest.raises(SignatureError):
        ready.api.recover(entry=2, key=ready.key("legal"))
    with Memory(ready.root).lock.acquire(timeout=0), pytest.raises(UndecidedError):
        ready.api.recover(entry=2, key=runner)
    done = ready.api.recover(entry=2, key=runner)
    assert (done.reserve, done.settle) == (2, 3)
    with pytest.raises(UsageError, match="no open reservation"):
        ready.api.recover(entry=2, key=runner)
    plan = ready.api.plan(RELEASE)
    assert plan.scopes[0].before > 0
    assert plan.rejected[0].reason == "its 1 attempt is used up"
    assert ready.api.verify().verified
    ready.approve(attempts=2)
    assert ready.release(out=ready.folder / "out").outcome == "released"


def test_a_lost_race_is_planned_again_on_the_new_head(
    ready: Team, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = ready.copy_manifest("second")
    ready.commit()
    ready.approve(other)
    colleague = ready.second_clone()
    from dpgate.gate import release as gate

    preflight = gate._preflight
    raced: list[int] = []

    def meanwhile(*args: object) -> None:
        preflight(*args)  # type: ignore[arg-type]
        if not raced:
            raced.append(1)
            done = colleague.release(other, root=ready.root, out=ready.folder / "theirs")
            assert done.outcome == "released"

    monkeypatch.setattr(gate, "_preflight", meanwhile)
    done = ready.release(out=ready.folder / "mine")
    assert (done.outcome, done.reserve, done.settle) == ("released", 4, 5)
    assert ready.api.verify().verified


def test_files_go_to_the_state_folder_unless_told(ready: Team) -> None:
    done = ready.release()
    assert Path(done.folder).is_relative_to(ready.state)
    assert ready.release().folder == done.folder


def test_a_release_from_a_commit_that_only_this_machine_has_is_noted(team: Team) -> None:
    team.approve(commit=False)
    team.git("add", "-A")
    team.git("commit", "-q", "-m", "Approve, and forget to push")
    done = team.release()
    assert done.outcome == "released"
    (note,) = done.notes
    assert "HEAD is on no branch of origin" in note
    team.git("push", "-q", "origin", "main")
    assert team.release().notes == ()
