"""A comparison as text: facts, then results, one column for each report."""

from __future__ import annotations

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from dpgate.gate.compare_results import CompareResult
from dpgate.report import compare_table as c
from dpgate.report.words import notes


def compare(result: CompareResult) -> RenderableType:
    """The whole comparison."""
    letters = tuple(report.letter for report in result.reports)
    parts: list[RenderableType] = [
        Text.assemble(
            (f"{report.letter}  ", "bold"),
            f"{report.name}   {report.kind}, {report.synthesizer}",
            (f"   {report.path}", "dim"),
        )
        for report in result.reports
    ]
    parts += [Text(""), *notes(c.warnings(result))]
    table = _table("", letters)
    for line in c.facts(result):
        table.add_row(line.name, *line.texts, "", "")
    parts.append(Padding(table, (0, 0, 0, 2)))
    for kind, head in c.HEADS.items():
        rows = [row for row in result.rows if row.kind == kind]
        if rows:
            table = _table(head, letters)
            for row in rows:
                cells = (Text("\n".join(filter(None, (c.cell(h), c.around(h))))) for h in row.cells)
                table.add_row(row.title, *cells, c.limit(row), c.classes(row))
            parts += [Text(""), Padding(table, (0, 0, 0, 2))]
    return Group(*parts, Text(""), Text(c.KEY, style="dim"), Text(c.PLAIN))


def _table(head: str, letters: tuple[str, ...]) -> Table:
    table = Table(box=None, pad_edge=False, title=head or None, title_justify="left",
                  title_style="bold")  # fmt: skip
    table.add_column("", overflow="fold")
    for letter in letters:
        table.add_column(letter, justify="right")
    table.add_column("threshold" if head else "")
    table.add_column("discloses" if head else "")
    return table
