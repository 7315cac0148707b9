"""Columns of the output that are computed from released ones; nothing is learned for them."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import AfterValidator, Field, StrictInt, ValidationInfo, model_validator

from dpgate.model.columns import (
    BooleanColumn,
    CategoryColumn,
    DateColumn,
    DecimalColumn,
    DomainColumn,
    IntegerColumn,
    NumberColumn,
    OrdinalColumn,
    Provenance,
    TimestampColumn,
    ZipColumn,
)
from dpgate.model.ranges import Moment
from dpgate.model.values import ColumnName, Frozen, Number, Text

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

NUMERIC = (IntegerColumn, NumberColumn, DecimalColumn)
TEMPORAL = (DateColumn, TimestampColumn)
LISTED = (CategoryColumn, OrdinalColumn, ZipColumn)


class Cut(Frozen):
    """Ranges of a number, a date or a moment, by name."""

    type: Literal["cut"]
    title: Text | None = None
    of: ColumnName
    at: Annotated[tuple[Number, ...], Field(min_length=1)] | tuple[Moment, ...]
    """Where ranges begin, increasing; a value at a cut is in the upper range."""
    labels: Annotated[tuple[Text, ...], Field(min_length=2)]
    """Names of the ranges, one more than cuts."""

    @model_validator(mode="after")
    def _fitting(self) -> Cut:
        cuts: tuple[Any, ...] = self.at
        if any(a >= b for a, b in itertools.pairwise(cuts)):
            raise ValueError("cuts must be strictly increasing")
        if len(self.labels) != len(self.at) + 1:
            raise ValueError(f"{len(self.at)} cuts make {len(self.at) + 1} ranges to label")
        return self


class Difference(Frozen):
    """The first column minus the second."""

    type: Literal["difference"]
    title: Text | None = None
    of: Annotated[tuple[ColumnName, ...], Field(min_length=2, max_length=2)]
    in_: Annotated[Literal["days", "hours", "minutes", "seconds"] | None, Field(alias="in")] = None
    """Unit, of dates and moments; cut to whole ones."""


class Sum(Frozen):
    """Numbers added up; missing if one of them is."""

    type: Literal["sum"]
    title: Text | None = None
    of: Annotated[tuple[ColumnName, ...], Field(min_length=2)]


class Part(Frozen):
    """A part of a date or moment, as a whole number; weekdays count from Monday, 1."""

    type: Literal["part"]
    title: Text | None = None
    of: ColumnName
    part: Literal["year", "quarter", "month", "day", "weekday", "hour"]


class Prefix(Frozen):
    """The first characters of a text: of a postal code, of a code in a hierarchy."""

    type: Literal["prefix"]
    title: Text | None = None
    of: ColumnName
    characters: Annotated[StrictInt, Field(ge=1, le=200)]


class Lookup(Frozen):
    """What a public table says of each listed value."""

    type: Literal["lookup"]
    title: Text | None = None
    of: ColumnName
    table: Annotated[dict[Text, Text], Field(min_length=1, max_length=10_000)]
    otherwise: Text | None = None
    """For values that the table does not have; without it, the table has all."""
    source: Provenance
    """Where the table comes from."""


Derived = Annotated[Cut | Difference | Sum | Part | Prefix | Lookup, Field(discriminator="type")]


def inputs(derived: Derived) -> tuple[str, ...]:
    """The columns that a derived one is computed from."""
    return (derived.of,) if isinstance(derived.of, str) else derived.of


def _possible(derived: Derived, info: ValidationInfo) -> Derived:
    columns: Mapping[str, object] | None = info.data.get("columns")
    if columns is None:  # it has problems of its own
        return derived
    found = []
    for name in inputs(derived):
        column = columns.get(name)
        if not isinstance(column, DomainColumn):
            raise ValueError(f"{name} is no column with a domain of this dataset")  # noqa: TRY004 - what validators raise
        found.append(column)
    _CHECKS[derived.type](derived, found)
    return derived


PossibleDerived = Annotated[Derived, AfterValidator(_possible)]
"""Derived from columns that are there and can be; checked after the dataset's columns."""


def _cut(derived: Cut, columns: list[DomainColumn]) -> None:
    numbers = not hasattr(derived.at[0], "year")
    if not isinstance(columns[0], NUMERIC if numbers else TEMPORAL):
        what = "numbers" if numbers else "dates"
        raise ValueError(f"{derived.of} is of type {columns[0].type}; it is not cut at {what}")  # noqa: TRY004 - what validators raise


def _difference(derived: Difference, columns: list[DomainColumn]) -> None:
    if all(isinstance(column, NUMERIC) for column in columns):
        if derived.in_ is not None:
            raise ValueError("a difference of numbers has no unit; leave out: in")
    elif not all(isinstance(column, TEMPORAL) for column in columns):
        raise ValueError("a difference is of two numbers, or of two dates or timestamps")
    elif derived.in_ is None:
        raise ValueError("a difference of dates or timestamps needs a unit: in: days")


def _sum(_: Sum, columns: list[DomainColumn]) -> None:
    if not all(isinstance(column, NUMERIC) for column in columns):
        raise ValueError("only numbers can be added up")


def _part(derived: Part, columns: list[DomainColumn]) -> None:
    if not isinstance(columns[0], TEMPORAL):
        kind = columns[0].type
        raise ValueError(f"{derived.of} is of type {kind}, neither date nor timestamp")  # noqa: TRY004 - what validators raise
    if derived.part == "hour" and isinstance(columns[0], DateColumn):
        raise ValueError(f"{derived.of} is a date: it has no hour")


def _prefix(derived: Prefix, columns: list[DomainColumn]) -> None:
    if not isinstance(columns[0], LISTED):
        raise ValueError(f"{derived.of} is of type {columns[0].type}, which is no text")  # noqa: TRY004 - what validators raise


def _lookup(derived: Lookup, columns: list[DomainColumn]) -> None:
    covered(derived.table, columns[0], derived.of, whole=derived.otherwise is None)


_CHECKS: dict[str, Callable[[Any, list[DomainColumn]], None]] = {
    "cut": _cut,
    "difference": _difference,
    "sum": _sum,
    "part": _part,
    "prefix": _prefix,
    "lookup": _lookup,
}
"""What each form asks of the columns that it is computed from."""


def covered(
    table: Mapping[str, str], column: DomainColumn, name: str, *, whole: bool = True
) -> None:
    """Refuses a table that is not about the listed values of a column.

    Args:
        table: by the text of each value.
        column: it should list values.
        name: of the column.
        whole: whether the table must have all of them.
    """
    values = listed(column)
    if not values:
        raise ValueError(f"{name} is of type {column.type}; tables are about listed values")
    unknown = sorted(set(table) - set(values))
    if unknown:
        raise ValueError(f"the table has {unknown[0]!r}, which is not in the domain of {name}")
    lost = [value for value in values if value not in table]
    if whole and lost:
        raise ValueError(f"the table lacks {lost[0]!r} of {name} ({len(lost)} of {len(values)})")


def listed(column: object) -> tuple[str, ...]:
    """The listed values of a column as text; none of a column with bins or postal codes."""
    if isinstance(column, BooleanColumn):
        return ("false", "true")
    if isinstance(column, CategoryColumn | OrdinalColumn):
        return tuple(str(value) for value in column.domain)
    return ()
