"""Which public cells of a column satisfy conditions; which of its bins they cut in two.

No data and no model are needed, so that `verify` can judge the conditions of a record.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from dpgate.model.domain import ColumnDomain, Domain
from dpgate.model.draw import Balance, Restriction

Scalar = int | float | Decimal | dt.date | dt.datetime

_NUMBER = re.compile(r"[+-]?[0-9]{1,30}(\.[0-9]{1,30})?")
_WHOLE = ("integer", "date", "timestamp")
"""Kinds whose bins hold whole numbers, their highest value included."""
_EPOCH = dt.datetime(1970, 1, 1)  # noqa: DTZ001 - wall-clock time, in no zone


@dataclass(frozen=True, kw_only=True)
class Selection:
    """The cells of one column that rows may lie in.

    Attributes:
        column: index of the column.
        cells: whether each public cell may hold rows.
        bounds: conditions that cut a bin, so that values must be looked at; with the bins cut.
    """

    column: int
    cells: tuple[bool, ...]
    bounds: tuple[tuple[Restriction, tuple[int, ...]], ...] = ()


def select(where: Sequence[Restriction], domain: Domain) -> tuple[Selection, ...]:
    """The cells that conditions leave, for each column that they are about.

    Raises:
        ValueError: a condition is about no column of the domain, or its values are not of the
            column; or two conditions exclude each other.
    """
    found: dict[int, Selection] = {}
    for condition in where:
        place = _place(condition.column, domain)
        column = domain.columns[place]
        sides = [_side(condition, column, cell) for cell in range(column.size)]
        before = found.get(place, Selection(column=place, cells=(True,) * column.size))
        cells = tuple(a and side != "out" for a, side in zip(before.cells, sides, strict=True))
        cut = tuple(cell for cell, side in enumerate(sides) if side == "cut" and cells[cell])
        bounds = before.bounds + (((condition, cut),) if cut else ())
        if not any(cells):
            said = " and ".join(str(each) for each in where if each.column == condition.column)
            raise ValueError(f"{said}: no value of {column.name} can satisfy it{_of(column)}")
        found[place] = Selection(column=place, cells=cells, bounds=bounds)
    return tuple(found.values())


def strata(
    balance: Balance, domain: Domain, selections: Sequence[Selection]
) -> tuple[int, tuple[int, ...]]:
    """The column to balance, and those of its cells that get as many rows each.

    Raises:
        ValueError: there is no such column, or a value is not of it, or conditions exclude one.
    """
    place = _place(balance.column, domain)
    column = domain.columns[place]
    allowed = next((s.cells for s in selections if s.column == place), (True,) * column.size)
    if not balance.values:
        cells = tuple(c for c in range(column.size) if allowed[c] and c != column.null)
        if not cells:
            raise ValueError(f"no value of {column.name} is left to balance")
        return place, cells
    if column.lows and any(balance.values):
        raise ValueError(f"{column.name} has bins: balance all of them, or give --where bounds")
    listed = tuple(_cell_of(value, column) for value in balance.values)
    for value, cell in zip(balance.values, listed, strict=True):
        if not allowed[cell]:
            raise ValueError(f"the conditions exclude {column.name}={value}, which is to balance")
    return place, listed


def label(column: ColumnDomain, cell: int) -> str:
    """A cell in words: `health=poor`, `income 0…1000`, `health missing`."""
    if cell == column.null:
        return f"{column.name} missing"
    if column.lows:
        return f"{column.name} {_shown(column, column.lows[cell])}…{_shown(column, column.highs[cell])}"
    return f"{column.name}={_text(column.values[cell])}"


def value_of(text: str, column: ColumnDomain) -> Scalar:
    """A bound of an ordered column as a Python value.

    Raises:
        ValueError: it is not one.
    """
    kind: str = column.kind
    try:
        if kind == "date":
            return dt.date.fromisoformat(text)
        if kind == "timestamp":
            return dt.datetime.fromisoformat(text).replace(tzinfo=None)
    except ValueError:
        raise ValueError(f"{column.name}: {text!r} is no {kind}") from None
    if not _NUMBER.fullmatch(text):
        raise ValueError(f"{column.name}: {text!r} is no number")
    number = Decimal(text)
    if column.kind == "integer" and number != number.to_integral_value():
        raise ValueError(f"{column.name}: {text!r} is no whole number")
    if column.kind in ("integer", "whole"):
        return int(number)
    return float(number) if column.kind == "number" else number


def _place(name: str, domain: Domain) -> int:
    if name not in domain.names:
        raise ValueError(
            f"{name} is no column that was modelled; these are: {', '.join(domain.names)}"
        )
    return domain.names.index(name)


def _side(condition: Restriction, column: ColumnDomain, cell: int) -> str:
    """`in`, `out` or `cut`: how a condition stands to a cell."""
    if condition.operator in ("=", "!="):
        sides = [_equal(value, column, cell) for value in condition.values]
        side = "in" if "in" in sides else "cut" if "cut" in sides else "out"
        if condition.operator == "=":
            return side
        return {"in": "out", "out": "in", "cut": "cut"}[side]
    return _bounded(condition, column, cell)


def _equal(text: str, column: ColumnDomain, cell: int) -> str:
    if not column.lows or (not text and column.null is not None):
        return "in" if _cell_of(text, column) == cell else "out"
    value = _scaled(value_of(text, column), column)
    low, high, closed = _bin(column, cell)
    if cell == column.null or value < low or value > high or (value == high and not closed):
        return "out"
    return "in" if closed and low == high else "cut"


def _bounded(condition: Restriction, column: ColumnDomain, cell: int) -> str:
    if not column.lows and column.kind != "whole":
        raise ValueError(f"{column.name} is {column.kind}: it has no order, so only = and != apply")
    bound = _scaled(value_of(condition.values[0], column), column)
    if cell == column.null:
        return "out"
    low, high, closed = _bin(column, cell)
    if condition.operator in (">=", ">"):
        strict = condition.operator == ">"
        if low > bound or (low == bound and not strict):
            return "in"
        return "out" if high < bound or (high == bound and (strict or not closed)) else "cut"
    strict = condition.operator == "<"
    if high < bound or (high == bound and (not strict or not closed)):
        return "in"
    return "out" if low > bound or (low == bound and strict) else "cut"


def _bin(
    column: ColumnDomain, cell: int
) -> tuple[int | float | Decimal, int | float | Decimal, bool]:
    """Lowest and highest value of a cell, and whether it holds the highest."""
    if cell == column.null:
        return 0, 0, True
    if not column.lows:
        value = int(column.values[cell])
        return value, value, True
    closed = column.kind in _WHOLE or cell == len(column.lows) - 1
    return column.lows[cell], column.highs[cell], closed


def _scaled(value: Scalar, column: ColumnDomain) -> int | float | Decimal:
    """A value on the scale of the column's bins."""
    if isinstance(value, dt.datetime):
        return (value - _EPOCH) // dt.timedelta(microseconds=getattr(column, "micros", 1))
    if isinstance(value, dt.date):
        return (value - _EPOCH.date()).days
    return value


def _cell_of(text: str, column: ColumnDomain) -> int:
    """The cell of a listed value, or of a missing one."""
    texts = [_text(value) for value in column.values]
    if text in texts:
        return texts.index(text)
    if not text and column.null is not None:
        return column.null
    what = repr(text) if text else "a missing value"
    raise ValueError(f"{column.name} has no {what}{_of(column)}")


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _of(column: ColumnDomain) -> str:
    """What a column holds, for messages."""
    if column.lows:
        low, high = _shown(column, column.lows[0]), _shown(column, column.highs[-1])
        return f" (it goes from {low} to {high})"
    shown = ", ".join(_text(value) for value in column.values[:12])
    count = len(column.values)
    return f" (its {count} values: {shown}, …)" if count > 12 else f" (its values: {shown})"


def _shown(column: ColumnDomain, edge: float) -> str:
    kind: str = column.kind
    if kind == "date":
        return (_EPOCH.date() + dt.timedelta(days=int(edge))).isoformat()
    if kind == "timestamp":
        step = dt.timedelta(microseconds=getattr(column, "micros", 1))
        return (_EPOCH + int(edge) * step).isoformat(sep=" ")
    return str(edge)
