"""Where bins begin: exact arithmetic on public bounds alone."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Callable, Iterable, Iterator
from decimal import Decimal
from typing import Literal, TypeVar

_Edge = TypeVar("_Edge", int, Decimal)
Calendar = Literal["hour", "day", "week", "month", "quarter", "year"]


def whole_edges(
    low: int, high: int, bins: int | Literal["each", "log"] | Iterable[int], finest: int
) -> tuple[int, ...]:
    """Lowest whole number of each bin of [low, high], increasing.

    Args:
        low: lowest number.
        high: highest number, in the last bin.
        bins: how many of equal width, one `each`, `log`, or the edges themselves.
        finest: where `log` bins are one wide.
    """
    if bins == "each":
        return tuple(range(low, high + 1))
    if isinstance(bins, int):
        span = high - low
        inner: Iterable[int] = (low - (-span * step // bins) for step in range(1, bins))
    elif bins == "log":
        # Widths grow by √2. To the left a bin ends where its mirror image begins.
        offsets = [math.ceil(o) for o in _growing(Decimal(1), Decimal(2).sqrt(), high - low)]
        left = (finest + 1 - offset for offset in reversed(offsets))
        inner = (*left, finest, *(finest + offset for offset in offsets))
    else:
        inner = (int(edge) for edge in bins)
    # Rounding to whole numbers can make edges meet. A last bin of `high` alone is none, unless
    # bins are finest there.
    return (low, *_increasing(low, high + (bins == "log" and finest == high), inner))


def real_edges(
    low: Decimal, high: Decimal, bins: int | Literal["log"] | Iterable[Decimal], finest: Decimal
) -> tuple[Decimal, ...]:
    """Lower edge of each bin of [low, high], increasing; `log` widths start at a 1000th of it."""
    span = high - low
    if isinstance(bins, int):
        inner: Iterable[Decimal] = (low + span * step / bins for step in range(1, bins))
    elif bins == "log":
        offsets = [round(offset, 9) for offset in _growing(span / 1000, Decimal("1.35"), span)]
        left = (finest - offset for offset in reversed(offsets))
        inner = (*left, finest, *(finest + offset for offset in offsets))
    else:
        inner = bins
    return (low, *_increasing(low, high, inner))


def calendar_edges(low: dt.datetime, high: dt.datetime, bins: Calendar) -> Iterator[dt.datetime]:
    """First moments of all calendar bins that begin above low, up to high; weeks on Mondays."""
    edge = low
    while edge < (following := _NEXT[bins](edge)) <= high:
        yield following
        edge = following


def _growing(first: Decimal, ratio: Decimal, until: Decimal | int) -> Iterator[Decimal]:
    offset = first
    while offset < until:
        yield offset
        offset *= ratio


def _increasing(low: _Edge, high: _Edge, edges: Iterable[_Edge]) -> Iterator[_Edge]:
    for edge in edges:
        if low < edge < high:
            yield edge
            low = edge


def _day(moment: dt.datetime) -> dt.datetime:
    return moment.replace(hour=0, minute=0, second=0, microsecond=0)


def _month(moment: dt.datetime, months: int) -> dt.datetime:
    """The first moment of the month that begins the next group of so many in a year."""
    month = (moment.month - 1) // months * months + months
    year = moment.year + month // 12
    if year > dt.MAXYEAR:
        return moment  # there is no later one
    return _day(moment).replace(year=year, month=month % 12 + 1, day=1)


def _later(moment: dt.datetime, **step: int) -> dt.datetime:
    try:
        return moment + dt.timedelta(**step)
    except OverflowError:
        return moment  # there is no later one


_NEXT: dict[Calendar, Callable[[dt.datetime], dt.datetime]] = {
    "hour": lambda m: _later(m.replace(minute=0, second=0, microsecond=0), hours=1),
    "day": lambda m: _later(_day(m), days=1),
    "week": lambda m: _later(_day(m), days=7 - m.weekday()),
    "month": lambda m: _month(m, 1),
    "quarter": lambda m: _month(m, 3),
    "year": lambda m: _month(m, 12),
}
