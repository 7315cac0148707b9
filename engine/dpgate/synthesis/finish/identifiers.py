"""Identifiers that nobody has: numbered or random, never read from anywhere."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from dpgate.model.columns import IdentifierColumn, Numbering

_HEX = np.frombuffer(b"0123456789abcdef", dtype=np.uint8)
_DASHES = (8, 13, 18, 23)
_UUID = 36


def identifiers(
    column: IdentifierColumn, first_row: int, rows: int, rng: np.random.Generator
) -> pa.Array:
    """Identifiers of consecutive rows, by the column's public rule.

    Args:
        column: with a rule `regenerate`.
        first_row: number of the first row in the release, from 0.
        rows: how many.
        rng: source of randomness, for `uuid`.

    Returns:
        int64 from 1, or text; all different.
    """
    rule = column.regenerate
    if rule == "uuid":
        return _uuids(rows, rng)
    numbers = pa.array(np.arange(first_row + 1, first_row + rows + 1, dtype=np.int64))
    if not isinstance(rule, Numbering):
        return numbers
    padded = pc.utf8_lpad(numbers.cast(pa.string()), rule.digits, "0")
    return pc.binary_join_element_wise(rule.prefix, padded, "")


def _uuids(rows: int, rng: np.random.Generator) -> pa.Array:
    """Random UUIDs, version 4 (RFC 9562)."""
    raw = np.frombuffer(rng.bytes(16 * rows), dtype=np.uint8).reshape(rows, 16).copy()
    raw[:, 6] = raw[:, 6] & 0x0F | 0x40
    raw[:, 8] = raw[:, 8] & 0x3F | 0x80
    digits = np.stack([_HEX[raw >> 4], _HEX[raw & 15]], axis=2).reshape(rows, 32)
    text = np.full((rows, _UUID), ord("-"), dtype=np.uint8)
    text[:, [place for place in range(_UUID) if place not in _DASHES]] = digits
    ends = np.arange(rows + 1, dtype=np.int32) * _UUID
    buffers = [None, pa.py_buffer(ends), pa.py_buffer(text.tobytes())]
    return pa.Array.from_buffers(pa.string(), rows, buffers)
