"""The repository that attacks start from, made once a session."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from pathlib import Path

import pytest

from tests import team as teams
from tests.corpus.scene import FIRST, SECOND, THIRD, Scene
from tests.team import POLICY, Team


class Crash(BaseException):
    """What ends a run as a power cut would."""


@pytest.fixture(scope="session")
def _past(
    _templates: Callable[[str], Team], tmp_path_factory: pytest.TempPathFactory
) -> tuple[Team, str]:
    """A team with nine entries, and its root. See `Scene`."""
    team = teams.copy(_templates("released"), tmp_path_factory.mktemp("past") / "team")
    with pytest.MonkeyPatch.context() as patch:
        enter(patch, team)
        team.edit(POLICY, "lifetime: {epsilon: 8}", "lifetime: {epsilon: 8.5}")
        team.commit("A little more")
        team.approve("policy")
        team.adopt()
        for release in (SECOND, THIRD):
            team.copy_manifest(release.rpartition("/")[2])
            team.commit("A manifest")
            team.approve(release)
        team.release(SECOND, out=team.folder / "second-files")
        team.api.withdraw(FIRST, reason="Columns too fine.", key=team.key("runner"))
        with contextlib.suppress(Crash):
            team.release(THIRD, progress=_dies_after_reserving)
        team.api.recover(entry=8, key=team.key("runner"))
        note = team.folder / "note.txt"
        team.api.checkpoint(key=team.key("legal"), out=note)
        return team, team.root


def _dies_after_reserving(stage: str, fraction: float) -> None:
    if stage == "reserve" and fraction:
        raise Crash


@pytest.fixture
def scene(
    _past: tuple[Team, str],
    _templates: Callable[[str], Team],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Scene:
    """A copy of its own of the attacked repository."""
    template, root = _past
    team = teams.copy(template, tmp_path / "team")
    enter(monkeypatch, team)

    def other() -> Team:
        folder = tmp_path / "other"
        folder.mkdir()
        return teams.make_released(teams.make_adopted(teams.make_fresh(folder)))

    return Scene(team, root, team.folder / "note.txt", other)


def enter(patch: pytest.MonkeyPatch, team: Team) -> None:
    """Verbs called in this process see what commands in the team's own processes see."""
    for name, value in team.environment.items():
        if name != "HOME":
            patch.setenv(name, value)
