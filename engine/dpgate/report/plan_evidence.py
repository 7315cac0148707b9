"""What an attempt will measure of its own rows, in lines that text and Markdown share."""

from __future__ import annotations

from collections.abc import Iterator

from dpgate.gate.evidence_rows import EvidenceRow
from dpgate.gate.results import PlanResult
from dpgate.model.values import plain
from dpgate.report.words import measure_name, rounded_up


def evidence_lines(result: PlanResult) -> Iterator[str]:
    """The share that evidence gets, then each measure with its noise and its threshold."""
    if result.evidence_share:
        share = plain(result.evidence_share * 100)
        yield f"evidence: {share} % of the release's ρ measures the rows that it makes"
    elif result.evidence:
        yield "evidence without noise, sealed to stewards:"
    for row in result.evidence:
        yield f"  {measure_name(row.metric, row.about)}: {_noise(row)}{_limit(row)}"
    if result.unprotected_bits:
        yield (
            "  a threshold without noise lets out one bit about the private data; no ε covers it, and the policy "
            "allows it by name"
        )


def _noise(row: EvidenceRow) -> str:
    if row.disclosure == "restricted":
        return "without noise, one bit"
    if row.half_width is None:
        return "its noise depends on what comes out"
    return f"±{rounded_up(plain(row.half_width), 4)}"


def _limit(row: EvidenceRow) -> str:
    if row.limit is None:
        return "; no threshold"
    return f"; at {'most' if row.better == 'low' else 'least'} {plain(row.limit)}"
