"""The Dataset document: whose data, which columns, and their public domains."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Annotated, Literal

from pydantic import Field, StrictInt, ValidationInfo, field_validator, model_validator

from dpgate.model.columns import Column, DomainColumn, IdentifierColumn, Provenance
from dpgate.model.constraints import (
    Constraint,
    Follows,
    PossibleConstraint,
    columns_of,
    consistent,
    words,
)
from dpgate.model.derive import Derived, Lookup, PossibleDerived
from dpgate.model.joined import Joined, faults
from dpgate.model.limits import Limits
from dpgate.model.rule import Rule, once_each
from dpgate.model.values import ColumnName, Frozen, Name, Relation, Text


class Unit(Frozen):
    """What is protected, one row or one person, and what a row is."""

    row: Name
    """What one row is, for people: person, person-year, visit …"""
    max_rows_per_person: Annotated[StrictInt, Field(ge=1, le=1_000_000)]
    """Public bound on the rows of one person; the person-level cost follows from it."""
    source: Text
    """Where the bound comes from."""
    column: ColumnName | None = None
    """The identifier column that names the person. Of a person with more rows than the bound,
    so many are kept at random: then the bound holds whatever the data. Rows that name nobody are
    left out."""
    protect: Literal["row", "person"] | None = None
    """What ε is about: one `row`, or all rows of one `person`. With `column` always the person."""

    @model_validator(mode="after")
    def _persons(self) -> Unit:
        if self.column is not None and self.protect == "row":
            raise ValueError("column names the persons, who are then protected: protect: person")
        return self

    @property
    def protected(self) -> str:
        """What one step of the neighboring relation adds, removes or replaces."""
        return "person" if self._persons_protected else self.row

    @property
    def rows_together(self) -> int:
        """Rows that one step of the neighboring relation moves: 1, or a person's."""
        return self.max_rows_per_person if self._persons_protected else 1

    @property
    def units_per_person(self) -> int:
        """Protected units of one person: their rows, or 1 where that is the person."""
        return self.max_rows_per_person // self.rows_together

    @property
    def _persons_protected(self) -> bool:
        return self.column is not None or self.protect == "person"


class Rows(Frozen):
    """A public upper bound; the exact number of rows is private."""

    at_most: Annotated[StrictInt, Field(ge=1, le=10**12)]


class DatasetSpec(Frozen):
    """What a Dataset says."""

    population: Name
    """The people the data is about; budgets belong to them, not to the file."""
    shares_people_with: tuple[Name, ...] = ()
    """Other populations that some of these people belong to; each release is charged to them too."""
    neighboring: Relation
    unit: Unit
    rows: Rows
    columns: Annotated[dict[ColumnName, Column], Field(min_length=1, max_length=1_000)]
    derive: Annotated[dict[ColumnName, PossibleDerived], Field(max_length=1_000)] = Field(
        default_factory=dict
    )
    """Columns that releases can list too; they are computed from released ones."""
    constraints: Annotated[tuple[PossibleConstraint, ...], Field(max_length=100)] = ()
    """What holds in every row, and in every released one as far as its columns are released."""
    limits: Limits | None = None
    """Limits of the organization's policy that are lower for releases of this dataset."""
    joined: Joined | None = None
    """A second table, of which each person has some rows."""
    rules: Annotated[tuple[Rule, ...], Field(max_length=100)] = ()
    """Further rules for releases of this dataset, in CEL, beside the organization's. They are
    `hard` or `advisory`: no waiver lifts them."""

    def learned(self, names: Iterable[str]) -> tuple[str, ...]:
        """The named columns that a release learns: no identifiers, no text, none derived."""
        return tuple(name for name in names if isinstance(self.columns.get(name), DomainColumn))

    def kept(self, names: Iterable[str]) -> tuple[Constraint, ...]:
        """The constraints that a release of the named columns keeps: those about them alone."""
        learned = set(self.learned(names))
        return tuple(each for each in self.constraints if learned.issuperset(columns_of(each)))

    def sources(
        self, names: Iterable[str]
    ) -> Iterator[tuple[str, tuple[str | int, ...], Provenance]]:
        """Where the domains and tables of a release come from, in words and by place in `spec`."""
        chosen = tuple(names)
        for name in chosen:
            column, form = self.columns.get(name), self.derive.get(name)
            if isinstance(column, DomainColumn):
                yield f"domain of {name}", ("columns", name, "source"), column.source
            elif isinstance(form, Lookup):
                yield f"table of {name}", ("derive", name, "source"), form.source
        kept = self.kept(chosen)
        for place, constraint in enumerate(self.constraints):
            if isinstance(constraint, Follows) and constraint in kept:
                path = ("constraints", place, "source")
                yield f"table of {words(constraint)}", path, constraint.source

    @field_validator("derive")
    @classmethod
    def _new(cls, derive: dict[str, Derived], info: ValidationInfo) -> dict[str, Derived]:
        known = set(derive) & set(info.data.get("columns", ()))
        if known:
            raise ValueError(f"{min(known)} is a column already; give it another name")
        return derive

    @field_validator("constraints")
    @classmethod
    def _consistent(
        cls, constraints: tuple[Constraint, ...], info: ValidationInfo
    ) -> tuple[Constraint, ...]:
        columns = info.data.get("columns")
        return constraints if columns is None else consistent(constraints, columns)

    @field_validator("joined")
    @classmethod
    def _fitting(cls, joined: Joined | None, info: ValidationInfo) -> Joined | None:
        needed = ("unit", "columns", "derive", "constraints")
        if joined is None or not info.data.keys() >= set(needed):  # they have problems of their own
            return joined
        found = next(faults(joined, *(info.data[name] for name in needed)), None)
        if found is not None:
            raise ValueError(found)
        return joined

    @field_validator("rules")
    @classmethod
    def _rules(cls, rules: tuple[Rule, ...]) -> tuple[Rule, ...]:
        soft = [rule.id for rule in once_each(rules) if rule.enforcement == "soft"]
        if soft:
            raise ValueError(
                f"a dataset's rule is hard or advisory, since no waiver lifts it; {soft[0]} is soft"
            )
        return rules

    @model_validator(mode="after")
    def _others(self) -> DatasetSpec:
        named = (self.population, *self.shares_people_with)
        if len(set(named)) != len(named):
            raise ValueError("shares_people_with names other populations, once each")
        return self

    @model_validator(mode="after")
    def _person_column(self) -> DatasetSpec:
        name = self.unit.column
        if name is not None and not isinstance(self.columns.get(name), IdentifierColumn):
            raise ValueError(f"unit.column: {name} is no identifier column of this dataset")
        return self


class DatasetMetadata(Frozen):
    """Names of a dataset."""

    name: Name
    title: Text | None = None
    steward: Name

    @model_validator(mode="after")
    def _not_reserved(self) -> DatasetMetadata:
        if self.name == "ledger":
            raise ValueError("ledger is reserved for the ledger and cannot name a dataset")
        return self


class Dataset(Frozen):
    """A private dataset as far as the public may know it."""

    apiVersion: Literal["dpgate/v1"]  # noqa: N815 - the documents' own spelling
    kind: Literal["Dataset"]
    metadata: DatasetMetadata
    spec: DatasetSpec
