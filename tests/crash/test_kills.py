"""SIGKILL at every step of a release: what was spent is recorded, and the way on is told."""

from __future__ import annotations

import os
import random
import signal
import time

import pytest

from tests.crash.runs import (
    Run,
    chain_of,
    check_finished,
    check_ledger,
    follow_advice,
    start,
)
from tests.team import Team

PLACES = (
    "judge@0.0",
    "reserve@0.0",
    "reserve@1.0",
    "open@0.0",
    "measure one-way@0.2",
    "measure one-way@1.0",
    "select@1.0",
    "measure two-way@0.25",
    "measure two-way@1.0",
    "fit@1.0",
    "sample@1.0",
    "evidence@0.0",
    "stage@0.0",
    "settle@0.0",
    "settle@1.0",
    "promote@0.0",
    "promote@1.0",
)
CALLS = (
    # Pushed, but this process does not know yet that it was.
    ("dpgate.ledger.store:Store.append", 1),
    ("dpgate.ledger.store:Store.append", 2),
    ("dpgate.ledger.memory:Memory.remember", 2),
    ("dpgate.gate.staging:Run.begin", 1),
    ("dpgate.mechanisms.session:Mechanisms.select", 2),
    ("dpgate.mechanisms.session:Mechanisms.gaussian", 10),
    ("dpgate.gate.staging:Run.keep", 1),
    ("dpgate.gate.staging:_move", 1),
    ("dpgate.gate.staging:keep_sealed", 1),
)


def survives(team: Team, run: Run) -> None:
    check_ledger(team, run)
    follow_advice(team)
    check_finished(team)


@pytest.mark.parametrize("place", PLACES)
def test_killed_at_a_stage(team: Team, place: str) -> None:
    team.approve()
    run = start(team, place)
    code, out = run.end()
    assert code == -signal.SIGKILL, out
    assert run.stages[-1] == place
    survives(team, run)


@pytest.mark.parametrize(("call", "number"), CALLS, ids=lambda x: str(x).rpartition(":")[2])
def test_killed_between_two_steps(team: Team, call: str, number: int) -> None:
    team.approve()
    run = start(team, "after", call, str(number))
    code, out = run.end()
    assert code == -signal.SIGKILL, out
    survives(team, run)


def test_the_places_cover_every_stage_that_a_release_reports(team: Team) -> None:
    team.approve()
    run = start(team)
    assert run.end()[0] == 0
    named = {place.partition("@")[0] for place in PLACES}
    # Evidence reports its parts under names of its own, between `evidence` and `stage`.
    begin, end = run.stages.index("evidence@0.0"), run.stages.index("stage@0.0")
    reported = {line.partition("@")[0] for line in run.stages[:begin] + run.stages[end:]}
    assert reported == named - {"evidence"}


def test_killed_twice_in_a_row(team: Team) -> None:
    team.approve(attempts=2)
    first = start(team, "fit@1.0")
    first.end()
    recovered = team.dpgate("ledger", "recover", "--entry", "2", "--key", team.key_file("runner"))
    assert recovered.returncode == 0, recovered.stderr
    second = start(team, "settle@0.0")
    second.end()
    assert len(chain_of(team).reserves) == 2
    survives(team, second)


def test_killed_while_closing_what_a_killed_run_left(team: Team) -> None:
    team.approve()
    start(team, "settle@0.0").end()
    again = start(team, "promote@0.0")
    again.end()
    assert len(chain_of(team).reserves) == 1
    survives(team, again)


def kill_at_random(team: Team, number: int) -> None:
    team.approve()
    run = start(team)
    while not run.stages and run.process.poll() is None:
        time.sleep(0.005)
    time.sleep(random.Random(number).uniform(0.0, 1.2))
    run.process.kill()  # SIGKILL, from outside
    code, out = run.end()
    assert code in (0, -signal.SIGKILL), out
    survives(team, run)


# CI runs a tenth of the slow tier's 200.
@pytest.mark.parametrize("number", range(int(os.environ.get("DPGATE_KILLS", "20"))))
def test_killed_at_a_random_time(team: Team, number: int) -> None:
    kill_at_random(team, number)
