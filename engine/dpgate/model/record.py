"""Records: what the ledger says, one predicate per kind of entry, and approvals.

Each is the predicate of an in-toto Statement v1. Decimals are strings of plain digits; times are
UTC hours; nothing here depends on the size of the private data.
"""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal

from pydantic import AfterValidator, Field, StrictInt, model_validator

from dpgate.model.draw import Draw
from dpgate.model.event import Event
from dpgate.model.values import (
    ColumnName,
    Date,
    Digest,
    Frozen,
    Hour,
    Name,
    Recorded,
    Region,
    Relation,
    ReleaseId,
    Text,
    printable,
)

Login = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,99}(\[bot\])?$")]
"""Name of a GitHub account."""

Order = Annotated[str, Field(pattern=r"^[1-9][0-9]{0,3}$")]


class Document(Frozen):
    """A document as it was, whole, so that history can be judged without Git history."""

    path: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._/-]{0,300}$")]
    sha256: Digest
    text: Annotated[str, Field(max_length=300_000)]


class Spend(Frozen):
    """A privacy loss: Rényi divergence at each order of the filter, and δ used up."""

    curve: dict[Order, Recorded]
    delta0: Recorded


class Facts(Frozen):
    """What budgets, and rules of later releases, need to know of a release."""

    populations: Annotated[tuple[Name, ...], Field(min_length=1)]
    """The dataset's own first, then those that share people with it: all are charged."""
    type: Name
    """Type of release: `synthetic` or `statistics`."""
    purpose: Name
    recipients: tuple[Name, ...]
    sensitivities: tuple[Name, ...]
    groups: tuple[Name, ...]
    """Column groups."""
    regions: tuple[Region, ...]
    columns: tuple[ColumnName, ...]
    """Columns that recipients get, or learn numbers about."""
    quasi_identifiers: tuple[ColumnName, ...]
    """Those of them by which people can be found in other data."""


def _empty(value: object) -> bool:
    """Left out of a record: entries made before there was such a field keep their one form."""
    return not value


class Claim(Frozen):
    """What the release states about itself."""

    epsilon: Recorded
    """ε of all its events together, composed by OpenDP, at `delta`."""
    delta: Recorded
    relation: Relation
    unit: Name
    """What one protected row is."""
    rows_per_person: StrictInt
    person_epsilon: Recorded
    """ε for a person with that many rows, by group privacy, at the policy's δ."""
    unprotected_bits: Annotated[StrictInt, Field(ge=0, le=100, exclude_if=_empty)] = 0
    """Bits that thresholds without noise let out, one each. No ε covers them. Absent where there are
    none."""


def _line(text: str) -> str:
    if not printable(text):  # it is shown on terminals for ever
        raise ValueError("a reason is one line of printable characters")
    return text


Reason = Annotated[Text, AfterValidator(_line)]
"""Why somebody did what they did, in a line for people."""

Nonce = Annotated[str, Field(pattern=r"^[0-9a-f]{32}$")]
"""128 random bits."""


class _Entry(Frozen):
    """What every ledger entry carries."""

    sequence: Annotated[StrictInt, Field(ge=1)]
    previous: Digest | None
    """Digest of the entry before; null in the first."""
    root: Digest | None
    """Digest of entry 1, the identity of this repository; null in entry 1 itself."""
    time: Hour
    policy_set: Digest
    """The policy this entry stands under (or, when adopting, the one adopted)."""


class Genesis(_Entry):
    """Entry 1: the first policy."""

    TYPE: ClassVar[str] = "https://dpgate.dev/ledger/genesis/v1"
    nonce: Nonce
    documents: Annotated[tuple[Document, ...], Field(min_length=1, max_length=1)]
    approvals: Annotated[tuple[Document, ...], Field(max_length=100)]


class PolicyAdopted(_Entry):
    """A change of policy, keys or roles."""

    TYPE: ClassVar[str] = "https://dpgate.dev/ledger/policy-adopted/v1"
    documents: Annotated[tuple[Document, ...], Field(min_length=1, max_length=1)]
    approvals: Annotated[tuple[Document, ...], Field(max_length=100)]


class Reviewed(Frozen):
    """Reviews that the runner says it saw on GitHub.

    Information: no record can show it again, and nobody but the runner vouches for it.
    """

    repository: Annotated[str, Field(pattern=r"^[A-Za-z0-9_.-]{1,100}/[A-Za-z0-9_.-]{1,100}$")]
    """``owner/name``."""
    pull: Annotated[StrictInt, Field(ge=1)]
    """Number of the pull request that brought the manifest."""
    reviewers: Annotated[tuple[Login, ...], Field(min_length=1, max_length=100)]
    """Who approved these very bytes of manifest and dataset."""


class Resumes(Frozen):
    """What an attempt goes on from: a checkpoint of one that did not end well."""

    reserve: Digest
    """The reservation whose training it goes on with; each is resumed once."""
    steps: Annotated[StrictInt, Field(ge=0, le=10**6)]
    """Steps of that reservation that the checkpoint holds; the others are charged here anew."""


def _absent(value: object) -> bool:
    """Left out of a record where there is none."""
    return value is None


class Reserve(_Entry):
    """The worst-case cost of one attempt, charged before the data is opened."""

    TYPE: ClassVar[str] = "https://dpgate.dev/ledger/reserve/v1"
    nonce: Nonce
    """Signatures and hours repeat: without it two runners with one key could make the very same
    reservation, and each take it for its own."""
    release: ReleaseId
    attempt: Annotated[StrictInt, Field(ge=1)]
    facts: Facts
    documents: Annotated[tuple[Document, ...], Field(min_length=2, max_length=2)]
    """Manifest and dataset, in this order."""
    approvals: Annotated[tuple[Document, ...], Field(max_length=100)]
    """Approvals, what authors signed, and refusals that were taken back by an approval here."""
    reviewed: Annotated[tuple[Reviewed, ...], Field(max_length=100, exclude_if=_empty)] = ()
    """One for each rule of the policy that demands reviews on GitHub, in its order.
    Absent where there is none."""
    waivers: Annotated[tuple[Document, ...], Field(max_length=400, exclude_if=_empty)] = ()
    """The waivers that it uses, each followed by its signatures. Absent where there are none."""
    resumes: Annotated[Resumes | None, Field(exclude_if=_absent)] = None
    """Absent where it begins anew. Its events are those that are left, and its claim is that of the
    whole training, as the first of its attempts made it."""
    events: Annotated[tuple[Event, ...], Field(min_length=1, max_length=1_000)]
    spend: Spend
    claim: Claim
    sums: dict[Text, Spend]
    """Every budget scope this touches, and its sum after this entry."""


class Artifact(Frozen):
    """A file of the release, by digest."""

    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,100}$")]
    sha256: Digest
    sealed: bool = False
    """Encrypted to the stewards; never part of the release."""


Outcome = Literal["released", "gate-failed", "failed", "abandoned"]
"""All are spent. `failed`: an error after the data was opened. `abandoned`: the run died, and the
reservation was closed afterwards; it can never be settled as released."""


class Settle(_Entry):
    """How an attempt ended."""

    TYPE: ClassVar[str] = "https://dpgate.dev/ledger/settle/v1"
    release: ReleaseId
    reserve: Digest
    """The reservation it closes."""
    outcome: Outcome
    evidence: Annotated[tuple[dict[str, Any], ...], Field(max_length=1_000)]
    artifacts: Annotated[tuple[Artifact, ...], Field(max_length=1_000)]

    @model_validator(mode="after")
    def _artifacts_only_if_released(self) -> Settle:
        if bool([a for a in self.artifacts if not a.sealed]) != (self.outcome == "released"):
            raise ValueError("artifacts go with the outcome released, and with no other")
        return self


class Withdraw(_Entry):
    """A release is called back: recipients are to delete it. Its cost stays spent."""

    TYPE: ClassVar[str] = "https://dpgate.dev/ledger/withdraw/v1"
    release: ReleaseId
    reserve: Digest
    """The reservation that paid for it."""
    reason: Reason


class Sample(_Entry):
    """Rows drawn again from the model that a release kept. Nothing is spent: no data is opened."""

    TYPE: ClassVar[str] = "https://dpgate.dev/ledger/sample/v1"
    nonce: Nonce
    """Tells two draws of the same kind apart."""
    release: ReleaseId
    reserve: Digest
    """The reservation that paid for the model."""
    settle: Digest
    """The settlement that released it."""
    model: Digest
    """The file of the model, as it was settled."""
    recipients: tuple[Name, ...]
    """Those of the release, under its terms."""
    draw: Draw
    artifacts: Annotated[tuple[Artifact, ...], Field(min_length=1, max_length=100)]


class ReleaseApproval(Frozen):
    """One role's consent to one release, bound to exact digests (the statement's subjects)."""

    TYPE: ClassVar[str] = "https://dpgate.dev/approval/release/v1"
    root: Digest
    release: ReleaseId
    role: Name
    policy_set: Digest
    manifest: Digest
    dataset: Digest
    cost: Spend
    """The most that one attempt may cost, at the policy's orders."""
    attempts: Annotated[StrictInt, Field(ge=1, le=100)]
    expires: Date
    """The last day it counts, in the policy's time zone."""
    nonce: Nonce
    """Makes each approval a permission of its own, even if everything else is the same."""
    waivers: Annotated[tuple[Digest, ...], Field(max_length=100, exclude_if=_empty)] = ()
    """The waivers that it accepts, by digest, in order; the release may use these and no others.
    Absent where there are none."""
    lifts: Annotated[tuple[Digest, ...], Field(max_length=20, exclude_if=_empty)] = ()
    """Refusals by the same key that this takes back, by the digests of their files."""


class WaiverApproval(Frozen):
    """One role's consent to a waiver, bound to its exact bytes (the statement's subject)."""

    TYPE: ClassVar[str] = "https://dpgate.dev/approval/waiver/v1"
    root: Digest
    waiver: Digest
    rule: Name
    release: ReleaseId
    role: Name
    policy_set: Digest
    """The policy whose rule it is: another policy needs new consent."""
    expires: Date
    """The waiver's own last day, in the policy's time zone."""
    nonce: Nonce


class PolicyApproval(Frozen):
    """One role's consent to a policy."""

    TYPE: ClassVar[str] = "https://dpgate.dev/approval/policy/v1"
    root: Digest | None
    """null: for the first policy."""
    role: Name
    previous: Digest | None
    """Ledger entry that adopted the policy it replaces; null for the first. An entry and not a
    policy, so that consent to a change counts once, even if the change is undone later."""
    policy_set: Digest
    lifts: Annotated[tuple[Digest, ...], Field(max_length=20, exclude_if=_empty)] = ()
    """Refusals by the same key that this takes back, by the digests of their files."""


class ReleaseRefusal(Frozen):
    """One key's No to one release; it holds for exactly these bytes, under whatever policy.

    It ends when they change, when the key loses its role, or when an approval by the same key that
    counts `lifts` it. Nothing depends on which came first.
    """

    TYPE: ClassVar[str] = "https://dpgate.dev/refusal/release/v1"
    root: Digest
    release: ReleaseId
    role: Name
    manifest: Digest
    dataset: Digest
    reason: Reason
    nonce: Nonce
    """Makes each refusal one of its own: an approval that lifted an earlier one does not lift it."""


class PolicyRefusal(Frozen):
    """One key's No to a policy."""

    TYPE: ClassVar[str] = "https://dpgate.dev/refusal/policy/v1"
    root: Digest | None
    role: Name
    previous: Digest | None
    policy_set: Digest
    reason: Reason
    nonce: Nonce


class Authorship(Frozen):
    """Whoever signs this wrote the manifest, and so approves nothing of it."""

    TYPE: ClassVar[str] = "https://dpgate.dev/authorship/release/v1"
    root: Digest
    release: ReleaseId
    role: Name
    manifest: Digest
    dataset: Digest


Entry = Genesis | PolicyAdopted | Reserve | Settle | Withdraw | Sample
Approval = ReleaseApproval | PolicyApproval | WaiverApproval
Consent = Approval | ReleaseRefusal | PolicyRefusal | Authorship
"""What people sign, beside the ledger."""
Predicate = Entry | Consent
PREDICATES: dict[str, type[Predicate]] = {
    kind.TYPE: kind
    for kind in (
        Genesis,
        PolicyAdopted,
        Reserve,
        Settle,
        Withdraw,
        Sample,
        ReleaseApproval,
        PolicyApproval,
        WaiverApproval,
        ReleaseRefusal,
        PolicyRefusal,
        Authorship,
    )
}
