"""Which waivers are in force. One function decides, for `check`, `plan`, `release` and `verify`.

A waiver sets one soft rule aside for one release. What it does to a finding is decided in
`dpgate.policy.enforcement`; here is decided whether it may. Nothing here does I/O.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Literal, cast

from dpgate.ledger.roles import Keyring
from dpgate.loading.documents import Loaded
from dpgate.model.policy import PrivacyPolicy
from dpgate.model.record import Document
from dpgate.model.values import counted
from dpgate.model.waiver import Waiver
from dpgate.policy.approvals import missing

if TYPE_CHECKING:
    from dpgate.gate.approvals import Judgement

State = Literal["in-force", "claimed", "unsigned", "expired", "refused"]
"""`claimed`: nothing speaks against it, and its signatures were not judged (`check` has no ledger)."""


@dataclass(frozen=True)
class Offer:
    """A waiver as it lies in a work tree or in a record."""

    file: Loaded
    signatures: tuple[Document, ...]

    @property
    def waiver(self) -> Waiver:
        """The document."""
        return cast("Waiver", self.file.document)

    @property
    def name(self) -> str:
        """Its name, that of its file."""
        return self.waiver.metadata.name


def unsigned(files: Mapping[str, Loaded]) -> tuple[Offer, ...]:
    """Waivers of a work tree without their signatures, which only a ledger can judge."""
    return tuple(Offer(file, ()) for _, file in sorted(files.items()))


@dataclass(frozen=True, kw_only=True)
class Ground:
    """What waivers are judged by.

    Attributes:
        policy: the policy in force.
        day: in the policy's time zone.
        ring: the keys of its roles.
        root: the repository's; None where no ledger is at hand, so that no signature can be judged.
        policy_set: digest of the policy in force.
    """

    policy: PrivacyPolicy
    day: dt.date
    ring: Keyring = field(default_factory=dict)
    root: str | None = None
    policy_set: str = ""


@dataclass(frozen=True, kw_only=True)
class Decided:
    """A waiver, and whether it is in force."""

    offer: Offer
    state: State
    why: str = ""
    """Why it is not in force."""
    lacking: Mapping[str, int] = field(default_factory=dict)
    """Roles that have still to sign, and by how many keys."""
    counted: tuple[Document, ...] = ()
    """Signatures that count."""
    rejected: tuple[tuple[str, str], ...] = ()
    """Path and reason of those that do not."""

    def __bool__(self) -> bool:
        return self.state in ("in-force", "claimed")

    @property
    def waiver(self) -> Waiver:
        """The document."""
        return self.offer.waiver

    @property
    def rule(self) -> str:
        """The rule that it sets aside."""
        return self.waiver.spec.rule

    @property
    def path(self) -> str:
        """Where its document lies."""
        return self.offer.file.file


def decide(offers: Iterable[Offer], release: str, ground: Ground) -> tuple[Decided, ...]:
    """Decide which waivers are in force for a release.

    Args:
        offers: waivers with their signatures, those of other releases among them.
        release: ``dataset/release``.
        ground: what they are judged by.

    Returns:
        One decision for each waiver of this release, in the order given. Of several for one rule
        the first is in force; where more are in force than the policy allows, none is.
    """
    found: list[Decided] = []
    for offer in offers:
        if offer.waiver.spec.release != release:
            continue
        each = _one(offer, ground)
        twin = next((d for d in found if d and d.rule == each.rule), None)
        if each and twin is not None:
            why = f"{twin.path} is in force for the same rule"
            each = Decided(offer=offer, state="refused", why=why)
        found.append(each)
    return _few_enough(found, ground.policy)


def _one(offer: Offer, ground: Ground) -> Decided:
    spec, rules = offer.waiver.spec, ground.policy.spec.waivers
    if rules is None:
        return Decided(
            offer=offer, state="refused", why="the policy in force admits no waivers (spec.waivers)"
        )
    if ground.day > spec.expires:
        return Decided(offer=offer, state="expired", why=f"it expired on {spec.expires}")
    if (spec.expires - ground.day).days > rules.days_at_most:
        why = (
            f"it expires on {spec.expires}, more than the {rules.days_at_most} days ahead that the "
            "policy allows"
        )
        return Decided(offer=offer, state="refused", why=why)
    if ground.root is None:
        return Decided(offer=offer, state="claimed")
    return _signed(offer, ground, ground.root, rules.roles)


def _signed(offer: Offer, ground: Ground, root: str, roles: Sequence[str]) -> Decided:
    # Here, since `check` has no signatures to judge, and starts faster without.
    from dpgate.gate.approvals import WaiverBinding, judge_waiver

    spec = offer.waiver.spec
    binding = WaiverBinding(
        root=root,
        waiver=offer.file.digest,
        rule=spec.rule,
        release=spec.release,
        policy_set=ground.policy_set,
        expires=spec.expires,
    )
    judgement = judge_waiver(offer.signatures, binding, ground.ring)
    lacking = missing(ground.policy, roles, judgement.signed)
    if lacking:
        why = _unsigned(lacking, judgement)
        return Decided(offer=offer, state="unsigned", why=why, lacking=lacking)
    return Decided(
        offer=offer, state="in-force", counted=judgement.counted, rejected=judgement.rejected
    )


def _unsigned(lacking: Mapping[str, int], judgement: Judgement) -> str:
    needed = ", ".join(f"{number} {role}" for role, number in lacking.items())
    unfit = "".join(f"; {path} does not count: {why}" for path, why in judgement.rejected[:3])
    return f"{needed} signature{'s' * (sum(lacking.values()) > 1)} missing{unfit}"


def _few_enough(found: Sequence[Decided], policy: PrivacyPolicy) -> tuple[Decided, ...]:
    """More than the policy allows for one release: none is better than the others."""
    number = sum(map(bool, found))
    most = policy.spec.waivers.at_most if policy.spec.waivers else 0
    if number <= most:
        return tuple(found)
    why = (
        f"{counted(number, 'waiver')} would be in force for this release; the policy allows {most}"
    )
    return tuple(
        replace(each, state="refused", why=why, counted=()) if each else each for each in found
    )
