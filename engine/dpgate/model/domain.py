"""Cells: the finite public domain that each column is counted in.

Everything here follows from the Dataset document alone. The mapping from a value to a cell is
total, so no row can make it fail (`dpgate.sources.encode` applies it):

- numbers, dates and moments are clamped to [min, max]; a missing, NaN or unreadable one goes to
  the null cell of a nullable column, else to the cell of min;
- a value that is not listed goes to `other` if the column names one, else to the null cell of a
  nullable column, else to the first listed value.
"""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Literal

from dpgate.model.bins import calendar_edges, real_edges, whole_edges
from dpgate.model.columns import (
    BooleanColumn,
    Column,
    DateColumn,
    DecimalColumn,
    DomainColumn,
    IntegerColumn,
    NumberColumn,
    TimestampColumn,
    ZipColumn,
)
from dpgate.model.dataset import Dataset
from dpgate.model.ranges import MICROSECONDS, DateRange, Within

Kind = Literal[
    "integer", "number", "decimal", "date", "timestamp", "text", "whole", "boolean", "zip"
]

_EPOCH = dt.datetime(1970, 1, 1)  # noqa: DTZ001 - wall-clock time, in no zone
_DAY = MICROSECONDS["hour"] * 24


@dataclass(frozen=True, kw_only=True)
class ColumnDomain:
    """The cells of one column, numbered from 0; the null cell, if any, comes last."""

    name: str
    kind: Kind
    """How cells become values: a draw within a bin (`integer`, `number`, `decimal`, `date`,
    `timestamp`), a listed value (`text`, `whole`: listed integers, `boolean`), or a listed
    prefix with made-up digits after it (`zip`)."""
    lows: tuple[int | float, ...] = ()
    """Bins only: lowest value of each bin, inclusive, increasing. Dates count days since
    1970-01-01, timestamps `micros` since then on the wall clock of `zone`."""
    highs: tuple[int | float, ...] = ()
    """Bins only: highest value of each bin, inclusive; of `number` and `decimal`, the next low."""
    within: Within = "uniform"
    """How a value is drawn within a bin, or digits after a prefix."""
    finest: int | float = 0
    """Bins only: where `within: log` measures distances from."""
    values: tuple[str | int | bool, ...] = ()
    """Listed values only: the value of each cell."""
    fallback: int = 0
    """Cell of a value that is missing, unreadable or unlisted."""
    null: int | None = None
    """The null cell, if the column is nullable."""
    decimals: int = 0
    """Decimal places of released numbers."""
    micros: int = 1
    """Timestamps only: microseconds between values."""
    zone: str = "UTC"
    """Timestamps only: IANA name."""
    digits: int = 0
    """Postal codes only: digits of a whole one."""

    @property
    def size(self) -> int:
        """Number of cells, the null cell included."""
        return len(self.lows or self.values) + (self.null is not None)


def column_domain(name: str, column: Column) -> ColumnDomain:
    """The cells of a column, from its public description."""
    if not isinstance(column, DomainColumn):
        raise TypeError(f"{column.type} column {name} has no domain")
    if isinstance(column, IntegerColumn | NumberColumn | DecimalColumn):
        return _of_numbers(name, column)
    if isinstance(column, DateColumn | TimestampColumn):
        return _of_times(name, column)
    values: tuple[str | int | bool, ...] = (False, True)
    kind: Kind = "boolean"
    other = None
    if isinstance(column, ZipColumn):
        values, kind = column.prefixes, "zip"
        other = None if column.other is None else values.index(column.other)
    elif not isinstance(column, BooleanColumn):
        values = column.domain
        kind = "text" if isinstance(values[0], str) else "whole"
        other = None if column.other is None else values.index(column.other)
    null = len(values) if column.nullable else None
    return ColumnDomain(
        name=name,
        kind=kind,
        values=values,
        fallback=next((cell for cell in (other, null) if cell is not None), 0),
        null=null,
        within=column.within if isinstance(column, ZipColumn) else "uniform",
        digits=column.digits if isinstance(column, ZipColumn) else 0,
    )


def _of_numbers(name: str, column: IntegerColumn | NumberColumn | DecimalColumn) -> ColumnDomain:
    domain = column.domain
    if isinstance(column, IntegerColumn):
        bins = domain.bins
        wanted = [math.ceil(edge) for edge in bins] if isinstance(bins, tuple) else bins
        edges = whole_edges(int(domain.min), int(domain.max), wanted, int(domain.finest))
        return _whole(name, column, edges, int(domain.max), int(domain.finest))
    assert domain.bins != "each"  # noqa: S101 - the model refuses it
    reals = real_edges(domain.min, domain.max, domain.bins, domain.finest)
    lows = tuple(_number(edge) for edge in reals)
    null = len(lows) if column.nullable else None
    return ColumnDomain(
        name=name,
        kind=column.type,
        lows=lows,
        highs=(*lows[1:], _number(domain.max)),
        within=domain.within,
        finest=_number(domain.finest),
        fallback=0 if null is None else null,
        null=null,
        decimals=column.decimals,
    )


def _of_times(name: str, column: DateColumn | TimestampColumn) -> ColumnDomain:
    domain = column.domain
    micros = _DAY if isinstance(domain, DateRange) else MICROSECONDS[domain.precision]

    def tick(moment: dt.date) -> int:
        return (_moment(moment) - _EPOCH) // dt.timedelta(microseconds=micros)

    low, high = tick(domain.min), tick(domain.max)
    finest = low if domain.finest_at is None else tick(domain.finest_at)
    bins = domain.bins
    if isinstance(bins, tuple):
        edges = whole_edges(low, high, [tick(edge) for edge in bins[:-1]], finest)
    elif isinstance(bins, int) or bins == "log":
        edges = whole_edges(low, high, bins, finest)
    else:
        turns = calendar_edges(_moment(domain.min), _moment(domain.max), bins)
        edges = (low, *sorted({tick(turn) for turn in turns} - {low}))
    return _whole(name, column, edges, high, finest)


def _moment(value: dt.date) -> dt.datetime:
    if isinstance(value, dt.datetime):
        return value
    return dt.datetime.combine(value, dt.time())


def _whole(
    name: str,
    column: IntegerColumn | DateColumn | TimestampColumn,
    lows: Sequence[int],
    high: int,
    finest: int,
) -> ColumnDomain:
    """Bins of whole numbers: integers, days, or steps of a timestamp's precision."""
    null = len(lows) if column.nullable else None
    made = ColumnDomain(
        name=name,
        kind=column.type,
        lows=tuple(lows),
        highs=(*(edge - 1 for edge in lows[1:]), high),
        within=column.domain.within,
        finest=finest,
        fallback=0 if null is None else null,
        null=null,
    )
    if not isinstance(column, TimestampColumn):
        return made
    return replace(made, micros=MICROSECONDS[column.domain.precision], zone=column.timezone)


def _number(value: Decimal) -> int | float:
    """A bound as the machine number that encoders compare with."""
    return int(value) if value == value.to_integral_value() else float(value)


@dataclass(frozen=True, kw_only=True)
class Domain:
    """The cells of several columns, in the order of the release."""

    columns: tuple[ColumnDomain, ...]

    def __len__(self) -> int:
        return len(self.columns)

    @property
    def names(self) -> tuple[str, ...]:
        """Column names in order."""
        return tuple(column.name for column in self.columns)

    @property
    def sizes(self) -> tuple[int, ...]:
        """Cells of each column in order."""
        return tuple(column.size for column in self.columns)


def domain_of(dataset: Dataset, names: Sequence[str]) -> Domain:
    """The domain of the named columns that are learned: no identifiers, no text, none derived."""
    columns = dataset.spec.columns
    learned = dataset.spec.learned(names)
    return Domain(columns=tuple(column_domain(name, columns[name]) for name in learned))
