"""Fixtures that every tier shares, and the rule on real data.

`DPGATE_TEST_DATA` names a folder with real datasets. Without it, the tests that need one skip and
say why. With it, a skip of such a test is a failure, so that a merge gate cannot pass by not
looking.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Generator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.github import GitHub
    from tests.team import Team

ROOT = Path(__file__).resolve().parent.parent
VARIABLE = "DPGATE_TEST_DATA"

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # A shell has what it starts in the background ignore interrupts, and processes pass that on to
    # those that they start: here some are interrupted to see what they do.
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def data_file() -> Callable[[str], Path]:
    """Finds a file of the real data by name, or skips the test."""

    def find(name: str) -> Path:
        folder = os.environ.get(VARIABLE)
        if not folder:
            pytest.skip(f"{VARIABLE} is not set: it names the folder that holds {name}")
        path = Path(folder) / name
        if not path.is_file():
            pytest.fail(f"{VARIABLE} is set, but {name} is not in that folder")
        return path

    return find


@pytest.fixture(scope="session")
def rand_parquet(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The RAND Health Insurance Experiment as the loader of releases/rand-health writes it."""
    path = tmp_path_factory.mktemp("rand-health") / "rand-health.parquet"
    loader = ROOT / "releases" / "rand-health" / "load.py"
    subprocess.run([sys.executable, loader, path], check=True, capture_output=True)
    return path


@pytest.fixture(scope="session")
def _templates(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Team]:
    """Templates of a team, each made when it is first asked for."""
    from tests import team as teams

    made: dict[str, Team] = {}

    def template(stage: str) -> Team:
        if stage not in made:
            folder = tmp_path_factory.mktemp(stage)
            with pytest.MonkeyPatch.context() as patch:
                enter(patch, teams.Team.at(folder))
                if stage == "fresh":
                    made[stage] = teams.make_fresh(folder)
                elif stage == "adopted":
                    made[stage] = teams.make_adopted(teams.copy(template("fresh"), folder))
                else:
                    made[stage] = teams.make_released(teams.copy(template("adopted"), folder))
        return made[stage]

    return template


def enter(patch: pytest.MonkeyPatch, team: Team) -> None:
    """Verbs called in this process see what commands in the team's own processes see."""
    for name, value in team.environment.items():
        if name != "HOME":
            patch.setenv(name, value)


def _copied(
    templates: Callable[[str], Team], stage: str, folder: Path, patch: pytest.MonkeyPatch
) -> Team:
    from tests.team import copy

    team = copy(templates(stage), folder / "team")
    enter(patch, team)
    return team


@pytest.fixture
def fresh_team(
    _templates: Callable[[str], Team], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Team:
    """Documents of `dpgate init`, committed; no policy adopted. See tests/team.py."""
    return _copied(_templates, "fresh", tmp_path, monkeypatch)


@pytest.fixture
def team(
    _templates: Callable[[str], Team], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Team:
    """A team whose policy is adopted. See tests/team.py."""
    return _copied(_templates, "adopted", tmp_path, monkeypatch)


@pytest.fixture
def released_team(
    _templates: Callable[[str], Team], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Team:
    """A team that has made one release. See tests/team.py."""
    return _copied(_templates, "released", tmp_path, monkeypatch)


@pytest.fixture
def github() -> Generator[GitHub]:
    """A local server that speaks the few calls of GitHub's API that are used. See tests/github.py."""
    from tests.github import serving

    with serving() as server:
        yield server


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Turn the skip of a test on real data into a failure while that data is promised."""
    report = yield
    needs_data = "data_file" in getattr(item, "fixturenames", ())
    if (
        report.skipped
        and needs_data
        and os.environ.get(VARIABLE)
        and not hasattr(report, "wasxfail")
    ):
        report.outcome = "failed"
        report.longrepr = f"{VARIABLE} is set, so this test may not skip: {report.longrepr}"
    return report
