"""Dates and moments: every Arrow type and every spelling of one moment is that moment."""

from __future__ import annotations

import datetime as dt
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dpgate.errors import SourceError
from dpgate.model.domain import ColumnDomain, Domain
from dpgate.sources.arrow import check_schema
from dpgate.sources.encode import encode
from dpgate.sources.temporal import ticks
from tests.suites.columns import KINDS, cells

MICROS = cells(
    "timestamp", {"min": "0001-01-02", "max": "9999-12-31", "precision": "microsecond", "bins": 7}
)
DATE = cells("date", {"min": "0001-01-01", "max": "9999-12-31", "bins": 7})
EPOCH = dt.datetime(1970, 1, 1)  # noqa: DTZ001 - wall-clock time


def micros(values: pa.Array) -> list[int | None]:
    found, good = ticks(values, MICROS)
    return [int(tick) if fine else None for tick, fine in zip(found, good, strict=True)]


@settings(deadline=None)
@given(st.datetimes(dt.datetime(1678, 1, 1), dt.datetime(2261, 1, 1)))  # noqa: DTZ001 - naive
def test_all_units_and_spellings_agree(moment: dt.datetime) -> None:
    whole = moment.replace(microsecond=0)
    expected = (whole - EPOCH) // dt.timedelta(microseconds=1)
    for unit in ("s", "ms", "us", "ns"):
        assert micros(pa.array([whole], pa.timestamp(unit))) == [expected]
        assert micros(pa.array([whole], pa.timestamp(unit, tz="Asia/Tokyo"))) == [expected]
    texts = [whole.isoformat(), whole.isoformat(sep=" "), f"{whole.isoformat()}Z",
             f" {whole.isoformat()}.000+00:00 "]  # fmt: skip
    assert micros(pa.array(texts)) == [expected] * len(texts)
    exact = (moment - EPOCH) // dt.timedelta(microseconds=1)
    assert micros(pa.array([moment.isoformat()], pa.large_string())) == [exact]
    days = (moment.date() - EPOCH.date()).days
    for kind in (pa.date32(), pa.date64()):
        assert ticks(pa.array([moment.date()], kind), DATE)[0].tolist() == [days]
    assert ticks(pa.array([moment.isoformat().encode()]), DATE)[0].tolist() == [days]


@settings(deadline=None)
@given(st.dates())
def test_every_day_of_the_calendar(day: dt.date) -> None:
    found, good = ticks(pa.array([day.isoformat()]), DATE)
    assert good.all()
    assert found[0] == (day - EPOCH.date()).days


@pytest.mark.parametrize(
    "text",
    ["", "2020-02-30", "2019-02-29", "1900-02-29", "2020-13-01", "2020-00-10", "2020-01-00",
     "2020-1-1", "20200101", "01/31/2020", "2020-01-01T24:00", "2020-01-01T10:60", "2020-01-01Z",
     "2020-01-01T10:00:61", "2020-01-01T10:00+99:00", "2020-01-01 10", "٢٠٢٠-01-01", "now"],
)  # fmt: skip
def test_what_is_no_moment_is_unreadable(text: str) -> None:
    assert micros(pa.array([text])) == [None]
    assert micros(pa.array([text.encode()])) == [None]


@pytest.mark.parametrize(
    "values",
    [pa.array([1, None]), pa.array([1.5]), pa.array([True]), pa.array([1], pa.duration("s")),
     pa.array([1], pa.time32("s")), pa.array([[1]])],
)  # fmt: skip
def test_numbers_are_no_moments(values: pa.Array) -> None:
    assert not ticks(values, MICROS)[1].any()


@pytest.mark.parametrize(
    ("text", "instant"),
    [("2020-07-01T12:00Z", "2020-07-01T14:00"), ("2020-01-01T12:00-0500", "2020-01-01T18:00"),
     ("2020-07-01T12:00", "2020-07-01T12:00"), ("2020-03-29T02:30", "2020-03-29T02:30"),
     ("2020-10-25T00:30Z", "2020-10-25T02:30"), ("2020-10-25T01:30Z", "2020-10-25T02:30")],
)  # fmt: skip
def test_what_has_an_offset_moves_to_the_wall_clock_of_the_zone(text: str, instant: str) -> None:
    expected = (dt.datetime.fromisoformat(instant) - EPOCH) // dt.timedelta(seconds=1)
    assert ticks(pa.array([text]), KINDS["paris"])[0].tolist() == [expected]


def test_moments_beyond_all_calendars_stay_in_order() -> None:
    ends = [-(2**63), -(2**40), 2**40, 2**63 - 1]
    for unit in ("s", "ms", "us", "ns"):
        for zone in (None, "UTC", "Europe/Paris"):
            values = pa.array(ends, pa.int64()).cast(pa.timestamp(unit, tz=zone))
            for column in (MICROS, KINDS["paris"], KINDS["hours"]):
                found, good = ticks(values, column)
                assert good.all()
                assert (np.diff(found) >= 0).all()


def test_a_zone_that_this_machine_does_not_know_is_refused_beforehand() -> None:
    column = cells("timestamp", {"min": "2020-01-01", "max": "2020-12-31"}, timezone="Mars/Olympus")
    schema: Any = pa.schema([("c", pa.timestamp("s"))])
    with pytest.raises(SourceError, match="does not know the time zone Mars/Olympus"):
        check_schema(schema, Domain(columns=(column,)))


@pytest.mark.parametrize("kind", [pa.date32(), pa.date64()])
def test_infinite_dates_are_unlisted_and_no_error(kind: pa.DataType) -> None:
    """As DuckDB hands them out: the ends of the integers behind."""
    column = ColumnDomain(name="day", kind="text", values=("none", "0001-01-01", "9999-12-31"))
    listed = pa.array([dt.date.min, dt.date.max], kind)
    whole = pa.int32() if kind == pa.date32() else pa.int64()
    ends = np.iinfo(whole.to_pandas_dtype())
    far = pa.array([ends.min, ends.max], whole).view(kind)
    days = pa.concat_arrays([listed, far, pa.nulls(1, kind)])
    assert encode(days, column).tolist() == [1, 2, 0, 0, 0]
    assert encode(days.slice(0, 2), column).tolist() == [1, 2]


def test_dates_beyond_any_calendar_are_the_first_and_the_last() -> None:
    ends = pa.array([-15 * 10**7, 15 * 10**7], pa.int32()).cast(pa.date32())
    assert encode(ends, DATE).tolist() == [0, 6]
    assert encode(ends, MICROS).tolist() == [0, 6]
