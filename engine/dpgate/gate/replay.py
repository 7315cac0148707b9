"""Rules about the ledger, judged again: each reservation by what was known at its place.

One pass over the ledger, whose running totals and history grow with it; nothing at all where no
policy and no dataset has such a rule.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from dpgate.errors import ChainError
from dpgate.gate import budgets, ruling
from dpgate.gate.circumstances import Circumstances, Told
from dpgate.gate.past import before_each
from dpgate.gate.rederive import Judged, waivers_of
from dpgate.gate.waivers_kept import needed
from dpgate.ledger.chain import Chain
from dpgate.model.finding import Finding
from dpgate.model.history import PastRelease
from dpgate.model.values import counted
from dpgate.policy.approvals import required_roles
from dpgate.policy.cel.roots import Stage
from dpgate.policy.cel.types import Past
from dpgate.policy.facts import clock_of
from dpgate.policy.scopes import Tally

Signed = Mapping[str, Mapping[str, frozenset[str]]]
"""Of each reservation, by its digest: for each role, fingerprints of the keys that approved it."""


def judge(chain: Chain, reserves: Sequence[Judged], signed: Signed) -> str:
    """Every reservation satisfied the rules about budgets, history and approvals, then and there.

    Args:
        chain: the ledger.
        reserves: its reservations, in order, whose spends and sums hold.
        signed: who approved each.

    Raises:
        ChainError: the first that did not.
    """
    if not any(each.later for each in _kinds(reserves)):
        return ""
    tally = Tally(reserves[0].policy.spec.accounting.orders)
    told = Told(_message)
    count = 0
    for each, (_, history) in zip(reserves, before_each(chain.links), strict=True):
        if each.later:
            count += 1
            _judge(each, tally, history, signed[each.link.digest], told, chain.root)
        tally.add(each.entry.facts, each.entry.time, each.spend)
    return f"rules about the ledger held at {counted(count, 'reservation')}"


def _message(past: Past) -> object:
    from dpgate.policy.cel.schema import message

    return message(past)


def _kinds(reserves: Sequence[Judged]) -> tuple[Judged, ...]:
    """One reservation for each pair of policy and dataset."""
    found = {(e.policy_document.sha256, e.case.dataset_file.digest): e for e in reserves}
    return tuple(found.values())


def _judge(
    each: Judged,
    tally: Tally,
    history: Sequence[PastRelease],
    signed: Mapping[str, frozenset[str]],
    told: Told,
    root: str,
) -> None:
    entry, policy, case = each.entry, each.policy, each.case
    time = clock_of(policy, entry.time)
    known = Circumstances(
        case=case,
        policy=policy,
        time=time,
        rows=budgets.rows(policy, entry.facts, entry.time, each.limits, tally, each.spend),
        past=tally,
        spend=each.spend,
        history=lambda: history,
        roles=required_roles(policy, case.dataset, case.release, each.facts, time.day),
        signed=signed,
        told=told,
    )
    waivers, place = waivers_of(each, root), each.link.path
    found = waivers.aside(_found(each, known, "ledger"))
    needed(place, waivers, found, lambda rule: rule in each.later)
    found += _found(each, known, "approvals")
    denied = [finding for finding in found if finding.level == "deny"]
    if denied:
        raise ChainError(f"{place}: reserved against rule {denied[0].rule}: {denied[0].message}")


def _found(each: Judged, known: Circumstances, stage: Stage) -> tuple[Finding, ...]:
    return ruling.further(
        each.rules, each.case, known.facts, stage, everything_signed=True
    ).findings
