"""What `policy rules`, `policy explain` and `policy diff` return."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from dpgate.gate.policytest.result import Origin
from dpgate.model.finding import Finding
from dpgate.model.rule import Enforcement
from dpgate.model.values import Frozen

Verdict = Literal["allowed", "denied"]


class Said(Frozen):
    """A name and what it stands for."""

    name: str
    value: str


class Shown(Frozen):
    """A case of a test that shows a rule."""

    file: str
    line: int
    case: str
    how: Literal["holds", "fails"]


class RuleLine(Frozen):
    """A rule in one line."""

    id: str
    title: str
    origin: Origin
    enforcement: Enforcement
    place: str
    """File, line and column; of a built-in rule the function."""


class RulesResult(Frozen):
    """Every rule of a repository."""

    schema_: Annotated[Literal["dpgate.policy-rules/v1"], Field(alias="schema")] = (
        "dpgate.policy-rules/v1"
    )
    rules: tuple[RuleLine, ...]


class RuleResult(Frozen):
    """What a rule is."""

    schema_: Annotated[Literal["dpgate.policy-explain/v1"], Field(alias="schema")] = (
        "dpgate.policy-explain/v1"
    )
    rule: RuleLine
    because: str
    """Why it is there, or where to read on."""
    text: tuple[Said, ...]
    """`when`, `assert`, `message`, `at`, and the options that are set."""
    reads: tuple[str, ...]
    """Facts of a rule in CEL; keys of documents of a built-in one."""
    waiver: str
    """Who may waive it, in words."""
    tests: tuple[Shown, ...]
    page: str = ""
    """Where it is documented, if it comes with dpgate."""
    release: str = ""
    """The release that it was held against, if one was named."""
    verdict: str = ""
    """What it says of it, in words."""
    values: tuple[Said, ...] = ()
    """Values of the facts there."""


class ReleaseChange(Frozen):
    """A release whose verdict changes."""

    release: str
    before: Verdict
    after: Verdict
    made: int | None
    """Number of the entry that reserved it, if it was released."""
    findings: tuple[Finding, ...]
    """Denials: those that come, or those that go."""


class PolicyDiffResult(Frozen):
    """What two policies differ in."""

    schema_: Annotated[Literal["dpgate.policy-diff/v1"], Field(alias="schema")] = (
        "dpgate.policy-diff/v1"
    )
    before: str
    after: str
    changes: tuple[str, ...]
    """In words."""
    judged: int
    """Releases that were held against both."""
    releases: tuple[ReleaseChange, ...]
    notes: tuple[str, ...]
