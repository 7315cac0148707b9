"""A comparison in Markdown: what was compared, a table of facts, a table of results."""

from __future__ import annotations

from collections.abc import Iterable

from dpgate.gate.compare_results import CompareResult
from dpgate.report import compare_table as c
from dpgate.report.markdown_parts import notes
from dpgate.report.markdown_text import code, prose
from dpgate.report.page import Page


def body(page: Page, result: CompareResult) -> None:
    """All but the headline."""
    top = page.add("\n", 0, "list")
    for report in result.reports:
        what = f"{report.kind}, {report.synthesizer}"
        line = f"- **{report.letter}** {code(report.name)}, {prose(what)} ({code(report.path)})\n"
        page.add(line, 0, "report", top)
    notes(page, c.warnings(result))
    letters = [report.letter for report in result.reports]
    lines = (_line(line.name, line.texts) for line in c.facts(result))
    page.table(_head("", letters), lines, 0, "fact")
    for kind, head in c.HEADS.items():
        rows = [row for row in result.rows if row.kind == kind]
        if rows:
            lines = (
                _line(row.title, (*map(c.cell, row.cells), c.limit(row), c.classes(row)))
                for row in rows
            )
            page.table(_head(head, [*letters, "threshold", "discloses"]), lines, 1, "result")
    page.add(f"\n<sub>{prose(c.KEY)}. {prose(c.PLAIN)}</sub>\n", 1, "sentence")


def _head(name: str, columns: Iterable[str]) -> str:
    columns = list(columns)
    return f"\n| {name} | {' | '.join(columns)} |\n|---|{'--:|' * len(columns)}\n"


def _line(name: str, texts: Iterable[str]) -> str:
    return f"| {prose(name)} | {' | '.join(map(prose, texts))} |\n"
