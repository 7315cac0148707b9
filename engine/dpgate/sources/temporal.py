"""Days and moments as whole numbers, from whatever Arrow type holds them.

Text is read as ISO 8601, see `dpgate.sources.iso`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from dpgate.model.domain import ColumnDomain
from dpgate.sources.iso import DAY, SECOND, integers
from dpgate.sources.iso import moments as moments_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Ticks = NDArray[np.int64]
    Flags = NDArray[np.bool_]

_FAR = 2**43
"""Seconds that no domain reaches; moments beyond it are as good as it, and do not overflow."""

_FAR_DAY = 10**8
"""Likewise in days: DuckDB's infinite dates lie at the ends of 32 bits."""

_CALENDAR = 26 * 10**16
"""Microseconds to beyond year 9999, as far as Arrow's calendar is asked to go."""

_PER_SECOND = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}


def ticks(values: pa.Array, column: ColumnDomain) -> tuple[Ticks, Flags]:
    """What each value counts as on the scale of the column's bins.

    Args:
        values: dates, timestamps, or text as it stands in a file; anything else is unreadable.
        column: of kind `date` or `timestamp`.

    Returns:
        int64 days or steps since 1970-01-01, cut to whole ones, and whether each was readable
        (where not, the number means nothing).
    """
    kind = values.type
    if pa.types.is_timestamp(kind):
        moments, good = _stamps(values), _valid(values)
        aware = np.full(len(values), kind.tz is not None)
    elif pa.types.is_date(kind):
        days = integers(values.cast(pa.date32(), safe=False).cast(pa.int32()))
        moments, good = np.clip(days, -_FAR_DAY, _FAR_DAY) * DAY, _valid(values)
        aware = np.zeros(len(values), dtype=np.bool_)
    elif textual(kind) or in_bytes(kind):
        moments, good, aware = moments_of(as_bytes(values))
    else:
        return np.zeros(len(values), dtype=np.int64), np.zeros(len(values), dtype=np.bool_)
    if column.zone != "UTC" and aware.any():
        moments = np.where(aware, local(moments, column.zone), moments)
    return moments // (DAY if column.kind == "date" else column.micros), good


def textual(kind: pa.DataType) -> bool:
    """Whether an Arrow type holds text."""
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))


def in_bytes(kind: pa.DataType) -> bool:
    """Whether an Arrow type holds text as it stands in a file, which need not be UTF-8."""
    return bool(pa.types.is_binary(kind) or pa.types.is_large_binary(kind))


def as_bytes(values: pa.Array) -> pa.Array:
    """Text as bytes; anything else as it is."""
    if not textual(values.type):
        return values
    large = pa.types.is_large_string(values.type)
    return values.cast(pa.large_binary() if large else pa.binary())


def local(moments: Ticks, zone: str) -> Ticks:
    """Microseconds since 1970 UTC as microseconds on the wall clock of a zone.

    Raises:
        pyarrow.ArrowInvalid: this machine does not know the zone.
    """
    bounded = np.clip(moments, -_CALENDAR, _CALENDAR)
    aware = pa.array(bounded, pa.timestamp("us", tz=zone))
    return integers(pc.local_timestamp(aware).cast(pa.int64()))


def known_zone(zone: str) -> bool:
    """Whether this machine knows a time zone; asked before anything is spent."""
    if zone == "UTC":  # nothing is converted
        return True
    try:
        local(np.zeros(1, dtype=np.int64), zone)
    except pa.ArrowInvalid:
        return False
    return True


def _stamps(values: pa.Array) -> Ticks:
    """Microseconds, whatever the unit; those of nulls mean nothing."""
    per_second = _PER_SECOND[values.type.unit]
    counts = integers(values.cast(pa.int64()))
    if per_second > SECOND:
        return counts // (per_second // SECOND)
    return np.clip(counts, -_FAR * per_second, _FAR * per_second) * (SECOND // per_second)


def _valid(values: pa.Array) -> Flags:
    return np.asarray(values.is_valid().to_numpy(zero_copy_only=False), dtype=np.bool_)
