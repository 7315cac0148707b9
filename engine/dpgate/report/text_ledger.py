"""The ledger as text."""

from __future__ import annotations

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from dpgate.gate.ledger_results import ExplainResult, LedgerResult, LogResult, WhatIfResult
from dpgate.model.values import plain, short
from dpgate.report.text_plan import budget_table
from dpgate.report.words import shown


def ledger(result: LedgerResult) -> RenderableType:
    """Budgets as they stand, then one line an entry."""
    table = Table(box=None, pad_edge=False)
    for name in ("entry", "time (UTC)", "kind", "release", "", "digest"):
        table.add_column(name, justify="right" if name == "entry" else "left")
    for row in result.rows:
        time = row.time.replace("T", " ").removesuffix(":00Z")
        table.add_row(
            str(row.entry), time, row.kind, row.release, row.summary, row.digest[7:19] + "…"
        )
    parts: list[RenderableType] = [
        Text.assemble(("root ", "bold"), result.root),
        Text(""),
        budget_table(result.scopes, short(result.delta), spent_only=True),
        Text(""),
        table,
    ]
    parts += [
        Text(
            f"! entry {item.entry} ({item.release}, attempt {item.attempt}) is open: running, or died and spent",
            style="yellow",
        )
        for item in result.open
    ]
    return Group(*parts)


def log(result: LogResult) -> RenderableType:
    """One sentence an entry."""
    return Group(
        *(
            Text.assemble(
                (
                    f"{line.entry:>5}  {line.time.replace('T', ' ').removesuffix(':00Z')} UTC  ",
                    "dim",
                ),
                line.text,
            )
            for line in result.lines
        )
    )


def explain(result: ExplainResult) -> RenderableType:
    """One entry and its arithmetic."""
    table = Table(box=None, pad_edge=False, show_header=False)
    table.add_column("", no_wrap=True)
    table.add_column("", overflow="fold")
    for term in result.terms:
        table.add_row(term.label, term.value)
    return Group(Text(f"entry {result.entry}: {result.title}", style="bold"), table)


def what_if(result: WhatIfResult) -> RenderableType:
    """How many more would fit, and what they add."""
    each = f"ε {plain(result.epsilon)} at δ={short(result.delta)} each"
    head = (
        f"{result.fitting} of {result.asked} more releases like {result.release} fit today ({each})"
    )
    lines: list[RenderableType] = [Text(head, style="bold")]
    if result.first_full:
        lines.append(Text(f"full first: {result.first_full}"))
    lines += [Text(""), budget_table(result.scopes, short(result.scopes_delta)), Text("")]
    if result.fitting:
        composed = shown(result.scopes[0].this)
        lines.append(
            Text(
                f"together they cost the population ε {composed}, composed; adding up their ε would give "
                f"{plain(result.added_up)}"
            )
        )
    return Group(*lines)
