"""A second table, joined to the persons by their key: claims, visits, prescriptions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated

from pydantic import Field, StrictInt, field_validator

from dpgate.model.columns import Column, DomainColumn
from dpgate.model.constraints import columns_of, words
from dpgate.model.derive import inputs
from dpgate.model.values import ColumnName, Frozen, Name, Share, Text

if TYPE_CHECKING:
    from dpgate.model.constraints import Constraint
    from dpgate.model.dataset import Unit
    from dpgate.model.derive import Derived

PERSONS = "persons"
"""Name of the first table, which has one row a person: of its files, and in sources."""

TableName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,30}$")]


class Joined(Frozen):
    """Rows that belong to persons, a bounded number to each."""

    table: TableName
    """What the table is called in the source, in thresholds, and its files: `claims`."""
    row: Name
    """What one row of it is, for people."""
    columns: Annotated[tuple[ColumnName, ...], Field(min_length=1)]
    """Which columns of the dataset, derived ones among them, are this table's; all others are the
    persons'. Both tables hold `unit.column`, the key that joins them."""
    max_rows_per_person: Annotated[StrictInt, Field(ge=1, le=1_000)]
    """Public bound on the rows of one person. Of a person with more, so many are kept at random."""
    source: Text
    """Where the bound comes from."""

    @field_validator("table")
    @classmethod
    def _another(cls, table: str) -> str:
        if table == PERSONS:
            raise ValueError(f"{PERSONS} is the first table; give the second another name")
        return table

    @field_validator("columns")
    @classmethod
    def _once(cls, columns: tuple[str, ...]) -> tuple[str, ...]:
        if len(set(columns)) != len(columns):
            raise ValueError("columns must be listed once each")
        return columns


class JoinedRows(Frozen):
    """How rows of the second table are made."""

    context: tuple[ColumnName, ...] = ()
    """Columns of the person that its rows depend on, and the table's own name for how many there
    are. Everything else about a person says nothing about its rows."""
    share: Annotated[Share, Field(gt=0)] = Decimal("0.5")
    """Part of the release's ρ that the second table takes."""

    @field_validator("context")
    @classmethod
    def _once(cls, context: tuple[str, ...]) -> tuple[str, ...]:
        if len(set(context)) != len(context):
            raise ValueError("context must name columns once each")
        return context


def faults(
    joined: Joined,
    unit: Unit,
    columns: Mapping[str, Column],
    derive: Mapping[str, Derived],
    constraints: Sequence[Constraint],
) -> Iterator[str]:
    """Why a dataset's two tables do not fit together, the first reason first."""
    own, key = set(joined.columns), unit.column
    known = {*columns, *derive}
    if key is None or unit.max_rows_per_person != 1:
        yield (
            "it needs unit.column, the key, and unit.max_rows_per_person: 1, since the first table has "
            "one row a person"
        )
    for name in joined.columns:
        if name not in known:
            yield f"{name} is no column of this dataset"
        if name == key:
            yield f"{name} is the key, which both tables have; leave it out of columns"
    if joined.table in known:
        yield f"{joined.table} is a column as well as a table; give one of them another name"
    learned = {name for name, column in columns.items() if isinstance(column, DomainColumn)}
    for table, names in ((PERSONS, learned - own), (joined.table, learned & own)):
        if not names:
            yield f"{table} has no column with a domain, so there is nothing to learn of it"
    yield from _across(own, derive, constraints)


def _across(
    own: set[str], derive: Mapping[str, Derived], constraints: Sequence[Constraint]
) -> Iterator[str]:
    """What would have to hold, or be computed, across the tables and cannot be."""
    for constraint in constraints:
        if len({name in own for name in columns_of(constraint)}) > 1:
            yield (
                f"the constraint {words(constraint)} is about both tables; say what holds in each of them"
            )
    for name, form in derive.items():
        foreign = [other for other in inputs(form) if other in own]
        if name not in own and foreign:
            yield (
                f"{name} is derived from {foreign[0]}, which a person has many of; name it in columns"
            )
