"""A rehearsal as text: what stood in, a table of the sweep, and what follows from it."""

from __future__ import annotations

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from dpgate.gate.rehearsal import RehearsalResult, RehearsedMetric, RehearsedPoint
from dpgate.model.values import counted, plain, short
from dpgate.report.words import findings, next_line, notes, tick

_WIDTH = 30
"""Of the names of measures, so that tables stand below each other."""


def rehearsal(result: RehearsalResult) -> RenderableType:
    """The whole rehearsal."""
    parts: list[RenderableType] = [_head(result), *_about(result), Text(""), *_tables(result)]
    parts += [*_failed(result), *_missed(result), *_suggested(result), Text("")]
    parts += [
        Text(
            f"{each.title}: advantage {plain(each.value)} ({plain(each.low)} to {plain(each.high)}, by chance)"
        )
        for each in result.further
    ]
    parts += findings(result.findings)
    parts += notes(result.notes)
    if result.files:
        parts.append(
            Text(f"the manifest's own, first run: {', '.join(result.files)} in {result.folder}")
        )
    return Group(*parts, *next_line(result.next))


def _head(result: RehearsalResult) -> Text:
    own = next(point for point in result.points if point.own)
    words = f"{own.synthesizer} at ε {plain(own.epsilon)}"
    if own.failure:
        told = f"{words} cannot be made: {own.failure}"
    elif own.good:
        told = f"{words} would have passed its gate in {counted(own.runs, 'run')}"
    else:
        told = f"{words} would have failed its gate in {own.runs - own.passed} of {own.runs} runs"
    mark = tick(ok=own.good)
    return Text.assemble((result.release, "bold"), "   ", mark, " ", (told, "bold"))


def _about(result: RehearsalResult) -> list[Text]:
    share = plain(result.evidence_share * 100)
    return [
        Text(f"stand-in: {result.stand_in.words}"),
        Text(f"! {result.warning}", style="yellow"),
        Text(
            f"{result.rows:,} rows a run, δ={short(result.delta)}, {share} % of ρ on evidence; "
            f"{counted(result.runs, 'run')} of each",
            style="dim",
        ),
        Text(
            "means over runs, without noise; ✗: a run would have failed, with the noise that its gate sees; "
            "←: the manifest",
            style="dim",
        ),
    ]


def _tables(result: RehearsalResult) -> list[RenderableType]:
    """A table for each synthesizer: a line for each measure, a column for each ε."""
    names = dict.fromkeys(point.synthesizer for point in result.points)
    parts: list[RenderableType] = []
    for name in names:
        parts += [_table([p for p in result.points if p.synthesizer == name]), Text("")]
    return parts


def _table(points: list[RehearsedPoint]) -> Table:
    table = Table(box=None, pad_edge=False)
    table.add_column(points[0].synthesizer, min_width=_WIDTH)
    for point in points:
        own = " ←" if point.own else ""
        table.add_column(f"ε {plain(point.epsilon)}{own}", justify="right", style=_style(point))
    told = {metric.title: metric for point in points for metric in point.metrics}
    for title, metric in told.items():
        table.add_row(title + _limit(metric), *(_value(point, title) for point in points))
    for words, cell in (
        ("runs that passed", _passed),
        ("thresholds met", _met),
        ("seconds a run", _time),
    ):
        table.add_row(words, *(cell(point) if point.runs else "–" for point in points))
    return table


def _limit(metric: RehearsedMetric) -> str:
    if metric.limit is None:
        return ""
    return f" {'≥' if metric.better == 'high' else '≤'} {plain(metric.limit)}"


def _value(point: RehearsedPoint, title: str) -> str:
    metric = next((each for each in point.metrics if each.title == title), None)
    if metric is None:
        return "–"
    missed = "✗ " if metric.met < point.runs else ""
    return f"{missed}{metric.value:.4f}"


def _passed(point: RehearsedPoint) -> str:
    return f"{point.passed}/{point.runs}"


def _met(point: RehearsedPoint) -> str:
    return f"{point.met}/{point.thresholds}"


def _time(point: RehearsedPoint) -> str:
    return "" if point.seconds is None else f"{point.seconds:.1f}"


def _style(point: RehearsedPoint) -> str:
    if point.failure or not point.passed:
        return "red"
    return "" if point.good else "yellow"


def _failed(result: RehearsalResult) -> list[Text]:
    """Why places have no runs; once for each reason of a synthesizer."""
    places: dict[tuple[str, str], list[str]] = {}
    for point in result.points:
        if point.failure:
            places.setdefault((point.synthesizer, point.failure), []).append(plain(point.epsilon))
    lines = [
        Text(f"{name} at ε {', '.join(epsilons)} cannot be made: {why}", style="red")
        for (name, why), epsilons in places.items()
    ]
    return [*lines, Text("")] if lines else []


def _missed(result: RehearsalResult) -> list[Text]:
    """What the manifest's own gate said, if it failed."""
    own = next(point for point in result.points if point.own)
    if not own.missed:
        return []
    return [
        Text("the manifest's own gate, with the noise that it would see", style="bold"),
        *(Text(f"  ✗ {words}", style="red") for words in own.missed),
        Text(""),
    ]


def _suggested(result: RehearsalResult) -> list[Text]:
    lines = [Text("the smallest ε of the sweep whose runs all passed", style="bold")]
    for each in result.suggestions:
        told = "none"
        if each.epsilon is not None:
            told = f"ε {plain(each.epsilon)}   in release.yaml: {each.write}"
        rule = "" if each.allowed else "   (the policy does not allow it for every column)"
        lines.append(Text(f"  {each.synthesizer}: {told}{rule}"))
    return lines
