"""`ledger explain`: the arithmetic of one entry, from parameters to the ε of each scope."""

from __future__ import annotations

from pathlib import Path

from dpgate.accounting.filter import convert, epsilon
from dpgate.errors import UsageError
from dpgate.gate import consent_kept
from dpgate.gate.costing import from_record
from dpgate.gate.ledger import summary
from dpgate.gate.ledger_results import ExplainResult, Term
from dpgate.gate.opening import OpenLedger
from dpgate.gate.standing import open_signed
from dpgate.gate.waivers_kept import waivers_of
from dpgate.gate.workspace import workspace
from dpgate.model.event import ADAPTIVE, Event
from dpgate.model.policy import PrivacyPolicy
from dpgate.model.record import Reserve, Sample, Settle
from dpgate.model.values import plain, plus_bits, short
from dpgate.model.waiver import Waiver


def explain(entry: int, repo: Path | str = ".", *, offline: bool = False) -> ExplainResult:
    """Explain one entry of the ledger.

    Args:
        entry: its number.
        repo: a release repository, or a folder in it.
        offline: the ledger as this clone last fetched it.

    Raises:
        UsageError: there is no such entry.
    """
    ledger = open_signed(workspace(Path(repo)), offline=offline)
    links = ledger.chain.links
    if not 1 <= entry <= len(links):
        raise UsageError(f"there is no entry {entry}", fix=f"entries: 1 to {len(links)}")
    link = links[entry - 1]
    kind, release, text = summary(link)
    terms = [
        Term(label="digest", value=link.digest),
        Term(label="time (UTC)", value=link.entry.time),
    ]
    if isinstance(link.entry, Reserve):
        terms += _reserve(link.entry, ledger)
    if isinstance(link.entry, Settle):
        terms += _settle(link.entry, ledger)
    if isinstance(link.entry, Sample):
        terms += _sample(link.entry, ledger)
    return ExplainResult(
        entry=entry, title=f"{kind} {release}".strip() + f": {text}", terms=tuple(terms)
    )


def _settle(entry: Settle, ledger: OpenLedger) -> list[Term]:
    _, paid = ledger.chain.reserve(entry.reserve)
    terms = [("paid for by", f"entry {paid.sequence}"), ("outcome", entry.outcome)]
    terms += [(artifact.name, artifact.sha256) for artifact in entry.artifacts]
    return [Term(label=label, value=value) for label, value in terms]


def _sample(entry: Sample, ledger: OpenLedger) -> list[Term]:
    chain = ledger.chain
    _, paid = chain.reserve(entry.reserve)
    settle = chain.settles[entry.reserve][1]
    bits = plus_bits(paid.claim.unprotected_bits)
    alone = f"ε {plain(paid.claim.epsilon)}{bits} at δ={short(paid.claim.delta)}"
    called_back = chain.withdrawn(entry.release)
    stands = "yes"
    if called_back is not None:
        stands = f"no: called back with its release by entry {called_back.sequence}"
    terms = [
        ("what it cost", "nothing: no data was opened; rows follow from a model that was paid for"),
        ("the model", f"{entry.model}, released by entry {settle.sequence}"),
        ("paid for by", f"entry {paid.sequence}: {alone}"),
        ("conditions", " and ".join(map(str, entry.draw.where)) or "none"),
        ("balanced over", str(entry.draw.balance) if entry.draw.balance else "nothing"),
        ("recipients", ", ".join(entry.recipients)),
        ("stands", stands),
    ]
    terms += [(artifact.name, artifact.sha256) for artifact in entry.artifacts]
    return [Term(label=label, value=value) for label, value in terms]


def _reserve(entry: Reserve, ledger: OpenLedger) -> list[Term]:
    policy = ledger.policy
    terms = consent_kept.terms(entry)
    terms += [_waiver(waiver) for waiver in waivers_of(entry)]
    terms += [_event(event) for event in entry.events]
    claim, bits = entry.claim, plus_bits(entry.claim.unprotected_bits)
    alone = f"ε {plain(claim.epsilon)}{bits} at δ={short(claim.delta)}, one {claim.unit}, {claim.relation}"
    terms += _resumed(entry, ledger)
    of = (
        "of the whole training, over its attempts" if entry.resumes else "alone, composed by OpenDP"
    )
    terms.append(Term(label=of, value=alone))
    person = f"ε {plain(claim.person_epsilon)}{bits} at δ={short(policy.spec.accounting.delta)}"
    terms.append(Term(label=f"a person with {claim.rows_per_person} rows", value=person))
    terms += [
        Term(label=f"Rényi divergence at order {order}", value=plain(value))
        for order, value in from_record(entry.spend).orders.items()
    ]
    for key in entry.sums:
        terms += _sum(key, entry, policy)
    return terms


def _resumed(entry: Reserve, ledger: OpenLedger) -> list[Term]:
    """What an attempt goes on from: its events above are those that were left."""
    if entry.resumes is None:
        return []
    _, before = ledger.chain.reserve(entry.resumes.reserve)
    value = f"the training of entry {before.sequence}, after {entry.resumes.steps} of its steps"
    return [Term(label="resumes", value=value)]


def _waiver(waiver: Waiver) -> Term:
    spec = waiver.spec
    told = f"rule {spec.rule}, ticket {spec.ticket}, until {spec.expires}: {spec.reason}"
    return Term(label=f"with waiver {waiver.metadata.name}", value=told)


def _event(event: Event) -> Term:
    kind = {"laplace": "ε", "sampled-gaussian": "curve"}.get(event.mechanism, "ρ")
    runs = "up to " if event.mechanism in ADAPTIVE else ""
    distance = f"Δ²={plain(event.sensitivity_squared)}, scale {plain(event.scale)}"
    loss = f"{kind} {plain(event.loss)}" if event.loss else "loss by its curve"
    return Term(
        label=f"{event.name} ({event.mechanism} × {runs}{event.times})",
        value=f"{distance}: {loss}, proof {event.proof}",
    )


def _sum(key: str, entry: Reserve, policy: PrivacyPolicy) -> list[Term]:
    accounting = policy.spec.accounting
    after = from_record(entry.sums[key])
    share = (accounting.delta - after.delta0) / len(accounting.orders)
    best = min(accounting.orders, key=lambda order: convert(after.orders[order], order, share))
    total = plain(after.orders[best])
    way = f"order {best} at δ/{len(accounting.orders)}: {total} → ε {plain(epsilon(after, accounting.delta))}"
    return [Term(label=f"after it, {key}", value=way)]
