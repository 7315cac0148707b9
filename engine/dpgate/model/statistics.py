"""What a release of statistics asks: named queries, each over columns of the release."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Literal

from pydantic import Field, StrictBool, StrictInt, model_validator

from dpgate.model.formats import Formats
from dpgate.model.values import ColumnName, Frozen, Positive, Probability, Text

QueryName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,39}$")]
"""Names a query, its events and its file: ``visits_by_plan``."""

Noise = Literal["gaussian", "laplace"]
"""`gaussian`: integer Gaussian noise, zCDP; needs δ above 0. `laplace`: integer Laplace noise, pure."""

Measure = Literal["count", "sum", "mean", "quantiles", "top"]


class _Query(Frozen):
    name: QueryName
    title: Text | None = None
    """What it is for, for people."""
    noise: Noise | None = None
    """Absent: as the release says."""
    weight: Positive = Decimal(1)
    """Its part of the budget, in proportion to the other queries' weights."""
    error_at_most: Positive | None = None
    """Largest half-width of the 95 % interval that the author accepts, in the query's own unit;
    decided by the plan, since noise depends on the budget alone."""


class _Grouped(_Query):
    by: tuple[ColumnName, ...] = ()
    """Columns whose cells are the groups; none: one group of everybody."""

    @model_validator(mode="after")
    def _once(self) -> _Grouped:
        if len(set(self.by)) != len(self.by):
            raise ValueError("by must name each column once")
        return self


class CountQuery(_Grouped):
    """How many rows: a contingency table, a histogram, or with no `by` the total."""

    type: Literal["count"]
    nonnegative: StrictBool = False
    """Whether counts below 0 are published as 0; biased upwards where true counts are near 0."""


class SumQuery(_Grouped):
    """The sum of a numeric column, its values clamped to the column's bounds."""

    type: Literal["sum"]
    of: ColumnName
    decimals: Annotated[StrictInt, Field(ge=0, le=9)] | None = None
    """Values are rounded to so many decimal places before they are added up; absent: the column's
    own, 0 for whole numbers."""


class MeanQuery(_Grouped):
    """The mean of a numeric column, from a noisy sum and a noisy count."""

    type: Literal["mean"]
    of: ColumnName
    decimals: Annotated[StrictInt, Field(ge=0, le=9)] | None = None
    """As for a sum."""
    group_of: Annotated[StrictInt, Field(ge=1, le=10**12)] = 1000
    """Size of a group, a public guess, that the plan states the error for: it falls with the size."""


class QuantilesQuery(_Grouped):
    """Quantiles of a numeric column, from a noisy histogram over the column's bins."""

    type: Literal["quantiles"]
    of: ColumnName
    at: Annotated[tuple[Probability, ...], Field(min_length=1, max_length=20)]
    """Shares of the rows, increasing: [0.25, 0.5, 0.75] for quartiles."""

    @model_validator(mode="after")
    def _increasing(self) -> QuantilesQuery:
        if any(a >= b for a, b in zip(self.at, self.at[1:], strict=False)):
            raise ValueError("at must be strictly increasing")
        return self


class TopQuery(_Query):
    """The most frequent values of a listed column, selected and then counted."""

    type: Literal["top"]
    of: ColumnName
    k: Annotated[StrictInt, Field(ge=1, le=100)]
    """How many values."""


Query = Annotated[
    CountQuery | SumQuery | MeanQuery | QuantilesQuery | TopQuery, Field(discriminator="type")
]


def grouping(query: Query) -> tuple[str, ...]:
    """Names of the columns that a query is split by."""
    return () if isinstance(query, TopQuery) else query.by


def target(query: Query) -> str | None:
    """Name of the column that a query is about, if it is about one."""
    return None if isinstance(query, CountQuery) else query.of


class Statistics(Frozen):
    """Numbers instead of rows."""

    queries: Annotated[tuple[Query, ...], Field(min_length=1, max_length=50)]
    noise: Noise = "gaussian"
    """For queries that do not say."""
    formats: Formats = ("csv",)
    """Each query is a table of its own, written in each format."""

    @model_validator(mode="after")
    def _distinct(self) -> Statistics:
        names = [query.name for query in self.queries]
        if len(set(names)) != len(names):
            raise ValueError("queries must have names of their own")
        return self

    def noise_of(self, query: Query) -> Noise:
        """The noise that a query is answered with."""
        return query.noise or self.noise
