"""`plan`: prior spend, this release, what remains, and the approvals still needed."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path
from typing import Any

from dpgate.accounting.filter import Spend, epsilon
from dpgate.gate import consent, increments, judged, resuming, ruling
from dpgate.gate.approvals import Judgement
from dpgate.gate.costing import Cost, claimed_epsilon
from dpgate.gate.regions import about, with_ends
from dpgate.gate.results import PlanResult, Rejected
from dpgate.gate.resuming import Resuming
from dpgate.gate.ruling import Opinion
from dpgate.gate.second_table import second_table
from dpgate.gate.signed import ground_of, offers
from dpgate.gate.standing import Standing, open_signed, open_standing, standing_of
from dpgate.gate.tighter import tighter_epsilon
from dpgate.gate.verdict import Verdict, following, verdict
from dpgate.gate.waivers import Decided
from dpgate.gate.waivers_told import waiving, with_waivers
from dpgate.gate.weigh import Weighed, known_of, weigh
from dpgate.gate.workspace import Case, Workspace, now, workspace
from dpgate.ledger.memory import Memory
from dpgate.model.dataset import Unit
from dpgate.model.finding import Finding
from dpgate.model.policy import PrivacyPolicy
from dpgate.policy.approvals import author_missing, missing, required_reviews, required_roles
from dpgate.policy.facts import Clock, clock, facts_of
from dpgate.policy.rulebook import rules_for


@dataclass(frozen=True, kw_only=True)
class Planned:
    """A plan and everything that the next steps need of it."""

    result: PlanResult
    case: Case
    standing: Standing
    cost: Cost | None
    """None where a rule denies, so that nothing could be planned."""
    approvals: Judgement
    consenting: frozenset[str]
    """Rules about approvals: what they deny, approvals can mend."""
    waivers: tuple[Decided, ...]
    """Those that it uses."""
    clock: Clock
    moment: dt.datetime


def plan(
    release: str, repo: Path | str = ".", *, offline: bool = False, resume: bool = False
) -> PlanResult:
    """Plan a release under the last adopted policy; no data is touched.

    Args:
        release: ``dataset/release``.
        repo: a release repository, or a folder in it.
        offline: judge by the ledger as this clone last fetched it.
        resume: plan what is left of a training that ended early, by its last checkpoint on this
            machine.

    Returns:
        Budgets before and after, findings, approvals, and what to do next.

    Raises:
        UndecidedError: no policy was adopted yet, or the ledger was not fetched.
        UsageError: there is nothing to resume.
        RemoteError: the remote cannot be reached.
        LedgerError: the ledger does not hold together.
    """
    space = workspace(Path(repo))
    if resume:
        ledger = open_signed(space, offline=offline)
        found = resuming.find(Memory(ledger.chain.root), ledger.chain, space.case(release))
        return informed(planned(space, release, standing_of(ledger), now(), found))
    return informed(planned(space, release, open_standing(space, offline=offline), now()))


def informed(plan: Planned) -> PlanResult:
    """The result, with what is told for information alone and that only a person who asks waits for."""
    if plan.cost is None or not plan.cost.training:
        return plan.result
    found = tighter_epsilon(plan.cost.whole, plan.result.release_delta)
    return plan.result.model_copy(update={"tighter": found})


def planned(
    space: Workspace,
    release: str,
    standing: Standing,
    moment: dt.datetime,
    resumes: Resuming | None = None,
) -> Planned:
    """Plan a release, or the rest of one, on one ledger at one moment."""
    case = replace(space.case(release), resumes=resumes)
    policy = standing.policy
    time = clock(policy, moment)
    done = standing.past.released_by(case.name) is not None
    rules = rules_for(standing.policy_file, case.dataset_file)
    waivers = waiving(offers(space, case.name), case.name, rules, ground_of(standing, time))
    weighed = weigh(case, standing, time, waivers, costed=not done)
    waivers = waivers.unless(weighed.cost)
    used = waivers.used(weighed.findings)
    case = replace(case, waivers=tuple(each.waiver for each in used))
    weighed = weighed.but(waivers.findings(weighed.findings))
    facts = facts_of(case.dataset, case.release)
    roles = required_roles(policy, case.dataset, case.release, facts, time.day)
    approvals = Judgement({}, (), ())
    if not done:
        approvals = consent.judged(space, case, standing, weighed.cost, time, used)
        weighed = weighed.but(consent.findings(case.name, approvals, policy, roles, time.day))
    opinion = _opinion(case, standing, time, weighed, roles, approvals)
    weighed = weighed.but(opinion.findings)
    result = _result(space, case, standing, weighed, approvals, time.day, opinion.consenting)
    result = with_waivers(result, waivers)
    return Planned(
        result=result,
        case=case,
        standing=standing,
        cost=weighed.cost,
        approvals=approvals,
        consenting=opinion.consenting,
        waivers=used,
        clock=time,
        moment=moment,
    )


def _opinion(
    case: Case,
    standing: Standing,
    time: Clock,
    weighed: Weighed,
    roles: tuple[str, ...],
    approvals: Judgement,
) -> Opinion:
    """What rules about approvals say; nothing without a cost: what denies that is mended first.

    They cannot be waived: an approval names the waivers that it accepts.
    """
    if weighed.cost is None:
        return Opinion()
    known = replace(
        known_of(case, standing, time, weighed.cost, weighed.rows),
        roles=roles,
        signed=approvals.signed,
    )
    rules = rules_for(standing.policy_file, case.dataset_file)
    return ruling.further(rules, case, known.facts, "approvals")


def _result(
    space: Workspace,
    case: Case,
    standing: Standing,
    weighed: Weighed,
    approvals: Judgement,
    day: dt.date,
    consenting: frozenset[str],
) -> PlanResult:
    policy, cost = standing.policy, weighed.cost
    facts = facts_of(case.dataset, case.release)
    roles = required_roles(policy, case.dataset, case.release, facts, day)
    lacking = missing(policy, roles, approvals.signed)
    unsigned = bool(lacking) or (cost is not None and author_missing(policy, approvals.authors))
    comes_to = _comes_to(case, standing, weighed.findings, consenting, unsigned=unsigned)
    still_open = standing.past.open(case.name)
    step = consent.step(case.name, policy, lacking, approvals)
    return PlanResult(
        release=case.name,
        verdict=comes_to,
        delta=policy.spec.accounting.delta,
        orders=policy.spec.accounting.orders,
        scopes=weighed.rows,
        epsilon=cost.claim.epsilon if cost else Decimal(0),
        claimed_epsilon=_claimed(case, cost),
        release_delta=case.release.spec.privacy.delta,
        relation=case.dataset.spec.neighboring,
        **_protected(case.dataset.spec.unit),
        person_epsilon=cost.claim.person_epsilon if cost else Decimal(0),
        row_epsilon=_of_filter(policy, cost) if cost else Decimal(0),
        **_foreseen(cost),
        rows_at_most=case.dataset.spec.rows.at_most,
        evidence_share=case.release.spec.privacy.evidence_share,
        unprotected_bits=case.release.spec.unprotected_bits,
        approvals=consent.rows(policy, roles, approvals, day),
        refusals=consent.refusals(approvals),
        reviews=required_reviews(policy, case.dataset, case.release, facts, day),
        rejected=tuple(Rejected(path=path, reason=reason) for path, reason in approvals.rejected),
        findings=_placed(weighed.findings, space, case, standing),
        attempts=standing.past.attempts(case.name),
        open=still_open,
        entry=standing.past.released_by(case.name),
        joined=second_table(case),
        series=increments.series(case, standing.past, policy, cost.spend if cost else None),
        policy_note=_policy_note(space, standing),
        rules=judged.of_plan(rules_for(standing.policy_file, case.dataset_file)),
        next=following(case.name, comes_to, step, still_open, resumes=case.resumes is not None),
    )


def _of_filter(policy: PrivacyPolicy, cost: Cost) -> Decimal:
    """ε of the whole release by the policy's orders, at its δ."""
    accounting = policy.spec.accounting
    return epsilon(Spend.of(cost.whole, accounting.orders), accounting.delta)


def _protected(unit: Unit) -> dict[str, Any]:
    """Whom the release protects."""
    return {
        "unit": unit.protected,
        "row": unit.row,
        "truncated": unit.column is not None,
        "rows_per_person": unit.max_rows_per_person,
    }


def _foreseen(cost: Cost | None) -> dict[str, Any]:
    """What can be said of accuracy before any data is opened."""
    if cost is None:
        return {"noise": (), "marginals": (), "evidence": (), "training": ""}
    product, events = cost.product, cost.whole
    return {
        "noise": product.noise(events),
        "marginals": product.marginals(events),
        "evidence": product.evidence(events),
        "training": cost.training,
    }


def _claimed(case: Case, cost: Cost | None) -> Decimal | None:
    """What a foreign program would say that it costs."""
    return claimed_epsilon(cost.events, case.release.spec.privacy.delta) if cost else None


def _comes_to(
    case: Case,
    standing: Standing,
    findings: tuple[Finding, ...],
    consenting: frozenset[str],
    *,
    unsigned: bool,
) -> Verdict:
    """The verdict, by the findings and by what became of the release."""
    if standing.past.withdrawn(case.name):
        return "withdrawn"
    released = standing.past.released_by(case.name) is not None
    still_open = standing.past.open(case.name)
    return verdict(
        findings, still_open, unsigned=unsigned, released=released, consenting=consenting
    )


def _placed(
    findings: tuple[Finding, ...], space: Workspace, case: Case, standing: Standing
) -> tuple[Finding, ...]:
    """Findings with the release that they are about, and where what they point at ends."""
    files = (*space.documents.read, standing.policy_file)
    return about(with_ends(findings, files), case.name)


def _policy_note(space: Workspace, standing: Standing) -> str:
    if space.policy_file.digest == standing.policy_file.digest:
        return ""
    return (
        "the policy in the work tree is not the adopted one; this plan is judged under the adopted one "
        f"({standing.policy_set[:19]}…). To change it: dpgate approve policy, then dpgate policy adopt"
    )
