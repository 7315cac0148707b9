"""What holds in every row of the data, and is kept true in every row of the output."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from graphlib import CycleError, TopologicalSorter
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, StrictBool, StrictInt, StrictStr, ValidationInfo

from dpgate.model.columns import (
    Column,
    DateColumn,
    DecimalColumn,
    DomainColumn,
    IntegerColumn,
    NumberColumn,
    Provenance,
    TimestampColumn,
)
from dpgate.model.derive import covered, listed
from dpgate.model.values import ColumnName, Frozen, Text

ORDERED = (IntegerColumn, NumberColumn, DecimalColumn, DateColumn, TimestampColumn)
_Ordered = IntegerColumn | NumberColumn | DecimalColumn | DateColumn | TimestampColumn

Order = Annotated[
    str,
    Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]{0,62} (>=|<=) [A-Za-z_][A-Za-z0-9_]{0,62}$"),
]
"""`discharged >= admitted`: in every row in which neither is missing."""

_Value = StrictBool | StrictInt | StrictStr


class Follows(Frozen):
    """A listed column that another one determines, by a public table."""

    type: Literal["follows"]
    column: ColumnName
    of: ColumnName
    table: Annotated[dict[Text, Text], Field(min_length=1, max_length=10_000)]
    """The value of `column` for each value of `of`."""
    source: Provenance
    """Where the table comes from."""


class Missing(Frozen):
    """A column that is missing wherever others have certain values."""

    type: Literal["missing"]
    column: ColumnName
    when: Annotated[
        dict[ColumnName, _Value | Annotated[tuple[_Value, ...], Field(min_length=1)]],
        Field(min_length=1, max_length=8),
    ]
    """Values by column; where several are named, all must hold."""


Constraint = Order | Annotated[Follows | Missing, Field(discriminator="type")]


def order_of(constraint: str) -> tuple[str, str]:
    """The upper and the lower column of an order."""
    left, sign, right = constraint.split(" ")
    return (left, right) if sign == ">=" else (right, left)


def columns_of(constraint: Constraint) -> tuple[str, ...]:
    """The columns that a constraint is about."""
    if isinstance(constraint, str):
        return order_of(constraint)
    if isinstance(constraint, Follows):
        return constraint.column, constraint.of
    return constraint.column, *constraint.when


def words(constraint: Constraint) -> str:
    """A constraint in words."""
    if isinstance(constraint, str):
        return constraint
    if isinstance(constraint, Follows):
        return f"{constraint.column} follows {constraint.of}"
    conditions = (f"{name} is {' or '.join(values)}" for name, values in wanted(constraint).items())
    return f"{constraint.column} is missing where {' and '.join(conditions)}"


def wanted(missing: Missing) -> dict[str, tuple[str, ...]]:
    """The values that a column must have, as text, by column."""
    return {
        name: tuple(
            str(value).lower() if isinstance(value, bool) else str(value)
            for value in (values if isinstance(values, tuple) else (values,))
        )
        for name, values in missing.when.items()
    }


def _possible(constraint: Constraint, info: ValidationInfo) -> Constraint:
    columns: Mapping[str, Column] | None = info.data.get("columns")
    if columns is None:  # it has problems of its own
        return constraint
    for name in columns_of(constraint):
        if not isinstance(columns.get(name), DomainColumn):
            raise ValueError(f"{name} is no column with a domain of this dataset")  # noqa: TRY004 - what validators raise
    if isinstance(constraint, str):
        _comparable(*order_of(constraint), columns)
    elif isinstance(constraint, Follows):
        _determined(constraint, columns)
    else:
        _conditional(constraint, columns)
    return constraint


PossibleConstraint = Annotated[Constraint, AfterValidator(_possible)]
"""About columns that are there and can satisfy it; checked after the dataset's columns."""


def _comparable(high: str, low: str, columns: Mapping[str, Column]) -> None:
    upper, lower = columns[high], columns[low]
    if high == low:
        raise ValueError(f"{high} is compared with itself")
    if not isinstance(upper, ORDERED) or not isinstance(lower, ORDERED):
        raise ValueError(f"{high} and {low} are not both numbers, dates or timestamps")  # noqa: TRY004 - what validators raise
    if _grain(upper) != _grain(lower):
        raise ValueError(
            f"{high} ({_grain(upper)}) and {low} ({_grain(lower)}) are not of one kind"
        )
    if upper.domain.max < lower.domain.min:  # type: ignore[operator]  # of one kind
        raise ValueError(
            f"it cannot hold: {high} is at most {upper.domain.max}, "
            f"{low} at least {lower.domain.min}"
        )


def _grain(column: _Ordered) -> str:
    """Type and resolution; values of equal ones can take each other's place."""
    if isinstance(column, NumberColumn | DecimalColumn):
        return f"{column.type} with {column.decimals} decimals"
    if isinstance(column, TimestampColumn):
        return f"{column.type} by the {column.domain.precision} in {column.timezone}"
    return column.type


def _determined(constraint: Follows, columns: Mapping[str, Column]) -> None:
    determined, by = columns[constraint.column], columns[constraint.of]
    assert isinstance(by, DomainColumn)  # noqa: S101 - narrows the type
    covered(constraint.table, by, constraint.of)
    values = listed(determined)
    odd = [value for value in constraint.table.values() if value not in values]
    if odd:
        raise ValueError(
            f"the table says {odd[0]!r}, which is not listed in the domain of {constraint.column}"
        )


def _conditional(constraint: Missing, columns: Mapping[str, Column]) -> None:
    column = columns[constraint.column]
    if not isinstance(column, DomainColumn) or not column.nullable:
        raise ValueError(f"{constraint.column} cannot be missing; say nullable: true, or drop this")
    if constraint.column in constraint.when:
        raise ValueError(f"{constraint.column} cannot decide whether it is missing itself")
    for name, values in wanted(constraint).items():
        odd = [value for value in values if value not in listed(columns[name])]
        if odd:
            raise ValueError(f"{odd[0]!r} is not a listed value of {name}")


def consistent(
    constraints: tuple[Constraint, ...], columns: Mapping[str, Column]
) -> tuple[Constraint, ...]:
    """Refuses constraints that are possible one by one, but not together."""
    orders = [order_of(each) for each in constraints if isinstance(each, str)]
    named = {name: columns[name] for order in orders for name in order}
    bounds(
        orders,
        {
            name: (column.domain.min, column.domain.max)
            for name, column in named.items()
            if isinstance(column, ORDERED)
        },
    )
    follows = [each for each in constraints if isinstance(each, Follows)]
    sorted_by([(each.column, each.of) for each in follows])
    determined = [each.column for each in follows]
    twice = [name for name in determined if determined.count(name) > 1]
    if twice:
        raise ValueError(f"{twice[0]} follows two tables")
    for each in constraints:
        if isinstance(each, Missing) and each.column in determined:
            raise ValueError(f"{each.column} follows a table and cannot be made missing as well")
    return constraints


def sorted_by(pairs: Iterable[tuple[str, str]]) -> tuple[str, ...]:
    """Columns, each after those that it lies above or follows.

    Raises:
        ValueError: there is a cycle.
    """
    sorter: TopologicalSorter[str] = TopologicalSorter()
    for later, earlier in pairs:
        sorter.add(later, earlier)
    try:
        return tuple(sorter.static_order())
    except CycleError as error:
        raise ValueError(f"a cycle: {' <= '.join(error.args[1])}") from None


def bounds(
    orders: Iterable[tuple[str, str]], limits: Mapping[str, tuple[Any, Any]]
) -> dict[str, tuple[Any, Any]]:
    """The lowest and highest value that each ordered column can take with all others in order.

    Args:
        orders: upper and lower column of each.
        limits: lowest and highest value of each column on its own.

    Returns:
        By column, each after those below it.

    Raises:
        ValueError: there is a cycle, or no value is left for a column.
    """
    pairs = list(orders)
    turns = sorted_by(pairs)
    lowest, highest = ({name: limits[name][side] for name in turns} for side in (0, 1))
    for name in turns:
        lowest[name] = max([lowest[name], *(lowest[low] for high, low in pairs if high == name)])
    for name in reversed(turns):
        highest[name] = min([highest[name], *(highest[high] for high, low in pairs if low == name)])
        if lowest[name] > highest[name]:
            raise ValueError(f"they cannot hold together: no value is left for {name}")
    return {name: (lowest[name], highest[name]) for name in turns}
