"""A number, its interval, its threshold and its baseline on one line, from 0 on."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from dpgate.evidence.page.numbers import at, ceiling, figure, span
from dpgate.evidence.report import Interval, Shown

WIDTH = 220
_LEFT, _RIGHT = 6, WIDTH - 6
_ROOM = 1.15


@dataclass(frozen=True, kw_only=True)
class Plot:
    """Coordinates along the line.

    Attributes:
        words: the same as a sentence, for whoever cannot see it.
        value: of the dot.
        low: where the interval begins.
        width: of the interval.
        limit: of the threshold; empty where there is none.
        fails: where the failing side begins, and its width; None without a threshold.
        baseline: empty where there is none.
        end: number at the end of the scale.
        passed: shape of the dot.
    """

    words: str
    value: str
    low: str
    width: str
    limit: str
    fails: tuple[str, str] | None
    baseline: str
    end: str
    passed: bool | None


def scale(results: Iterable[Shown]) -> float:
    """Where a scale ends that all of these fit on, with room beyond a threshold."""
    return ceiling(_ROOM * max((float(n) for result in results for n in _all(result)), default=0))


def _all(result: Shown) -> Iterable[Decimal]:
    high = None if result.value is None else result.value.high
    numbers = (result.limit, result.baseline, high)
    return (number for number in numbers if number is not None)


def plot(result: Shown, end: float) -> Plot | None:
    """The drawing of a result on a scale from 0 to `end`; None where it is sealed."""
    if result.value is None:
        return None
    return drawn(
        result.value,
        end,
        limit=result.limit,
        better=result.better,
        baseline=result.baseline,
        passed=result.passed,
    )


def drawn(
    interval: Interval,
    end: float,
    *,
    limit: Decimal | None = None,
    better: str = "neither",
    baseline: Decimal | None = None,
    passed: bool | None = None,
) -> Plot:
    """The drawing of a number, on a scale from 0 to `end`."""

    def along(number: Decimal) -> float:
        return _LEFT + (_RIGHT - _LEFT) * min(1.0, float(number) / end)

    low, high = along(interval.low), along(interval.high)
    fails = None
    if limit is not None and better != "neither":
        start, stop = (along(limit), _RIGHT) if better == "low" else (_LEFT, along(limit))
        fails = (at(start), at(stop - start))
    return Plot(
        words=_words(interval, limit, baseline),
        value=at(along(interval.value)),
        low=at(low),
        width=at(max(high - low, 0)),
        limit="" if limit is None else at(along(limit)),
        fails=fails,
        baseline="" if baseline is None else at(along(baseline)),
        end=figure(Decimal(repr(end)), digits=3),
        passed=passed,
    )


def _words(interval: Interval, limit: Decimal | None, baseline: Decimal | None) -> str:
    words = figure(interval.value)
    between = span(interval.low, interval.high)
    words += f", interval {between}" if between else ""
    words += "" if limit is None else f", threshold {figure(limit)}"
    words += "" if baseline is None else f", baseline {figure(baseline)}"
    return words
