"""`mock` and `rehearse` as a user runs them: text, JSON, files, exit codes, and an interrupt."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path

import pytest

from tests.team import DATASET, MANIFEST, RELEASE, Team
from tests.unit.cli.conftest import Run
from tests.unit.cli.test_commands import sound
from tests.unit.gate.test_schemas import holds
from tests.unmeasured import unmeasured

D = Decimal


def test_mock(run: Run, fresh_team: Team) -> None:
    out = fresh_team.folder / "visits.csv"
    ended = run("mock", "clinic-visits", "--rows", "30", "--out", out, at=fresh_team.clone)
    assert ended.code == 0
    assert f"✓ 30 rows of clinic-visits, invented, in {out}" in ended.out
    assert "they resemble nobody" in ended.out
    assert "next: try a release on them, at no cost: dpgate rehearse" in ended.out
    assert len(out.read_text().splitlines()) == 31
    words = ("mock", "clinic-visits", "--rows", "30", "--out", out, "--format", "json")
    assert run(*words).code == 2
    other = fresh_team.folder / "other.parquet"
    more = (*words[:-3], other, *words[-2:], "--seed", "3")
    assert "30 rows" in sound(run(*more), "files")["title"]
    assert run("mock", "clinic-visits", "--rows", "30", "--out", "x.csv", "--seed", "-1").code == 2


def test_rehearse(run: Run, fresh_team: Team) -> None:
    out = fresh_team.folder / "here"
    sweep = ("--epsilon", "0.000001,2", "--with", "independent", "--runs", "2", "--rows", "900")
    words = ("rehearse", RELEASE, *sweep, "--out")
    ended = run(*words, out, at=fresh_team.clone)
    assert ended.code == 0, ended
    assert f"{RELEASE}   ✓ mst at ε 1 would have passed its gate in 2 runs" in ended.out
    assert "stand-in: 900 rows, invented from the dataset's document alone" in ended.out
    assert "! stand-in: numbers are exact and unprotected; never point this at" in ended.out
    assert re.search(r"\nmst +ε 0\.000001 +ε 1 ← +ε 2\n", ended.out)
    assert re.search(r"marginal tvd of order 2 ≤ 0\.9 +– +0\.\d{4} +0\.\d{4}\n", ended.out)
    assert re.search(r"runs that passed +– +2/2 +2/2\nthresholds met +– +2/2 +2/2\n", ended.out)
    assert "independent at ε 0.000001 cannot be made: epsilon is too small to learn" in ended.out
    assert "independent: ε 1   in release.yaml: synthesize: {with: independent}" in ended.out
    assert "(the policy does not allow it for every column)" in ended.out
    assert "… mst at ε 1" in ended.err
    assert (out / "evidence.json").exists()

    body = sound(run(*words, fresh_team.folder / "json", "--format", "json"), "rehearsal")
    holds(body)
    assert body["warning"].startswith("stand-in: numbers are exact and unprotected")
    assert [p["epsilon"] for p in body["points"] if p["own"]] == ["1"]
    again = run(*words, out)
    assert again.code == 2
    assert "is not empty" in again.err


def test_a_gate_that_would_fail_ends_with_1_and_says_why(run: Run, fresh_team: Team) -> None:
    fresh_team.edit(MANIFEST, "at_most: 0.9", "at_most: 0.0001")
    words = ("--epsilon", "1", "--with", "mst", "--runs", "1", "--rows", "900")
    ended = run("rehearse", RELEASE, *words, at=fresh_team.clone)
    assert ended.code == 1
    assert "✗ mst at ε 1 would have failed its gate in 1 of 1 runs" in ended.out
    assert re.search(r"✗ marginal_tvd of order 2: upper end 0\.\d+ is above 0\.0001", ended.out)
    assert "mst: none" in ended.out
    assert (fresh_team.clone / "rehearsal-vendor-testing" / "evidence.json").exists()


def test_where_the_manifest_cannot_be_made_it_says_so(run: Run, fresh_team: Team) -> None:
    fresh_team.edit(MANIFEST, "epsilon: 1.0", "epsilon: 0.000001")
    words = ("--epsilon", "1", "--with", "mst", "--runs", "1", "--rows", "900")
    ended = run("rehearse", RELEASE, *words, at=fresh_team.clone)
    assert ended.code == 1
    assert "✗ mst at ε 0.000001 cannot be made: epsilon is too small" in ended.out
    assert not (fresh_team.clone / "rehearsal-vendor-testing").exists()


def test_thresholds_of_either_side_and_runs_that_miss_them_are_marked() -> None:
    from dpgate.gate.rehearsal import RehearsedMetric, RehearsedPoint
    from dpgate.report import text_rehearsal as text

    metric = RehearsedMetric(
        metric="m", title="m", better="high", value=D("0.5"), low=D("0.4"), high=D("0.6"),
        judged=D("0.3"), limit=D("0.35"), met=1,
    )  # fmt: skip
    point = RehearsedPoint(
        synthesizer="mst", epsilon=D(1), own=True, runs=2, passed=1, thresholds=2, met=1,
        missed=("m",), metrics=(metric,), seconds=D("0.1"), failure="",
    )  # fmt: skip
    assert text._limit(metric) == " ≥ 0.35"
    assert text._limit(metric.model_copy(update={"limit": None})) == ""
    assert text._value(point, "m") == "✗ 0.5000"
    assert text._style(point) == "yellow"
    assert text._style(point.model_copy(update={"passed": 0})) == "red"


def test_a_stand_in_must_be_vouched_for(run: Run, fresh_team: Team) -> None:
    words = ("rehearse", RELEASE, "--stand-in", fresh_team.data)
    ended = run(*words, at=fresh_team.clone)
    assert ended.code == 2
    assert "say --stand-in-is-public" in ended.err
    assert run("rehearse", RELEASE, "--epsilon", "1,x").code == 2
    assert run("rehearse", "none/none").code == 2


def test_rehearsing_knows_where_it_is_from(run: Run, fresh_team: Team) -> None:
    assert "DATASET" in run("mock", "--help").out
    fresh_team.edit(DATASET, "neighboring: add-remove", "neighboring: replace-one")
    words = ("--epsilon", "2", "--with", "mst", "--runs", "1", "--rows", "900")
    ended = run("rehearse", RELEASE, *words, "--format", "json", at=fresh_team.clone)
    assert all(not point["failure"] for point in ended.json["points"])


@contextmanager
def started(team: Team, out: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A rehearsal in a process of its own, at its second ε; killed at the end if it still runs.

    A library that is still being loaded may swallow an interrupt: SciPy's pybind11 modules do.
    """
    program = [sys.executable, "-m", "dpgate.cli.main", "rehearse", RELEASE, "--runs", "50"]
    with subprocess.Popen(
        [*program, "--out", str(out), "--with", "mst", "--rows", "900"],
        cwd=team.clone, env=unmeasured(team.environment),
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    ) as process:  # fmt: skip
        try:
            assert process.stderr is not None
            assert any(b"mst at \xce\xb5 0.3" in line for line in process.stderr)
            time.sleep(0.5)
            yield process
        finally:
            process.kill()


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL])
@pytest.mark.slow
def test_whatever_ends_it_early_is_not_in_the_way(fresh_team: Team, how: signal.Signals) -> None:
    out = fresh_team.folder / "out"
    before = sorted(fresh_team.folder.iterdir())
    with started(fresh_team, out) as process:
        process.send_signal(how)
        text, errors = process.communicate(timeout=60)
    if how is signal.SIGINT:
        assert process.returncode == 130
        assert (text, errors.rpartition(b"\n")[0].endswith(b"interrupted")) == (b"", True)
        assert sorted(fresh_team.folder.iterdir()) == before
        return
    assert [path.name for path in out.iterdir()] == [".rehearsing"]
    words = ("--epsilon", "1", "--with", "mst", "--runs", "1", "--rows", "900", "--out", str(out))
    assert fresh_team.dpgate("rehearse", RELEASE, *words).returncode == 0
    assert [path.suffix for path in sorted(out.iterdir())][-1] == ".json"
