"""The repository that attacks start from, made once a session."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests import team as teams
from tests.corpus.past import live
from tests.corpus.scene import Scene
from tests.team import Team


@pytest.fixture(scope="session")
def _past(
    _templates: Callable[[str], Team], tmp_path_factory: pytest.TempPathFactory
) -> tuple[Team, str]:
    """A team with nine entries, and its root. See `Scene`."""
    team = teams.copy(_templates("released"), tmp_path_factory.mktemp("past") / "team")
    with pytest.MonkeyPatch.context() as patch:
        enter(patch, team)
        return live(team), team.root


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
