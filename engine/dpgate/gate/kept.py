"""Releases that kept their model, as the ledger has them."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from dpgate.errors import UsageError
from dpgate.gate import entries, samples
from dpgate.gate.opening import loaded_document
from dpgate.gate.waivers_kept import waivers_of
from dpgate.gate.workspace import Case, now, policy_of
from dpgate.ledger.chain import Chain, Link
from dpgate.model.record import Reserve, Sample, Settle
from dpgate.model.release import Synthesize


@dataclass(frozen=True, kw_only=True)
class Kept:
    """A release that kept its model, as the ledger has it."""

    reserve: Link
    paid: Reserve
    settled: Link
    settle: Settle
    case: Case
    synthesize: Synthesize
    model: str
    """Digest of the model's file."""
    delta: Decimal
    """δ of the policy, at which the claim states a person's ε."""


def find(chain: Chain, record: str) -> Kept:
    """The release that a name, a number or a digest means.

    Raises:
        UsageError: there is none from which rows may be drawn.
    """
    release = _named(chain, record)
    called_back = chain.withdrawn(release)
    if called_back is not None:
        raise UsageError(
            f"{release} was withdrawn by entry {called_back.sequence}: {called_back.reason}",
            fix="a withdrawn release cannot be sampled from; make a new one",
        )
    done = chain.released(release)
    if done is None:
        raise UsageError(f"{release} was never released", fix="see: dpgate ledger show")
    paid, settle = done
    reserve, _ = chain.reserve(settle.reserve)
    model = samples.kept_model(settle)
    manifest, dataset = (loaded_document(document) for document in paid.documents)
    case = Case(release, dataset, manifest, waivers_of(paid))
    synthesize = case.release.spec.synthesize
    if model is None or synthesize is None:
        raise UsageError(
            f"{release} kept no model",
            fix="a manifest that says synthesize: {keep_model: true} keeps it when it is released",
        )
    policy = policy_of(loaded_document(chain.policy_at(paid.sequence)))
    hour = str(entries.header(chain, now())["time"])
    if samples.expired(case, policy, hour):
        until = case.release.spec.retention.expires
        raise UsageError(
            f"recipients may hold {release} until {until}, which is over",
            fix="a new release is a new manifest under a new name",
        )
    settled = chain.settles[reserve.digest][0]
    return Kept(
        reserve=reserve,
        paid=paid,
        settled=settled,
        settle=settle,
        case=case,
        synthesize=synthesize,
        model=model,
        delta=policy.spec.accounting.delta,
    )


def _named(chain: Chain, record: str) -> str:
    """The release that a record is about."""
    text = record.strip("/").removeprefix("releases/").removesuffix("/release.yaml")
    digits = text.removeprefix("sha256:").rstrip("…")
    found: list[Link] = []
    if text.isdecimal() and len(text) < 10:
        found = [link for link in chain.links if link.entry.sequence == int(text)]
    elif "/" not in text and len(digits) >= 12:
        found = [link for link in chain.links if link.digest[7:].startswith(digits)]
    elif "/" in text:
        return text
    about = {
        link.entry.release for link in found if isinstance(link.entry, Reserve | Settle | Sample)
    }
    if len(about) != 1:
        raise UsageError(
            f"{record} names no release",
            fix="RECORD is dataset/release, or the number or digest of an entry that settled one",
        )
    return about.pop()
