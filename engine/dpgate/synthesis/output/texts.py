"""Values as text, column by column, for formats that are text."""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa
import pyarrow.compute as pc

from dpgate.errors import SynthesisError


def digits(values: pa.Array) -> pa.Array:
    """Whole numbers, decimals and booleans: `-12`, `0.50`, `true`."""
    text = values.cast(pa.string())
    if pa.types.is_decimal(values.type) and pc.any(pc.match_substring(text, "E")).as_py():
        exact = values.to_pylist()
        text = pa.array([None if v is None else format(v, "f") for v in exact], pa.string())
    return text


def floats(values: pa.Array, mark: str, end: str) -> pa.Array:
    """Floats that read back as themselves, and as floats.

    Args:
        values: floats.
        mark: regular expression of what tells a float from another number.
        end: appended where the mark is not there.

    Raises:
        SynthesisError: a float is infinite or not a number.
    """
    if pc.any(pc.invert(pc.is_finite(values))).as_py():
        raise SynthesisError("a number that is not finite cannot be written as text")
    text = values.cast(pa.string())
    longer = pc.binary_join_element_wise(text, end, "")
    return pc.if_else(pc.match_substring_regex(text, mark), text, longer)


def moments(values: pa.Array, between: str, zone: str) -> pa.Array:
    """Days and times to the column's precision: `2020-01-02 03:04:05.000006`.

    Args:
        values: moments in UTC, or wherever their documentation says.
        between: day and time.
        zone: appended to moments in UTC.
    """
    text = values.cast(pa.timestamp(values.type.unit)).cast(pa.string())
    parts = pc.replace_substring(text, " ", between)
    return pc.binary_join_element_wise(parts, zone if values.type.tz else "", "")


def written(parts: Sequence[object]) -> memoryview:
    """Arrays and texts joined row by row, and the rows after each other, as bytes."""
    joined = pc.binary_join_element_wise(*parts, "")
    ends = memoryview(joined.buffers()[1]).cast("i")
    first, last = ends[joined.offset], ends[joined.offset + len(joined)]
    return memoryview(joined.buffers()[2])[first:last]
