"""`policy diff`: what changes from one policy to another, and for which releases.

Releases that are still to come are judged today, on the ledger as this clone holds it. One that was
made is judged again at the hour of its reservation and on what had been spent by then, so that the
only difference is the policy's. Nothing is fetched.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from dpgate.errors import GitError, UndecidedError, UsageError
from dpgate.gate.changes import commit_of
from dpgate.gate.difference import differences
from dpgate.gate.opening import OpenLedger
from dpgate.gate.past import ChainPast
from dpgate.gate.policy_results import PolicyDiffResult, ReleaseChange
from dpgate.gate.policytest.history import standing
from dpgate.gate.standing import Standing, open_signed
from dpgate.gate.trial import Costs, Judged, Trial, judge_all
from dpgate.gate.waivers import Ground, unsigned
from dpgate.gate.waivers_told import waiving
from dpgate.gate.workspace import POLICY_PATH, Workspace, now, policy_of, workspace
from dpgate.ledger.chain import Chain, follow
from dpgate.ledger.store import Store
from dpgate.loading.documents import Loaded, load
from dpgate.model.finding import Finding
from dpgate.model.policy import PrivacyPolicy
from dpgate.policy.facts import clock, clock_of
from dpgate.policy.rulebook import rules_for

ADOPTED, WORKTREE = "adopted", "worktree"


@dataclass(frozen=True)
class Side:
    """One policy that releases are judged by."""

    file: Loaded
    costs: Costs

    @property
    def policy(self) -> PrivacyPolicy:
        """The policy."""
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
    ledger, notes = ledger_of(space, needed=ADOPTED in (before, after))
    sides = []
    for name in (before, after):
        file = _policy(name, space, ledger)
        sides.append(Side(file, Costs(policy_of(file))))
    old, new = sides
    if ledger is not None and old.policy.spec.accounting != new.policy.spec.accounting:
        notes = (
            *notes,
            "the two add up costs otherwise (accounting), which no adoption can change",
        )
    changed = _changed(space, old, new, ledger)
    return PolicyDiffResult(
        before=before,
        after=after,
        changes=differences(old.policy, new.policy),
        judged=len(space.documents.releases),
        releases=changed,
        notes=notes,
    )


def ledger_of(space: Workspace, *, needed: bool) -> tuple[OpenLedger | None, tuple[str, ...]]:
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


def _changed(
    space: Workspace, old: Side, new: Side, ledger: OpenLedger | None
) -> tuple[ReleaseChange, ...]:
    """Releases that the two policies judge otherwise."""
    moment = now()
    names = tuple(space.documents.releases)
    trials = [trial_of(space, name, side, ledger, moment) for side in (old, new) for name in names]
    judged = judge_all(trials)
    found = []
    for name, left, right in zip(names, judged[: len(names)], judged[len(names) :], strict=True):
        before, after = _denials(left), _denials(right)
        if bool(before) == bool(after):
            continue
        found.append(
            ReleaseChange(
                release=name,
                before="denied" if before else "allowed",
                after="denied" if after else "allowed",
                made=_made(ledger, name),
                findings=before or after,
            )
        )
    return tuple(found)


def _denials(judged: Judged) -> tuple[Finding, ...]:
    return tuple(finding for finding in judged.findings if finding.level == "deny")


def _made(ledger: OpenLedger | None, release: str) -> int | None:
    """Number of the entry that reserved the attempt which released it."""
    done = ledger.chain.released(release) if ledger is not None else None
    return done[0].sequence if done else None


def trial_of(
    space: Workspace, name: str, side: Side, ledger: OpenLedger | None, moment: dt.datetime
) -> Trial:
    """A manifest of the work tree, to be judged by one policy.

    Args:
        space: the work tree.
        name: ``dataset/release``.
        side: the policy.
        ledger: that of this clone, if it has one.
        moment: now; a release that was made is judged at the hour of its reservation.
    """
    case, made = space.case(name), _made(ledger, name)
    time = clock(side.policy, moment)
    if ledger is not None and made is not None:
        time = clock_of(side.policy, ledger.chain.links[made - 1].entry.time)
    ground = Ground(policy=side.policy, day=time.day)
    bounds = rules_for(side.file, case.dataset_file)
    return Trial(
        case=case,
        standing=_standing(side, ledger, made),
        time=time,
        costs=side.costs,
        waivers=waiving(unsigned(space.documents.waivers), name, bounds, ground),
        approvals=None,
    )


def _standing(side: Side, ledger: OpenLedger | None, made: int | None) -> Standing:
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
