"""Public bounds of numbers, dates and moments, and the bins that they are counted in."""

from __future__ import annotations

import datetime as dt
import itertools
import re
from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, StrictInt, WithJsonSchema, model_validator

from dpgate.model.values import Date, Frozen, Number

BINS_AT_MOST = 10_000

_MOMENT = r"\d{4}-\d{2}-\d{2}([T ]\d{2}:\d{2}(:\d{2}(\.\d{1,6})?)?)?"
_AS_TEXT = WithJsonSchema({"type": "string", "pattern": f"^{_MOMENT}$"})


def _moment(value: Any) -> Any:
    if isinstance(value, str) and re.fullmatch(_MOMENT, value, re.ASCII):
        return dt.datetime.fromisoformat(value)
    return value


def _last_moment(value: Any) -> Any:
    moment = _moment(value)
    if isinstance(moment, dt.datetime) and len(value) == len("2020-01-31"):
        return moment + dt.timedelta(days=1, microseconds=-1)
    return moment


Moment = Annotated[dt.datetime, BeforeValidator(_moment), _AS_TEXT]
"""A wall-clock time such as 2020-01-31T08:30; a date alone is its first moment."""

LastMoment = Annotated[dt.datetime, BeforeValidator(_last_moment), _AS_TEXT]
"""The same; but a date alone is its last microsecond, so that the day is included."""

Count = Annotated[StrictInt, Field(ge=1, le=BINS_AT_MOST)]
Within = Literal["uniform", "log", "lowest"]
Precision = Literal["hour", "minute", "second", "millisecond", "microsecond"]

MICROSECONDS: dict[Precision, int] = {
    "hour": 3_600_000_000,
    "minute": 60_000_000,
    "second": 1_000_000,
    "millisecond": 1_000,
    "microsecond": 1,
}
"""Microseconds between values of each precision."""


class _Bounds(Frozen):
    within: Within = "uniform"
    """How a value is drawn within its bin: `uniform`, each as likely as any; `log`, evenly on a
    log scale of the distance from where bins are finest; `lowest`, always the lowest."""

    @model_validator(mode="after")
    def _ordered(self) -> _Bounds:
        low, high, bins = self._given("min"), self._given("max"), self._given("bins")
        if low >= high:
            raise ValueError(f"min {low} must be below max {high}")
        if isinstance(bins, tuple):
            if len(bins) < 2 or any(a >= b for a, b in itertools.pairwise(bins)):
                raise ValueError("bin edges must be at least two and strictly increasing")
            if len(bins) > BINS_AT_MOST + 1:
                raise ValueError(f"{len(bins) - 1:,} bins; at most {BINS_AT_MOST:,} are counted")
            if bins[0] != low or bins[-1] != high:
                raise ValueError(f"bin edges must start at min {low} and end at max {high}")
        finest = self._given("finest_at")
        if finest is not None and not low <= finest <= high:
            raise ValueError(f"finest_at {finest} must lie between min {low} and max {high}")
        if finest is not None and "log" not in (bins, self.within):
            raise ValueError("finest_at goes with bins: log or within: log")
        return self

    def _given(self, name: str) -> Any:
        return getattr(self, name)


class Range(_Bounds):
    """Public bounds of a numeric column, and the bins it is counted in."""

    min: Number
    max: Number
    bins: Count | Literal["each", "log"] | tuple[Number, ...] = 32
    """A number of equal-width bins, `each` (one per integer), `log` (widths grow with the
    distance from where they are finest), or the list of inner and outer edges."""
    finest_at: Number | None = None
    """Where `log` is finest; without it, at zero, or at the bound that is closest to zero."""

    @property
    def finest(self) -> Decimal:
        """Where `log` is finest."""
        if self.finest_at is not None:
            return self.finest_at
        return min(max(self.min, Decimal(0)), self.max)


class DateRange(_Bounds):
    """Public bounds of dates, both included, and the bins they are counted in."""

    min: Date
    max: Date
    bins: Count | Literal["day", "week", "month", "quarter", "year", "log"] | tuple[Date, ...] = (
        "month"
    )
    """Calendar bins, a number of equal-width bins, `log` (widths grow with the distance from
    where they are finest), or the first days of all bins followed by max."""
    finest_at: Date | None = None
    """Where `log` is finest; without it, at min."""

    @model_validator(mode="after")
    def _few(self) -> DateRange:
        _at_most((self.max - self.min).days, self.bins)
        return self


class TimeRange(_Bounds):
    """Public bounds of moments, both included, and the bins they are counted in."""

    min: Moment
    max: LastMoment
    precision: Precision = "second"
    """Released values are whole hours, minutes, seconds …; finer ones are cut."""
    bins: (
        Count
        | Literal["hour", "day", "week", "month", "quarter", "year", "log"]
        | tuple[Moment, ...]
    ) = "month"
    """Calendar bins, a number of equal-width bins, `log` (widths grow with the distance from
    where they are finest), or the first moments of all bins followed by max."""
    finest_at: Moment | None = None
    """Where `log` is finest; without it, at min."""

    def _given(self, name: str) -> Any:
        value = getattr(self, name)
        if isinstance(value, tuple) and value:
            # A date at the end is the end of that day, as it is in max.
            last = value[-1] + dt.timedelta(days=1, microseconds=-1)
            return (*value[:-1], last) if last == self.max else value
        return value

    @model_validator(mode="after")
    def _few(self) -> TimeRange:
        span = self.max - self.min
        _at_most(span // dt.timedelta(hours=1) / 24, self.bins)
        if span < dt.timedelta(microseconds=MICROSECONDS[self.precision]):
            raise ValueError(f"min and max are less than one {self.precision} apart")
        return self


def _at_most(days: float, bins: Any) -> None:
    """Refuses calendar bins that are too many to count in."""
    lengths = {"hour": 1 / 24, "day": 1, "week": 7, "month": 28, "quarter": 90, "year": 365}
    count = days / lengths.get(bins, days) if isinstance(bins, str) and days else 0
    if count >= BINS_AT_MOST - 1:
        raise ValueError(
            f"bins: {bins} makes more than {BINS_AT_MOST:,} bins; choose longer ones, or a number"
        )
