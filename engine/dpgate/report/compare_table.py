"""What every comparison shows, in whatever form: facts, results and what the marks mean."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import ROUND_CEILING, Decimal

from dpgate.evidence.page.numbers import epsilon, figure, span
from dpgate.gate.compare_results import ComparedCell, ComparedReport, ComparedRow, CompareResult
from dpgate.model.values import short

BEST, CLOSE, MISSED = "★", "≈", "✗"
KEY = (
    f"{BEST} best value of its row; {CLOSE} its interval meets that of the best; "
    f"{MISSED} a threshold is not met"
)
PLAIN = "A passing attack test proves nothing; a failing one denies. ε and δ bound what any attack can gain."
HEADS = {"utility": "Utility", "attack": "Attacks", "output": "The output itself",
         "schema": "Schema"}  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Line:
    """One row of facts: its name, and the text of each report."""

    name: str
    texts: tuple[str, ...]


def facts(result: CompareResult) -> tuple[Line, ...]:
    """What each report is about, and what it cost."""
    rows: tuple[tuple[str, Callable[[ComparedReport], str]], ...] = (
        ("ε", lambda r: epsilon(r.epsilon, r.unprotected_bits)),
        ("δ", lambda r: figure(r.delta, ROUND_CEILING)),
        ("relation", lambda r: r.relation),
        ("unit", lambda r: r.unit),
        ("ε of a person", _person),
        ("synthesizer", lambda r: r.synthesizer),
        ("rows", lambda r: f"{r.rows:,}"),
        ("columns", lambda r: f"{r.columns:,}"),
        ("outcome", lambda r: r.outcome or "–"),
        ("thresholds met", lambda r: f"{r.met} of {r.judged}"),
        ("sealed", lambda r: str(r.sealed)),
    )
    return tuple(
        Line(name=name, texts=tuple(of(report) for report in result.reports)) for name, of in rows
    )


def _person(report: ComparedReport) -> str:
    if report.person_epsilon is None:
        return "–"
    at = "" if report.person_delta is None else f" (δ {short(report.person_delta)})"
    return epsilon(report.person_epsilon, report.unprotected_bits) + at


def cell(held: ComparedCell | None) -> str:
    """A value with its marks."""
    if held is None:
        return "–"
    value = "sealed" if held.value is None else figure(held.value)
    marks = (BEST * held.best, CLOSE * held.close, MISSED * (held.passed is False))
    return " ".join((value, *(mark for mark in marks if mark)))


def around(held: ComparedCell | None) -> str:
    """A value's interval; empty where there is none."""
    if held is None or held.low is None or held.high is None:
        return ""
    return span(held.low, held.high)


def limit(row: ComparedRow) -> str:
    """The thresholds of a row: one, or that they differ."""
    limits = {held.limit for held in row.cells if held is not None and held.limit is not None}
    if not limits:
        return ""
    bound = "≥" if row.better == "high" else "≤"
    return f"{bound} {' or '.join(figure(each) for each in sorted(limits))}"


def classes(row: ComparedRow) -> str:
    """How a row's values came to be."""
    return ", ".join(sorted({held.disclosure for held in row.cells if held is not None}))


def cost(held: ComparedCell) -> str:
    """What one value cost."""
    if held.disclosure == "restricted":
        return "covered by no ρ"
    return f"ρ {figure(held.rho or Decimal(0), ROUND_CEILING)}"


def warnings(result: CompareResult) -> tuple[str, ...]:
    """What keeps numbers from being compared."""
    apart = tuple(f"values cannot be compared: {why}; none is marked" for why in result.apart)
    return apart + tuple(f"ε does not mean the same: {each}" for each in result.differences)
