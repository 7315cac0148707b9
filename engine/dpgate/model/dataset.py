"""The Dataset document: whose data, which columns, and their public domains."""

from __future__ import annotations

import itertools
from decimal import Decimal
from typing import Annotated, Literal

from pydantic import Field, StrictBool, StrictInt, StrictStr, model_validator

from dpgate.model.values import ColumnName, Digest, Frozen, Name, Number, Relation, Text


class Assumption(Frozen):
    """A domain that somebody vouches for; it needs an approval by the `privacy` role."""

    by: Text
    """Who vouches for it."""
    because: Text
    """Why it holds without looking at the private data."""


class DpEstimate(Frozen):
    """A domain learned with a mechanism that was charged.

    No release of this version makes one, so `check` refuses it.
    """

    entry: Digest
    """Digest of the ledger entry that paid for it."""


class Provenance(Frozen):
    """Where a domain comes from. Exactly one key."""

    public_codebook: Text | None = None
    """A public document that states the domain, with the place in it."""
    dp_estimate: DpEstimate | None = None
    assumption: Assumption | None = None
    private_data: Text | None = None
    """The domain was read off the private data: `check` refuses it."""

    @model_validator(mode="after")
    def _exactly_one(self) -> Provenance:
        given = [name for name in type(self).model_fields if getattr(self, name) is not None]
        if len(given) != 1:
            raise ValueError(
                "exactly one of public_codebook, dp_estimate, assumption says where the domain "
                f"comes from; found {', '.join(given) or 'none'}"
            )
        return self

    @property
    def kind(self) -> str:
        """The one key that is given."""
        return next(n for n in type(self).model_fields if getattr(self, n) is not None)


class _Column(Frozen):
    title: Text | None = None
    """What the column means, for people."""
    sensitivity: Name
    """Sensitivity class; the policy must know it."""
    nullable: StrictBool = False
    """Whether a missing value is a value of its own."""
    quasi_identifier: StrictBool = False
    groups: tuple[Name, ...] = ()
    """Column groups that quotas can count: `mental-health`."""
    source: Provenance
    """Where the domain comes from."""


class Range(Frozen):
    """Public bounds of a numeric column, and the bins it is counted in."""

    min: Number
    max: Number
    bins: (
        Annotated[StrictInt, Field(ge=1, le=10_000)] | Literal["each", "log"] | tuple[Number, ...]
    ) = 32
    """A number of equal-width bins, `each` (one per integer), `log` (widths grow with the
    distance from min), or the list of inner and outer edges."""

    @model_validator(mode="after")
    def _ordered(self) -> Range:
        if self.min >= self.max:
            raise ValueError(f"min {self.min} must be below max {self.max}")
        if isinstance(self.bins, tuple):
            edges = self.bins
            if len(edges) < 2 or any(a >= b for a, b in itertools.pairwise(edges)):
                raise ValueError("bin edges must be at least two and strictly increasing")
            if edges[0] != self.min or edges[-1] != self.max:
                raise ValueError(
                    f"bin edges must start at min {self.min} and end at max {self.max}"
                )
        return self


class IntegerColumn(_Column):
    """Whole numbers within public bounds."""

    type: Literal["integer"]
    domain: Range

    @model_validator(mode="after")
    def _whole(self) -> IntegerColumn:
        for bound in (self.domain.min, self.domain.max):
            if bound != bound.to_integral_value() or abs(bound) > 2**53:
                raise ValueError(
                    f"bounds of an integer column must be whole and below 2^53: {bound}"
                )
        if self.domain.bins == "each" and self.domain.max - self.domain.min >= 10_000:
            raise ValueError("bins: each is for at most 10,000 integers; give a number of bins")
        return self


class NumberColumn(_Column):
    """Real numbers within public bounds."""

    type: Literal["number"]
    domain: Range
    decimals: Annotated[StrictInt, Field(ge=0, le=9)] = 3
    """Decimal places of the values that are released."""

    @model_validator(mode="after")
    def _bins(self) -> NumberColumn:
        if self.domain.bins == "each":
            raise ValueError("bins: each is for integer columns; give a number of bins or edges")
        for bound in (self.domain.min, self.domain.max):
            if abs(bound) > 2**53:
                raise ValueError(f"bounds of a number column must lie within ±2^53: {bound}")
        return self


_Value = Annotated[StrictStr, Field(max_length=200)] | StrictInt


class _Listed(_Column):
    domain: Annotated[tuple[_Value, ...], Field(min_length=1, max_length=10_000)]
    """Every value the column can take."""
    other: _Value | None = None
    """The listed value that any unlisted one counts as; without it, the missing value of a
    nullable column, else the first listed value."""

    @model_validator(mode="after")
    def _distinct(self) -> _Listed:
        texts = [str(value) for value in self.domain]
        if len(set(texts)) != len(texts):
            raise ValueError("values of a domain must differ from each other")
        if len({type(value) for value in self.domain}) != 1:
            raise ValueError("values of a domain must be all text or all whole numbers")
        if self.other is not None and self.other not in self.domain:
            raise ValueError(f"other: {self.other!r} is not in the domain")
        return self


class CategoryColumn(_Listed):
    """Unordered categories."""

    type: Literal["category"]


class OrdinalColumn(_Listed):
    """Ordered categories, lowest first."""

    type: Literal["ordinal"]


class BooleanColumn(_Column):
    """True or false; in files also 0 and 1."""

    type: Literal["boolean"]


class IdentifierColumn(Frozen):
    """Names a person or a row. It is never read into a release."""

    type: Literal["identifier"]
    title: Text | None = None
    sensitivity: Name


Column = Annotated[
    IntegerColumn
    | NumberColumn
    | CategoryColumn
    | OrdinalColumn
    | BooleanColumn
    | IdentifierColumn,
    Field(discriminator="type"),
]
DomainColumn = IntegerColumn | NumberColumn | CategoryColumn | OrdinalColumn | BooleanColumn


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


def bound(value: Decimal) -> int | float:
    """A bound as the machine number that encoders compare with."""
    return int(value) if value == value.to_integral_value() else float(value)
