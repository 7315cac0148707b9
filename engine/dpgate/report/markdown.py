"""Markdown for a comment on a request or a job's summary: the verdict first, the rest folded away."""

from __future__ import annotations

from collections.abc import Iterable
from functools import singledispatchmethod
from typing import Any, TextIO

from dpgate.errors import DpgateError
from dpgate.gate.compare_results import CompareResult
from dpgate.gate.results import CheckResult, PlanResult, PlansResult, ReleaseResult, VerifyResult
from dpgate.model.finding import Finding
from dpgate.model.values import Frozen, counted
from dpgate.report import markdown_compare, markdown_plan
from dpgate.report.markdown_parts import findings, folded, notes, rules, waivers
from dpgate.report.markdown_text import Links, code, prose
from dpgate.report.page import Page
from dpgate.report.view import SHOWN
from dpgate.report.words import result_name, rounded_up

HOST_TAKES = 65_536
"""Characters of a comment on GitHub."""
_EXITS = {
    1: "denied",
    2: "invalid input",
    3: "integrity failure",
    4: "could not decide",
}


class MarkdownReporter:
    """One page; its first line, which no reader sees, is `<!-- dpgate:VERB -->`."""

    shows = SHOWN | {"compare"}

    def __init__(self, most: int = 60_000) -> None:
        self._most = min(most, HOST_TAKES)
        self._links = Links.here()

    def result(self, result: Frozen, out: TextIO) -> None:
        """Write what a verb returned."""
        page = Page(self._most)
        self._show(result, page)
        out.write(page.text())

    def error(self, error: DpgateError, out: TextIO, verb: str = "") -> None:
        """Write why a verb could not do its work."""
        page = Page(self._most)
        kind = _EXITS.get(error.exit_code, "error")
        _head(page, verb or "error", f"❌ dpgate {prose(verb)}: {kind}".replace(" :", ":"))
        fix = f"\n\n**Fix:** {prose(error.fix)}" if error.fix else ""
        page.add(f"\n**Error:** {prose(error.message)}{fix}\n", 0, "sentence")
        problems = (
            Finding(
                rule="", level="deny", message=p.message, fix=p.fix,
                file=p.file, line=p.line, column=p.column,
            )
            for p in error.problems
        )  # fmt: skip
        findings(page, problems, self._links)
        out.write(page.text())

    @singledispatchmethod
    def _show(self, result: Frozen, page: Page) -> None:  # noqa: ARG002 - as those below
        raise TypeError(type(result).__name__)

    @_show.register
    def _check(self, result: CheckResult, page: Page) -> None:
        count = counted(len(result.releases), "manifest")
        denying = sum(finding.level == "deny" for finding in result.findings)
        verdict = (
            f"✅ dpgate check: {count} allowed by the rules"
            if result.allowed
            else f"❌ dpgate check: denied by {counted(denying, 'finding')} in {count}"
        )
        _head(page, "check", verdict)
        findings(page, _once(result.findings), self._links)
        waivers(page, result.waivers)
        for told in result.trainings:
            page.add(f"\nTraining of {prose(told)}\n", 3, "sentence")
        if result.allowed and result.releases:
            page.add("\nBudgets and approvals are judged by `dpgate plan`.\n", 2, "sentence")
        rules(page, result.rules, result.findings)
        if result.releases:
            names = ", ".join(map(code, result.releases))
            page.add(folded(f"{count} checked", f"{names}\n"), 4, "section")

    @_show.register
    def _plan(self, result: PlanResult, page: Page) -> None:
        _head(page, "plan", markdown_plan.headline(result))
        markdown_plan.body(page, result, self._links, rules_too=True)

    @_show.register
    def _plans(self, result: PlansResult, page: Page) -> None:
        _head(page, "plan", markdown_plan.headline_of_all(result))
        markdown_plan.all_bodies(page, result, self._links)
        found = [finding for plan in result.plans for finding in plan.findings]
        rules(page, result.rules, found)

    @_show.register
    def _release(self, result: ReleaseResult, page: Page) -> None:
        words = {
            "released": "✅ {}: released",
            "already-released": "☑️ {}: released before; nothing was spent",
            "gate-failed": "❌ {}: the gate failed; nothing is released, and the attempt is spent",
            "denied": "❌ {}: denied; nothing was spent, and the data was not opened",
        }
        _head(page, "release", words[result.outcome].format(code(result.release)))
        entries = [
            f"entry {number} {what} it"
            for what, number in (("reserves", result.reserve), ("settles", result.settle))
            if number
        ]
        if entries:
            page.add(f"\nOn the ledger, {' and '.join(entries)}.\n", 0, "sentence")
        for failure in result.failures:
            page.add(f"\n- ❌ {prose(failure)}\n", 1, "failure")
        _evidence(page, result.evidence)
        rows = (f"| {code(a['name'])} | {code(a['sha256'])} |\n" for a in result.artifacts)
        if result.artifacts:
            page.table("\n| file | digest |\n|---|---|\n", rows, 3, "file")
        notes(page, result.notes)
        if result.plan is not None and result.outcome == "denied":
            markdown_plan.body(page, result.plan, self._links, rules_too=False)
        markdown_plan.next_step(page, result.next)

    @_show.register
    def _verify(self, result: VerifyResult, page: Page) -> None:
        if result.verified:
            words = f"✅ dpgate verify: {counted(len(result.releases), 'release')} verified"
        elif result.exit_code == 4:
            words = "⚠️ dpgate verify: self-consistent, not authenticated"
        else:
            words = "❌ dpgate verify: NOT verified"
        _head(page, "verify", words)
        page.add(
            f"\n{result.entries} entries; root {code(result.root)}, head {code(result.head)}\n",
            0,
            "sentence",
        )
        marks = {"pass": "✅", "fail": "❌", "skip": "–"}
        rows = (
            f"| {step.number} | {marks[step.status]} | {prose(step.name)} | "
            f"{code(step.file) + ': ' if step.file else ''}{prose(step.detail)} |\n"
            for step in result.steps
        )
        page.table("\n| | | step | |\n|--:|---|---|---|\n", rows, 1, "step")
        markdown_plan.next_step(page, result.next)

    @_show.register
    def _compare(self, result: CompareResult, page: Page) -> None:
        _head(page, "compare", f"dpgate compare: {counted(len(result.reports), 'report')}")
        markdown_compare.body(page, result)


def _head(page: Page, verb: str, words: str) -> None:
    page.add(f"<!-- dpgate:{verb} -->\n### {words}\n", 0, "headline")


def _once(found: Iterable[Finding]) -> tuple[Finding, ...]:
    """Findings without those that are the same for several manifests."""
    return tuple({(f.rule, f.place, f.message): f for f in found}.values())


def _evidence(page: Page, evidence: tuple[dict[str, Any], ...]) -> None:
    rows = []
    for item in evidence:
        metric = result_name(item)
        kind = "dp, charged" if item["disclosure"] == "dp" else item["disclosure"]
        value, interval = "sealed", ""
        if item["disclosure"] != "restricted":
            value = rounded_up(item["value"], 4)
        if "low" in item:
            interval = f"{rounded_up(item['low'], 4)} … {rounded_up(item['high'], 4)}"
        rows.append(f"| {prose(metric)} | {prose(kind)} | {value} | {interval} |\n")
    if rows:
        head = "\n| evidence | discloses | value | 95 % interval |\n|---|---|--:|--:|\n"
        page.table(head, rows, 2, "metric")
