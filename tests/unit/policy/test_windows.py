"""Windows begin at local midnight, or a number of days ago, to the hour."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest

from dpgate.model.policy import Quota
from dpgate.policy.windows import LIFETIME, hour_of, moment_of, window_of


def quota(**fields: object) -> Quota:
    return Quota.model_validate({"epsilon": Decimal(1), **fields})


@pytest.mark.parametrize(
    ("every", "zone", "hour", "name", "since"),
    [
        ("month", "UTC", "2026-11-22T18:00:00Z", "2026-11", "2026-11-01T00:00:00Z"),
        ("month", "UTC", "2026-11-01T00:00:00Z", "2026-11", "2026-11-01T00:00:00Z"),
        ("month", "UTC", "2026-10-31T23:00:00Z", "2026-10", "2026-10-01T00:00:00Z"),
        ("month", "Asia/Tokyo", "2026-10-31T15:00:00Z", "2026-11", "2026-10-31T15:00:00Z"),
        ("month", "Asia/Tokyo", "2026-10-31T14:00:00Z", "2026-10", "2026-09-30T15:00:00Z"),
        ("quarter", "UTC", "2026-03-31T23:00:00Z", "2026-Q1", "2026-01-01T00:00:00Z"),
        ("quarter", "UTC", "2026-04-01T00:00:00Z", "2026-Q2", "2026-04-01T00:00:00Z"),
        ("quarter", "UTC", "2026-12-31T23:00:00Z", "2026-Q4", "2026-10-01T00:00:00Z"),
        # In November New York is five hours behind, at the quarter's start in October four.
        ("quarter", "America/New_York", "2026-11-22T18:00:00Z", "2026-Q4", "2026-10-01T04:00:00Z"),
        ("year", "America/New_York", "2027-01-01T04:00:00Z", "2026", "2026-01-01T05:00:00Z"),
        ("year", "America/New_York", "2027-01-01T05:00:00Z", "2027", "2027-01-01T05:00:00Z"),
        # Half an hour past: the hour that holds both years still belongs to the old one.
        ("year", "Asia/Kolkata", "2026-12-31T18:00:00Z", "2026", "2025-12-31T19:00:00Z"),
        ("year", "Asia/Kolkata", "2026-12-31T19:00:00Z", "2027", "2026-12-31T19:00:00Z"),
    ],
)
def test_calendar_windows(every: str, zone: str, hour: str, name: str, since: str) -> None:
    window = window_of(quota(every=every), hour, ZoneInfo(zone))
    assert (window.name, window.since) == (name, since)
    assert window.since <= hour


def test_a_rolling_window_leaves_out_the_hour_its_days_ago() -> None:
    window = window_of(quota(rolling_days=30), "2026-11-22T18:00:00Z", ZoneInfo("Asia/Tokyo"))
    assert (window.name, window.since) == ("30-days", "2026-10-23T19:00:00Z")


def test_a_lifetime_has_no_beginning() -> None:
    window = window_of(quota(lifetime=True), "2026-11-22T18:00:00Z", ZoneInfo("UTC"))
    assert window == LIFETIME
    assert window.since < "0001-01-01T00:00:00Z"


@pytest.mark.parametrize("zone", ["UTC", "Asia/Tokyo", "America/New_York", "Asia/Kathmandu"])
def test_every_hour_of_three_years_lies_in_one_window_that_begins_before_it(zone: str) -> None:
    moment = moment_of("2025-01-01T00:00:00Z")
    last: dict[str, str] = {}
    while moment < moment_of("2028-01-01T00:00:00Z"):
        hour = hour_of(moment)
        for every in ("month", "quarter", "year"):
            window = window_of(quota(every=every), hour, ZoneInfo(zone))
            assert window.since <= hour
            # Whoever shares a name shares a beginning, so that no spend falls between two.
            assert last.setdefault(window.name, window.since) == window.since
        moment += dt.timedelta(hours=5)


def test_hours_and_moments_are_each_others_inverse() -> None:
    hour = "2026-11-22T18:00:00Z"
    assert hour_of(moment_of(hour)) == hour
    assert moment_of(hour).tzinfo is not None
    tokyo = dt.datetime(2026, 11, 23, 3, 59, tzinfo=ZoneInfo("Asia/Tokyo"))
    assert hour_of(tokyo) == hour
