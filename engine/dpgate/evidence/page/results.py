"""Results as rows of tables, one table for each kind."""

from __future__ import annotations

from dataclasses import dataclass

from dpgate.evidence.page import interval
from dpgate.evidence.page.numbers import ceiling, cost, figure, span
from dpgate.evidence.report import EvidenceReport, Shown

KINDS = (
    ("utility", "Utility", "How close the rows are to what they stand for."),
    (
        "attack",
        "Attacks",
        "Advantage: how much more often an attacker is right who holds the rows. 0 is guessing.",
    ),
    ("output", "The output itself", "Computed from the rows alone, such as k-anonymity."),
    ("schema", "Schema", "Whether the rows are of the form that was described."),
)
_SHARED = ("attack",)
"""Kinds whose results are drawn on one scale."""


@dataclass(frozen=True, kw_only=True)
class Part:
    """One of several numbers of a result."""

    label: str
    value: str
    span: str
    plot: interval.Plot


@dataclass(frozen=True, kw_only=True)
class Row:
    """One result; every text is for people."""

    title: str
    metric: str
    disclosure: str
    cost: str
    value: str
    span: str
    limit: str
    passed: bool | None
    baseline: str
    given: str
    plot: interval.Plot | None
    parts: tuple[Part, ...]
    details: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Table:
    """Results of one kind."""

    kind: str
    title: str
    about: str
    shared: bool
    """Whether all are drawn on one scale."""
    rows: tuple[Row, ...]


def tables(report: EvidenceReport) -> tuple[Table, ...]:
    """A table for each kind that has results, those that failed first."""
    made = []
    for kind, title, about in KINDS:
        own = [result for result in report.results if result.kind == kind]
        own.sort(key=lambda result: result.passed is not False)
        end = interval.scale(own) if kind in _SHARED else None
        rows = tuple(_row(result, end) for result in own)
        if rows:
            made.append(
                Table(kind=kind, title=title, about=about, shared=end is not None, rows=rows)
            )
    return tuple(made)


def _row(result: Shown, end: float | None) -> Row:
    own = end or interval.scale([result])
    parts_end = ceiling(max((float(part.high) for part in result.parts), default=0))
    value = result.value
    bound = "at least" if result.better == "high" else "at most"
    return Row(
        title=result.title or result.metric.replace("_", " "),
        metric=result.metric,
        disclosure=result.disclosure,
        cost=_cost(result),
        value="sealed" if value is None else figure(value.value),
        span="" if value is None else span(value.low, value.high),
        limit="" if result.limit is None else f"{bound} {figure(result.limit)}",
        passed=result.passed,
        baseline="" if result.baseline is None else figure(result.baseline),
        given=result.given,
        plot=interval.plot(result, own) if _drawable(result) else None,
        parts=tuple(
            Part(
                label=part.label,
                value=figure(part.value),
                span=span(part.low, part.high),
                plot=interval.drawn(part, parts_end),
            )
            for part in result.parts
        ),
        details=result.details,
    )


def _drawable(result: Shown) -> bool:
    """A plot shows something: an interval, or a threshold to be held against."""
    value = result.value
    return value is not None and (result.limit is not None or value.low != value.high)


def _cost(result: Shown) -> str:
    if result.disclosure == "restricted":
        return "covered by no ρ" if result.passed is None else "1 unprotected bit"
    return f"ρ {cost(result.rho)}" if result.rho is not None else "ρ 0"
