"""HTML: a comparison as one file that needs nothing else, like the page of evidence."""

from __future__ import annotations

from decimal import Decimal
from typing import TextIO

from dpgate.errors import DpgateError
from dpgate.evidence.page import interval
from dpgate.evidence.page.environment import rendered
from dpgate.evidence.page.numbers import ceiling
from dpgate.evidence.report import Interval
from dpgate.gate.compare_results import ComparedCell, ComparedRow, CompareResult
from dpgate.model.values import Frozen
from dpgate.report import compare_table

_ROOM = 1.15
"""What a scale has beyond its highest number."""


class HtmlReporter:
    """A page; errors are pages too, so that a job always has its file."""

    shows = frozenset(("compare",))

    def result(self, result: Frozen, out: TextIO) -> None:
        """Write what a verb returned.

        Raises:
            MissingExtraError: Jinja is not installed.
        """
        if not isinstance(result, CompareResult):
            raise TypeError(type(result).__name__)
        kinds = {
            head: [(row, _plots(row)) for row in result.rows if row.kind == kind]
            for kind, head in compare_table.HEADS.items()
        }
        page = rendered(
            "compare.html.j2",
            result=result,
            kinds={head: rows for head, rows in kinds.items() if rows},
            table=compare_table,
            plot_width=interval.WIDTH,
        )
        out.write(page.decode())

    def error(self, error: DpgateError, out: TextIO, verb: str = "") -> None:
        """Write why a verb could not do its work."""
        out.write(rendered("error.html.j2", error=error, verb=verb).decode())


def _plots(row: ComparedRow) -> tuple[interval.Plot | None, ...]:
    """The cells of a row, drawn on one scale."""
    numbers = [n for held in row.cells if held for n in (held.high, held.limit) if n is not None]
    end = ceiling(_ROOM * float(max(numbers, default=Decimal(0))))
    return tuple(_plot(held, row, end) for held in row.cells)


def _plot(held: ComparedCell | None, row: ComparedRow, end: float) -> interval.Plot | None:
    if held is None or held.value is None or held.low is None or held.high is None:
        return None
    return interval.drawn(
        Interval(value=held.value, low=held.low, high=held.high),
        end,
        limit=held.limit,
        better=row.better,
        passed=held.passed,
    )
