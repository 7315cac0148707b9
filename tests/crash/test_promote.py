"""A promotion that was cut short, or met something it did not put there."""

from __future__ import annotations

import shutil
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

import dpgate
from dpgate.errors import SynthesisError
from tests.crash.runs import (
    chain_of,
    check_finished,
    check_ledger,
    check_verified,
    follow_advice,
    start,
)
from tests.team import Team


@pytest.fixture
def settled(team: Team) -> Team:
    """Settled as released and killed before a file was moved."""
    team.approve()
    assert start(team, "promote@0.0").end()[0] == -signal.SIGKILL
    return team


def staged(team: Team) -> Path:
    (found,) = team.state.glob("*/runs/*/staging")
    return found


def test_a_copy_that_arrived_whole_is_not_refused(settled: Team) -> None:
    # What is left when a move between file systems dies just before it removes the original.
    shutil.copytree(staged(settled), settled.folder / "out")
    assert follow_advice(settled) == 1
    check_finished(settled)


def test_an_original_that_was_half_removed_is_not_missed(settled: Team) -> None:
    shutil.copytree(staged(settled), settled.folder / "out")
    (staged(settled) / "card.md").unlink()
    assert follow_advice(settled) == 1
    check_finished(settled)


def test_a_copy_that_was_cut_short_is_made_again(
    settled: Team, monkeypatch: pytest.MonkeyPatch
) -> None:
    half = settled.folder / "out.incoming"
    half.mkdir()
    (half / "data.csv").write_text("half")

    def other_file_system(self: Path, target: Path) -> Path:
        if self.name == "staging":
            raise OSError(18, "Invalid cross-device link")
        shutil.move(self, target)
        return target

    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", other_file_system)
        result = settled.release(out=settled.folder / "out")
    assert result.outcome == "already-released"
    assert not half.exists()
    check_finished(settled)


def add(folder: Path) -> None:
    (folder / "rows-of-people.csv").write_text("planted")


def edit(folder: Path) -> None:
    with (folder / "data.csv").open("a") as file:
        file.write("planted\n")


def link(folder: Path) -> None:
    (folder / "data.csv").rename(folder.parent / "elsewhere.csv")
    (folder / "data.csv").symlink_to(folder.parent / "elsewhere.csv")


def drop(folder: Path) -> None:
    (folder / "card.md").unlink()


@pytest.mark.parametrize("tamper", [add, edit, link, drop])
def test_staged_files_that_were_tampered_with_stay(
    settled: Team, tamper: Callable[[Path], None]
) -> None:
    tamper(staged(settled))
    with pytest.raises(SynthesisError, match="settled"):
        settled.release(out=settled.folder / "out")
    assert not (settled.folder / "out").exists()
    check_verified(settled)


def test_closed_by_another_machine_while_it_ran(team: Team) -> None:
    team.approve()
    gate = team.folder / "gate"
    gate.mkdir()
    run = start(team, "wait", "settle@0.0", str(gate))
    while not list(gate.iterdir()):
        assert run.process.poll() is None
    other = team.second_clone("other")
    closed = other.dpgate(
        "ledger", "recover", "--entry", "2", "--root", team.root, "--key", team.key_file("runner")
    )
    assert closed.returncode == 0, closed.stderr
    (gate / "go").touch()
    code, out = run.end()
    assert code == 3
    assert "nothing is released" in out
    assert not (team.folder / "out").exists()
    assert not list(team.state.glob("*/runs/*"))
    assert [entry.outcome for _, entry in chain_of(team).settles.values()] == ["abandoned"]
    check_ledger(team, run)


def test_a_key_that_was_revoked_meanwhile_signs_nothing(team: Team) -> None:
    team.approve()
    gate = team.folder / "gate"
    gate.mkdir()
    run = start(team, "wait", "settle@0.0", str(gate))
    while not list(gate.iterdir()):
        assert run.process.poll() is None
    other = team.second_clone("other")
    old = (team.keys / "runner.pub").read_text().strip()
    dpgate.keygen(team.keys / "runner2")
    other.edit("policies/organization.yaml", old, (team.keys / "runner2.pub").read_text().strip())
    for role in ("privacy", "legal"):
        dpgate.approve("policy", role=role, key=team.key(role), repo=other.clone)
    dpgate.adopt(key=team.key("runner"), repo=other.clone, root=team.root)
    (gate / "go").touch()
    code, out = run.end()
    assert code == 3
    assert "does not hold role runner" in out
    check_ledger(team, run)
    # The machine gets its new key, and closes what it made: nothing more is spent.
    done = team.dpgate(
        "release", "clinic-visits/vendor-testing", "--source", str(team.data), "--key",
        team.key_file("runner2"), "--out", str(team.folder / "out"),
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    check_finished(team)
