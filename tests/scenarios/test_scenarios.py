"""Whole repositories, each with one thing wrong, through the command line.

A folder holds `scenario.yaml`:

    wrong: what is wrong, in words
    base: fresh | adopted | released        the repository it starts from (tests/team.py)
    data: hostile                           the private data (tests/scenarios/data.py)
    given: [steps]                          before the release is approved
    approved: true                          whether it is then approved, by privacy
    then: [steps]                           after that; commands among them are checked

A step is the name of an action (tests/scenarios/actions.py); or an edit of a document: `edit`,
`old`, `new`; or a command: `run`, with `exit`, words it `says`, `env`, and how many reservations
it `spends`. `run: release` is the whole command for it.

Whatever happens: no traceback, no canary of the private data in any output or file, and a ledger
that changes only where the scenario says so.
"""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

import dpgate
from tests.scenarios import actions, products, waivers
from tests.scenarios.data import CANARIES, KINDS
from tests.team import BRANCH, DATASET, MANIFEST, POLICY, RELEASE, Team

ACTIONS = actions.ACTIONS | products.ACTIONS | waivers.ACTIONS
HERE = Path(__file__).parent
SCENARIOS = sorted(path.parent.name for path in HERE.glob("*/scenario.yaml"))
FILES = {"manifest": MANIFEST, "dataset": DATASET, "policy": POLICY}
WORDS = {
    "release": "release {release} --source {data} --key {keys}/runner --out {out}",
    "plan": "plan {release}",
    "check": "check",
    "verify": "verify --root {root}",
}


def refs(team: Team) -> str:
    """The remote's ledger, by the name of its commit."""
    listed = subprocess.run(
        ["git", "for-each-ref", f"refs/heads/{BRANCH}"],
        cwd=team.remote,
        capture_output=True,
        check=False,
    )
    return listed.stdout.decode()


def reservations(team: Team) -> int:
    names = subprocess.run(
        ["git", "ls-tree", "-r", "--name-only", BRANCH],
        cwd=team.remote,
        capture_output=True,
        check=False,
    )
    return names.stdout.decode().count("-reserve.dsse.json")


class Stage:
    """One scenario being played."""

    def __init__(self, team: Team, root: str) -> None:
        self.team = team
        self.root = root
        self.said: list[str] = []

    def play(self, step: Any) -> None:
        if isinstance(step, str) and step in ACTIONS:
            ACTIONS[step](self.team)
        elif isinstance(step, str):
            raise AssertionError(f"no action {step}")
        elif "edit" in step:
            self.team.edit(FILES[step["edit"]], step["old"], step["new"])
        else:
            self.command(**step)

    def command(
        self,
        run: str,
        exit: int | list[int],  # noqa: A002 - the word of the scenario files
        says: tuple[str, ...] = (),
        spends: int = 0,
        env: dict[str, str] | None = None,
    ) -> None:
        team = self.team
        remote = team.remote if team.remote.exists() else team.folder / "away.git"
        before = refs(team) if team.remote == remote else ""
        count = reservations(team) if before else 0
        places = {
            "release": RELEASE, "data": team.source, "keys": team.keys, "root": self.root,
            "out": team.folder / "out", "folder": team.folder, "other": "sha256:" + "5e1c" * 16,
        }  # fmt: skip
        words = [word.format(**places) for word in WORDS.get(run, run).split()]
        given = {name: text.format(**places) for name, text in (env or {}).items()}
        done = team.dpgate(*words, env=given)
        text = done.stdout + done.stderr
        self.said.append(text)
        assert done.returncode in (exit if isinstance(exit, list) else [exit]), text
        assert "Traceback" not in text
        assert "failed inside" not in text
        flat = " ".join(text.split())
        for word in says:
            assert word in flat, f"{word!r} is not in:\n{text}"
        assert "\x1b" not in text
        assert not [line for line in text.splitlines() if line.startswith("::")]
        if before:
            assert reservations(team) - count == spends
            assert spends or refs(team) == before, "the ledger changed"


def canaries(team: Team, said: list[str]) -> list[str]:
    """Where a canary is found: in what was said, in any file but the source, in any Git object."""
    places = {f"output {number}": text.encode() for number, text in enumerate(said)}
    for path in team.folder.rglob("*"):
        if path.is_file() and not path.is_symlink() and path.parent != team.data.parent:
            places[str(path)] = path.read_bytes()
    for repository in team.folder.rglob("objects"):
        if (repository.parent / "HEAD").exists():
            places[str(repository)] = subprocess.run(
                ["git", "cat-file", "--batch-all-objects", "--batch", "--unordered"],
                cwd=repository.parent, capture_output=True, check=False,
                env={**team.environment, "GIT_NO_LAZY_FETCH": "1", "GIT_ALLOW_PROTOCOL": "none"},
            ).stdout  # fmt: skip
    places.pop(str(team.folder / "secret.yaml"), None)
    places.pop(str(team.keys / "runner"), None)
    return [place for place, body in places.items() if any(c in body for c in CANARIES)]


@pytest.fixture
def base(request: pytest.FixtureRequest) -> Callable[[str], Team]:
    names = {"fresh": "fresh_team", "adopted": "team", "released": "released_team"}

    def made(name: str) -> Team:
        found: Team = request.getfixturevalue(names[name])
        return found

    return made


@pytest.mark.parametrize("name", SCENARIOS)
def test_scenario(name: str, base: Callable[[str], Team]) -> None:
    scenario = yaml.safe_load((HERE / name / "scenario.yaml").read_text())
    kind = scenario.pop("base", "adopted")
    team = base(kind)
    KINDS[scenario.pop("data", "hostile")](team)
    stage = Stage(team, team.root if kind != "fresh" else "")
    assert scenario.pop("wrong")
    for step in scenario.pop("given", ()):
        stage.play(step)
    if scenario.pop("approved", kind == "adopted"):
        team.approve()
    steps = scenario.pop("then")
    assert not scenario, f"unknown keys: {list(scenario)}"
    assert any(isinstance(step, dict) and "run" in step for step in steps)
    for step in steps:
        stage.play(step)
    assert canaries(team, stage.said) == []


def test_the_search_for_canaries_finds_them(team: Team) -> None:
    team.write("notes/leak.txt", "mallory.quux@canary.example")
    (team.folder / "gone.txt").write_text("x")
    assert canaries(team, ["it was zanzibar-fever"]) == [
        "output 0",
        str(team.clone / "notes/leak.txt"),
    ]
    team.commit("Leak")
    (team.clone / "notes/leak.txt").unlink()
    found = canaries(team, [])
    assert str(team.remote / "objects") in found
    assert str(team.clone / ".git/objects") in found
    assert dpgate.check(team.clone).allowed
