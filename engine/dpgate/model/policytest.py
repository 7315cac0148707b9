"""The PolicyTest document: releases that a policy must allow or deny, and why."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, StrictBool, StrictInt, model_validator

from dpgate.model.dataset import DatasetSpec
from dpgate.model.finding import Outcome
from dpgate.model.release import ReleaseSpec
from dpgate.model.values import Date, Frozen, Name, Text

DatasetPlace = Annotated[str, Field(pattern=r"^(releases/)?[a-z0-9][a-z0-9._-]*(/dataset\.yaml)?$")]
"""A dataset of this repository: `rand-health`, or the path of its document."""

ReleasePlace = Annotated[
    str,
    Field(
        pattern=r"^(releases/)?[a-z0-9][a-z0-9._-]*/[a-z0-9][a-z0-9._-]*(/release\.yaml)?$",
    ),
]
"""A manifest of this repository: `rand-health/2026q4-teaching`, or the path of its document."""

Key = Annotated[
    str, Field(pattern=r"^[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*$", min_length=1, max_length=200)
]
"""A key of the manifest's spec, steps separated by points: `privacy.epsilon`, `columns.0`. With
`dataset.` before it, one of the dataset's spec; with `policy.`, one of the policy's, as if it were
otherwise; with `metadata.`, one of the manifest's metadata."""

Changes = Annotated[dict[Key, Any], Field(max_length=100)]
"""Values to put in place of those that are there, by key; `null` removes the key."""

What = Annotated[dict[Name, Annotated[StrictInt, Field(ge=0, le=20)]], Field(max_length=50)]


class Expected(Frozen):
    """A finding that must be there."""

    rule: Name
    """Id of the rule; `dpgate policy rules` lists them."""
    level: Literal["deny", "warn"] | None = None
    """Left out: either."""
    outcome: Outcome | None = None
    """`violated`, `waived` (it would fail), or `error` (it could not be evaluated)."""
    message: Text | None = None
    """Words that its message contains."""
    at: Key | None = None
    """The key that it points at."""


Expectation = Literal["allow"] | Annotated[tuple[Expected, ...], Field(min_length=1, max_length=50)]


class Earlier(Frozen):
    """A release that was made before the one that a case is about."""

    on: Date
    """The day it was reserved, in the policy's time zone."""
    release: ReleasePlace | ReleaseSpec | None = None
    """What was released; left out: what the case is about, before its `set`."""
    set: Changes = Field(default_factory=dict)
    """What was otherwise: `{recipients: [acme], privacy.epsilon: 0.5}`."""
    outcome: Literal["released", "withdrawn", "gate-failed", "failed", "abandoned", "resumed"] = (
        "released"
    )
    """How it ended. Its cost is spent, whatever it is."""
    times: Annotated[StrictInt, Field(ge=1, le=100)] = 1
    """So many alike, on that day."""


class PolicyCase(Frozen):
    """One release that is held against the policy, and what must come of it."""

    name: Text
    """What it shows, in words; each name once."""
    today: Date | None = None
    """The day it is judged on, in the policy's time zone. Left out everywhere: the day the test runs."""
    dataset: DatasetPlace | DatasetSpec | None = None
    """Left out: the dataset that the release names."""
    release: ReleasePlace | ReleaseSpec | None = None
    """The manifest, or a manifest's spec written here."""
    set: Changes = Field(default_factory=dict)
    """What is otherwise in this case: `{privacy.epsilon: 3, dataset.rows.at_most: 500}`."""
    history: Annotated[tuple[Earlier, ...], Field(max_length=100)] = ()
    """Releases of the same dataset that were made before, in any order."""
    approvals: What | None = None
    """How many keys of each role have approved, for rules about approvals. Left out: as many as
    each role that must approve needs."""
    waivers: Annotated[tuple[Name, ...], Field(max_length=50)] = ()
    """Rules for which this release holds a waiver that is in force."""
    needs: tuple[Name, ...] | None = None
    """Exactly the roles whose approval the release must need."""
    expect: Expectation
    """`allow`: nothing denies. Otherwise the findings that must be there; any other denial fails
    the case, any other warning does not."""
    exactly: StrictBool = False
    """Whether an unlisted warning fails the case too."""


_EARLIER_AT_MOST = 2_000


class PolicyTestSpec(Frozen):
    """What a PolicyTest says: cases, and what all of them start from."""

    today: Date | None = None
    dataset: DatasetPlace | DatasetSpec | None = None
    release: ReleasePlace | ReleaseSpec | None = None
    """What cases start from that name none."""
    cases: Annotated[tuple[PolicyCase, ...], Field(min_length=1, max_length=500)]

    @model_validator(mode="after")
    def _told_apart(self) -> PolicyTestSpec:
        names = [case.name for case in self.cases]
        again = next((name for name in names if names.count(name) > 1), None)
        if again is not None:
            raise ValueError(f"two cases are named {again!r}; a report could not tell them apart")
        for case in self.cases:
            if self.release is None and case.release is None:
                raise ValueError(f"case {case.name!r} has no release: give it one, or one to all")
            self._in_order(case)
        if sum(each.times for case in self.cases for each in case.history) > _EARLIER_AT_MOST:
            raise ValueError(f"more than {_EARLIER_AT_MOST:,} earlier releases; split the test")
        return self

    def _in_order(self, case: PolicyCase) -> None:
        today = case.today or self.today
        if not case.history:
            return
        if today is None:
            raise ValueError(f"case {case.name!r} has a history, so it needs a day: add today:")
        late = [each.on for each in case.history if each.on > today]
        if late:
            raise ValueError(f"case {case.name!r}: {late[0]} is not before {today}, its today")


class PolicyTestMetadata(Frozen):
    """Names of a test."""

    name: Name
    title: Text | None = None


class PolicyTest(Frozen):
    """Releases that the policy must allow or deny; run with `dpgate policy test`."""

    apiVersion: Literal["dpgate/v1"]  # noqa: N815 - the documents' own spelling
    kind: Literal["PolicyTest"]
    metadata: PolicyTestMetadata
    spec: PolicyTestSpec
