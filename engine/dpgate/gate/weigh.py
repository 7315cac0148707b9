"""What rules and budgets say of a release at one moment, approvals aside: `plan` and tests ask it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

from dpgate.gate import budgets, check, increments, ruling
from dpgate.gate.circumstances import Circumstances
from dpgate.gate.costing import Cost, cost_of, spend_at, zero_concentrated
from dpgate.gate.past import Past
from dpgate.gate.results import ScopeRow
from dpgate.gate.ruling import Facts
from dpgate.gate.standing import Standing
from dpgate.gate.waivers_told import NO_WAIVERS, Waiving
from dpgate.gate.workspace import Case
from dpgate.model.finding import Finding
from dpgate.model.policy import PrivacyPolicy
from dpgate.model.values import counted, plain, short
from dpgate.policy.cel.roots import Stage
from dpgate.policy.facts import Clock, facts_of
from dpgate.policy.limits import lowered_by, too_high
from dpgate.policy.resets import dropped
from dpgate.policy.rulebook import rules_for
from dpgate.policy.scopes import scopes
from dpgate.policy.windows import LIFETIME


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
    ruled: Ruling | None = None,
) -> Weighed:
    """Hold a manifest against the rules and budgets of a standing at one moment.

    Args:
        case: manifest and dataset.
        standing: the policy in force, and the past.
        time: the moment.
        waivers: those of the release.
        costed: whether its cost and budgets are judged too.
        cost: what plans its cost, for a caller that may know it.
        ruled: what judges by rules in CEL, for a caller whose policy nobody may have signed.
    """
    ruled = ruled or in_force(standing, case)
    findings = check.judge(case, standing.policy, time.day)
    facts_of_day = ruling.checked_facts(time.day)
    findings += ruled("documents", lambda _: facts_of_day(case))
    findings += too_high(standing.policy_file, case.dataset_file)
    findings += _reset_findings(case, standing)
    findings += _attempts_findings(case, standing)
    findings = waivers.aside(findings + increments.findings(case, standing.past))
    if not costed or any(finding.level == "deny" for finding in findings):
        return Weighed(findings=findings, cost=None, rows=())
    planned_cost = cost(standing.policy, case)
    facts = facts_of(case.dataset, case.release)
    limits, past = case.dataset.spec.limits, standing.past
    rows = budgets.rows(standing.policy, facts, time.hour, limits, past, planned_cost.spend)
    findings += _budget_findings(case, standing, rows, time, past)
    findings += shortfalls(case, planned_cost)
    known = known_of(case, standing, time, planned_cost, rows)
    findings += ruled("ledger", known.facts)
    return Weighed(findings=waivers.aside(findings), cost=planned_cost, rows=rows)


Ruling = Callable[[Stage, Facts], tuple[Finding, ...]]
"""What rules of one stage find in a release, by facts that are made as far as they are needed."""


def in_force(standing: Standing, case: Case) -> Ruling:
    """The rules of an adopted policy, and of a manifest's dataset."""
    rules = rules_for(standing.policy_file, case.dataset_file)
    return lambda stage, facts: ruling.further(rules, case, facts, stage).findings


def known_of(
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


def _attempts_findings(case: Case, standing: Standing) -> tuple[Finding, ...]:
    """The policy's limit on attempts of one release."""
    most, made = standing.policy.spec.evidence.attempts, standing.past.attempts(case.name)
    if most is None or made < most:
        return ()
    line, column = case.release_file.at("metadata", "name")
    finding = Finding(
        rule="attempts",
        level="deny",
        message=f"{case.name} was attempted {counted(made, 'time')}, and the policy allows {most}",
        fix="a further attempt is a new manifest under a new name, approved anew; what was spent stays spent",
        file=case.release_file.file,
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
    ways = [] if case.resumes else [_fitting(case, standing, time, past)]
    line, column = case.release_file.at("spec", "privacy", "epsilon")
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


def _fitting(case: Case, standing: Standing, time: Clock, past: Past) -> str:
    """What ε would fit today; of a new attempt, since another ε is another manifest."""
    policy, privacy = standing.policy, case.release.spec.privacy
    most = budgets.fitting_epsilon(
        policy,
        facts_of(case.dataset, case.release),
        time.hour,
        case.dataset.spec.limits,
        past,
        partial(spend_at, policy, case),
        privacy,
        zero_concentrated=zero_concentrated(case),
    )
    return f"epsilon: {plain(most)} fits today" if most else "no epsilon fits today"


def shortfalls(case: Case, cost: Cost) -> tuple[Finding, ...]:
    """What the noise already rules out is denied before anything is spent."""
    return check.placed(case, cost.product.shortfalls(cost.whole))
