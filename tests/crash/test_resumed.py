"""SIGKILL in the middle of a training: its cost stays spent, and one later run goes on from there."""

from __future__ import annotations

import signal
import subprocess

import pytest

from tests.crash.runs import chain_of, check_finished, check_ledger, start
from tests.team import RELEASE, Team
from tests.unit.gate.test_training import trains

KEPT = ("after", "dpgate.synthesis.gan.checkpoint:Checkpoints.keep", "3")


@pytest.fixture
def training(fresh_team: Team) -> Team:
    team = trains(fresh_team)
    team.approve(attempts=3)
    return team


def resumed(team: Team) -> subprocess.CompletedProcess[str]:
    return team.dpgate(
        "release", RELEASE, "--source", str(team.data), "--resume",
        "--key", team.key_file("runner"), "--out", str(team.folder / "out"),
    )  # fmt: skip


def recovered(team: Team, entry: int) -> str:
    done = team.dpgate("ledger", "recover", "--entry", str(entry), "--key", team.key_file("runner"))
    assert done.returncode == 0, done.stderr
    return " ".join(done.stdout.split())


def test_killed_in_a_training_and_resumed(training: Team) -> None:
    run = start(training, *KEPT)
    code, out = run.end()
    assert code == -signal.SIGKILL, out
    check_ledger(training, run)
    early = resumed(training)
    assert early.returncode == 2, early.stdout
    assert "dpgate ledger recover --entry 2" in early.stderr
    assert "28 steps are left" in recovered(training, 2)
    done = resumed(training)
    assert done.returncode == 0, done.stderr
    first, second = (entry for _, entry in chain_of(training).reserves)
    assert second.resumes is not None
    assert (second.resumes.steps, second.events[0].times) == (12, 28)
    assert second.claim == first.claim
    check_finished(training)


def test_killed_again_after_resuming(training: Team) -> None:
    """The second run dies before a checkpoint of its own: the third begins where it began."""
    start(training, *KEPT).end()
    recovered(training, 2)
    second = start(training, "resume", "after", "dpgate.gate.staging:Run.begin", "1")
    code, out = second.end()
    assert code == -signal.SIGKILL, out
    assert "28 steps are left" in recovered(training, 4)
    done = resumed(training)
    assert done.returncode == 0, done.stderr
    found = [entry.resumes for _, entry in chain_of(training).reserves]
    assert [each and each.steps for each in found] == [None, 12, 0]
    check_finished(training, attempts=3)
