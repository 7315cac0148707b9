"""`approve`: sign one role's consent, bound to exact digests and to a maximum cost."""

from __future__ import annotations

import datetime as dt
import secrets
from pathlib import Path

from dpgate.errors import SignatureError, UsageError
from dpgate.gate.consent import REFUSED
from dpgate.gate.costing import Cost, to_record
from dpgate.gate.plan import Planned, planned
from dpgate.gate.results import ApproveResult
from dpgate.gate.signing import change_of, lifting, must_hold, sign
from dpgate.gate.standing import open_standing
from dpgate.gate.workspace import Workspace, now, workspace
from dpgate.ledger.roles import keyring
from dpgate.ledger.signers.interface import Signer
from dpgate.model.record import PolicyApproval, ReleaseApproval
from dpgate.policy.rulebook import conditions_of, rules_of, usable


def approve(
    release: str,
    *,
    role: str,
    key: Signer,
    repo: Path | str = ".",
    days: int = 28,
    attempts: int = 1,
    offline: bool = False,
) -> ApproveResult:
    """Approve a release, or with ``policy`` the policy of the work tree.

    It takes back what the same key refused of the same bytes.

    Args:
        release: ``dataset/release``, or ``policy``.
        role: the role that approves; the key must be one of its keys.
        key: private key of the approver.
        repo: a release repository, or a folder in it.
        days: how many days from today the approval counts.
        attempts: how many attempts it pays for; each one is charged.
        offline: use the ledger as this clone last fetched it.

    Returns:
        Where the approval was written; commit that file.

    Raises:
        SignatureError: the key does not hold the role, or signed as the author.
        UsageError: a rule denies the release, so that there is nothing to approve.
    """
    space = workspace(Path(repo))
    if release == "policy":
        return _approve_policy(space, role, key, offline=offline)
    if not 1 <= days <= 366:
        raise UsageError(f"an approval counts for 1 to 366 days, not {days}")
    if not 1 <= attempts <= 100:
        raise UsageError(f"an approval pays for 1 to 100 attempts, not {attempts}")
    return _approve_release(space, release, role, key, days, attempts, offline=offline)


def _approve_release(
    space: Workspace,
    release: str,
    role: str,
    key: Signer,
    days: int,
    attempts: int,
    *,
    offline: bool,
) -> ApproveResult:
    standing = open_standing(space, offline=offline)
    plan = planned(space, release, standing, now())
    must_hold(keyring(standing.policy), role, key)
    cost = _approvable(plan)
    if key.public.fingerprint in plan.approvals.authors:
        raise SignatureError(
            f"key {key.public.fingerprint} signed as the author of {plan.case.name}: its approval would not count",
            fix="another key of the role approves",
        )
    predicate = ReleaseApproval(
        root=standing.root,
        release=plan.case.name,
        role=role,
        policy_set=standing.policy_set,
        manifest=plan.case.release_file.digest,
        dataset=plan.case.dataset_file.digest,
        cost=to_record(cost.spend),
        attempts=attempts,
        expires=plan.clock.day + dt.timedelta(days=days),
        nonce=secrets.token_hex(16),
        waivers=tuple(sorted(each.offer.file.digest for each in plan.waivers)),
        lifts=lifting(plan.approvals, key),
    )
    path = sign(space, f"releases/{plan.case.name}", role, predicate, key)
    return ApproveResult(
        subject=plan.case.name,
        role=role,
        key=key.public.fingerprint,
        path=path,
        expires=str(predicate.expires),
        attempts=attempts,
        waivers=tuple(row for row in plan.result.waivers if row.state == "in-force"),
        lifts=len(predicate.lifts),
        next=f"git add {path} && git commit",
    )


def _approvable(plan: Planned) -> Cost:
    """What a release would cost that may be approved.

    Raises:
        UsageError: it was released, or a rule denies it.
    """
    if plan.result.entry is not None:
        raise UsageError(
            f"{plan.case.name} was released by entry {plan.result.entry}: there is nothing to approve",
            fix="a further release is a new manifest under a new name",
        )
    # A rule about approvals is what an approval can mend; so is a refusal, if it is the same key's.
    denials = [
        f
        for f in plan.result.findings
        if f.level == "deny" and f.rule not in {REFUSED, *plan.consenting}
    ]
    if plan.cost is None or denials:
        raise UsageError(
            f"{plan.case.name} is denied, so there is nothing to approve: {denials[0].message}",
            fix=denials[0].fix,
        )
    return plan.cost


def _approve_policy(space: Workspace, role: str, key: Signer, *, offline: bool) -> ApproveResult:
    usable((*rules_of(space.policy_file), *conditions_of(space.policy_file)))
    change = change_of(space, role, key, offline=offline)
    predicate = PolicyApproval(
        root=change.root,
        role=role,
        previous=change.previous,
        policy_set=change.policy_set,
        lifts=lifting(change.judgement, key),
    )
    path = sign(space, "policies", role, predicate, key)
    return ApproveResult(
        subject="policy",
        role=role,
        key=key.public.fingerprint,
        path=path,
        expires="never",
        attempts=1,
        lifts=len(predicate.lifts),
        next=f"git add {path} && git commit; when all have approved: dpgate policy adopt --key RUNNER_KEY",
    )
