"""What a run over all manifests did: in text, and in Markdown for the job's summary."""

from __future__ import annotations

from dpgate.gate.ready import ReadyResult
from dpgate.model.values import counted
from dpgate.model.visible import flat
from dpgate.report.markdown_text import code, prose
from dpgate.report.page import Page

_MARKS = {
    "released": "✅", "already-released": "☑️", "waiting": "⏳",
    "denied": "🚫", "gate-failed": "❌", "error": "❌",
}  # fmt: skip


_SIGNS = {
    "released": "✓", "already-released": "✓", "waiting": "–",
    "denied": "✗", "gate-failed": "✗", "error": "✗",
}  # fmt: skip


def _headline(result: ReadyResult) -> str:
    made = counted(len(result.released), "release")
    others = len(result.rows) - len(result.released)
    return f"{made} made, {others} not made, {result.settled} done before"


def text(result: ReadyResult) -> str:
    """A line for each manifest that was not done before."""
    lines = [
        f"{_SIGNS[row.outcome]} {row.release}: {row.outcome}  {flat(row.told)}\n"
        for row in result.rows
    ]
    return "".join([*lines, f"{_headline(result)}\n"])


def markdown(result: ReadyResult) -> str:
    """The same as a page, with the entries that record each release."""
    page = Page(60_000)
    mark = "❌" if result.exit_code else "✅"
    page.add(f"### {mark} dpgate release: {_headline(result)}\n", 0, "headline")
    rows = []
    for row in result.rows:
        entry = f"entry {row.result.settle}" if row.result and row.result.settle else ""
        told = prose(row.told)
        rows.append(
            f"| {_MARKS[row.outcome]} | {code(row.release)} | {row.outcome} | {entry} | {told} |\n"
        )
    if rows:
        page.table("\n| | release | | ledger | |\n|---|---|---|---|---|\n", rows, 1, "release")
    return page.text()
