"""What `approve`, `refuse` and `author` share: who may sign, and where the file goes."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from dpgate.errors import PolicyError, SignatureError, UndecidedError, UsageError
from dpgate.gate.approvals import Judgement, judge_policy, subjects
from dpgate.gate.opening import OpenLedger, open_ledger
from dpgate.gate.signed import approval_files
from dpgate.gate.workspace import Workspace, policy_of, policy_set
from dpgate.ledger import envelope
from dpgate.ledger.roles import Keyring, keyring
from dpgate.ledger.signers.interface import Signer
from dpgate.ledger.statement import statement
from dpgate.model.record import Consent


@dataclass(frozen=True, kw_only=True)
class Change:
    """A policy that waits to be adopted, and the one it replaces."""

    root: str | None
    previous: str | None
    """Entry that adopted the policy in force; None before the first."""
    policy_set: str
    ring: Keyring
    """Keys of those who decide on it."""
    judgement: Judgement
    """What was signed about it so far."""


def change_of(space: Workspace, role: str, key: Signer, *, offline: bool) -> Change:
    """The work tree's policy, about which a key of a role is to sign.

    Raises:
        SignatureError: the key does not hold the role.
        UsageError: the role has no say in policy changes.
    """
    policy_file = space.policy_file
    ledger: OpenLedger | None
    try:
        ledger = open_ledger(space, offline=offline)
    except UndecidedError:
        if offline:  # not fetched is not the same as not there
            raise
        ledger = None
    judge = ledger.policy if ledger else policy_of(policy_file)
    keyring(policy_of(policy_file))
    ring = keyring(judge)
    must_hold(ring, role, key, "in force" if ledger else "to be adopted")
    if role not in judge.spec.policy_change.roles:
        wanted = ", ".join(judge.spec.policy_change.roles)
        raise UsageError(
            f"role {role} has no say in policy changes", fix=f"roles that have: {wanted}"
        )
    root, previous = (ledger.chain.root, ledger.adopted_by) if ledger else (None, None)
    digest = policy_set(policy_file)
    judgement = judge_policy(
        approval_files(space, "policies"), root=root, previous=previous, adopted=digest, ring=ring
    )
    return Change(root=root, previous=previous, policy_set=digest, ring=ring, judgement=judgement)


def must_hold(ring: Keyring, role: str, key: Signer, which: str = "in force") -> None:
    """Raise unless a key stands under a role.

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


def lifting(judgement: Judgement, key: Signer) -> tuple[str, ...]:
    """Digests of the refusals in force by this key, which its approval takes back."""
    return tuple(each.sha256 for each in judgement.refused if each.key == key.public.fingerprint)


def sign(space: Workspace, place: str, name: str, predicate: Consent, key: Signer) -> str:
    """Sign a statement and write it beside what it is about.

    Args:
        space: the repository.
        place: folder of the manifest or policy.
        name: first part of the file's name.
        predicate: what is said.
        key: whose signature it gets.

    Returns:
        Path of the file, from the root of the repository.
    """
    payload = statement(predicate, subjects(predicate)).payload()
    data = envelope.seal(payload, [key]).to_bytes()
    path = write(space.root / place / "approvals", name, key, data)
    return path.relative_to(space.root).as_posix()


def write(folder: Path, name: str, key: Signer, data: bytes) -> Path:
    """Put a signed statement beside what it is about, under a name of its own for each key."""
    folder.mkdir(parents=True, exist_ok=True)
    short = "".join(c for c in key.public.fingerprint.removeprefix("SHA256:") if c.isalnum())[:12]
    path = folder / f"{name}-{short}.dsse.json"
    temporary = path.with_suffix(".tmp")
    temporary.write_bytes(data)
    temporary.replace(path)
    return path
