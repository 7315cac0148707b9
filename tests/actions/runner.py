"""A runner of our own: it runs the very YAML of a workflow and of its action, step by step.

`run:` steps run in bash with the variables that GitHub sets. `actions/checkout` is done with the Git
commands that it uses. Other actions of GitHub's own are noted with their inputs (`used`). Output is
read as a runner reads it: lines that are commands are obeyed, and `commands` tells which there were.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from tests.actions.expressions import Expressions
from tests.events import REPOSITORY

_COMMAND = re.compile(r"::(?P<name>[a-z-]+)(?: (?P<keys>[^:]*(?:%3A[^:]*)*))?::(?P<value>.*)")
_OLD = re.compile(r"##\[(?P<name>[^\]]+)\](?P<value>.*)")


@dataclass
class Ended:
    """How a job ended."""

    good: bool = True
    output: str = ""
    used: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    """Other actions that ran, without their versions, and what they were given."""
    summary: str = ""
    outputs: dict[str, dict[str, str]] = field(default_factory=dict)
    """Outputs of steps by their id, those within an action too."""
    codes: dict[str, int] = field(default_factory=dict)
    """Exit codes of `run:` steps by their names."""

    @property
    def commands(self) -> list[tuple[str, str, str]]:
        """Commands that the runner obeyed: name, keys, value."""
        return obeyed(self.output)

    @property
    def annotations(self) -> list[tuple[str, str]]:
        """Level and text of annotations."""
        levels = ("error", "warning", "notice")
        return [(name, value) for name, _, value in self.commands if name in levels]


def obeyed(output: str) -> list[tuple[str, str, str]]:
    """Commands in a job's output, as the runner finds them."""
    found: list[tuple[str, str, str]] = []
    stopped = ""
    for line in output.splitlines():
        text = line.lstrip()
        if stopped:
            stopped = "" if text.startswith(f"::{stopped}::") else stopped
            continue
        match = _COMMAND.match(text) or _OLD.search(line)  # the old form counts anywhere in a line
        if match is None:
            continue
        name, value = match["name"], match["value"]
        if name == "stop-commands":
            stopped = value
            continue
        found.append((name, match.groupdict().get("keys") or "", value))
    return found


@dataclass
class Runner:
    """A machine that runs jobs of one repository.

    Attributes:
        folder: the machine's disk.
        remote: the repository, bare.
        environment: what the machine has: PATH, configuration of pip, the state of dpgate.
        server: variables of a GitHub server.
        event: name and file of what happened.
        ref: the ref that triggered the job, and its commit.
        variables: `vars` of the repository.
        changed: inputs of our action that differ from the workflow's.
    """

    folder: Path
    remote: Path
    environment: Mapping[str, str]
    server: Mapping[str, str]
    event: tuple[str, Path]
    ref: str
    sha: str
    variables: Mapping[str, str] = field(default_factory=dict)
    changed: Mapping[str, str] = field(default_factory=dict)

    @property
    def workspace(self) -> Path:
        return self.folder / "work" / "releases"

    def run(self, workflow: Path, job: str) -> Ended:
        """Run one job of a workflow."""
        self.workspace.mkdir(parents=True)
        (self.folder / "temp").mkdir()
        (self.folder / "files").mkdir()
        body = yaml.safe_load(workflow.read_text())["jobs"][job]
        ended = Ended()
        contexts = {"github": self._github(), "vars": self.variables, "steps": {}, "inputs": {}}
        if Expressions(contexts, good=True).holds(body.get("if")):
            self._steps(body["steps"], contexts, ended)
        summary = self.folder / "files" / "summary"
        ended.summary = summary.read_text() if summary.exists() else ""
        return ended

    def _github(self) -> dict[str, str]:
        return {
            "event_name": self.event[0], "ref": self.ref, "sha": self.sha, "run_attempt": "1",
            "token": self.server.get("GITHUB_TOKEN", ""), "workspace": str(self.workspace),
        }  # fmt: skip

    def _steps(
        self, steps: list[dict[str, Any]], contexts: dict[str, Any], ended: Ended, action: str = ""
    ) -> None:
        for step in steps:
            known = {"name", "id", "if", "shell", "run", "env", "uses", "with"}
            known |= {"working-directory", "continue-on-error"}
            assert not set(step) - known, step
            expressions = Expressions(contexts, good=ended.good)
            if not expressions.holds(step.get("if")):
                continue
            before = ended.good
            if "run" in step:
                self._script(step, expressions, contexts, ended, action)
            else:
                self._uses(step, expressions, contexts, ended)
            if step.get("continue-on-error"):
                ended.good = before

    def _script(
        self, step: dict[str, Any], expressions: Expressions, contexts: dict[str, Any],
        ended: Ended, action: str,
    ) -> None:  # fmt: skip
        assert "${{" not in step["run"], "a script takes its values from variables"
        assert step.get("shell", "bash") == "bash"
        number = len(list((self.folder / "files").iterdir()))
        output = self.folder / "files" / f"output-{number}"
        output.touch()
        given = {name: expressions.text(value) for name, value in step.get("env", {}).items()}
        where = self.workspace / expressions.text(step.get("working-directory", "."))
        script = self.folder / "temp" / f"script-{number}.sh"
        script.write_text(step["run"])
        done = subprocess.run(
            ["bash", "--noprofile", "--norc", "-e", "-o", "pipefail", script],
            cwd=where,
            env={**self._variables(output, action), **given},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        ended.output += done.stdout
        ended.codes[step.get("name", "")] = done.returncode
        ended.good = ended.good and done.returncode == 0
        if "id" in step:
            values = _outputs(output.read_text())
            ended.outputs[step["id"]] = values
            contexts["steps"] = {**contexts["steps"], step["id"]: {"outputs": values}}

    def _variables(self, output: Path, action: str) -> dict[str, str]:
        files = self.folder / "files"
        server = {name: value for name, value in self.server.items() if name != "GITHUB_TOKEN"}
        return {
            **self.environment,
            **server,
            "CI": "true",
            "GITHUB_ACTIONS": "true",
            "GITHUB_ACTION_PATH": action,
            "GITHUB_EVENT_NAME": self.event[0],
            "GITHUB_EVENT_PATH": str(self.event[1]),
            "GITHUB_OUTPUT": str(output),
            "GITHUB_REF": self.ref,
            "GITHUB_REPOSITORY": REPOSITORY,
            "GITHUB_SHA": self.sha,
            "GITHUB_STEP_SUMMARY": str(files / "summary"),
            "GITHUB_WORKSPACE": str(self.workspace),
            "RUNNER_TEMP": str(self.folder / "temp"),
        }

    def _uses(
        self, step: dict[str, Any], expressions: Expressions, contexts: dict[str, Any], ended: Ended
    ) -> None:
        given = {name: expressions.text(value) for name, value in step.get("with", {}).items()}
        place, _, version = step["uses"].partition("@")
        if place.startswith("./"):
            self._action(self.workspace / place, {**given, **self.changed}, contexts, ended)
            return
        assert re.fullmatch(r"[0-9a-f]{40}", version), step["uses"]
        if place == "actions/checkout":
            self._checkout(given)
        else:
            ended.used.append((place, given))

    def _action(
        self, folder: Path, given: dict[str, str], contexts: dict[str, Any], ended: Ended
    ) -> None:
        action = yaml.safe_load((folder / "action.yml").read_text())
        assert action["runs"]["using"] == "composite"
        assert not set(given) - set(action["inputs"]), "an input that the action does not know"
        outer = Expressions(contexts, good=True)
        inputs = {}
        for name, about in action["inputs"].items():
            assert name in given or not about.get("required"), f"{name} is required"
            inputs[name] = given.get(name, outer.text(about.get("default", "")))
        inner = {"github": contexts["github"], "inputs": inputs, "steps": {}}
        self._steps(action["runs"]["steps"], inner, ended, str(folder))

    def _checkout(self, given: dict[str, str]) -> None:
        """What actions/checkout does: fetch, and check out the branch, or a merge without a branch."""
        assert given == {"fetch-depth": "0", "persist-credentials": "false"}, "known to this runner"
        merge = self.ref.removeprefix("refs/")
        there = f"refs/remotes/{merge if merge.startswith('pull/') else 'origin/main'}"
        self.git("init", "-q", ".")
        self.git("remote", "add", "origin", self.server.get("REMOTE_URL", f"file://{self.remote}"))
        refs = ["+refs/heads/*:refs/remotes/origin/*"]
        if merge.startswith("pull/"):
            refs.append(f"+{self.sha}:{there}")
        self.git("fetch", "-q", "--no-tags", f"file://{self.remote}", *refs)
        if merge.startswith("pull/"):
            self.git("checkout", "-q", "--force", there)
        else:
            self.git("checkout", "-q", "--force", "-B", "main", there)

    def git(self, *words: str) -> str:
        done = subprocess.run(
            ["git", *words], cwd=self.workspace, env=dict(self.environment), check=False,
            capture_output=True, text=True,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()


def _outputs(text: str) -> dict[str, str]:
    """Outputs of a step; a line that is none is what a runner refuses."""
    found: dict[str, str] = {}
    lines = iter(text.splitlines())
    for line in lines:
        name, heredoc, end = line.partition("<<")
        if not heredoc:
            name, equals, value = line.partition("=")
            assert equals, f"not an output: {line!r}"
            found[name] = value
            continue
        values = []
        for value in lines:
            if value == end:
                break
            values.append(value)
        found[name] = "\n".join(values)
    return found


def machine(team_environment: Mapping[str, str]) -> dict[str, str]:
    """Variables of a machine that has dpgate and Python on its PATH."""
    here = str(Path(sys.executable).parent)
    return {**team_environment, "PATH": os.pathsep.join((here, os.environ["PATH"]))}
