"""The privacy-utility curve: a panel for each metric, a line for each synthesizer, ε on a log scale."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal

from dpgate.evidence.page.numbers import at, ceiling, cost, figure, span
from dpgate.evidence.report import EvidenceReport, Point

LEFT, RIGHT, TOP, BOTTOM = 44, 330, 10, 160
"""Sides of the plot."""
STYLES = 8
"""Colours, dashes and marks; they repeat beyond."""
SHAPES = (
    "m-4 0a4 4 0 1 0 8 0a4 4 0 1 0-8 0z",
    "m-3.5-3.5h7v7h-7z",
    "m0-4.6l4.4 7.8h-8.8z",
    "m0-5l5 5l-5 5l-5-5z",
    "m0 4.6l4.4-7.8h-8.8z",
    "m-1.5-4.5h3v3h3v3h-3v3h-3v-3h-3v-3h3z",
    "m-5 0l3-4h4l3 4l-3 4h-4z",
    "m-4.5-2.5h9v5h-9z",
)
"""Outline of each style's mark, around its point."""
_TICK_EVERY = 30


@dataclass(frozen=True, kw_only=True)
class Mark:
    """One point."""

    x: str
    y: str
    passed: bool | None
    words: str


@dataclass(frozen=True, kw_only=True)
class Line:
    """One synthesizer in one panel."""

    name: str
    style: int
    path: str
    band: str
    """Path around lowest and highest runs; empty where they are the same."""
    marks: tuple[Mark, ...]


@dataclass(frozen=True, kw_only=True)
class Panel:
    """One metric."""

    title: str
    better: str
    lines: tuple[Line, ...]
    xs: tuple[tuple[str, str], ...]
    """Ticks: coordinate and ε."""
    ys: tuple[tuple[str, str], ...]
    limit: str
    """Coordinate of the threshold; empty where there is none."""
    limit_words: str
    words: str
    table: tuple[tuple[str, tuple[tuple[str, str], ...]], ...]
    """Rows: ε, then mean and range of each synthesizer."""


@dataclass(frozen=True, kw_only=True)
class Curves:
    """All panels."""

    stand_in: str
    names: tuple[str, ...]
    panels: tuple[Panel, ...]
    runs: str


def curves(report: EvidenceReport) -> Curves | None:
    """The panels; None where there is no curve."""
    curve = report.curve
    if curve is None or not curve.points:
        return None
    names = tuple(dict.fromkeys(point.synthesizer for point in curve.points))
    metrics: dict[tuple[str, str], list[Point]] = {}
    for point in curve.points:
        metrics.setdefault((point.metric, point.title), []).append(point)
    runs = sorted({point.runs for point in curve.points})
    return Curves(
        stand_in=curve.stand_in,
        names=names,
        panels=tuple(_panel(points, names) for points in metrics.values()),
        runs=str(runs[0]) if len(runs) == 1 else f"{runs[0]} to {runs[-1]}",
    )


def _panel(points: Sequence[Point], names: Sequence[str]) -> Panel:
    first = points[0]
    limit = next((point.limit for point in points if point.limit is not None), None)
    foot, top = _scale(points, limit)
    across = _across(points)

    def up(value: Decimal) -> float:
        part = (float(value) - foot) / (top - foot)
        return BOTTOM - (BOTTOM - TOP) * max(0.0, min(1.0, part))

    lines = []
    for place, name in enumerate(names):
        own = sorted((p for p in points if p.synthesizer == name), key=lambda p: p.epsilon)
        spots = [(across[p.epsilon], up(p.value), up(p.low), up(p.high)) for p in own]
        if own:
            lines.append(
                Line(
                    name=name,
                    style=place % STYLES,
                    path=_path((x, y) for x, y, _, _ in spots),
                    band=_band(spots),
                    marks=tuple(_mark(p, x, y) for p, (x, y, _, _) in zip(own, spots, strict=True)),
                )
            )
    bound = "at least" if first.better == "high" else "at most"
    return Panel(
        title=first.title or first.metric.replace("_", " "),
        better=first.better,
        lines=tuple(lines),
        xs=_ticks(across),
        ys=tuple((at(BOTTOM - (BOTTOM - TOP) * part),
                  figure(Decimal(repr(foot + part * (top - foot))), digits=3))
                 for part in (0, 0.5, 1.0)),
        limit="" if limit is None else at(up(limit)),
        limit_words="" if limit is None else f"threshold: {bound} {figure(limit)}",
        words=_words(points, lines),
        table=_table(points, names),
    )  # fmt: skip


def _scale(points: Sequence[Point], limit: Decimal | None) -> tuple[float, float]:
    """Foot and top of a panel: from 0 on where low is good, else from below what is there."""
    bound = [] if limit is None else [float(limit)]
    highest = max([*(float(p.high) for p in points), *bound])
    lowest = min([*(float(p.low) for p in points), *bound])
    if points[0].better == "low" or highest <= 0:
        return 0.0, ceiling(highest)
    step = ceiling((highest - lowest or highest) / 2)
    foot = math.floor(lowest / step) * step
    return foot, foot + step * max(1, math.ceil((highest - foot) / step))


def _across(points: Iterable[Point]) -> dict[Decimal, float]:
    """Where each ε stands."""
    logs = {p.epsilon: math.log10(max(float(p.epsilon), 1e-9)) for p in points}
    low, high = min(logs.values()), max(logs.values())
    width = RIGHT - LEFT - 16
    return {
        epsilon: LEFT + 8 + (width * (log - low) / (high - low) if high > low else width / 2)
        for epsilon, log in sorted(logs.items())
    }


def _ticks(across: dict[Decimal, float]) -> tuple[tuple[str, str], ...]:
    """As many as do not touch each other."""
    ticks: list[tuple[str, str]] = []
    last = -math.inf
    for epsilon, x in across.items():
        if x - last >= _TICK_EVERY:
            ticks.append((at(x), figure(epsilon, digits=2)))
            last = x
    return tuple(ticks)


def _path(spots: Iterable[tuple[float, float]]) -> str:
    return "M" + "L".join(f"{at(x)} {at(y)}" for x, y in spots)


def _band(spots: Sequence[tuple[float, float, float, float]]) -> str:
    if all(low == high for _, _, low, high in spots):
        return ""
    there = [(x, high) for x, _, _, high in spots]
    back = [(x, low) for x, _, low, _ in reversed(spots)]
    return f"{_path([*there, *back])}z"


def _mark(point: Point, x: float, y: float) -> Mark:
    verdict = {True: ", met by every run", False: ", not met by every run", None: ""}[point.passed]
    between = span(min(point.low, point.high), max(point.low, point.high))
    between = f" ({between})" if between else ""
    words = f"{point.synthesizer}, ε {cost(point.epsilon)}: {figure(point.value)}{between}{verdict}"
    return Mark(x=at(x), y=at(y), passed=point.passed, words=words)


def _words(points: Sequence[Point], lines: Sequence[Line]) -> str:
    told = "; ".join(f"{line.marks[0].words} … {line.marks[-1].words}" for line in lines[:STYLES])
    return f"{len(points)} points. {told}"


def _table(
    points: Sequence[Point], names: Sequence[str]
) -> tuple[tuple[str, tuple[tuple[str, str], ...]], ...]:
    held = {(p.epsilon, p.synthesizer): p for p in points}
    rows = []
    for epsilon in sorted({p.epsilon for p in points}):
        own = (held.get((epsilon, name)) for name in names)
        cells = tuple((figure(p.value), span(p.low, p.high)) if p else ("–", "") for p in own)
        rows.append((cost(epsilon), cells))
    return tuple(rows)
