"""Which approvals, refusals and authors' signatures count.

One function decides for releases, for `plan`, `release` and `verify` alike, and one for policies.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from dpgate.accounting.filter import Spend
from dpgate.gate.costing import from_record
from dpgate.gate.statements import Rejection, Signed, read
from dpgate.ledger.roles import Keyring
from dpgate.model.policy import Separation
from dpgate.model.record import (
    Approval,
    Authorship,
    Consent,
    Document,
    PolicyApproval,
    PolicyRefusal,
    ReleaseApproval,
    ReleaseRefusal,
    WaiverApproval,
)


@dataclass(frozen=True, kw_only=True)
class Binding:
    """What an approval of a release must name, byte for byte."""

    root: str
    release: str
    policy_set: str
    manifest: str
    dataset: str
    cost: Spend | None
    """What one attempt costs; an approval must allow at least this at every order. None where a rule
    denies it before anything is planned: then only refusals are judged."""
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
class Refused:
    """A refusal that is in force."""

    role: str
    key: str
    """Fingerprint."""
    path: str
    sha256: str
    reason: str


@dataclass(frozen=True)
class Until:
    """The last day on which one key's approval counts."""

    role: str
    key: str
    path: str
    day: dt.date


@dataclass(frozen=True)
class Judgement:
    """What counts, what stands against it, and what does not count."""

    signed: Mapping[str, frozenset[str]]
    """Fingerprints of the distinct keys that approved, by role."""
    counted: tuple[Document, ...]
    """What a record embeds: approvals, authors' signatures, and refusals that were taken back."""
    rejected: tuple[Rejection, ...]
    """Path and reason."""
    refused: tuple[Refused, ...] = ()
    """Refusals in force. While there is one, there is no release and no adoption."""
    authors: frozenset[str] = frozenset()
    """Fingerprints of the keys that signed as the author."""
    until: tuple[Until, ...] = ()
    """When the approvals expire."""


def judge_release(
    documents: Iterable[Document],
    binding: Binding,
    ring: Keyring,
    day: dt.date,
    used: Mapping[str, int],
    separation: Separation | None = None,
) -> Judgement:
    """Judge what was signed about a release.

    Args:
        documents: the files beside the manifest, or those that a record embeds.
        binding: what they must name.
        ring: keys of the roles of the policy in force.
        day: the day on which they must be in force.
        used: attempts already made on each approval, by its digest.
        separation: the policy's; says who may sign as the author.
    """

    def fault(document: Document, predicate: object) -> str:
        if not isinstance(predicate, ReleaseApproval | ReleaseRefusal | Authorship):
            return "it approves something else than a release"
        reason = _elsewhere(predicate, binding)
        if reason:
            return reason
        if isinstance(predicate, ReleaseApproval):
            return _approval_fault(predicate, binding, day, used.get(document.sha256, 0))
        may = separation is None or predicate.role in separation.authors
        if isinstance(predicate, Authorship) and not may:
            return f"role {predicate.role} may not sign as the author"
        return ""

    return _weighed(*read(documents, ring, fault, subjects))


def judge_policy(
    documents: Iterable[Document],
    *,
    root: str | None,
    previous: str | None,
    adopted: str,
    ring: Keyring,
) -> Judgement:
    """Judge what was signed about a policy, by the keys of the policy it replaces (the first: its own)."""

    def fault(_: Document, predicate: object) -> str:
        if not isinstance(predicate, PolicyApproval | PolicyRefusal):
            return "it approves something else than a policy"
        does = "approves" if isinstance(predicate, PolicyApproval) else "refuses"
        if predicate.root != root:
            return "it is for another repository"
        if predicate.policy_set != adopted:
            return f"it {does} another version of the policy"
        if predicate.previous != previous:
            return "it replaces another policy than the one in force"
        return ""

    return _weighed(*read(documents, ring, fault, subjects))


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

    def fault(_: Document, predicate: object) -> str:
        if not isinstance(predicate, WaiverApproval):
            return "it approves something else than a waiver"
        unlike = (words for words, at in wanted if getattr(predicate, at) != getattr(binding, at))
        return "".join(f"it {words}" for words in list(unlike)[:1])

    return _weighed(*read(documents, ring, fault, subjects))


def subjects(predicate: Consent) -> dict[str, str]:
    """What a statement that people sign is about, by digest."""
    if isinstance(predicate, WaiverApproval):
        return {"waiver": predicate.waiver}
    if isinstance(predicate, PolicyApproval | PolicyRefusal):
        return {"policy": predicate.policy_set}
    dataset = predicate.release.split("/")[0]
    return {
        f"releases/{dataset}/dataset.yaml": predicate.dataset,
        f"releases/{predicate.release}/release.yaml": predicate.manifest,
    }


def _elsewhere(predicate: ReleaseApproval | ReleaseRefusal | Authorship, binding: Binding) -> str:
    """Why a statement is about something else than this release as it stands; empty if it is not.

    A refusal and an author's signature hold under whatever policy: they bind no policy.
    """
    if predicate.root != binding.root:
        return "it is for another repository"
    if predicate.release != binding.release:
        return "it is for another release"
    did = {ReleaseApproval: "approved", ReleaseRefusal: "refused"}.get(type(predicate), "is for")
    if isinstance(predicate, ReleaseApproval) and predicate.policy_set != binding.policy_set:
        return f"it {did} another version of the policy"
    if predicate.manifest != binding.manifest:
        return f"it {did} another version of the manifest"
    if predicate.dataset != binding.dataset:
        return f"it {did} another version of the dataset"
    return ""


def _approval_fault(approval: ReleaseApproval, binding: Binding, day: dt.date, used: int) -> str:
    if not set(binding.waivers) <= set(approval.waivers):
        return "the release uses a waiver that it does not accept"
    if day > approval.expires:
        return f"it expired on {approval.expires}"
    if used >= approval.attempts:
        return (
            f"its {approval.attempts} attempt{'s are' if approval.attempts > 1 else ' is'} used up"
        )
    return _cost_fault(approval, binding.cost) if binding.cost else ""


def _cost_fault(approval: ReleaseApproval, cost: Spend) -> str:
    allowed = from_record(approval.cost)
    if allowed.orders.keys() != cost.orders.keys():
        return "it was given at other orders than the policy's"
    over = any(cost.orders[order] > limit for order, limit in allowed.orders.items())
    if over or cost.delta0 > allowed.delta0:
        return "the release now costs more than it allows"
    return ""


def _weighed(statements: tuple[Signed, ...], rejected: tuple[Rejection, ...]) -> Judgement:
    """Hold statements that are all in order against each other; their order decides nothing."""
    authors = frozenset(s.key for s in statements if isinstance(s.predicate, Authorship))
    given = [(s, s.predicate) for s in statements if isinstance(s.predicate, Approval)]
    own = [s for s, _ in given if s.key in authors]
    approvals = [(s, approval) for s, approval in given if s.key not in authors]
    lifted = {
        (s.key, digest)
        for s, approval in approvals
        if not isinstance(approval, WaiverApproval)
        for digest in approval.lifts
    }
    signed: dict[str, set[str]] = {}
    for s, _ in approvals:
        signed.setdefault(s.predicate.role, set()).add(s.key)
    refused = tuple(
        Refused(
            role=s.predicate.role, key=s.key, reason=s.predicate.reason,
            path=s.document.path, sha256=s.document.sha256,
        )
        for s in statements
        if isinstance(s.predicate, ReleaseRefusal | PolicyRefusal)
        and (s.key, s.document.sha256) not in lifted
    )  # fmt: skip
    left_out = {s.document.sha256 for s in own} | {r.sha256 for r in refused}
    return Judgement(
        signed={role: frozenset(keys) for role, keys in signed.items()},
        counted=tuple(s.document for s in statements if s.document.sha256 not in left_out),
        rejected=(*rejected, *((s.document.path, _OWN) for s in own)),
        refused=refused,
        authors=authors,
        until=tuple(
            Until(approval.role, s.key, s.document.path, approval.expires)
            for s, approval in approvals
            if isinstance(approval, ReleaseApproval)
        ),
    )


_OWN = "its key signed as the author of this manifest"
