"""`refuse`: sign one key's No to a release, or to a policy."""

from __future__ import annotations

import secrets
from pathlib import Path

from dpgate.errors import UsageError
from dpgate.gate.signing import change_of, must_hold, sign
from dpgate.gate.signing_results import RefuseResult
from dpgate.gate.standing import Standing, open_standing
from dpgate.gate.workspace import Case, Workspace, workspace
from dpgate.ledger.roles import keyring
from dpgate.ledger.signers.interface import Signer
from dpgate.model.record import PolicyRefusal, ReleaseRefusal
from dpgate.model.values import printable


def refuse(
    release: str,
    *,
    role: str,
    key: Signer,
    reason: str,
    repo: Path | str = ".",
    offline: bool = False,
) -> RefuseResult:
    """Refuse a release, or with ``policy`` the policy of the work tree.

    It is in force until these bytes change, or the same key approves them.

    Args:
        release: ``dataset/release``, or ``policy``.
        role: the role that refuses, any role a release; the key must be one of its keys.
        key: signer of who refuses.
        reason: one line, shown to everybody.
        repo: a release repository, or a folder in it.
        offline: use the ledger as this clone last fetched it.

    Returns:
        Where the refusal was written; commit that file.

    Raises:
        SignatureError: the key does not hold the role.
        UsageError: the reason is no line of text, or the release was made already.
    """
    space = workspace(Path(repo))
    if not printable(reason):
        raise UsageError(
            "a reason is one line of 1 to 500 printable characters", fix='--reason "TEXT"'
        )
    if release == "policy":
        return _policy(space, role, key, reason, offline=offline)
    standing = open_standing(space, offline=offline)
    case = standing_case(space, release, standing)
    must_hold(keyring(standing.policy), role, key)
    predicate = ReleaseRefusal(
        root=standing.root,
        release=case.name,
        role=role,
        manifest=case.release_file.digest,
        dataset=case.dataset_file.digest,
        reason=reason,
        nonce=secrets.token_hex(16),
    )
    path = sign(space, f"releases/{case.name}", f"refusal-{role}", predicate, key)
    return _result(case.name, role, key, reason, path)


def standing_case(space: Workspace, release: str, standing: Standing) -> Case:
    """A manifest that was not released yet.

    Raises:
        UsageError: it was: there is nothing left to sign.
    """
    case = space.case(release)
    done = standing.past.released_by(case.name)
    if done is not None:
        raise UsageError(
            f"{case.name} was released by entry {done}",
            fix=f"to call it back: dpgate withdraw {case.name} --reason TEXT --key RUNNER_KEY",
        )
    return case


def _policy(
    space: Workspace, role: str, key: Signer, reason: str, *, offline: bool
) -> RefuseResult:
    change = change_of(space, role, key, offline=offline)
    predicate = PolicyRefusal(
        root=change.root,
        role=role,
        previous=change.previous,
        policy_set=change.policy_set,
        reason=reason,
        nonce=secrets.token_hex(16),
    )
    path = sign(space, "policies", f"refusal-{role}", predicate, key)
    return _result("policy", role, key, reason, path)


def _result(subject: str, role: str, key: Signer, reason: str, path: str) -> RefuseResult:
    return RefuseResult(
        subject=subject,
        role=role,
        key=key.public.fingerprint,
        path=path,
        reason=reason,
        next=f"git add {path} && git commit; to take it back: dpgate approve {subject} --role {role} --key KEY",
    )
