"""A rehearsal as text: what stood in, a table of the sweep, and what follows from it."""

from __future__ import annotations

from decimal import Decimal

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from dpgate.gate.rehearsal import RehearsalResult, RehearsedMetric, RehearsedPoint
from dpgate.model.values import counted, plain, short
from dpgate.report.words import findings, next_line, notes, tick

_METRICS = 8
"""Columns of measures; JSON has all."""


def rehearsal(result: RehearsalResult) -> RenderableType:
    """The whole rehearsal."""
    parts: list[RenderableType] = [_head(result), *_about(result), Text(""), _table(result)]
    parts += _left_out(result)
    parts += [*_failed(result), Text(""), *_missed(result), *_suggested(result), Text("")]
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
            f"{counted(result.runs, 'run')} of each; mean without noise, with the lowest and highest run",
            style="dim",
        ),
    ]


def _titles(result: RehearsalResult) -> list[str]:
    return list(dict.fromkeys(m.title for point in result.points for m in point.metrics))


def _table(result: RehearsalResult) -> Table:
    table = Table(box=None, pad_edge=False)
    table.add_column("synthesizer", no_wrap=True)
    table.add_column("ε", justify="right")
    shown = _titles(result)[:_METRICS]
    limits = {m.title: m for point in result.points for m in point.metrics}
    for title in shown:
        table.add_column(title + _limit(limits[title]), justify="right")
    for name in ("passed", "met", "s/run"):
        table.add_column(name, justify="right")
    table.add_column("")
    before = ""
    for point in result.points:
        name = "" if point.synthesizer == before else point.synthesizer
        before = point.synthesizer
        table.add_row(name, plain(point.epsilon), *_cells(point, shown), style=_style(point))
    return table


def _limit(metric: RehearsedMetric) -> str:
    if metric.limit is None:
        return ""
    return f" {'≥' if metric.better == 'high' else '≤'} {plain(metric.limit)}"


def _cells(point: RehearsedPoint, shown: list[str]) -> list[str]:
    measured = {metric.title: metric for metric in point.metrics}
    cells = [_value(measured[title]) if title in measured else "–" for title in shown]
    if point.runs:
        cells += [f"{point.passed}/{point.runs}", f"{point.met}/{point.thresholds}"]
    else:
        cells += ["–", "–"]
    cells.append("–" if point.seconds is None else format(point.seconds, ".1f"))
    words = ["← the manifest"] * point.own + ["cannot be made"] * bool(point.failure)
    return [*cells, ", ".join(words)]


def _value(metric: RehearsedMetric) -> str:
    if metric.low == metric.high:
        return _figure(metric.value)
    return f"{_figure(metric.value)} ({_figure(metric.low)}…{_figure(metric.high)})"


def _figure(value: Decimal) -> str:
    return format(value, ".4f")


def _style(point: RehearsedPoint) -> str:
    if point.failure or not point.passed:
        return "red"
    return "" if point.good else "yellow"


def _left_out(result: RehearsalResult) -> list[Text]:
    more = _titles(result)[_METRICS:]
    return [Text(f"and {', '.join(more)}: in --format json", style="dim")] if more else []


def _failed(result: RehearsalResult) -> list[Text]:
    """Why places have no runs; once for each reason of a synthesizer."""
    places: dict[tuple[str, str], list[str]] = {}
    for point in result.points:
        if point.failure:
            places.setdefault((point.synthesizer, point.failure), []).append(plain(point.epsilon))
    return [
        Text(f"{name} at ε {', '.join(epsilons)}: {why}", style="red")
        for (name, why), epsilons in places.items()
    ]


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
