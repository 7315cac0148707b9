"""Releases judged by policies that nobody may have signed: for tests, and to compare policies.

Everything is judged as `plan` judges it, by the same code. Rules in CEL are judged apart, in one
child process for any number of releases: what they could know is made first, then they are asked,
and then each release is weighed with their answers.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from dpgate.errors import DpgateError
from dpgate.gate.asking import Answer, ask
from dpgate.gate.costing import Cost, cost_of
from dpgate.gate.ruling import Facts, checked_facts
from dpgate.gate.standing import Standing
from dpgate.gate.waivers_told import NO_WAIVERS, Waiving
from dpgate.gate.weigh import Weighed, known_of, weigh
from dpgate.gate.workspace import Case
from dpgate.model.finding import Finding
from dpgate.model.policy import PrivacyPolicy
from dpgate.policy import rulebook
from dpgate.policy.approvals import required_roles
from dpgate.policy.cel.roots import ROOTS, Stage, stage_of
from dpgate.policy.cel.source import Verdict
from dpgate.policy.facts import Clock, facts_of
from dpgate.policy.rulebook import Bound


class Costs:
    """What releases cost under one policy; alike ones are planned once."""

    def __init__(self, policy: PrivacyPolicy) -> None:
        self._policy = policy
        self._known: dict[tuple[str, str], Cost] = {}

    def of(self, case: Case) -> Cost:
        """The cost of a release.

        Raises:
            DpgateError: it cannot be planned.
        """
        spec = case.release.spec.model_dump_json(include=_COSTED)
        key = (case.dataset_file.digest, spec)
        if key not in self._known:
            self._known[key] = cost_of(self._policy, case)
        return self._known[key]


_COSTED = {"columns", "privacy", "synthesize", "statistics", "workload", "utility"}


@dataclass(frozen=True, kw_only=True)
class Trial:
    """One release, and what it is judged by."""

    case: Case
    standing: Standing
    time: Clock
    costs: Costs
    waivers: Waiving = NO_WAIVERS
    approvals: Mapping[str, int] | Literal["all"] | None = "all"
    """How many keys of each role approve; `all`: as many as are needed; None: rules about approvals
    are not asked."""

    @property
    def rules(self) -> tuple[Bound, ...]:
        """The rules in CEL that it is judged by."""
        return rulebook.rules_for(self.standing.policy_file, self.case.dataset_file)

    def signed(self, roles: Sequence[str]) -> dict[str, frozenset[str]]:
        """Keys that approve, by role; nobody's in particular."""
        if self.approvals == "all":
            known = ((role, self.standing.policy.spec.roles.get(role)) for role in roles)
            counts: Mapping[str, int] = {r: rule.threshold if rule else 1 for r, rule in known}
        else:
            counts = self.approvals or {}
        return {
            role: frozenset(f"key {number} of {role}" for number in range(1, count + 1))
            for role, count in counts.items()
        }


@dataclass(frozen=True, kw_only=True)
class Judged:
    """What came of a trial."""

    findings: tuple[Finding, ...]
    planned: bool
    """Whether budgets and noise were judged: a denial by documents alone ends it before."""
    roles: tuple[str, ...] = ()
    """Roles that must approve."""
    rules: tuple[tuple[Bound, Verdict], ...] = ()
    """What each rule in CEL that was asked said."""
    facts: Mapping[str, object] = field(default_factory=dict)
    """What rules could know of it, by root."""


def judge_all(trials: Sequence[Trial]) -> tuple[Judged, ...]:
    """Judge releases.

    Raises:
        DocumentError: rules that cannot be used; every fault at its place.
    """
    documents = [checked_facts(trial.time.day)(trial.case) for trial in trials]
    conditions = [rulebook.conditions_of(trial.standing.policy_file) for trial in trials]
    held = ask(list(zip(documents, conditions, strict=True)))
    roles = [_roles(trial, answer) for trial, answer in zip(trials, held, strict=True)]
    facts = [
        _facts(trial, known, due)
        for trial, known, due in zip(trials, documents, roles, strict=True)
    ]
    said = ask([(known, trial.rules) for known, trial in zip(facts, trials, strict=True)])
    return tuple(
        replace(_with_rules(trial, answer), roles=due, facts=known)
        for trial, answer, due, known in zip(trials, said, roles, facts, strict=True)
    )


def _roles(trial: Trial, held: Answer) -> tuple[str, ...]:
    """Roles that must approve; what could not be evaluated counts as if it held."""
    judged = {bound.rule.when: verdict.outcome != "not-about" for bound, verdict in held.verdicts}
    policy, case = trial.standing.policy, trial.case
    facts = facts_of(case.dataset, case.release)
    return required_roles(policy, case.dataset, case.release, facts, trial.time.day, judged)


def _facts(
    trial: Trial, documents: Mapping[str, object], roles: tuple[str, ...]
) -> Mapping[str, object]:
    """All that rules could know of a release, as far as it can be planned."""
    try:
        weighed = weigh(
            *_asked(trial), cost=lambda _, case: trial.costs.of(case), ruled=lambda *_: ()
        )
    except DpgateError:
        return documents
    if weighed.cost is None:
        return documents
    known = known_of(trial.case, trial.standing, trial.time, weighed.cost, weighed.rows)
    return replace(known, roles=roles, signed=trial.signed(roles)).facts(frozenset(ROOTS))


def _asked(trial: Trial) -> tuple[Case, Standing, Clock, Waiving]:
    return trial.case, trial.standing, trial.time, trial.waivers


def _with_rules(trial: Trial, answer: Answer) -> Judged:
    """Weigh a release with what the rules said of it."""
    if answer.ended:
        ended = rulebook.ended(answer.ended, trial.case.release_file)
        return _judged(trial, {"documents": (ended,)})
    said: dict[Stage, list[tuple[Bound, Verdict]]] = {
        "documents": [],
        "ledger": [],
        "approvals": [],
    }
    for bound, verdict in answer.verdicts:
        said[stage_of(answer.needs[bound.source])].append((bound, verdict))
    judged = _judged(trial, {stage: _findings(trial, each) for stage, each in said.items()})
    asked = [*said["documents"]]
    if judged.planned:
        asked += said["ledger"] + (said["approvals"] if trial.approvals is not None else [])
    return replace(judged, rules=tuple(asked))


def _findings(trial: Trial, said: Sequence[tuple[Bound, Verdict]]) -> tuple[Finding, ...]:
    case = trial.case
    return tuple(
        rulebook.finding(bound, verdict, case.release_file, case.dataset_file)
        for bound, verdict in said
        if verdict.outcome in ("violated", "error")
    )


def _judged(trial: Trial, found: Mapping[Stage, tuple[Finding, ...]]) -> Judged:
    """Weigh a release, whose rules in CEL were judged already."""

    def ruled(stage: Stage, facts: Facts) -> tuple[Finding, ...]:  # noqa: ARG001 - as `weigh` asks
        return found.get(stage, ())

    failed: tuple[Finding, ...] = ()
    try:
        weighed: Weighed = weigh(
            *_asked(trial), cost=lambda _, case: trial.costs.of(case), ruled=ruled
        )
    except DpgateError as error:
        weighed = weigh(*_asked(trial), costed=False, ruled=ruled)
        failed = (unplanned(trial.case, error),)
    findings = weighed.findings + failed
    findings += trial.waivers.unless(weighed.cost).findings(findings)
    planned = weighed.cost is not None
    if planned and trial.approvals is not None:
        findings += found.get("approvals", ())
    return Judged(findings=findings, planned=planned)


def unplanned(case: Case, error: DpgateError) -> Finding:
    """That a release's cost cannot be planned, which ends `plan` with an error."""
    line, column = case.release_file.at("spec", "privacy")
    return Finding(
        rule="planning",
        level="deny",
        outcome="error",
        message=error.message,
        fix=error.fix,
        file=case.release_file.file,
        line=line,
        column=column,
    )
