"""Marginals as small multiples: bars for the released rows, an outline for the stand-in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from dpgate.evidence.page.numbers import at, percent
from dpgate.evidence.report import Bars, EvidenceReport
from dpgate.model.visible import flat

WIDTH, HEIGHT = 260, 96
"""Of the plot of a histogram."""
LINE = 20
"""Height of a bar that has its label beside it."""
_NUMBER = 44
"""Width of the number after such a bar."""
_LETTER, _WIDEST = 6.6, 110
"""Width of a letter of a label, about, and of the longest label."""
_NAMED = ("boolean", "category", "ordinal", "zip")
_MOST_NAMED = 12
_LONGEST, _SHORT = 80, 20
"""Characters of a label in a table, and beneath an axis."""
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
    at: int
    """Where such bars begin."""
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
    ends: tuple[str, ...]
    """Labels of the first and the last cell, short."""
    far: str
    """Total variation distance to the stand-in, from these very shares; empty without one."""


def charts(report: EvidenceReport) -> tuple[Chart, ...]:
    """A chart for each column."""
    texts = sum(len(bars.labels) for bars in report.bars) <= _MOST_CELLS
    return tuple(_chart(bars, texts=texts) for bars in report.bars)


def _chart(bars: Bars, *, texts: bool) -> Chart:
    most = max((*bars.released, *(bars.reference or ())), default=Decimal(0))
    named = bars.type in _NAMED and len(bars.labels) <= _MOST_NAMED
    start = _room(bars.labels)
    whole = WIDTH - _NUMBER - start if named else HEIGHT
    lengths = _lengths(bars.released, most, whole)
    outlines = _lengths(bars.reference or (), most, whole)
    step = LINE if named else WIDTH / max(len(bars.labels), 1)
    return Chart(
        column=bars.column,
        title=bars.title,
        type=bars.type,
        named=named,
        at=start,
        texts=texts,
        bars=tuple(
            Bar(
                label=flat(label, _LONGEST),
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
        ends=tuple(flat(label, _SHORT) for label in bars.labels[:: max(len(bars.labels) - 1, 1)]),
        far=_far(bars),
    )


def _room(labels: Sequence[str]) -> int:
    """What labels need, as far as it can be given."""
    return min(_WIDEST, int(12 + _LETTER * max(map(len, labels), default=0)))


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
    highest = f"{len(bars.labels)} cells; most released rows, {percent(max(bars.released))}, in {flat(label, _LONGEST)}"
    far = _far(bars)
    return highest + (f"; total variation distance to the stand-in {far}" if far else "")


def _far(bars: Bars) -> str:
    if bars.reference is None:
        return ""
    pairs = zip(bars.released, bars.reference, strict=True)
    return str(round(sum(abs(ours - theirs) for ours, theirs in pairs) / 2, 3))
