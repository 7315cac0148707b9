"""From Arrow values to cells, totally: whatever a value is, it has a cell.

See `dpgate.model.domain` for where odd values go.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from dpgate.model.domain import ColumnDomain

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from dpgate.sources.count import Codes

_NUMBER = r"^\s*[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,4})?\s*$"
_WHOLE = re.compile(r"\s*[+-]?\d{1,40}\s*", re.ASCII)
_BOOLEANS = {"true": True, "false": False, "1": True, "0": False}


def encode(values: pa.Array, column: ColumnDomain) -> Codes:
    """The cell of each value.

    Args:
        values: of any type that `readable` accepts, or binary (text as it stands in a file).
        column: the public cells.

    Returns:
        uint16 cells, one for each value.

    Privacy:
        Row by row: a cell depends on its own value alone.
    """
    if pa.types.is_dictionary(values.type):
        cells = np.append(encode(values.dictionary, column), np.uint16(column.fallback))
        indices = pc.fill_null(values.indices.cast(pa.int64()), len(cells) - 1)
        return _taken(cells, indices)
    if column.lows:
        return _binned(numbers(values), column)
    return _listed(values, column)


def readable(kind: pa.DataType) -> bool:
    """Whether values of this Arrow type can be encoded."""
    types = pa.types
    if types.is_dictionary(kind):
        return readable(kind.value_type) and not types.is_dictionary(kind.value_type)
    tests = (types.is_integer, types.is_floating, types.is_boolean, types.is_decimal)
    return _textual(kind) or types.is_null(kind) or any(test(kind) for test in tests)


def _textual(kind: pa.DataType) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))


def numbers(values: pa.Array) -> NDArray[np.float64]:
    """Values as floats; NaN where there is no number. Text is read as decimal notation."""
    kind = values.type
    if _textual(kind) or pa.types.is_binary(kind):
        # Matched as bytes, since text of a file need not be UTF-8; a match is plain ASCII.
        raw = values.cast(pa.large_binary() if pa.types.is_large_string(kind) else pa.binary())
        kept = pc.if_else(pc.match_substring_regex(raw, _NUMBER), raw, pa.scalar(None, raw.type))
        text = kept.cast(pa.large_string() if pa.types.is_large_string(kind) else pa.string())
        values = pc.utf8_trim_whitespace(text)
    elif pa.types.is_boolean(kind):
        values = values.cast(pa.int8())
    floats = values.cast(pa.float64(), safe=False)
    return np.asarray(floats.fill_null(np.nan).to_numpy(zero_copy_only=False), dtype=np.float64)


def _binned(values: NDArray[np.float64], column: ColumnDomain) -> Codes:
    lows = np.array(column.lows, dtype=np.float64)
    bins = np.searchsorted(lows, values, side="right") - 1  # NaN sorts last; replaced below
    cells = np.clip(bins, 0, len(lows) - 1)
    return np.where(np.isnan(values), column.fallback, cells).astype(np.uint16)


def _listed(values: pa.Array, column: ColumnDomain) -> Codes:
    if pa.types.is_null(values.type):
        return np.full(len(values), column.fallback, dtype=np.uint16)
    cells: dict[object, int] = {value: cell for cell, value in enumerate(column.values)}
    key = _KEYS[column.kind]
    # One look-up for each distinct value of a batch, not for each row.
    encoded = values.dictionary_encode()
    distinct = encoded.dictionary
    found = [cells.get(key(value), column.fallback) for value in _plain(distinct)]
    table = np.array([*found, column.fallback], dtype=np.uint16)
    return _taken(table, pc.fill_null(encoded.indices, len(found)))


def _taken(table: Codes, indices: pa.Array) -> Codes:
    return np.asarray(table[indices.to_numpy(zero_copy_only=False)], dtype=np.uint16)


def _plain(distinct: pa.Array) -> list[Any]:
    """Distinct values as Python objects; text as bytes, since it need not be UTF-8."""
    if _textual(distinct.type):
        large = pa.types.is_large_string(distinct.type)
        distinct = distinct.cast(pa.large_binary() if large else pa.binary())
    return list(distinct.to_pylist())


def _text(value: Any) -> str | None:
    """The listed text that a value stands for; numbers count by their plain digits."""
    if isinstance(value, bytes):
        return value.decode("utf-8", errors="replace")
    if isinstance(value, bool):
        return "true" if value else "false"
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
