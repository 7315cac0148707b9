"""The history of a case: a ledger in memory, of entries like those that a gate would have written.

Costs are planned by the same code, entries are of the same kinds, and the same chain and the same
past answer for them; only nobody signed them, and they are never written anywhere.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass

from dpgate.gate.costing import to_record
from dpgate.gate.entries import header
from dpgate.gate.past import ChainPast, Past
from dpgate.gate.standing import Standing
from dpgate.gate.trial import Costs
from dpgate.gate.workspace import POLICY_PATH, Case, policy_of, policy_set
from dpgate.ledger import envelope
from dpgate.ledger.chain import Chain, Link, file_name, link_up, subjects
from dpgate.ledger.statement import statement
from dpgate.loading.canonical import sha256
from dpgate.loading.documents import Loaded
from dpgate.model.policy import PrivacyPolicy
from dpgate.model.record import (
    Artifact,
    Document,
    Entry,
    Genesis,
    Outcome,
    Reserve,
    Settle,
    Withdraw,
)
from dpgate.policy.facts import facts_of, zone_of

_EARLIER_HOUR = 9
CASE_HOUR = 12
"""Hours of the day: what came before on the same day came before."""
_NONCE = "0" * 32
_MADE = sha256(b"")


@dataclass(frozen=True)
class Made:
    """An earlier release."""

    case: Case
    day: dt.date
    outcome: str
    """One of `model.record.Outcome`, or `withdrawn`."""


def moment(policy: PrivacyPolicy, day: dt.date, hour: int = CASE_HOUR) -> dt.datetime:
    """An hour of a day in the policy's time zone."""
    return dt.datetime(day.year, day.month, day.day, hour, tzinfo=zone_of(policy))


def standing(policy_file: Loaded, earlier: Iterable[Made], costs: Costs) -> Standing:
    """Where a plan starts from: the policy in force, and what was released under it before.

    Raises:
        DpgateError: something that is said to have been released could not be.
    """
    policy = policy_of(policy_file)
    ordered = sorted(earlier, key=lambda each: each.day)
    first = min([each.day for each in ordered], default=dt.date(2000, 1, 1))
    document = _document(policy_file, POLICY_PATH)
    genesis = Genesis(
        **header(None, moment(policy, first, _EARLIER_HOUR)),
        policy_set=policy_set(policy_file),
        nonce=_NONCE,
        documents=(document,),
        approvals=(),
    )
    chain = _added(None, genesis)
    for each in ordered:
        chain = _with(chain, policy_file, each, costs)
    chain = link_up(chain.links)
    past: Past = ChainPast(chain, policy.spec.accounting.orders)
    return Standing(root=chain.root, policy_file=policy_file, past=past)


def _with(chain: Chain, policy_file: Loaded, made: Made, costs: Costs) -> Chain:
    """The chain after one more release: reserved, settled, and perhaps withdrawn."""
    policy, case = policy_of(policy_file), made.case
    cost, at = costs.of(case), moment(policy, made.day, _EARLIER_HOUR)
    reserve = Reserve(
        **header(chain, at),
        nonce=_NONCE,
        policy_set=policy_set(policy_file),
        release=case.name,
        attempt=len(chain.attempts(case.name)) + 1,
        facts=facts_of(case.dataset, case.release),
        documents=(_document(case.release_file), _document(case.dataset_file)),
        approvals=(),
        events=cost.events,
        spend=to_record(cost.spend),
        claim=cost.claim,
        sums={},
    )
    chain = _added(chain, reserve)
    reserved = chain.head.digest
    outcome: Outcome = "released" if made.outcome == "withdrawn" else made.outcome  # type: ignore[assignment]
    settle = Settle(
        **header(chain, at),
        policy_set=policy_set(policy_file),
        release=case.name,
        reserve=reserved,
        outcome=outcome,
        evidence=(),
        artifacts=(Artifact(name="rows", sha256=_MADE),) if outcome == "released" else (),
    )
    chain = _added(chain, settle)
    if made.outcome != "withdrawn":
        return chain
    return _added(
        chain,
        Withdraw(
            **header(chain, at),
            policy_set=policy_set(policy_file),
            release=case.name,
            reserve=reserved,
            reason="a test says so",
        ),
    )


def _added(chain: Chain | None, entry: Entry) -> Chain:
    """The chain with one more entry, whose links nobody has checked yet."""
    sealed = envelope.seal(statement(entry, subjects(entry)).payload(), ())
    link = Link(file_name(entry), sha256(sealed.to_bytes()), sealed, entry)
    return Chain((*(chain.links if chain else ()), link), {})


def _document(loaded: Loaded, path: str = "") -> Document:
    return Document(path=path or loaded.file, sha256=loaded.digest, text=loaded.text)
