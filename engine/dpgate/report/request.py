"""A judged request: a page in Markdown for its reviewers, and the view that formats for machines show."""

from __future__ import annotations

from io import StringIO

from dpgate.errors import DpgateError
from dpgate.gate.request import RequestResult
from dpgate.model.values import counted
from dpgate.report import markdown_plan
from dpgate.report.markdown import MarkdownReporter
from dpgate.report.markdown_parts import findings, folded, notes, rules
from dpgate.report.markdown_text import Links, code, prose
from dpgate.report.page import Page
from dpgate.report.view import View, view

_MOST = 60_000
_WORDS = {
    "allowed": "✅ dpgate: allowed",
    "waiting": "⏳ dpgate: not yet, approvals are missing",
    "denied": "❌ dpgate: denied",
}


def markdown(outcome: RequestResult | DpgateError, commit: str = "") -> str:
    """The page.

    Args:
        outcome: what was judged, or why nothing could be.
        commit: of the request that was judged; it says how new the page is.
    """
    if isinstance(outcome, DpgateError):
        shown = StringIO()
        MarkdownReporter().error(outcome, shown, "check")
        return shown.getvalue() + _of(commit)
    page, links = Page(_MOST), Links.here()
    page.add(f"### {_WORDS[outcome.verdict]}\n{_of(commit)}", 0, "headline")
    plans = outcome.plans.plans if outcome.plans else ()
    if plans and not outcome.authenticated:
        notes(page, ("the ledger's root was not given, so that the ledger is taken at its word",))
    planned = {(f.rule, f.place, f.message) for plan in plans for f in plan.findings}
    own = [f for f in outcome.check.findings if (f.rule, f.place, f.message) not in planned]
    if own and plans:
        page.add("\n**The request, by its own policy**\n", 1, "heading")
    findings(page, own, links)
    if outcome.policy is not None:
        _policy(page, outcome.policy)
    if outcome.plans is not None:
        markdown_plan.all_bodies(page, outcome.plans, links)
    rules(page, outcome.check.rules, outcome.check.findings)
    names = ", ".join(map(code, outcome.check.releases))
    count = counted(len(outcome.check.releases), "manifest")
    if names:
        page.add(folded(f"{count} held against the rules", f"{names}\n"), 4, "section")
    return page.text()


def _of(commit: str) -> str:
    return f"\n<sub>of commit {code(commit[:12])}</sub>\n" if commit else ""


def _policy(page: Page, changes: tuple[str, ...]) -> None:
    head = (
        "\n**This request changes the policy.** Plans are judged by the adopted one. "
        "Adopting this one would mean:\n\n"
    )
    top = page.add(head, 1, "heading")
    for line in changes or ("nothing that is enforced",):
        parts = "\n  - ".join(prose(part) for part in line.split("\n"))
        page.add(f"- {parts}\n", 1, "change", top)


@view.register
def _request(result: RequestResult) -> View:
    """As of `check`, with the findings of the plans."""
    shown = view(result.check)
    lacking = {s.name: s.lacking for s in view(result.plans).subjects} if result.plans else {}
    subjects = tuple(
        subject
        if subject.name not in lacking
        else type(subject)(
            name=subject.name, file=subject.file, findings=subject.findings,
            rules=subject.rules, lacking=lacking[subject.name], skipped=subject.skipped,
        )
        for subject in shown.subjects
    )  # fmt: skip
    return View(
        verb="check",
        exit_code=result.exit_code,
        subjects=subjects,
        summary=f"{shown.summary}; {result.verdict}",
        waivers=shown.waivers,
    )
