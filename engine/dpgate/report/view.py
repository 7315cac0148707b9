"""What a run says, seen alike whatever the verb: subjects, what was judged of each, what was found.

Formats for machines (SARIF, JUnit, annotations) show this; formats for people show the results.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import singledispatch
from pathlib import PurePosixPath
from typing import Literal

from dpgate.errors import DocumentError, DpgateError
from dpgate.gate.policytest.result import CaseResult, PolicyTestResult
from dpgate.gate.results import (
    CheckResult,
    PlanResult,
    PlansResult,
    ReleaseResult,
    RuleRow,
    Step,
    VerifyResult,
)
from dpgate.gate.waiver_results import WaiverRow
from dpgate.model.finding import Finding
from dpgate.model.values import Frozen, counted

SHOWN = frozenset(("check", "plan", "plans", "release", "verify"))
"""Results that have such a view, and that people read as pages too."""
TESTED = SHOWN | {"policy-test"}
"""All that have such a view."""
POLICY = "policies/organization.yaml"

Status = Literal["passed", "failed", "error", "waived", "skipped"]


@dataclass(frozen=True, kw_only=True)
class Subject:
    """One thing that was judged: a manifest, the documents as a whole, or a ledger."""

    name: str
    file: str
    findings: tuple[Finding, ...] = ()
    rules: tuple[RuleRow, ...] = ()
    """What was judged of it, satisfied or not."""
    needs: tuple[RuleRow, ...] = ()
    """What it needs besides: approvals."""
    lacking: tuple[Finding, ...] = ()
    """What is still to come (approvals): it blocks, and nobody has done anything wrong."""
    skipped: tuple[str, ...] = ()
    """Ids of rules that were not judged after all."""

    def cases(self) -> Iterator[tuple[RuleRow, Status, tuple[Finding, ...]]]:
        """Each rule with how it ended and what it found."""
        found: dict[str, list[Finding]] = {}
        for finding in (*self.findings, *self.lacking):
            found.setdefault(finding.rule, []).append(finding)
        rules = {rule.id: rule for rule in (*self.rules, *self.needs)}
        for name in (*rules, *(name for name in found if name not in rules)):
            own = tuple(found.get(name, ()))
            rule = rules.get(name) or RuleRow(id=name, title=name)
            yield rule, "skipped" if name in self.skipped else _status(own), own


def _status(findings: tuple[Finding, ...]) -> Status:
    denying = [finding for finding in findings if finding.level == "deny"]
    if any(finding.outcome == "error" for finding in denying):
        return "error"
    if denying:
        return "failed"
    return "waived" if any(f.outcome == "waived" for f in findings) else "passed"


@dataclass(frozen=True, kw_only=True)
class View:
    """A run."""

    verb: str
    exit_code: int
    subjects: tuple[Subject, ...]
    summary: str
    waivers: Mapping[str, WaiverRow] = field(default_factory=dict)
    """Those at hand, by path."""
    failure: str = ""
    """Why the verb could not do its work; empty where it did."""

    def findings(self) -> Iterator[Finding]:
        """All findings, each once: a fault of a dataset is found for each of its manifests."""
        seen = set()
        for subject in self.subjects:
            for finding in subject.findings:
                key = (finding.rule, finding.place, finding.message, finding.outcome)
                if key not in seen:
                    seen.add(key)
                    yield finding

    def rules(self) -> tuple[RuleRow, ...]:
        """All rules that were judged or found something, each once."""
        rules = {rule.id: rule for subject in self.subjects for rule in subject.rules}
        for finding in self.findings():
            rules.setdefault(finding.rule, RuleRow(id=finding.rule, title=finding.rule))
        return tuple(rules.values())


@singledispatch
def view(result: Frozen) -> View:
    """A result as such a view; one of those in `TESTED`."""
    raise TypeError(type(result).__name__)


def view_of_error(error: DpgateError, verb: str = "") -> View:
    """An error: a subject for each file that has problems."""
    rule = RuleRow(
        id="document" if isinstance(error, DocumentError) else "problem",
        title="Documents can be read, and hold what their kind demands",
        help="Editors complete and check documents with the files of schemas/.",
    )
    files: dict[str, list[Finding]] = {}
    for problem in error.problems:
        files.setdefault(problem.file, []).append(
            Finding(
                rule=rule.id, level="deny", outcome="error",
                message=problem.message, fix=problem.fix, file=problem.file,
                line=problem.line, column=problem.column,
                end_line=problem.end_line, end_column=problem.end_column,
            )
        )  # fmt: skip
    failure = (error.message or type(error).__name__) + (
        f" (fix: {error.fix})" if error.fix else ""
    )
    return View(
        verb=verb or "error",
        exit_code=error.exit_code,
        subjects=tuple(
            Subject(name=file or "problems", file=file, findings=tuple(found), rules=(rule,))
            for file, found in files.items()
        ),
        summary=failure,
        failure=failure,
    )


@view.register
def _check(result: CheckResult) -> View:
    whole = [f for f in result.findings if f.release not in result.releases]
    documents = Subject(
        name="documents",
        file=POLICY,
        findings=tuple(whole),
        rules=tuple(rule for rule in result.rules if rule.about == "documents"),
    )
    releases = (
        Subject(
            name=name,
            file=_manifest(name),
            findings=tuple(f for f in result.findings if f.release == name),
            rules=_rules_of(name, result.rules),
            skipped=result.later,
        )
        for name in result.releases
    )
    count = sum(finding.level == "deny" for finding in result.findings)
    words = "allowed by the rules" if result.allowed else f"denied by {counted(count, 'finding')}"
    return View(
        verb="check",
        exit_code=result.exit_code,
        subjects=(documents, *releases),
        summary=f"{counted(len(result.releases), 'manifest')} checked: {words}",
        waivers=_by_path(result.waivers),
    )


@view.register
def _plan(result: PlanResult) -> View:
    return View(
        verb="plan",
        exit_code=result.exit_code,
        subjects=(_planned(result, result.rules),),
        summary=f"{result.release}: {result.verdict}",
        waivers=_by_path(result.waivers),
    )


@view.register
def _plans(result: PlansResult) -> View:
    ready = sum(not each.exit_code for each in result.plans)
    return View(
        verb="plan",
        exit_code=result.exit_code,
        subjects=tuple(_planned(each, result.rules) for each in result.plans),
        summary=f"{ready} of {counted(len(result.plans), 'release')} may run now, or have run",
        waivers=_by_path(row for each in result.plans for row in each.waivers),
    )


@view.register
def _release(result: ReleaseResult) -> View:
    manifest = _manifest(result.release)
    missed = (
        Finding(rule="gate", level="deny", message=failure, fix="", file=manifest)
        for failure in result.failures
    )
    if result.plan is None:
        subject = Subject(name=result.release, file=manifest, findings=tuple(missed))
    else:
        plan = _planned(result.plan, result.plan.rules)
        subject = Subject(
            name=plan.name, file=plan.file, rules=plan.rules, needs=plan.needs, lacking=plan.lacking,
            findings=(*plan.findings, *missed),
        )  # fmt: skip
    return View(
        verb="release",
        exit_code=result.exit_code,
        subjects=(subject,),
        summary=f"{result.release}: {result.outcome}",
        waivers=_by_path(result.plan.waivers if result.plan else ()),
    )


@view.register
def _verify(result: VerifyResult) -> View:
    words = "verified" if result.verified else "NOT verified"
    subject = Subject(
        name="ledger",
        file="",
        findings=tuple(_failed(step) for step in result.steps if step.status == "fail"),
        rules=tuple(RuleRow(id=_id(step), title=step.detail or step.name) for step in result.steps),
        skipped=tuple(_id(step) for step in result.steps if step.status == "skip"),
    )
    return View(
        verb="verify",
        exit_code=result.exit_code,
        subjects=(subject,),
        summary=f"ledger of {result.entries} entries: {words}",
    )


@view.register
def _policy_test(result: PolicyTestResult) -> View:
    """A subject for each file of tests, a rule for each case; and one for rules that lack a case."""
    subjects = [
        Subject(
            name=file.file,
            file=file.file,
            findings=tuple(finding for case in file.cases for finding in _differences(case)),
            rules=tuple(RuleRow(id=case.name, title=case.name) for case in file.cases),
        )
        for file in result.files
    ]
    lacking = tuple(
        Finding(
            rule=f"tests-of-{rule.rule}",
            level="deny" if result.required else "warn",
            message=f"rule {rule.rule}: {rule.lacks}",
            fix="write a case in which it holds, and one in which it does not",
            file=rule.place.split(":")[0],
            line=int(rule.place.split(":")[1]),
        )
        for rule in result.untested
    )
    failed = sum(not case.passed for case in result.cases)
    return View(
        verb="policy-test",
        exit_code=0 if result.passed else 1,
        subjects=(*subjects, Subject(name="rules", file=POLICY, findings=lacking)),
        summary=f"{counted(len(result.cases), 'case')} of tests of the policy, {failed} failed",
    )


def _differences(case: CaseResult) -> Iterator[Finding]:
    texts = [f"expected {text}" for text in case.missing]
    for text in (*texts, *(f"found {text}" for text in case.unexpected)):
        yield Finding(
            rule=case.name,
            level="deny",
            message=text,
            fix="change the policy, or what the case expects",
            file=case.file,
            line=case.line,
            column=case.column,
        )


def _planned(result: PlanResult, rules: Iterable[RuleRow]) -> Subject:
    manifest = _manifest(result.release)
    lacking = tuple(
        Finding(
            rule=f"approval-{row.role}",
            level="deny",
            message=f"{row.have} of {counted(row.needed, 'approval')} by {row.role}",
            fix=f"dpgate approve {result.release} --role {row.role} --key KEY",
            file=manifest,
            release=result.release,
        )
        for row in result.approvals
        if row.have < row.needed and result.verdict in ("waiting", "denied")
    )
    running = tuple(
        Finding(
            rule="open-reservation",
            level="deny",
            message=f"entry {each.entry} reserved attempt {each.attempt} and never settled",
            fix=result.next,
            file=manifest,
            release=result.release,
        )
        for each in result.open
    )
    met = (
        RuleRow(id=f"approval-{row.role}", title=f"Approved by {row.role}")
        for row in result.approvals
    )
    return Subject(
        name=result.release,
        file=manifest,
        findings=(*result.findings, *running),
        rules=_rules_of(result.release, rules),
        needs=tuple(met),
        lacking=lacking,
    )


def _failed(step: Step) -> Finding:
    place = f"{step.file}: " if step.file else ""
    return Finding(rule=_id(step), level="deny", message=f"{place}{step.detail}", fix="")


def _id(step: Step) -> str:
    return f"verify-{step.name.replace(' ', '-')}"


def _by_path(rows: Iterable[WaiverRow]) -> dict[str, WaiverRow]:
    return {row.path: row for row in rows}


def _manifest(release: str) -> str:
    return str(PurePosixPath("releases", release, "release.yaml"))


def _rules_of(release: str, rules: Iterable[RuleRow]) -> tuple[RuleRow, ...]:
    """Rules that were judged of one release."""
    dataset = release.split("/", maxsplit=1)[0]
    return tuple(
        rule for rule in rules if rule.about == "release" and rule.dataset in ("", dataset)
    )
