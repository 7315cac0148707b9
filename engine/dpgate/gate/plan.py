"""`plan`: prior spend, this release, what remains, and the approvals still needed."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import partial
from pathlib import Path

from dpgate.accounting.filter import epsilon
from dpgate.gate import budgets, check, consent, increments, judged, ruling
from dpgate.gate.approvals import Judgement
from dpgate.gate.circumstances import Circumstances
from dpgate.gate.costing import Cost, claimed_epsilon, cost_of, spend_at
from dpgate.gate.past import Past
from dpgate.gate.regions import about, with_ends
from dpgate.gate.results import PlanResult, Rejected, ScopeRow
from dpgate.gate.ruling import Opinion
from dpgate.gate.second_table import second_table
from dpgate.gate.signed import ground_of, offers
from dpgate.gate.standing import Standing, open_standing
from dpgate.gate.verdict import following, verdict
from dpgate.gate.waivers import Decided
from dpgate.gate.waivers_told import NO_WAIVERS, Waiving, waiving, with_waivers
from dpgate.gate.workspace import Case, Workspace, now, workspace
from dpgate.model.finding import Finding
from dpgate.model.policy import PrivacyPolicy
from dpgate.model.values import plain, short
from dpgate.policy.approvals import author_missing, missing, required_reviews, required_roles
from dpgate.policy.facts import Clock, clock, facts_of
from dpgate.policy.limits import lowered_by, too_high
from dpgate.policy.resets import dropped
from dpgate.policy.rulebook import rules_for
from dpgate.policy.scopes import scopes
from dpgate.policy.windows import LIFETIME


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


def plan(release: str, repo: Path | str = ".", *, offline: bool = False) -> PlanResult:
    """Plan a release under the last adopted policy; no data is touched.

    Args:
        release: ``dataset/release``.
        repo: a release repository, or a folder in it.
        offline: judge by the ledger as this clone last fetched it.

    Returns:
        Budgets before and after, findings, approvals, and what to do next.

    Raises:
        UndecidedError: no policy was adopted yet, or the ledger was not fetched.
        RemoteError: the remote cannot be reached.
        LedgerError: the ledger does not hold together.
    """
    space = workspace(Path(repo))
    return planned(space, release, open_standing(space, offline=offline), now()).result


def planned(space: Workspace, release: str, standing: Standing, moment: dt.datetime) -> Planned:
    """Plan a release on one ledger at one moment."""
    case = space.case(release)
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


@dataclass(frozen=True, kw_only=True)
class Weighed:
    """What the rules and budgets of a standing say of a manifest; approvals aside."""

    findings: tuple[Finding, ...]
    cost: Cost | None
    """None where a rule denies, so that nothing could be planned."""
    rows: tuple[ScopeRow, ...]

    def but(self, more: tuple[Finding, ...]) -> Weighed:
        """The same with further findings."""
        return replace(self, findings=self.findings + more)


def weigh(
    case: Case,
    standing: Standing,
    time: Clock,
    waivers: Waiving = NO_WAIVERS,
    *,
    costed: bool = True,
    cost: Callable[[PrivacyPolicy, Case], Cost] = cost_of,
) -> Weighed:
    """Hold a manifest against the rules and budgets of a standing at one moment.

    Args:
        case: manifest and dataset.
        standing: the policy in force, and the past.
        time: the moment.
        waivers: those of the release.
        costed: whether its cost and budgets are judged too.
        cost: what plans its cost, for a caller that may know it.
    """
    rules = rules_for(standing.policy_file, case.dataset_file)
    findings = check.judge(case, standing.policy, time.day)
    findings += ruling.checked(rules, case, time.day)
    findings += too_high(standing.policy_file, case.dataset_file)
    findings += _reset_findings(case, standing)
    findings = waivers.aside(findings + increments.findings(case, standing.past))
    if not costed or any(finding.level == "deny" for finding in findings):
        return Weighed(findings=findings, cost=None, rows=())
    planned_cost = cost(standing.policy, case)
    facts = facts_of(case.dataset, case.release)
    limits, past = case.dataset.spec.limits, standing.past
    rows = budgets.rows(standing.policy, facts, time.hour, limits, past, planned_cost.spend)
    findings += _budget_findings(case, standing, rows, time, past)
    findings += shortfalls(case, planned_cost)
    known = _known(case, standing, time, planned_cost, rows)
    findings += ruling.further(rules, case, known.facts, "ledger").findings
    return Weighed(findings=waivers.aside(findings), cost=planned_cost, rows=rows)


def _known(
    case: Case,
    standing: Standing,
    time: Clock,
    cost: Cost,
    rows: tuple[ScopeRow, ...],
) -> Circumstances:
    """What rules can know of a release that was planned; of approvals nothing yet."""
    return Circumstances(
        case=case,
        policy=standing.policy,
        time=time,
        rows=rows,
        past=standing.past,
        spend=cost.spend,
        history=standing.past.history,
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
        _known(case, standing, time, weighed.cost, weighed.rows),
        roles=roles,
        signed=approvals.signed,
    )
    rules = rules_for(standing.policy_file, case.dataset_file)
    return ruling.further(rules, case, known.facts, "approvals")


def _reset_findings(case: Case, standing: Standing) -> tuple[Finding, ...]:
    dataset = case.dataset.metadata.name
    charged = standing.past.charged(dataset)
    lost = dropped(standing.policy, facts_of(case.dataset, case.release), charged)
    if lost is None:
        return ()
    line, column = case.dataset_file.at("spec", "population")
    finding = Finding(
        rule="population-reset",
        level="deny",
        message=(
            f"earlier releases of {dataset} were charged to population {lost}; "
            f"{case.dataset.spec.population} would start with a fresh budget for the same people"
        ),
        fix=(
            f"keep population: {lost}, or name it under shares_people_with; if these are other people, "
            f"retire {lost} in the policy and let the new population say renews"
        ),
        file=case.dataset_file.file,
        line=line,
        column=column,
    )
    return (finding,)


def _budget_findings(
    case: Case, standing: Standing, rows: tuple[ScopeRow, ...], time: Clock, past: Past
) -> tuple[Finding, ...]:
    policy = standing.policy
    failing = [row for row in rows if not row.fits]
    if not failing:
        return ()
    facts = facts_of(case.dataset, case.release)
    privacy = case.release.spec.privacy
    most = budgets.fitting_epsilon(
        policy,
        facts,
        time.hour,
        case.dataset.spec.limits,
        past,
        partial(spend_at, policy, case),
        privacy,
    )
    line, column = case.release_file.at("spec", "privacy", "epsilon")
    ways = [f"epsilon: {plain(most)} fits today" if most else "no epsilon fits today"]
    touched = {s.key: s for s in scopes(policy, facts, time.hour, case.dataset.spec.limits)}
    if any(scope.window != LIFETIME for scope in touched.values()):
        ways.append("a quota's next window")
    ways.append("a policy change approved by " + " and ".join(policy.spec.policy_change.roles))
    return tuple(
        Finding(
            rule="budget",
            level="deny",
            message=(
                f"{row.title} would reach ε {plain(row.after)} of {plain(row.limit)} "
                f"({plain(row.before)} + {plain(row.this)} for this release, "
                f"composed at δ={short(policy.spec.accounting.delta)})"
                f"{lowered_by(case.dataset_file, touched[row.key].lowered)}"
            ),
            fix="; or ".join(ways),
            file=case.release_file.file,
            line=line,
            column=column,
        )
        for row in failing
    )


def shortfalls(case: Case, cost: Cost) -> tuple[Finding, ...]:
    """What the noise already rules out is denied before anything is spent."""
    found = []
    for shortfall in cost.product.shortfalls(cost.events):
        line, column = case.release_file.at("spec", *shortfall.path)
        found.append(
            Finding(
                rule=shortfall.rule, level=shortfall.level,
                message=shortfall.message, fix=shortfall.fix,
                file=case.release_file.file, line=line, column=column,
            )
        )  # fmt: skip
    return tuple(found)


def _result(
    space: Workspace,
    case: Case,
    standing: Standing,
    weighed: Weighed,
    approvals: Judgement,
    day: dt.date,
    consenting: frozenset[str],
) -> PlanResult:
    policy, cost, findings = standing.policy, weighed.cost, weighed.findings
    facts = facts_of(case.dataset, case.release)
    roles = required_roles(policy, case.dataset, case.release, facts, day)
    lacking = missing(policy, roles, approvals.signed)
    unsigned = cost is not None and author_missing(policy, approvals.authors)
    still_open = standing.past.open(case.name)
    done = standing.past.released_by(case.name)
    comes_to = verdict(
        findings,
        still_open,
        unsigned=unsigned or bool(lacking),
        released=done is not None,
        consenting=consenting,
    )
    if standing.past.withdrawn(case.name):
        comes_to = "withdrawn"
    claim = cost.claim if cost else None
    return PlanResult(
        release=case.name,
        verdict=comes_to,
        delta=policy.spec.accounting.delta,
        orders=policy.spec.accounting.orders,
        scopes=weighed.rows,
        epsilon=claim.epsilon if claim else Decimal(0),
        claimed_epsilon=(
            claimed_epsilon(cost.events, case.release.spec.privacy.delta) if cost else None
        ),
        release_delta=case.release.spec.privacy.delta,
        relation=case.dataset.spec.neighboring,
        unit=case.dataset.spec.unit.protected,
        row=case.dataset.spec.unit.row,
        truncated=case.dataset.spec.unit.column is not None,
        rows_per_person=case.dataset.spec.unit.max_rows_per_person,
        person_epsilon=claim.person_epsilon if claim else Decimal(0),
        row_epsilon=epsilon(cost.spend, policy.spec.accounting.delta) if cost else Decimal(0),
        noise=cost.product.noise(cost.events) if cost else (),
        marginals=cost.product.marginals(cost.events) if cost else (),
        rows_at_most=case.dataset.spec.rows.at_most,
        evidence_share=case.release.spec.privacy.evidence_share,
        approvals=consent.rows(policy, roles, approvals, day),
        refusals=consent.refusals(approvals),
        reviews=required_reviews(policy, case.dataset, case.release, facts, day),
        rejected=tuple(Rejected(path=path, reason=reason) for path, reason in approvals.rejected),
        findings=about(
            with_ends(findings, (*space.documents.read, standing.policy_file)), case.name
        ),
        attempts=standing.past.attempts(case.name),
        open=still_open,
        entry=done,
        joined=second_table(case),
        series=increments.series(case, standing.past, policy, cost.spend if cost else None),
        policy_note=_policy_note(space, standing),
        rules=judged.of_plan(rules_for(standing.policy_file, case.dataset_file)),
        next=following(
            case.name, comes_to, consent.step(case.name, policy, lacking, approvals), still_open
        ),
    )


def _policy_note(space: Workspace, standing: Standing) -> str:
    if space.policy_file.digest == standing.policy_file.digest:
        return ""
    return (
        "the policy in the work tree is not the adopted one; this plan is judged under the adopted one "
        f"({standing.policy_set[:19]}…). To change it: dpgate approve policy, then dpgate policy adopt"
    )
