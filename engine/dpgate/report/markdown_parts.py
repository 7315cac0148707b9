"""Parts that pages in Markdown share: findings, waivers, rules, what is folded away."""

from __future__ import annotations

from collections.abc import Iterable

from dpgate.gate.results import RuleRow
from dpgate.gate.waiver_results import WaiverRow
from dpgate.model.finding import Finding
from dpgate.model.values import counted
from dpgate.report.markdown_text import Links, code, prose
from dpgate.report.page import Page


def findings(page: Page, found: Iterable[Finding], links: Links) -> None:
    """Findings, those that deny first, each with its place, its rule and what to do."""
    ordered = sorted(found, key=lambda finding: finding.level != "deny")
    if not ordered:
        return
    top = page.add("\n", 1, "list")
    for finding in ordered:
        rank = 1 if finding.level == "deny" else 3
        page.add(_finding(finding, links), rank, "finding", top)


def _finding(finding: Finding, links: Links) -> str:
    mark = "❌" if finding.level == "deny" else "⚠️"
    mark = "🔓" if finding.outcome == "waived" else mark
    place = f" · {links.to(finding.file, finding.line, finding.column)}" if finding.file else ""
    rule = f" · {code(finding.rule)}" if finding.rule else ""
    about = f"{place}{rule}".removeprefix(" · ")
    waiver = f"<br>waived by {links.to(finding.waiver)}" if finding.waiver else ""
    fix = f"<br>**fix:** {prose(finding.fix)}" if finding.fix else ""
    return f"- {mark} {prose(finding.message)}<br>{about}{waiver}{fix}\n"


def waivers(page: Page, rows: Iterable[WaiverRow]) -> None:
    """Every waiver, in force or not."""
    marks = {"in-force": "🔓 in force", "claimed": "🔓 claimed", "unused": "not needed"}
    lines = [
        f"| {marks.get(row.state, row.state)} | {code(row.rule)} | {prose(row.reason)} | "
        f"{prose(row.ticket)} | {row.expires} |\n"
        for row in rows
    ]
    if lines:
        head = "\n| waiver | of rule | reason | ticket | until |\n|---|---|---|---|---|\n"
        page.table(head, lines, 2, "waiver")


def notes(page: Page, lines: Iterable[str]) -> None:
    """Things to know that block nothing."""
    for line in lines:
        page.add(f"\n> ⚠️ {prose(line)}\n", 2, "note")


def rules(page: Page, judged: tuple[RuleRow, ...], found: Iterable[Finding]) -> None:
    """How many rules hold, and which, folded away."""
    broken = {finding.rule for finding in found}
    held = [rule for rule in judged if rule.id not in broken]
    if not judged:
        return
    lines = "".join(f"- {code(rule.id)} {prose(rule.title)}\n" for rule in held)
    head = f"{len(held)} of {counted(len(judged), 'rule')} hold"
    page.add(folded(head, lines), 4, "section")


def folded(head: str, body: str) -> str:
    """A part that opens on a click; its head is ours."""
    return f"\n<details><summary>{head}</summary>\n\n{body}\n</details>\n"
