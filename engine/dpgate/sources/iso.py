"""Moments out of ISO 8601 text: `2020-01-31`, `2020-01-31T08:30`, `2020-01-31 08:30:15.25+01:00`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Ticks = NDArray[np.int64]
    Flags = NDArray[np.bool_]

SECOND = 1_000_000
DAY = 86_400 * SECOND

_PLAIN = "dddd-dd-ddTdd:dd:dd"
"""The common layout; text as long as a whole part of it is read without a search."""
_PARTS = ((0, 4), (5, 7), (8, 10), (11, 13), (14, 16), (17, 19))
_ANY = (
    r"^\s*(?P<y>\d{4})-(?P<m>\d\d)-(?P<d>\d\d)"
    r"(?:[T ](?P<h>\d\d):(?P<i>\d\d)(?::(?P<s>\d\d)(?:[.,](?P<f>\d{1,9}))?)?"
    r" ?(?P<z>Z|[+-]\d\d:?\d\d)?)?\s*$"
)


def moments(values: pa.Array) -> tuple[Ticks, Flags, Flags]:
    """What each text says.

    Args:
        values: binary; text of a file need not be UTF-8, but what is read is plain ASCII.

    Returns:
        Microseconds since 1970 of the wall clock it shows, or of UTC if it names an offset;
        whether it is readable (where not, the number means nothing); whether it names an offset.
    """
    count = len(values)
    micros, good, named = (
        np.zeros(count, np.int64),
        np.zeros(count, np.bool_),
        np.zeros(count, np.bool_),
    )
    lengths = integers(pc.binary_length(values))
    left = np.asarray(values.is_valid().to_numpy(zero_copy_only=False), dtype=np.bool_)
    for length in (10, 16, 19):
        rows = np.flatnonzero(left & (lengths == length))
        if len(rows):
            numbers, plain = _plain(values, rows, length)
            micros[rows], fine = _moment(numbers)
            good[rows] = plain & fine
            left[rows[plain]] = False
    rows = np.flatnonzero(left)
    if len(rows):
        micros[rows], good[rows], named[rows] = _searched(values.take(pa.array(rows)))
    return micros, good, named


def integers(values: pa.Array) -> Ticks:
    """Whole numbers; 0 for missing ones."""
    return np.asarray(values.fill_null(0).to_numpy(zero_copy_only=False), dtype=np.int64)


def _plain(values: pa.Array, rows: Ticks, length: int) -> tuple[list[Ticks], Flags]:
    """Numbers of texts of one length, and whether they have the common layout."""
    _, ends, body = values.buffers()
    width = np.int64 if pa.types.is_large_binary(values.type) else np.int32
    starts = np.frombuffer(ends, dtype=width)[values.offset : values.offset + len(values)][rows]
    places = starts.astype(np.int64)[:, None] + np.arange(length)
    texts = np.frombuffer(body, dtype=np.uint8)[places]
    plain = np.ones(len(rows), dtype=np.bool_)
    digits = (texts - ord("0")).astype(np.int64)  # below "0" it wraps to large numbers
    for place, mark in enumerate(_PLAIN[:length]):
        if mark == "d":
            plain &= digits[:, place] < 10
        elif mark == "T":
            plain &= (texts[:, place] == ord("T")) | (texts[:, place] == ord(" "))
        else:
            plain &= texts[:, place] == ord(mark)
    numbers = []
    for first, end in _PARTS:
        number: Ticks = np.zeros(len(rows), dtype=np.int64)
        for place in range(first, end if end <= length else first):
            number = number * 10 + digits[:, place]
        numbers.append(number)
    return numbers, plain


def _searched(values: pa.Array) -> tuple[Ticks, Flags, Flags]:
    """What texts of any layout say, as `moments`."""
    found = pc.extract_regex(values, _ANY)
    good = np.asarray(found.is_valid().to_numpy(zero_copy_only=False), dtype=np.bool_)

    def part(name: str) -> tuple[Ticks, Ticks]:
        text = pc.fill_null(pc.struct_field(found, name), b"")
        length = pc.binary_length(text)
        filled = pc.if_else(pc.equal(length, 0), pa.scalar(b"0", text.type), text)
        return integers(filled.cast(pa.large_string()).cast(pa.int64())), integers(length)

    micros, fine = _moment([part(name)[0] for name in "ymdhis"])
    offset, named = _offset(pc.fill_null(pc.struct_field(found, "z"), b""))
    fraction, places = part("f")
    micros += fraction * 10 ** (9 - places) // 1000 - offset * 60 * SECOND
    return micros, good & fine & (np.abs(offset) < 1440), named


def _moment(numbers: list[Ticks]) -> tuple[Ticks, Flags]:
    """Microseconds of year, month, day, hour, minute and second; whether there is such a moment."""
    year, month, day, hour, minute, second = numbers
    fine = (month >= 1) & (month <= 12) & (day >= 1) & (day <= _length(year, month))
    fine &= (hour <= 23) & (minute <= 59) & (second <= 60)
    seconds = (hour * 60 + minute) * 60 + second
    return _days(year, month, day) * DAY + seconds * SECOND, fine


def _offset(zone: pa.Array) -> tuple[Ticks, Flags]:
    """Minutes east of UTC of `Z`, `+01:00`, `+0100`; and whether there is any."""
    distinct = zone.dictionary_encode()
    minutes = []
    for text in distinct.dictionary.to_pylist():
        digits = text.replace(b":", b"")[1:]
        east = int(digits[:2]) * 60 + int(digits[2:]) if digits else 0
        minutes.append(-east if text.startswith(b"-") else east)
    places = distinct.indices.to_numpy(zero_copy_only=False)
    named = integers(pc.binary_length(zone)) > 0
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
