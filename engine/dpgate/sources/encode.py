"""From Arrow values to cells, totally: whatever a value is, it has a cell.

See `dpgate.model.domain` for where odd values go.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from dpgate.model.domain import ColumnDomain
from dpgate.sources.temporal import as_bytes, in_bytes, textual, ticks

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from dpgate.sources.count import Codes

_NUMBER = r"^\s*[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,4})?\s*$"
_WHOLE = re.compile(r"\s*[+-]?\d{1,40}\s*", re.ASCII)
_CODE = r"^\s*(?P<digits>\d{1,20})(?:\.0*|[ -]\d*)?\s*$"
_BOOLEANS = {"true": True, "false": False, "1": True, "0": False}

_FIRST_DAY, _LAST_DAY = ((day - dt.date(1970, 1, 1)).days for day in (dt.date.min, dt.date.max))

_EXACT = 2**53
_TABLED = 2**16
"""Widest range of whole numbers whose cells are looked up instead of searched."""


def encode(values: pa.Array, column: ColumnDomain) -> Codes:
    """The cell of each value.

    Args:
        values: of any type. What `readable` does not accept is unreadable, value by value.
        column: the public cells.

    Returns:
        uint16 cells, one for each value.

    Privacy:
        Row by row: a cell depends on its own value alone.
    """
    kind = values.type
    if pa.types.is_dictionary(kind):
        cells = np.append(encode(values.dictionary, column), np.uint16(column.fallback))
        indices = pc.fill_null(values.indices.cast(pa.int64()), len(cells) - 1)
        return _taken(cells, indices)
    if pa.types.is_null(kind) or not readable(kind, column):
        return np.full(len(values), column.fallback, dtype=np.uint16)
    if not column.lows:
        return _listed(as_bytes(values), column)
    if column.kind in ("date", "timestamp"):
        return _whole_bins(*ticks(values, column), column)
    if pa.types.is_signed_integer(kind) and column.kind == "integer":
        valid = np.asarray(values.is_valid().to_numpy(zero_copy_only=False))
        numbers_ = values.fill_null(0).to_numpy(zero_copy_only=False).astype(np.int64, copy=False)
        return _whole_bins(numbers_, valid, column)
    return _binned(numbers(values), column)


def readable(kind: pa.DataType, column: ColumnDomain) -> bool:
    """Whether a column of this Arrow type can hold values of a domain."""
    types = pa.types
    if types.is_dictionary(kind):
        return not types.is_dictionary(kind.value_type) and readable(kind.value_type, column)
    if types.is_null(kind) or textual(kind) or in_bytes(kind):
        return True
    if column.kind in ("date", "timestamp"):
        return bool(types.is_date(kind) or types.is_timestamp(kind))
    if types.is_date(kind):
        return column.kind == "text"
    return _numeric(kind) or types.is_boolean(kind)


def _numeric(kind: pa.DataType) -> bool:
    tests = (pa.types.is_integer, pa.types.is_floating, pa.types.is_decimal)
    return any(test(kind) for test in tests)


def numbers(values: pa.Array) -> NDArray[np.float64]:
    """Values as floats; NaN where there is no number. Text is read as decimal notation."""
    values = as_bytes(values)
    kind = values.type
    if in_bytes(kind):
        # Matched as bytes, since text of a file need not be UTF-8; a match is plain ASCII.
        numeric = pc.match_substring_regex(values, _NUMBER)
        kept = pc.if_else(numeric, values, pa.scalar(None, kind)).cast(pa.large_string())
        values = pc.utf8_trim_whitespace(kept)
    elif pa.types.is_boolean(kind):
        values = values.cast(pa.int8())
    elif not _numeric(kind):
        return np.full(len(values), np.nan)
    floats = values.cast(pa.float64(), safe=False).fill_null(np.nan)
    made = np.asarray(floats.to_numpy(zero_copy_only=False), dtype=np.float64)
    return _rounded(values, made) if pa.types.is_decimal128(kind) else made


def _rounded(values: pa.Array, floats: NDArray[np.float64]) -> NDArray[np.float64]:
    """Decimals as the closest floats; Arrow's own conversion can miss them by a little."""
    if not 0 <= values.type.scale <= 22 or not len(values):
        return floats
    words = np.frombuffer(values.buffers()[1], dtype=np.int64).reshape(-1, 2)
    low, high = words[values.offset : values.offset + len(values)].T
    exact = (low >> 63 == high) & (low > -_EXACT) & (low < _EXACT) & ~np.isnan(floats)
    return np.where(exact, low / 10**values.type.scale, floats)


def _binned(values: NDArray[np.float64], column: ColumnDomain) -> Codes:
    lows = np.array(column.lows, dtype=np.float64)
    bins = np.searchsorted(lows, values, side="right") - 1  # NaN sorts last; replaced below
    cells = np.clip(bins, 0, len(lows) - 1)
    return np.where(np.isnan(values), column.fallback, cells).astype(np.uint16)


def _whole_bins(values: NDArray[np.int64], good: NDArray[np.bool_], column: ColumnDomain) -> Codes:
    low, high = int(column.lows[0]), int(column.highs[-1])
    lows = np.array(column.lows, dtype=np.int64)
    inside = np.clip(values, low, high)
    if high - low < min(_TABLED, len(values)):
        table = np.zeros(high - low + 1, dtype=np.uint16)
        table[lows[1:] - low] = 1
        cells = np.cumsum(table, dtype=np.uint16)[inside - low]
    else:
        cells = (np.searchsorted(lows, inside, side="right") - 1).astype(np.uint16)
    if not good.all():
        cells[~good] = column.fallback
    return np.asarray(cells, dtype=np.uint16)


def _listed(values: pa.Array, column: ColumnDomain) -> Codes:
    if column.kind == "zip":
        return _found(_prefixes(values, column), column)
    if column.kind == "text" and in_bytes(values.type):
        return _found(values, column)
    if pa.types.is_date(values.type):
        values = _calendar(values)
    cells: dict[object, int] = {value: cell for cell, value in enumerate(column.values)}
    key = _KEYS[column.kind]
    # One look-up for each distinct value of a batch, not for each row.
    encoded = values.dictionary_encode()
    found = [cells.get(key(value), column.fallback) for value in encoded.dictionary.to_pylist()]
    table = np.array([*found, column.fallback], dtype=np.uint16)
    return _taken(table, pc.fill_null(encoded.indices, len(found)))


def _calendar(values: pa.Array) -> pa.Array:
    """Dates, but null where Python's calendar has none: an infinite date must not be an error."""
    days = values.cast(pa.date32(), safe=False).cast(pa.int32())
    inside = pc.and_(pc.greater_equal(days, _FIRST_DAY), pc.less_equal(days, _LAST_DAY))
    return pc.if_else(inside, days, pa.scalar(None, pa.int32())).cast(pa.date32())


def _found(values: pa.Array, column: ColumnDomain) -> Codes:
    """Cells of bytes that are listed as they stand."""
    listed = pa.array([str(value).encode() for value in column.values], values.type)
    cells = pc.fill_null(pc.index_in(values, value_set=listed), column.fallback)
    return np.asarray(cells.to_numpy(zero_copy_only=False), dtype=np.uint16)


def _prefixes(values: pa.Array, column: ColumnDomain) -> pa.Array:
    """The first digits of postal codes, leading zeros put back; null where there is no code."""
    if in_bytes(values.type):
        digits = pc.struct_field(pc.extract_regex(values, _CODE), "digits")
    else:
        plain = numbers(values)
        good = (plain >= 0) & (plain < 10**15) & (plain == np.floor(plain))
        whole = pa.array(np.where(good, plain, 0).astype(np.int64), mask=~good)
        digits = whole.cast(pa.large_string())
    codes = pc.utf8_lpad(digits.cast(pa.large_string()), column.digits, "0")
    prefixes = pc.utf8_slice_codeunits(codes, 0, len(str(column.values[0])))
    return prefixes.cast(pa.large_binary())


def _taken(table: Codes, indices: pa.Array) -> Codes:
    return np.asarray(table[indices.to_numpy(zero_copy_only=False)], dtype=np.uint16)


def _text(value: Any) -> str | None:
    """The listed text that a number or date stands for: its plain digits."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dt.date):
        return value.isoformat()
    whole = _whole(value)
    return None if whole is None else str(whole)


def _whole(value: Any) -> int | None:
    if isinstance(value, bytes):
        text = value[:50].decode("ascii", errors="replace")
        return int(text) if len(value) <= 50 and _WHOLE.fullmatch(text) else None
    if isinstance(value, float):
        return int(value) if value.is_integer() else None
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else None
    return int(value)


def _boolean(value: Any) -> bool | None:
    if isinstance(value, bytes):
        return _BOOLEANS.get(value[:10].strip().lower().decode("ascii", errors="replace"))
    return {0: False, 1: True}.get(value)


_KEYS: dict[str, Callable[[Any], str | int | bool | None]] = {
    "text": _text,
    "whole": _whole,
    "boolean": _boolean,
}
