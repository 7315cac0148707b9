"""`approve`: sign one role's consent, bound to exact digests and to a maximum cost."""

from __future__ import annotations

import datetime as dt
import secrets
from pathlib import Path

from dpgate.errors import PolicyError, SignatureError, UndecidedError, UsageError
from dpgate.gate.approvals import release_subjects
from dpgate.gate.costing import to_record
from dpgate.gate.opening import OpenLedger, open_ledger
from dpgate.gate.plan import planned
from dpgate.gate.results import ApproveResult
from dpgate.gate.standing import open_standing
from dpgate.gate.workspace import Workspace, now, policy_of, policy_set, workspace
from dpgate.ledger import envelope
from dpgate.ledger.roles import Keyring, keyring
from dpgate.ledger.signers.interface import Signer
from dpgate.ledger.statement import statement
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
        SignatureError: the key does not hold the role.
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
    # A rule about approvals is what an approval can mend.
    denials = [
        f for f in plan.result.findings if f.level == "deny" and f.rule not in plan.consenting
    ]
    if plan.result.entry is not None:
        raise UsageError(
            f"{plan.case.name} was released by entry {plan.result.entry}: there is nothing to approve",
            fix="a further release is a new manifest under a new name",
        )
    if plan.cost is None or denials:
        raise UsageError(
            f"{plan.case.name} is denied, so there is nothing to approve: {denials[0].message}",
            fix=denials[0].fix,
        )
    predicate = ReleaseApproval(
        root=standing.root,
        release=plan.case.name,
        role=role,
        policy_set=standing.policy_set,
        manifest=plan.case.release_file.digest,
        dataset=plan.case.dataset_file.digest,
        cost=to_record(plan.cost.spend),
        attempts=attempts,
        expires=plan.clock.day + dt.timedelta(days=days),
        nonce=secrets.token_hex(16),
        waivers=tuple(sorted(each.offer.file.digest for each in plan.waivers)),
    )
    data = envelope.seal(
        statement(predicate, release_subjects(predicate)).payload(), [key]
    ).to_bytes()
    path = write(space.root / "releases" / plan.case.name / "approvals", role, key, data)
    shown = path.relative_to(space.root).as_posix()
    return ApproveResult(
        subject=plan.case.name,
        role=role,
        key=key.public.fingerprint,
        path=shown,
        expires=str(predicate.expires),
        attempts=attempts,
        waivers=tuple(row for row in plan.result.waivers if row.state == "in-force"),
        next=f"git add {shown} && git commit",
    )


def _approve_policy(space: Workspace, role: str, key: Signer, *, offline: bool) -> ApproveResult:
    policy_file = space.policy_file
    usable((*rules_of(policy_file), *conditions_of(policy_file)))
    ledger: OpenLedger | None
    try:
        ledger = open_ledger(space, offline=offline)
    except UndecidedError:
        if offline:  # not fetched is not the same as not there
            raise
        ledger = None
    judge = ledger.policy if ledger else policy_of(policy_file)
    keyring(policy_of(policy_file))
    which = "in force" if ledger else "to be adopted"
    must_hold(keyring(judge), role, key, which)
    if role not in judge.spec.policy_change.roles:
        wanted = ", ".join(judge.spec.policy_change.roles)
        raise UsageError(
            f"role {role} has no say in policy changes", fix=f"roles that have: {wanted}"
        )
    predicate = PolicyApproval(
        root=ledger.chain.root if ledger else None,
        role=role,
        previous=ledger.adopted_by if ledger else None,
        policy_set=policy_set(policy_file),
    )
    payload = statement(predicate, {"policy": predicate.policy_set}).payload()
    path = write(
        space.root / "policies" / "approvals", role, key, envelope.seal(payload, [key]).to_bytes()
    )
    shown = path.relative_to(space.root).as_posix()
    return ApproveResult(
        subject="policy",
        role=role,
        key=key.public.fingerprint,
        path=shown,
        expires="never",
        attempts=1,
        next=f"git add {shown} && git commit; when all have approved: dpgate policy adopt --key RUNNER_KEY",
    )


def must_hold(ring: Keyring, role: str, key: Signer, which: str = "in force") -> None:
    """Raise unless a key holds a role.

    Raises:
        PolicyError: there is no such role.
        SignatureError: the key is not one of its keys.
    """
    if role not in ring:
        raise PolicyError(f"the policy has no role {role}", fix="roles: " + ", ".join(ring))
    if key.public not in ring[role]:
        raise SignatureError(
            f"key {key.public.fingerprint} does not hold role {role} in the policy {which}",
            fix=f"use a key that stands under spec.roles.{role}.keys, or have this one added by a policy change",
        )


def write(folder: Path, role: str, key: Signer, data: bytes) -> Path:
    """Put a signed statement beside what it is about, under the names of role and key."""
    folder.mkdir(parents=True, exist_ok=True)
    short = "".join(c for c in key.public.fingerprint.removeprefix("SHA256:") if c.isalnum())[:12]
    path = folder / f"{role}-{short}.dsse.json"
    temporary = path.with_suffix(".tmp")
    temporary.write_bytes(data)
    temporary.replace(path)
    return path
