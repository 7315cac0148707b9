"""The ledger as text."""

from __future__ import annotations

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from dpgate.gate.results import LedgerResult
from dpgate.model.values import short
from dpgate.report.text_plan import budget_table


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
