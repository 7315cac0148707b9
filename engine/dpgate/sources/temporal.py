"""Days and moments as whole numbers, from whatever Arrow type holds them.

Text is read as ISO 8601: `2020-01-31`, `2020-01-31T08:30`, `2020-01-31 08:30:15.25+01:00`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from dpgate.model.domain import ColumnDomain

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Ticks = NDArray[np.int64]
    Flags = NDArray[np.bool_]

_SECOND = 1_000_000
_DAY = 86_400 * _SECOND
_FAR = 2**43
"""Seconds that no domain reaches; moments beyond it are as good as it, and do not overflow."""

_CALENDAR = 26 * 10**16
"""Microseconds to beyond year 9999, as far as Arrow's calendar is asked to go."""

_PER_SECOND = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}

_ISO = (
    r"^\s*(?P<y>\d{4})-(?P<m>\d\d)-(?P<d>\d\d)"
    r"(?:[T ](?P<h>\d\d):(?P<i>\d\d)(?::(?P<s>\d\d)(?:[.,](?P<f>\d{1,9}))?)?"
    r" ?(?P<z>Z|[+-]\d\d:?\d\d)?)?\s*$"
)


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
        days = _integers(values.cast(pa.date32(), safe=False).cast(pa.int32()))
        moments, good = days * _DAY, _valid(values)
        aware = np.zeros(len(values), dtype=np.bool_)
    elif textual(kind) or in_bytes(kind):
        moments, good, aware = _parsed(as_bytes(values))
    else:
        return np.zeros(len(values), dtype=np.int64), np.zeros(len(values), dtype=np.bool_)
    if column.zone != "UTC" and aware.any():
        moments = np.where(aware, local(moments, column.zone), moments)
    return moments // (_DAY if column.kind == "date" else column.micros), good


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
    return _integers(pc.local_timestamp(aware).cast(pa.int64()))


def known_zone(zone: str) -> bool:
    """Whether this machine knows a time zone; asked before anything is spent."""
    try:
        local(np.zeros(1, dtype=np.int64), zone)
    except pa.ArrowInvalid:
        return False
    return True


def _stamps(values: pa.Array) -> Ticks:
    """Microseconds, whatever the unit; those of nulls mean nothing."""
    per_second = _PER_SECOND[values.type.unit]
    counts = _integers(values.cast(pa.int64()))
    if per_second > _SECOND:
        return counts // (per_second // _SECOND)
    return np.clip(counts, -_FAR * per_second, _FAR * per_second) * (_SECOND // per_second)


def _integers(values: pa.Array) -> Ticks:
    return np.asarray(values.fill_null(0).to_numpy(zero_copy_only=False), dtype=np.int64)


def _valid(values: pa.Array) -> Flags:
    return np.asarray(values.is_valid().to_numpy(zero_copy_only=False), dtype=np.bool_)


def _parsed(values: pa.Array) -> tuple[Ticks, Flags, Flags]:
    """Microseconds of ISO text, whether it is readable, and whether it names an offset."""
    found = pc.extract_regex(values, _ISO)
    good = _valid(found)

    def part(name: str, default: bytes = b"0") -> Ticks:
        text = pc.struct_field(found, name)
        empty = pc.or_kleene(pc.equal(pc.binary_length(text), 0), pc.is_null(text))
        filled = pc.if_else(empty, pa.scalar(default, text.type), text)
        return _integers(filled.cast(pa.large_string()).cast(pa.int64()))

    year, month, day = part("y", b"1970"), part("m", b"1"), part("d", b"1")
    hour, minute, second = part("h"), part("i"), part("s")
    zone = pc.fill_null(pc.struct_field(found, "z"), b"")
    offset, named = _offset(zone)
    good &= (month >= 1) & (month <= 12) & (day >= 1) & (day <= _length(year, month))
    good &= (hour <= 23) & (minute <= 59) & (second <= 60) & (abs(offset) < 1440)
    fraction = part("f") * 10 ** (9 - np.clip(_lengths(found, "f"), 0, 9)) // 1000
    seconds = hour * 3600 + (minute - offset) * 60 + second
    return _days(year, month, day) * _DAY + seconds * _SECOND + fraction, good, named


def _lengths(found: Any, name: str) -> Ticks:
    return _integers(pc.binary_length(pc.struct_field(found, name)).cast(pa.int64()))


def _offset(zone: pa.Array) -> tuple[Ticks, Flags]:
    """Minutes east of UTC of `Z`, `+01:00`, `+0100`; and whether there is any."""
    distinct = zone.dictionary_encode()
    minutes = []
    for text in distinct.dictionary.to_pylist():
        digits = text.replace(b":", b"")[1:]
        east = int(digits[:2]) * 60 + int(digits[2:]) if digits else 0
        minutes.append(-east if text.startswith(b"-") else east)
    places = distinct.indices.to_numpy(zero_copy_only=False)
    named = _integers(pc.binary_length(zone).cast(pa.int64())) > 0
    return np.array([*minutes, 0], dtype=np.int64)[places], named


def _length(year: Ticks, month: Ticks) -> Ticks:
    """Days of a month, of any month number."""
    leap = (year % 4 == 0) & ((year % 100 != 0) | (year % 400 == 0))
    days = np.array([0, 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31], dtype=np.int64)
    return np.asarray(days[np.clip(month, 0, 12)] + (leap & (month == 2)), dtype=np.int64)


def _days(year: Ticks, month: Ticks, day: Ticks) -> Ticks:
    """Days since 1970-01-01 in the proleptic Gregorian calendar; years start in March here."""
    shifted = year - (month <= 2)
    of_year = (153 * ((month + 9) % 12) + 2) // 5 + day - 1
    return shifted * 365 + shifted // 4 - shifted // 100 + shifted // 400 + of_year - 719_468
