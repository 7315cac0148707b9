"""A team whose repository lies on a GitHub of our own, and what happens there."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests import events
from tests.actions.runner import Ended, Runner, machine
from tests.github import READ_ONLY, TOKEN, GitHub, serving
from tests.team import Team

CHECK = ".github/workflows/dpgate-check.yml"
RELEASE = ".github/workflows/dpgate-release.yml"
INSTALLED = {"version": "", "python-version": ""}
"""Inputs by which dpgate is the one that the machine has."""


@dataclass
class Hosted:
    """A team and its GitHub."""

    team: Team
    github: GitHub
    disk: Path
    number: int = 7
    jobs: int = 0
    variables: dict[str, str] = field(default_factory=dict)

    def request(self, *, fork: bool = False) -> str:
        """Commit what was edited to a branch, and open a pull request; returns its head."""
        team = self.team
        team.git("switch", "-q", "-C", "request")
        team.git("add", "-A")
        team.git("commit", "-q", "--allow-empty", "-m", events.HOSTILE)
        head = team.git("rev-parse", "HEAD")
        if not fork:
            team.git("push", "-q", "--force", "origin", "request")
        self._merge(head)
        team.git("switch", "-q", "main")
        return head

    def _merge(self, head: str) -> None:
        """What GitHub keeps of a pull request: its head, and a merge with its base."""
        team = self.team
        team.git("switch", "-q", "--detach", "origin/main")
        team.git("merge", "-q", "--no-ff", "-m", "Merge", head)
        for name, commit in (("head", head), ("merge", "HEAD")):
            there = f"{commit}:refs/pull/{self.number}/{name}"
            team.git("push", "-q", "--force", "origin", there)

    def check(
        self, head: str, *, fork: bool = False, action: str = "opened",
        event: str = "pull_request", changed: Mapping[str, str] = INSTALLED,
        environment: Mapping[str, str] | None = None, **server: str,
    ) -> Ended:  # fmt: skip
        """Run the check workflow, as the request has it, on a new machine."""
        base = self.team.git("rev-parse", "origin/main")
        body = events.pull_request(
            number=self.number, base=base, head=head, action=action, fork=fork
        )
        token = READ_ONLY if fork else TOKEN
        ref = f"refs/pull/{self.number}/merge"
        given = {"GITHUB_TOKEN": token, **server}
        runner = self._runner((event, body), ref, changed, environment or {}, given)
        return runner.run(self._workflow(runner, CHECK), "check")

    def release(self, *, ref: str = "refs/heads/main", **server: str) -> Ended:
        """Run the release workflow after a push to main, on the machine near the data."""
        head = self.team.git("rev-parse", "origin/main")
        body = events.push(before="0" * 40, after=head)
        environment = {"DPGATE_STATE": str(self.team.state)}
        runner = self._runner(("push", body), ref, {}, environment, server)
        return runner.run(self._workflow(runner, RELEASE), "release")

    def _runner(
        self, event: tuple[str, dict[str, object]], ref: str, changed: Mapping[str, str],
        environment: Mapping[str, str], server: Mapping[str, str],
    ) -> Runner:  # fmt: skip
        self.jobs += 1
        folder = self.disk / f"job-{self.jobs}"
        folder.mkdir(parents=True)
        merge = self.git_of_remote("rev-parse", ref)
        mine = {**machine(self.team.environment), "HOME": str(folder), "DPGATE_STATE": str(folder)}
        return Runner(
            folder=folder, remote=self.team.remote, environment={**mine, **environment},
            server={
                **self.github.environment, "GITHUB_SERVER_URL": "https://github.invalid",
                "GITHUB_TOKEN": TOKEN, **server,
            },
            event=(event[0], events.write(folder, event[1])), ref=ref, sha=merge,
            variables=self.variables, changed=changed,
        )  # fmt: skip

    def _workflow(self, runner: Runner, path: str) -> Path:
        """The workflow as the commit that runs has it."""
        place = runner.folder / Path(path).name
        place.write_text(self.git_of_remote("show", f"{runner.sha}:{path}"))
        return place

    def git_of_remote(self, *words: str) -> str:
        done = subprocess.run(
            ["git", *words], cwd=self.team.remote, capture_output=True, text=True, check=True
        )
        return done.stdout.strip() if words[0] == "rev-parse" else done.stdout

    @property
    def comments(self) -> list[str]:
        """Bodies of the comments on the request."""
        return [comment["body"] for comment in self.github.comments.get(self.number, [])]


@pytest.fixture
def hosted(team: Team, tmp_path: Path) -> Iterator[Hosted]:
    with serving() as github:
        yield Hosted(team, github, tmp_path / "machines", variables={"DPGATE_ROOT": team.root})


@pytest.fixture(scope="session")
def index(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """An index of our own for pip, with a wheel of this tree; other packages are those installed here."""
    folder = tmp_path_factory.mktemp("index")
    root = Path(__file__).resolve().parents[2]
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", folder],
        cwd=root, check=True, capture_output=True,
    )  # fmt: skip
    return {
        "PIP_CONFIG_FILE": os.devnull,
        "PIP_FIND_LINKS": str(folder),
        "PIP_NO_DEPS": "1",
        "PIP_NO_INDEX": "1",
        "PYTHONPATH": os.pathsep.join(p for p in sys.path if p.endswith("site-packages")),
    }
