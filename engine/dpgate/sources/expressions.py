"""The cells of `dpgate.sources.encode` as expressions that a database computes itself.

They agree with it value by value for columns that hold their values in a type of their own; text
is read as text alone. (To read numbers or dates out of text differs from one engine to the next;
a view with a cast says what is meant.)
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any

import ibis
import ibis.expr.datatypes as types

from dpgate.model.domain import ColumnDomain
from dpgate.sources.interface import Sum

Value = Any
"""An Ibis expression; its own types differ from one version to the next."""

Listed = str | int | bool

_DAY = 86_400 * 10**6
_EPOCH = dt.datetime(1970, 1, 1)  # noqa: DTZ001 - wall-clock time, in no zone
_BLANK = "[ \\t\\n\\r\\f]"
_CODE = rf"^{_BLANK}*([0-9]{{1,20}})(\.0*|[ -][0-9]*)?{_BLANK}*$"
_DIGITS = 300
"""Decimals of no more digits than these are floats, too; larger ones fail where they are cast."""

_SMALLEST = "1e-300"
"""Unbounded decimals nearer to zero count as zero; no float would hold them."""


def countable(kind: types.DataType, column: ColumnDomain) -> bool:
    """Whether a column of this type can be counted where it lies."""
    if column.kind in ("date", "timestamp"):
        zoned = kind.is_timestamp() and kind.timezone not in (None, "UTC")
        return kind.is_date() or (kind.is_timestamp() and not zoned and column.zone == "UTC")
    if kind.is_numeric() or kind.is_boolean():
        return True
    if column.kind == "zip":
        return bool(kind.is_string())
    return column.kind == "text" and bool(kind.is_string() or kind.is_date())


def cell(value: Value, column: ColumnDomain) -> Value:
    """The cell of a value; of a missing or unreadable one, the column's fallback.

    Args:
        value: a column of a type that `countable` accepts.
        column: the public cells.

    Privacy:
        Row by row: a cell depends on its own value alone, and no value makes it fail.
    """
    if not column.lows:
        found = _listed(value, column)
    elif column.kind in ("date", "timestamp"):
        dated = value.type().is_date()
        moment = value if dated else value.cast("timestamp")
        found = _tree(moment, [_edge(low, column, dated=dated) for low in column.lows])
    elif value.type().is_integer() and column.kind == "integer":
        found = _tree(value, [ibis.literal(int(low), "int64") for low in column.lows])
    else:
        found = _tree(number(value, column.lows[0], column.highs[-1]), _floats(column.lows))
    return found.cast("int64").fill_null(column.fallback)


def number(value: Value, low: float, high: float) -> Value:
    """A number as a float, null where there is none; nothing outside [low, high] is kept exactly."""
    kind = value.type()
    if kind.is_boolean():
        one, zero = _floats([1, 0])
        return value.isnull().ifelse(ibis.null("float64"), value.ifelse(one, zero))
    if kind.is_floating():
        return value.isnan().ifelse(ibis.null("float64"), value.cast("float64"))
    if kind.is_decimal() and (kind.precision or _DIGITS + 1) > _DIGITS:
        # PostgreSQL: any size, NaN and infinite too.
        none = value.cast("string") == "NaN"
        tiny = value.abs() < ibis.literal(_SMALLEST).cast(kind)
        inside = tiny.ifelse(0, value.clip(int(low) - 1, int(high) + 1))
        return none.ifelse(ibis.null("float64"), inside.cast("float64"))
    return value.cast("float64")


def text(value: Value) -> Value:
    """A value as text.

    What an engine calls text may be an enumeration, which fails where it is compared with a value
    that it lacks.
    """
    return value.cast(types.String(nullable=False) if value.type().is_string() else "string")


def units(value: Value, column: ColumnDomain, wanted: Sum) -> Value:
    """What a value adds to its cell, see `dpgate.sources.total.units`; null of a missing one."""
    plain = number(value, wanted.low / wanted.per, wanted.high / wanted.per)
    low, high, per = _floats([wanted.low / wanted.per, wanted.high / wanted.per, wanted.per])
    scaled = ibis.least(ibis.greatest(plain, low), high) * per
    # Halves to even: engines' own roundings differ in that.
    floor = scaled.floor()
    below = floor.cast("int64")
    rest = scaled - floor
    half, odd = ibis.literal(0.5, "float64"), below % 2 != 0
    rounded = below + ((rest > half) | ((rest == half) & odd)).ifelse(1, 0)
    inside = ibis.least(ibis.greatest(rounded, wanted.low), wanted.high)
    missing = 0 if column.null is not None else wanted.low - wanted.origin
    return plain.isnull().ifelse(missing, inside - wanted.origin)


def _listed(value: Value, column: ColumnDomain) -> Value:
    kind = value.type()
    if column.kind == "zip":
        value, kind = _prefix(value, column), types.string
    pairs = []
    for place, listed in enumerate(column.values):
        literal = _literal(listed, kind)
        if literal is not None:
            pairs.append((literal, place))
    if not pairs:
        return ibis.null("int64")
    if kind.is_string():
        value = text(value)
    return value.cases(*pairs, else_=column.fallback)


def _literal(listed: Listed, kind: types.DataType) -> Value | None:
    """What equals a listed value in a column of this type; None if nothing there can."""
    if kind.is_boolean():
        texts: dict[object, bool] = {"true": True, "false": False}
        return texts.get(listed) if isinstance(listed, str) else {0: False, 1: True}.get(listed)
    if kind.is_string():
        return str(listed)
    if kind.is_date():
        return _date(str(listed))
    whole = _whole(listed)
    if whole is None or (kind.is_floating() and float(whole) != whole):
        return None
    if kind.is_floating():
        return ibis.literal(float(whole), "float64")
    return whole


def _whole(listed: Listed) -> int | None:
    """The number whose plain digits a listed value is."""
    try:
        whole = int(listed)
    except ValueError:
        return None
    return whole if not isinstance(listed, str) or str(whole) == listed else None


def _date(listed: str) -> Value | None:
    try:
        day = dt.date.fromisoformat(listed)
    except ValueError:
        return None
    return ibis.literal(day) if day.isoformat() == listed else None


def _prefix(value: Value, column: ColumnDomain) -> Value:
    """The first digits of a postal code, leading zeros put back; null where there is no code."""
    if value.type().is_string():
        digits = value.re_search(_CODE).ifelse(value.re_extract(_CODE, 1), ibis.null("string"))
    else:
        plain = number(value, -1, 10**15)
        good = (plain >= 0) & (plain < 10**15) & (plain == plain.floor())
        digits = good.ifelse(plain, ibis.null("float64")).cast("int64").cast("string")
    width = ibis.greatest(digits.length(), column.digits)
    return digits.lpad(width, "0").substr(0, len(str(column.values[0])))


def _edge(low: float, column: ColumnDomain, *, dated: bool) -> Value:
    """The first moment of a bin, or the first day that begins in it or later.

    Dates are compared as dates: there are some that no timestamp reaches.
    """
    step = _DAY if column.kind == "date" else column.micros
    if dated:
        return ibis.literal((_EPOCH + dt.timedelta(days=-(-int(low) * step // _DAY))).date())
    return ibis.literal(_EPOCH + dt.timedelta(microseconds=int(low) * step), "timestamp")


def _floats(values: Sequence[float]) -> list[Value]:
    return [ibis.literal(float(value), "float64") for value in values]


def _tree(value: Value, lows: Sequence[Value]) -> Value:
    """The last place whose low is not above the value, 0 if all are; by halving."""

    def between(first: int, last: int) -> Value:
        if first == last:
            return ibis.literal(first, "int64")
        middle = (first + last + 1) // 2
        return (value >= lows[middle]).ifelse(between(middle, last), between(first, middle - 1))

    return value.isnull().ifelse(ibis.null("int64"), between(0, len(lows) - 1))
