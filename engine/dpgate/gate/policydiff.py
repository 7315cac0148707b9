"""`policy diff`: what changes from one policy to another, and for which releases.

Releases that are still to come are judged today, on the ledger as this clone holds it. One that was
made is judged again at the hour of its reservation and on what had been spent by then, so that the
only difference is the policy's. Nothing is fetched.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal, cast

from pydantic import Field

from dpgate.errors import DpgateError, GitError, UndecidedError, UsageError
from dpgate.gate.changes import commit_of
from dpgate.gate.difference import differences
from dpgate.gate.opening import OpenLedger
from dpgate.gate.past import ChainPast
from dpgate.gate.plan import weigh
from dpgate.gate.policytest.history import Costs, standing
from dpgate.gate.standing import Standing, open_signed
from dpgate.gate.workspace import POLICY_PATH, Case, Workspace, now, policy_of, workspace
from dpgate.ledger.chain import Chain, follow
from dpgate.ledger.store import Store
from dpgate.loading.documents import Loaded, load
from dpgate.model.finding import Finding
from dpgate.model.policy import PrivacyPolicy
from dpgate.model.values import Frozen
from dpgate.policy.facts import clock, clock_of

ADOPTED, WORKTREE = "adopted", "worktree"
Verdict = Literal["allowed", "denied"]


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


@dataclass(frozen=True)
class _Side:
    """One of the two policies."""

    file: Loaded
    costs: Costs

    @property
    def policy(self) -> PrivacyPolicy:
        return policy_of(self.file)


def policy_diff(
    before: str = ADOPTED, after: str = WORKTREE, repo: Path | str = "."
) -> PolicyDiffResult:
    """Compare two policies, and what they say of every manifest of the work tree.

    Args:
        before: ``adopted`` (the last one that the ledger holds here), ``worktree``, a file, or a
            branch, tag or commit.
        after: likewise.
        repo: a release repository, or a folder in it.

    Raises:
        UsageError: there is no such policy.
        UndecidedError: ``adopted`` was asked for, and this clone has no ledger.
        DocumentError: one of the two is malformed.
    """
    space = workspace(Path(repo))
    ledger, notes = _ledger(space, needed=ADOPTED in (before, after))
    sides = []
    for name in (before, after):
        file = _policy(name, space, ledger)
        sides.append(_Side(file, Costs(policy_of(file))))
    old, new = sides
    if ledger is not None and old.policy.spec.accounting != new.policy.spec.accounting:
        notes = (
            *notes,
            "the two add up costs otherwise (accounting), which no adoption can change",
        )
    moment = now()
    changed = [
        change
        for name in space.documents.releases
        if (change := _change(space.case(name), old, new, ledger, moment))
    ]
    return PolicyDiffResult(
        before=before,
        after=after,
        changes=differences(old.policy, new.policy),
        judged=len(space.documents.releases),
        releases=tuple(changed),
        notes=notes,
    )


def _ledger(space: Workspace, *, needed: bool) -> tuple[OpenLedger | None, tuple[str, ...]]:
    """The ledger of this clone; where it has none nothing was spent, and a note says so."""
    try:
        return open_signed(space, offline=True), ()
    except (UndecidedError, GitError) as error:
        if needed:
            raise
        return None, (f"budgets are judged as if nothing had been spent: {error.message}",)


def _policy(name: str, space: Workspace, ledger: OpenLedger | None) -> Loaded:
    if name == WORKTREE:
        return space.policy_file
    if name == ADOPTED:
        assert ledger is not None  # noqa: S101 - it was needed
        return ledger.policy_file
    place = Path(name) if Path(name).is_file() else space.root / name
    if place.is_file():
        return _loaded(name, place.read_bytes())
    store = Store(space.root, branch=policy_of(space.policy_file).spec.ledger.branch)
    commit = commit_of(store, name)
    try:
        return _loaded(
            f"{name}:{POLICY_PATH}", store.git("cat-file", "blob", f"{commit}:{POLICY_PATH}")
        )
    except GitError:
        raise UsageError(f"{name} holds no {POLICY_PATH}") from None


def _loaded(name: str, data: bytes) -> Loaded:
    found = load(name, data)
    if not isinstance(found.document, PrivacyPolicy):
        raise UsageError(f"{name} is no policy", fix="name a document of kind PrivacyPolicy")
    return found


def _change(
    case: Case, old: _Side, new: _Side, ledger: OpenLedger | None, moment: dt.datetime
) -> ReleaseChange | None:
    """What becomes of one release; None if both policies say the same of it."""
    done = ledger.chain.released(case.name) if ledger is not None else None
    made = done[0].sequence if done else None
    findings = [_denials(case, side, ledger, made, moment) for side in (old, new)]
    verdicts: list[Verdict] = ["denied" if found else "allowed" for found in findings]
    if verdicts[0] == verdicts[1]:
        return None
    return ReleaseChange(
        release=case.name,
        before=verdicts[0],
        after=verdicts[1],
        made=made,
        findings=findings[0] or findings[1],
    )


def _denials(
    case: Case, side: _Side, ledger: OpenLedger | None, made: int | None, moment: dt.datetime
) -> tuple[Finding, ...]:
    before = _standing(side, ledger, made)
    time = clock(side.policy, moment)
    if ledger is not None and made is not None:
        time = clock_of(side.policy, ledger.chain.links[made - 1].entry.time)
    try:
        weighed = weigh(case, before, time, cost=lambda _, asked: side.costs.of(asked))
    except DpgateError as error:
        line, column = case.release_file.at("spec", "privacy")
        failed = Finding(
            rule="planning",
            level="deny",
            outcome="error",
            message=error.message,
            fix=error.fix,
            file=case.release_file.file,
            line=line,
            column=column,
        )
        return (failed,)
    return tuple(finding for finding in weighed.findings if finding.level == "deny")


def _standing(side: _Side, ledger: OpenLedger | None, made: int | None) -> Standing:
    """The policy as the one in force, on the past that counts for a release."""
    if ledger is None:
        return standing(side.file, (), side.costs)
    chain = ledger.chain
    if made is not None:
        links = chain.links[: made - 1]
        chain = Chain(links, follow(links, None))
    adopted = cast("PrivacyPolicy", ledger.policy_file.document)
    past = ChainPast(chain, adopted.spec.accounting.orders)
    return Standing(root=chain.root, policy_file=side.file, past=past)
