"""Everything that is ready: what is released, what waits, and what others do meanwhile."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from dpgate.errors import RemoteError, UsageError
from dpgate.gate import closing, ready, release, staging
from dpgate.gate.ready import ReadyResult, release_ready
from dpgate.ledger.store import Store
from tests.team import DATASET, MANIFEST, RELEASE, Team

pytestmark = pytest.mark.slow


def run(team: Team, **options: Any) -> ReadyResult:
    given = {"sources": [str(team.data)], "key": team.key("runner"), "repo": team.clone}
    return release_ready(**{**given, **options})


def outcomes(result: ReadyResult) -> dict[str, str]:
    return {row.release: row.outcome for row in result.rows}


def test_what_is_ready_is_released_and_the_rest_waits(team: Team) -> None:
    other = team.copy_manifest("other")
    denied = team.copy_manifest("denied", **{"purpose: vendor-testing": "purpose: marketing"})
    team.approve()
    result = run(team, out=team.folder / "out")
    assert outcomes(result) == {RELEASE: "released", other: "waiting", denied: "denied"}
    assert (result.exit_code, result.released, result.settled) == (0, (RELEASE,), 0)
    told = {row.release: row.told for row in result.rows}
    assert told[other] == "approvals: privacy 0 of 1"
    assert "purpose" in told[denied]
    assert (team.folder / "out" / RELEASE / "card.json").is_file()
    again = run(team)
    assert outcomes(again) == {other: "waiting", denied: "denied"}
    assert again.settled == 1


def test_a_missed_threshold_is_no_success(team: Team) -> None:
    team.edit(MANIFEST, "at_most: 0.9}", "at_most: 0.000001}")
    team.commit()
    team.approve()
    result = run(team)
    assert (outcomes(result), result.exit_code) == ({RELEASE: "gate-failed"}, 1)


def test_an_error_of_one_does_not_stop_the_others(team: Team) -> None:
    other = team.copy_manifest("other")
    team.commit()
    team.approve()
    team.approve(other)
    (team.folder / "out" / other).mkdir(parents=True)
    (team.folder / "out" / other / "mine.txt").write_text("there already")
    result = run(team, out=team.folder / "out")
    assert outcomes(result) == {RELEASE: "released", other: "error"}
    assert result.exit_code == 2


def test_each_dataset_has_its_own_source(team: Team) -> None:
    text = (team.clone / DATASET).read_text().replace("name: clinic-visits", "name: more-visits")
    team.write("releases/more-visits/dataset.yaml", text)
    manifest = (team.clone / MANIFEST).read_text()
    team.write(
        "releases/more-visits/first/release.yaml",
        manifest.replace("dataset: clinic-visits", "dataset: more-visits").replace(
            "name: vendor-testing", "name: first"
        ),
    )
    team.commit()
    team.approve()
    team.approve("more-visits/first")
    data = str(team.data)
    with pytest.raises(UsageError, match="no source of clinic-visits"):
        run(team, sources=[data])
    with pytest.raises(UsageError, match="no source of more-visits"):
        run(team, sources=[f"clinic-visits={data}"])
    with pytest.raises(UsageError, match="two sources"):
        run(team, sources=[data, data])
    with pytest.raises(UsageError, match="no such dataset"):
        run(team, sources=[data, f"unknown={data}"])
    assert [name for name in team.ledger() if "reserve" in name] == []
    both = [f"clinic-visits={data}", f"more-visits={data}"]
    assert set(run(team, sources=both).released) == {RELEASE, "more-visits/first"}


def test_a_ledger_that_moved_is_tried_again(team: Team, monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody else writes first, more often than one release tries by itself."""
    team.approve()
    other = team.second_clone("other")
    append, moved = Store.append, iter(range(7))

    def late(store: Store, *words: Any) -> Any:
        if Path(store.repo.working_dir) == team.clone and next(moved, None) is not None:
            ahead = Store(other.clone, branch=store.branch)
            tip = ahead.fetch()
            tree = ahead.git("rev-parse", f"{tip.commit}^{{tree}}").decode().strip()
            made = ahead.git("commit-tree", tree, "-p", str(tip.commit), "-m", "x")
            ahead.git("push", "origin", f"{made.decode().strip()}:refs/heads/{store.branch}")
        return append(store, *words)

    monkeypatch.setattr(Store, "append", late)
    for name, value in other.environment.items():
        if name.startswith("GIT_"):
            monkeypatch.setenv(name, value)
    waits: list[float] = []
    result = run(team, pause=waits.append)
    assert outcomes(result) == {RELEASE: "released"}
    assert len(waits) == 1
    assert 2 <= waits[0] <= 4


def test_a_ledger_that_keeps_moving_is_undecided(
    team: Team, monkeypatch: pytest.MonkeyPatch
) -> None:
    from dpgate.errors import ConflictError

    team.approve()

    def always(*_: Any, **__: Any) -> Any:
        raise ConflictError("somebody else wrote to the ledger first")

    monkeypatch.setattr(ready, "release", always)
    waits: list[float] = []
    result = run(team, pause=waits.append)
    assert (outcomes(result), result.exit_code) == ({RELEASE: "error"}, 4)
    assert len(waits) == 5


def test_what_a_run_before_could_not_settle_is_brought_to_its_end(
    team: Team, monkeypatch: pytest.MonkeyPatch
) -> None:
    team.approve()
    settle = closing.settle

    def lost(*_: Any) -> Any:
        raise RemoteError("the push failed")

    monkeypatch.setattr(closing, "settle", lost)
    monkeypatch.setattr(release, "settle", lost)
    assert run(team).exit_code == 4
    monkeypatch.setattr(closing, "settle", settle)
    assert outcomes(run(team)) == {RELEASE: "released"}
    assert len([name for name in team.ledger() if "reserve" in name]) == 1


def test_a_promotion_that_was_cut_short_is_finished(
    team: Team, monkeypatch: pytest.MonkeyPatch
) -> None:
    team.approve()
    promote = staging.promote

    def cut(*_: Any) -> Any:
        raise KeyboardInterrupt

    monkeypatch.setattr(closing, "promote", cut)
    with pytest.raises(KeyboardInterrupt):
        run(team, out=team.folder / "out")
    monkeypatch.setattr(closing, "promote", promote)
    result = run(team, out=team.folder / "out")
    assert outcomes(result) == {RELEASE: "already-released"}
    assert (team.folder / "out" / RELEASE / "card.json").is_file()
    assert run(team).rows == ()


def test_a_reservation_whose_run_died_wants_a_person(
    team: Team, monkeypatch: pytest.MonkeyPatch
) -> None:
    team.approve()

    def killed(*_: Any) -> Any:
        raise KeyboardInterrupt

    monkeypatch.setattr(release, "attempt", killed)
    monkeypatch.setattr(release, "_failed", lambda *_: None)
    with pytest.raises(KeyboardInterrupt):
        run(team)
    monkeypatch.undo()
    for name, value in team.environment.items():
        if name != "HOME":
            monkeypatch.setenv(name, value)
    shutil.rmtree(team.folder / "out", ignore_errors=True)
    result = run(team)
    assert (outcomes(result), result.exit_code) == ({RELEASE: "denied"}, 1)
    assert "dpgate ledger recover" in result.rows[0].told
