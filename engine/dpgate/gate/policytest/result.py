"""What `policy test` returns."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from dpgate.model.finding import Outcome
from dpgate.model.values import Frozen

Origin = Literal["built-in", "policy", "catalogue", "dataset", "approvals"]
"""Where a rule comes from."""


class Found(Frozen):
    """A finding of a case, at the place where a person wrote what it is about."""

    rule: str
    level: Literal["deny", "warn"]
    outcome: Outcome
    message: str
    fix: str
    at: str
    """The key, as tests name it; empty where it points at none."""
    file: str
    line: int
    column: int
    expected: bool
    """Whether the case lists it."""


class CaseResult(Frozen):
    """One case."""

    name: str
    file: str
    line: int
    column: int
    passed: bool
    missing: tuple[str, ...]
    """What was expected and is not there, in words."""
    unexpected: tuple[str, ...]
    """What is there and was not expected, in words."""
    found: tuple[Found, ...]


class TestedFile(Frozen):
    """One document of tests."""

    file: str
    name: str
    title: str
    cases: tuple[CaseResult, ...]


class RuleTested(Frozen):
    """How often a rule was shown to hold, and not to."""

    rule: str
    origin: Origin
    place: str
    """Where it is defined; empty for a built-in one."""
    holding: int
    """Cases in which it applied and held."""
    failing: int
    """Cases in which it did not hold, or could not be evaluated."""

    @property
    def tested(self) -> bool:
        """Whether there is a case for each side."""
        return bool(self.holding and self.failing)

    @property
    def lacks(self) -> str:
        """What it lacks, in words."""
        if not self.holding and not self.failing:
            return "no case is about it"
        return "no case breaks it" if self.holding else "no case keeps it"


class PolicyTestResult(Frozen):
    """Every case, and which rules they tested."""

    schema_: Annotated[Literal["dpgate.policy-test/v1"], Field(alias="schema")] = (
        "dpgate.policy-test/v1"
    )
    passed: bool
    """Whether every case came out as expected, and every rule is tested if that is required."""
    files: tuple[TestedFile, ...]
    rules: tuple[RuleTested, ...]
    """Rules of the policy, of the catalogue and of datasets first, then built-in ones."""
    required: bool
    """Whether rules that are not tested fail it."""

    @property
    def untested(self) -> tuple[RuleTested, ...]:
        """Rules that people wrote or switched on, and that lack a case."""
        return tuple(r for r in self.rules if r.origin != "built-in" and not r.tested)

    @property
    def cases(self) -> tuple[CaseResult, ...]:
        """The cases of all files."""
        return tuple(case for file in self.files for case in file.cases)
