"""Evidence as a page: one file that needs nothing else, for a screen of any size and for paper."""

from __future__ import annotations

from dataclasses import dataclass

from dpgate.evidence.page import bars, curve, heat, interval, numbers, results
from dpgate.evidence.page.environment import rendered
from dpgate.evidence.report import EvidenceReport


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """How the thresholds went."""

    judged: int
    met: int
    failed: tuple[results.Row, ...]
    sealed: int


def render(report: EvidenceReport) -> bytes:
    """The page.

    Args:
        report: what it shows, all of it.

    Returns:
        HTML in UTF-8; the same report gives the same bytes.

    Raises:
        MissingExtraError: Jinja is not installed.

    Privacy:
        Post-processing of what may be published.
    """
    tables = results.tables(report)
    rows = [row for table in tables for row in table.rows]
    judged = [row for row in rows if row.passed is not None]
    return rendered(
        "page.html.j2",
        made=report.made,
        verdict=Verdict(
            judged=len(judged),
            met=sum(row.passed is True for row in judged),
            failed=tuple(row for row in judged if not row.passed),
            sealed=sum(row.value == "sealed" for row in rows),
        ),
        tables=tables,
        charts=bars.charts(report),
        maps=heat.maps(report),
        curves=curve.curves(report),
        notes=report.notes,
        n=numbers,
        sides=curve,
        shapes=curve.SHAPES,
        bar=bars,
        plot_width=interval.WIDTH,
        v_edges=tuple(map(str, heat.LEVELS)),
        d_edges=tuple(str(gap).replace("-", "−") for gap in heat.GAPS),
    )
