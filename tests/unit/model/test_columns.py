"""Dates, moments, decimals and postal codes: what their documents may say, and their bins."""

from __future__ import annotations

import datetime as dt
import itertools
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from dpgate.model.domain import ColumnDomain
from tests.suites.columns import KINDS, cells, column

YEAR = {"min": "2020-01-01", "max": "2020-12-31"}


def days(made: ColumnDomain) -> list[str]:
    return [dt.date.fromordinal(int(low) + 719_163).isoformat() for low in made.lows]


def moments(made: ColumnDomain) -> list[str]:
    start = dt.datetime(1970, 1, 1)  # noqa: DTZ001 - wall-clock time
    steps = (dt.timedelta(microseconds=made.micros * int(low)) for low in made.lows)
    return [(start + step).isoformat(timespec="minutes") for step in steps]


@pytest.mark.parametrize(
    ("bins", "expected"),
    [
        ("quarter", ["2020-01-15", "2020-04-01", "2020-07-01"]),
        ("year", ["2020-01-15"]),
        (2, ["2020-01-15", "2020-04-28"]),
        ((dt.date(2020, 1, 15), dt.date(2020, 2, 1), dt.date(2020, 8, 9)),
         ["2020-01-15", "2020-02-01"]),
    ],
)  # fmt: skip
def test_calendar_bins_begin_where_the_calendar_says(bins: Any, expected: list[str]) -> None:
    assert days(cells("date", {"min": "2020-01-15", "max": "2020-08-09", "bins": bins})) == expected


def test_weeks_begin_on_mondays_and_months_cross_years() -> None:
    weeks = cells("date", {"min": "2019-12-28", "max": "2020-01-06", "bins": "week"})
    assert days(weeks) == ["2019-12-28", "2019-12-30", "2020-01-06"]
    months = cells("date", {"min": "2019-11-30", "max": "2020-02-01"})
    assert days(months) == ["2019-11-30", "2019-12-01", "2020-01-01", "2020-02-01"]
    assert months.highs[-1] == months.lows[-1]


def test_each_day_of_the_last_years_of_the_calendar() -> None:
    made = cells("date", {"min": "9980-01-01", "max": "9999-12-31", "bins": "day"})
    assert days(made)[-1] == "9999-12-31"
    assert len(made.lows) == 7305


def test_the_calendar_ends_with_the_year_9999() -> None:
    years = cells("date", {"min": "9990-05-01", "max": "9999-12-31", "bins": "year"})
    assert (len(years.lows), days(years)[-1]) == (10, "9999-01-01")
    hours = cells("timestamp", {"min": "9999-12-31T20:00", "max": "9999-12-31", "bins": "hour"})
    assert [moment[11:] for moment in moments(hours)] == ["20:00", "21:00", "22:00", "23:00"]


def test_a_date_as_last_moment_is_the_whole_day() -> None:
    made = cells("timestamp", {**YEAR, "precision": "minute", "bins": "quarter"})
    assert moments(made)[1] == "2020-04-01T00:00"
    assert made.highs[-1] - made.lows[-1] == 92 * 24 * 60 - 1
    edges = (*(dt.datetime(2020, month, 1) for month in (1, 7)), dt.datetime(2020, 12, 31))  # noqa: DTZ001
    assert cells("timestamp", {**YEAR, "bins": edges}).size == 2


def test_hours_are_bins_too() -> None:
    made = KINDS["hours"]
    assert moments(made)[:2] == ["2020-03-28T12:00", "2020-03-28T13:00"]
    assert made.size == 12 + 24 + 24  # max is a date: that day counts to its end


def test_log_bins_are_finest_at_zero_or_at_the_bound_closest_to_it() -> None:
    made = cells("integer", {"min": -4, "max": 6, "bins": "log"})
    assert list(zip(made.lows, made.highs, strict=True)) == [
        (-4, -4), (-3, -3), (-2, -2), (-1, -1), (0, 0), (1, 1), (2, 2), (3, 3), (4, 6)
    ]  # fmt: skip
    negative = cells("integer", {"min": -9, "max": -1, "bins": "log"})
    assert list(zip(negative.lows, negative.highs, strict=True))[-3:] == [
        (-3, -3),
        (-2, -2),
        (-1, -1),
    ]
    here = cells("integer", {"min": 0, "max": 100, "bins": "log", "finest_at": 50})
    assert (49, 49) in zip(here.lows, here.highs, strict=True)
    assert (51, 51) in zip(here.lows, here.highs, strict=True)
    recent = KINDS["recent"]
    assert days(recent)[-3:] == ["2020-12-29", "2020-12-30", "2020-12-31"]


@given(st.integers(-(10**6), 10**6), st.integers(1, 10**6), st.integers(0, 100), st.booleans())
def test_log_bins_widen_on_both_sides(low: int, span: int, place: int, whole: bool) -> None:
    finest = low + span * place // 100
    domain = {"min": low, "max": low + span, "bins": "log", "finest_at": finest}
    made = cells("integer" if whole else "number", domain)
    assert (made.lows[0], made.highs[-1]) == (low, low + span)
    widths = [b - a for a, b in zip(made.lows, made.highs, strict=True)]
    middle = next(i for i, high in enumerate(made.highs) if high >= finest)
    right = widths[middle + 1 : -1]
    left = widths[1:middle][::-1]
    for side in (right, left):
        assert all(a <= b + 1e-6 for a, b in itertools.pairwise(side[1:]))


@pytest.mark.parametrize("name", KINDS)
def test_bins_of_whole_kinds_partition_their_range(name: str) -> None:
    made = KINDS[name]
    if made.kind in ("integer", "date", "timestamp"):
        pairs = list(zip(made.lows, made.highs, strict=True))
        assert all(low <= high for low, high in pairs)
        assert all(left[1] + 1 == right[0] for left, right in itertools.pairwise(pairs))


@pytest.mark.parametrize(
    ("kind", "domain", "more", "message"),
    [
        ("date", {"min": "2020-01-02", "max": "2020-01-01"}, {}, "must be below max"),
        ("date", {"min": "2020-02-30", "max": "2021-01-01"}, {}, "day is out of range|must be in"),
        ("date", {"min": "1900-01-01", "max": "2020-01-01", "bins": "day"}, {}, "10,000 bins"),
        ("date", {**YEAR, "bins": "hour"}, {}, "'day', 'week'"),
        ("date", {**YEAR, "finest_at": "2020-02-01"}, {}, "goes with bins: log"),
        ("date", {**YEAR, "bins": "log", "finest_at": "2021-02-01"}, {}, "must lie between"),
        ("date", {**YEAR, "bins": (dt.date(2020, 1, 1), dt.date(2020, 2, 1))}, {}, "end at max"),
        ("timestamp", {"min": "2020-01-01", "max": "2030-01-01", "bins": "hour"}, {}, "10,000"),
        ("timestamp", {"min": "2020-01-01T25:00", "max": "2030-01-01"}, {}, "hour must be in"),
        ("timestamp", {"min": "2020-01-01T10:00+01:00", "max": "2030-01-01"}, {}, "datetime"),
        ("timestamp", {"min": "2020-01-01T10:00", "max": "2020-01-01T10:01", "precision": "hour"},
         {}, "less than one hour apart"),
        ("timestamp", YEAR, {"timezone": "Europe/Paris; rm"}, "pattern"),
        ("decimal", {"min": 0, "max": 1}, {"decimals": 10}, "less than or equal to 9"),
        ("decimal", {"min": 0, "max": 10**10}, {"decimals": 9}, "beyond 2.53 steps"),
        ("integer", {"min": 0, "max": 9, "bins": tuple(range(10_003))}, {}, "at most 10,000"),
        ("zip", ("021", "02"), {}, "02 does not have 3 digits"),
        ("zip", ("021", "021"), {}, "must differ"),
        ("zip", ("O21",), {}, "pattern"),
        ("zip", None, {"prefix": 5}, "list the prefixes"),
        ("zip", None, {"prefix": 6}, "longer than 5 digits"),
        ("zip", ("021",), {"other": "022"}, "not in the domain"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused(
    kind: str, domain: Any, more: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValidationError, match=message):
        column(kind, domain, **more)


def test_a_decimal_bound_has_the_decimals_of_the_column() -> None:
    with pytest.raises(ValidationError, match=r"0\.125 has more than 2 decimals"):
        column("decimal", {"min": 0, "max": Decimal("0.125")})


def test_without_a_domain_all_prefixes_are_listed() -> None:
    made = cells("zip", prefix=2)
    assert (made.values[0], made.values[7], made.size) == ("00", "07", 100)
