"""Which approvals count. One function decides, for `plan`, `release` and `verify` alike."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from dpgate.accounting.filter import Spend
from dpgate.errors import ChainError, SignatureError
from dpgate.gate.costing import from_record
from dpgate.ledger import envelope, statement
from dpgate.ledger.keys import PublicKey
from dpgate.ledger.roles import Keyring
from dpgate.loading.canonical import sha256
from dpgate.model.record import Document, PolicyApproval, ReleaseApproval, WaiverApproval


@dataclass(frozen=True, kw_only=True)
class Binding:
    """What an approval of a release must name, byte for byte."""

    root: str
    release: str
    policy_set: str
    manifest: str
    dataset: str
    cost: Spend
    """What one attempt costs; an approval must allow at least this at every order."""
    waivers: tuple[str, ...] = ()
    """Digests of the waivers that it uses; an approval must accept them all."""


@dataclass(frozen=True, kw_only=True)
class WaiverBinding:
    """What a signature under a waiver must name, byte for byte."""

    root: str
    waiver: str
    rule: str
    release: str
    policy_set: str
    expires: dt.date


@dataclass(frozen=True)
class Judgement:
    """Approvals that count, and those that do not."""

    signed: Mapping[str, frozenset[str]]
    """Fingerprints of the distinct keys that approved, by role."""
    counted: tuple[Document, ...]
    rejected: tuple[tuple[str, str], ...]
    """Path and reason."""


def judge_release(
    documents: Iterable[Document],
    binding: Binding,
    ring: Keyring,
    day: dt.date,
    used: Mapping[str, int],
) -> Judgement:
    """Judge approvals of a release.

    Args:
        documents: the approval files.
        binding: what they must name.
        ring: keys of the roles of the policy in force.
        day: the day on which they must be in force.
        used: attempts already made on each approval, by its digest.
    """

    def fault(document: Document, approval: object) -> tuple[str, str]:
        if not isinstance(approval, ReleaseApproval):
            return "", "it approves something else than a release"
        return approval.role, _release_fault(approval, binding, day, used.get(document.sha256, 0))

    def subjects(approval: object) -> dict[str, str]:
        assert isinstance(approval, ReleaseApproval)  # noqa: S101 - fault() saw to it
        return release_subjects(approval)

    return _judge(documents, ring, fault, subjects)


def judge_policy(
    documents: Iterable[Document],
    *,
    root: str | None,
    previous: str | None,
    adopted: str,
    ring: Keyring,
) -> Judgement:
    """Judge approvals of a policy, by the keys of the policy it replaces (the first: its own)."""

    def fault(_: Document, approval: object) -> tuple[str, str]:
        if not isinstance(approval, PolicyApproval):
            return "", "it approves something else than a policy"
        if approval.root != root:
            return approval.role, "it is for another repository"
        if approval.policy_set != adopted:
            return approval.role, "it approves another version of the policy"
        if approval.previous != previous:
            return approval.role, "it replaces another policy than the one in force"
        return approval.role, ""

    def subjects(approval: object) -> dict[str, str]:
        assert isinstance(approval, PolicyApproval)  # noqa: S101 - fault() saw to it
        return {"policy": approval.policy_set}

    return _judge(documents, ring, fault, subjects)


def judge_waiver(documents: Iterable[Document], binding: WaiverBinding, ring: Keyring) -> Judgement:
    """Judge signatures under a waiver. Whether they suffice, and the day, is judged by the caller.

    Args:
        documents: the signature files.
        binding: what they must name.
        ring: keys of the roles of the policy in force.
    """
    wanted = (
        ("is for another repository", "root"),
        ("was given for another release", "release"),
        ("was given for another rule", "rule"),
        ("was given under another version of the policy", "policy_set"),
        ("was given for another last day", "expires"),
        ("was given for another version of the waiver", "waiver"),
    )

    def fault(_: Document, approval: object) -> tuple[str, str]:
        if not isinstance(approval, WaiverApproval):
            return "", "it approves something else than a waiver"
        unlike = (words for words, at in wanted if getattr(approval, at) != getattr(binding, at))
        return approval.role, "".join(f"it {words}" for words in list(unlike)[:1])

    def subjects(approval: object) -> dict[str, str]:
        assert isinstance(approval, WaiverApproval)  # noqa: S101 - fault() saw to it
        return waiver_subjects(approval)

    return _judge(documents, ring, fault, subjects)


def waiver_subjects(approval: WaiverApproval) -> dict[str, str]:
    """What a signature under a waiver is about."""
    return {"waiver": approval.waiver}


def release_subjects(approval: ReleaseApproval) -> dict[str, str]:
    """What an approval of a release is about."""
    dataset = approval.release.split("/")[0]
    return {
        f"releases/{dataset}/dataset.yaml": approval.dataset,
        f"releases/{approval.release}/release.yaml": approval.manifest,
    }


def _release_fault(approval: ReleaseApproval, binding: Binding, day: dt.date, used: int) -> str:
    named = (
        approval.root,
        approval.release,
        approval.policy_set,
        approval.manifest,
        approval.dataset,
    )
    wanted = (binding.root, binding.release, binding.policy_set, binding.manifest, binding.dataset)
    what = ("repository", "release", "policy", "manifest", "dataset")
    for kind, given, needed in zip(what, named, wanted, strict=True):
        if given != needed:
            change = (
                "it is for another"
                if kind in ("repository", "release")
                else "it approved another version of the"
            )
            return f"{change} {kind}"
    if not set(binding.waivers) <= set(approval.waivers):
        return "the release uses a waiver that it does not accept"
    if day > approval.expires:
        return f"it expired on {approval.expires}"
    if used >= approval.attempts:
        return (
            f"its {approval.attempts} attempt{'s are' if approval.attempts > 1 else ' is'} used up"
        )
    return _cost_fault(approval, binding)


def _cost_fault(approval: ReleaseApproval, binding: Binding) -> str:
    allowed = from_record(approval.cost)
    if allowed.orders.keys() != binding.cost.orders.keys():
        return "it was given at other orders than the policy's"
    over = any(binding.cost.orders[order] > limit for order, limit in allowed.orders.items())
    if over or binding.cost.delta0 > allowed.delta0:
        return "the release now costs more than it allows"
    return ""


def _judge(
    documents: Iterable[Document],
    ring: Keyring,
    fault: Callable[[Document, object], tuple[str, str]],
    subjects: Callable[[object], dict[str, str]],
) -> Judgement:
    signed: dict[str, set[str]] = {}
    counted: list[Document] = []
    rejected: list[tuple[str, str]] = []
    for document in documents:
        try:
            sealed = envelope.parse(document.text.encode())
            parsed = statement.parse(sealed.payload, max_bytes=envelope.MAX_BYTES)
            role, reason = fault(document, parsed.predicate)
            if sha256(document.text.encode()) != document.sha256:
                reason = "its text does not match its recorded digest"  # attempts are counted by it
            if not reason and len(sealed.signatures) != 1:
                reason = "it holds more than one signature"  # in another order it would count anew
            if not reason and dict(parsed.subjects) != subjects(parsed.predicate):
                reason = "its subjects are not what it approves"
            if not reason and role not in ring:
                reason = f"the policy has no role {role}"
            keys = sealed.signers(ring[role]) if not reason else frozenset[PublicKey]()
        except (SignatureError, ChainError) as error:
            reason, keys, role = error.message, frozenset[PublicKey](), ""
        if reason:
            rejected.append((document.path, reason))
            continue
        counted.append(document)
        signed.setdefault(role, set()).update(key.fingerprint for key in keys)
    return Judgement(
        {role: frozenset(keys) for role, keys in signed.items()}, tuple(counted), tuple(rejected)
    )
