"""Several runners, each with its own clone and memory, race for what is left of one budget."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest

import dpgate
from tests.crash.runs import Run, chain_of, check_verified, start
from tests.team import POLICY, Team

RACES = int(os.environ.get("DPGATE_RACES", "5"))
"""Two-runner races; CI runs a tenth of the slow tier's 50, and of its 20 three-runner races."""
LIFETIME = re.compile(r"lifetime: \{epsilon: [\d.]+\}")
# One of these releases costs ε 0.83 of its population, two 1.25, three more than 1.3.
FOR_ONE, FOR_TWO = "1.2", "1.3"


def prepared(team: Team, count: int, lifetime: str) -> list[str]:
    """A policy with little left, and approved manifests that together cost more."""
    policy = team.clone / POLICY
    policy.write_text(LIFETIME.sub(f"lifetime: {{epsilon: {lifetime}}}", policy.read_text()))
    team.commit("A small budget")
    team.approve("policy")
    team.adopt()
    names = [team.copy_manifest(f"race-{number}") for number in range(count)]
    for name in names:
        team.approve(name, commit=False)
    team.commit("Approved")
    return names


def runner(team: Team, number: int) -> Team:
    """A clone and a memory of their own, which has seen the root."""
    made = team.second_clone(f"runner-{number}")
    known = made.dpgate("verify", "--root", team.root)
    assert known.returncode == 0, known.stdout
    return made


def race(team: Team, names: list[str], barrier: str) -> list[Run]:
    """Start all; let none pass the barrier before every one of them stands at it."""
    gate = team.folder / "gate"
    gate.mkdir()
    runs = []
    clones = [runner(team, number) for number in range(len(names))]
    for clone, name in zip(clones, names, strict=True):
        out = f"{name.rpartition('/')[2]}-{clone.clone.name}"
        runs.append(start(clone, "wait", barrier, str(gate), release=name, out=out))
    until = time.monotonic() + 60
    while len(list(gate.iterdir())) < len(runs):
        assert time.monotonic() < until
        assert all(run.process.poll() is None for run in runs)
        time.sleep(0.005)
    (gate / "go").touch()
    return runs


def check(team: Team, runs: list[Run], winners: int, limit: str) -> None:
    ends = [run.end() for run in runs]
    opened = [run.opened for run in runs]
    assert opened.count(True) == winners, ends
    for run, (code, said) in zip(runs, ends, strict=True):
        assert code == (0 if run.opened else 1), said
        assert ("released" if run.opened else "denied") in said
    chain = chain_of(team)
    assert len(chain.reserves) == winners
    assert not chain.open
    result = dpgate.show(team.clone)
    lifetime = next(row for row in result.scopes if row.title.endswith("lifetime"))
    assert Decimal(0) < lifetime.after <= Decimal(limit)
    check_verified(team)


def two(team: Team, barrier: str) -> None:
    names = prepared(team, 2, FOR_ONE)
    check(team, race(team, names, barrier), 1, FOR_ONE)


@pytest.mark.parametrize("repetition", range(RACES))
def test_two_race_for_a_budget_of_one(fresh_team: Team, repetition: int) -> None:
    # At `reserve` both have planned on the same head: the push decides.
    two(fresh_team, "judge@0.0" if repetition % 5 == 4 else "reserve@0.0")


def test_two_start_at_once_and_are_left_to_themselves(fresh_team: Team) -> None:
    two(fresh_team, "judge@0.0")


@pytest.mark.parametrize("repetition", range(max(1, RACES // 5)))
@pytest.mark.parametrize(("lifetime", "winners"), [(FOR_ONE, 1), (FOR_TWO, 2)])
def test_three_race(fresh_team: Team, lifetime: str, winners: int, repetition: int) -> None:
    names = prepared(fresh_team, 3, lifetime)
    check(fresh_team, race(fresh_team, names, "reserve@0.0"), winners, lifetime)


def test_one_release_raced_by_two_runners_is_made_once(fresh_team: Team) -> None:
    (name,) = prepared(fresh_team, 1, "8")
    runs = race(fresh_team, [name, name], "reserve@0.0")
    ends = [run.end() for run in runs]
    assert [run.opened for run in runs].count(True) == 1, ends
    assert len(chain_of(fresh_team).reserves) == 1
    check_verified(fresh_team)


def test_two_runs_on_one_machine_do_not_share_a_staging(team: Team) -> None:
    team.approve()
    gate = team.folder / "gate"
    gate.mkdir()
    first = start(team, "wait", "open@0.0", str(gate))
    while not list(gate.iterdir()):
        assert first.process.poll() is None
        time.sleep(0.005)
    again = start(team.second_clone("twin", same_machine=True), out="other")
    code, said = again.end()
    assert (code, again.opened) == (4, False)
    assert "another release of this repository is running on this machine" in said
    (gate / "go").touch()
    assert first.end()[0] == 0
    check_verified(team)


@contextlib.contextmanager
def daemon(folder: Path) -> Iterator[str]:
    """The remotes of a folder over git:// on this machine alone."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    process = subprocess.Popen(
        ["git", "daemon", "--export-all", "--enable=receive-pack", "--listen=127.0.0.1",
         f"--port={port}", f"--base-path={folder}", "--reuseaddr"],
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )  # fmt: skip
    try:
        for _ in range(200):
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port)):
                break
            time.sleep(0.02)
        yield f"git://127.0.0.1:{port}/remote.git"
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(timeout=10)


def test_two_race_over_a_network(fresh_team: Team) -> None:
    with daemon(fresh_team.folder) as address:
        fresh_team.git("remote", "set-url", "origin", address)
        names = prepared(fresh_team, 2, FOR_ONE)
        check(fresh_team, race(fresh_team, names, "reserve@0.0"), 1, FOR_ONE)
