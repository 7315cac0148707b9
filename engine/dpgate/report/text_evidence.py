"""Evidence that was opened, as text."""

from __future__ import annotations

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from dpgate.gate.evidence_rows import EvidenceOpenResult
from dpgate.report.words import measure_name, tick


def opened(result: EvidenceOpenResult) -> RenderableType:
    """Figures, and that nothing protects them."""
    head = f" {result.release}, attempt {result.attempt} ({result.outcome}, entry {result.entry})"
    table = Table(box=None, pad_edge=False)
    table.add_column("measure")
    table.add_column("exact", justify="right")
    for row in result.rows:
        table.add_row(measure_name(row.metric, row.about), row.value)
    lines: list[RenderableType] = [
        Text.assemble(tick(ok=True), head),
        Text(
            "restricted: exact figures of private data, which no ε covers; keep them off Git and logs",
            "yellow",
        ),
        Padding(table, (0, 0, 0, 2)),
    ]
    if result.written:
        lines.append(Text(f"the whole document: {result.written}", overflow="fold"))
    return Group(*lines)
