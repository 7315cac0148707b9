"""Marginals as small multiples: bars for the released rows, an outline for the stand-in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from dpgate.evidence.page.numbers import at, percent
from dpgate.evidence.report import Bars, EvidenceReport

WIDTH, HEIGHT = 260, 96
"""Of the plot of a histogram."""
LINE = 20
"""Height of a bar that has its label beside it."""
NAMED_AT, NAMED_WIDTH = 104, 112
"""Where such bars begin, and their greatest length; the rest is for the number."""
_NAMED = ("boolean", "category", "ordinal", "zip")
_MOST_NAMED = 12
_MOST_CELLS = 8_000
"""Cells of all columns that get a text each; beyond, the JSON has the numbers."""


@dataclass(frozen=True, kw_only=True)
class Bar:
    """One cell."""

    label: str
    share: str
    reference: str
    start: str
    """Left side, or top of a bar with its label."""
    length: str
    top: str
    outline: str
    """Length of the outline; empty where there is none."""


@dataclass(frozen=True, kw_only=True)
class Chart:
    """One column."""

    column: str
    title: str
    type: str
    named: bool
    """Whether each bar has its label beside it."""
    texts: bool
    """Whether each bar says its number, and a table has them all."""
    bars: tuple[Bar, ...]
    step: str
    """Width of a bar of a histogram."""
    outline: str
    """Path of the stand-in's histogram; empty where there is none."""
    solid: str
    """Path of all bars of a histogram."""
    most: str
    """The share at the top of the scale."""
    words: str
    far: str
    """Total variation distance to the stand-in, from these very shares; empty without one."""


def charts(report: EvidenceReport) -> tuple[Chart, ...]:
    """A chart for each column."""
    texts = sum(len(bars.labels) for bars in report.bars) <= _MOST_CELLS
    return tuple(_chart(bars, texts=texts) for bars in report.bars)


def _chart(bars: Bars, *, texts: bool) -> Chart:
    most = max((*bars.released, *(bars.reference or ())), default=Decimal(0))
    named = bars.type in _NAMED and len(bars.labels) <= _MOST_NAMED
    lengths = _lengths(bars.released, most, NAMED_WIDTH if named else HEIGHT)
    outlines = _lengths(bars.reference or (), most, NAMED_WIDTH if named else HEIGHT)
    step = LINE if named else WIDTH / max(len(bars.labels), 1)
    return Chart(
        column=bars.column,
        title=bars.title,
        type=bars.type,
        named=named,
        texts=texts,
        bars=tuple(
            Bar(
                label=label,
                share=percent(bars.released[place]),
                reference=percent(bars.reference[place]) if bars.reference else "",
                start=at(place * step),
                length=at(lengths[place]),
                top=at(HEIGHT - lengths[place]),
                outline=at(outlines[place]) if outlines else "",
            )
            for place, label in enumerate(bars.labels)
        ),
        step=at(max(step - (1 if step > 4 else 0), 0.4)),
        outline="" if named else _outline(outlines, step),
        solid="" if named or texts else _solid(lengths, step),
        most=percent(most),
        words=_words(bars),
        far=_far(bars),
    )


def _lengths(shares: Sequence[Decimal], most: Decimal, whole: int) -> list[float]:
    return [float(share / most) * whole if most else 0.0 for share in shares]


def _outline(lengths: Sequence[float], step: float) -> str:
    """Steps along the tops, from the ground to the ground."""
    if not lengths:
        return ""
    path = [f"M0 {HEIGHT}"]
    for place, length in enumerate(lengths):
        path.append(f"V{at(HEIGHT - length)}H{at((place + 1) * step)}")
    return "".join((*path, f"V{HEIGHT}"))


def _solid(lengths: Sequence[float], step: float) -> str:
    return "".join(
        f"M{at(place * step)} {HEIGHT}v-{at(length)}h{at(step)}v{at(length)}z"
        for place, length in enumerate(lengths)
        if length >= 0.05
    )


def _words(bars: Bars) -> str:
    """What a reader who cannot see the chart must know of it."""
    if not bars.labels:
        return "no cells"
    label = bars.labels[bars.released.index(max(bars.released))]
    highest = f"{len(bars.labels)} cells; most released rows, {percent(max(bars.released))}, in {label}"
    far = _far(bars)
    return highest + (f"; total variation distance to the stand-in {far}" if far else "")


def _far(bars: Bars) -> str:
    if bars.reference is None:
        return ""
    pairs = zip(bars.released, bars.reference, strict=True)
    return str(round(sum(abs(ours - theirs) for ours, theirs in pairs) / 2, 3))
