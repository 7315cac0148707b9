"""Writes PolicyTests into a repository and runs them."""

from __future__ import annotations

import textwrap

import pytest

from dpgate.errors import DocumentError
from dpgate.gate.policytest.result import CaseResult, PolicyTestResult
from dpgate.gate.policytest.run import run_tests
from tests.team import RELEASE, Team

HEAD = """\
apiVersion: dpgate/v1
kind: PolicyTest
metadata: {{name: {name}}}
spec:
  today: 2026-11-20
  release: {release}
"""


def write(team: Team, cases: str, name: str = "one", release: str = RELEASE) -> str:
    """Write a test whose cases are the given YAML; returns its path."""
    (team.clone / "policies" / "tests" / "vendor-testing.yaml").unlink(missing_ok=True)  # init's
    path = f"policies/tests/{name}.yaml"
    body = textwrap.indent(textwrap.dedent(cases).strip("\n"), "    ")
    team.write(path, HEAD.format(name=name, release=release) + "  cases:\n" + body + "\n")
    return path


def run(team: Team, cases: str, *, require_tests: bool = False) -> PolicyTestResult:
    """Write one test and run all."""
    write(team, cases)
    return run_tests(team.clone, require_tests=require_tests)


def one(team: Team, case: str) -> CaseResult:
    """The result of one case."""
    (result,) = run(team, case).cases
    return result


def problems(team: Team, cases: str) -> list[str]:
    """What keeps a test from being run, each with its place and what stands there."""
    path = write(team, cases)
    with pytest.raises(DocumentError) as caught:
        run_tests(team.clone)
    lines = (team.clone / path).read_text().splitlines()
    return [
        f"{problem.message} @ "
        + (lines[problem.line - 1][problem.column - 1 :] if problem.file == path else problem.place)
        for problem in caught.value.problems
    ]
