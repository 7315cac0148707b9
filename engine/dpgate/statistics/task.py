"""The queries of a release, resolved against the public description of the data."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

from dpgate.errors import StatisticsError
from dpgate.model.dataset import Dataset
from dpgate.model.domain import ColumnDomain, Domain, domain_of
from dpgate.model.grid import Grid, NumericColumn, grid_of
from dpgate.model.release import Release
from dpgate.model.statistics import (
    CountQuery,
    MeanQuery,
    Noise,
    QuantilesQuery,
    Query,
    SumQuery,
    TopQuery,
    grouping,
    target,
)
from dpgate.model.values import Relation

Role = Literal["count", "sum", "select"]
"""What a vector of a query holds: numbers of rows, totals in units, or scores to select by."""


@dataclass(frozen=True, kw_only=True)
class Distance:
    """How far a vector of a query can be apart on neighboring datasets.

    Attributes:
        l1: sum of the differences; for `select` the largest difference.
        l2_squared: sum of their squares.
    """

    l1: int
    l2_squared: int


@dataclass(frozen=True, kw_only=True)
class Ask:
    """One query, ready to be planned and measured.

    Attributes:
        query: as the manifest states it.
        noise: the noise it is answered with.
        share: its part of the release's budget, in (0, 1].
        by: indices of the columns of its groups.
        of: index of the column it is about, if any.
        grid: what that column's values are rounded to; sums and means only.
        relation: neighboring relation of the population.
    """

    query: Query
    noise: Noise
    share: Fraction
    by: tuple[int, ...]
    of: int | None
    grid: Grid | None
    relation: Relation

    @property
    def origin(self) -> int:
        """What values are measured from, in units.

        For a mean the middle of its bounds, so that one row moves the sum least.
        """
        return self.grid.middle if isinstance(self.query, MeanQuery) and self.grid else 0

    @property
    def roles(self) -> dict[Role, Fraction]:
        """The vectors that are measured, in order, each with its part of the query's budget.

        Halves: for a mean they are the best split for the worst mean, one at a bound.
        """
        half = Fraction(1, 2)
        match self.query:
            case SumQuery():
                return {"sum": Fraction(1)}
            case MeanQuery():
                return {"sum": half, "count": half}
            case TopQuery():
                return {"select": half, "count": half}
        return {"count": Fraction(1)}

    def event_name(self, role: Role) -> str:
        """The event that pays for a vector."""
        return f"statistics.{self.query.name}.{role}"

    def distance(self, role: Role) -> Distance:
        """How far a vector can be apart on neighboring datasets, exactly.

        Privacy:
            A row is in one cell of each table. Under add-remove a count moves by 1 and a sum by
            the largest value of a row. Under replace-one two cells can move; where there is one
            cell alone, a count moves by 1 (a value appears or goes missing) and a sum by the
            width of its bounds, or by its largest value (likewise). Scores of a selection each
            move by at most 1 under both.
        """
        if role == "select":
            return Distance(l1=1, l2_squared=1)
        one = 1 if role == "count" else self._largest
        if self.relation == "add-remove":
            return Distance(l1=one, l2_squared=one**2)
        if self._one_cell:
            width = 1 if role == "count" else max(self._width, one)
            return Distance(l1=width, l2_squared=width**2)
        same_cell = 0 if role == "count" else self._width**2
        return Distance(l1=2 * one, l2_squared=max(2 * one**2, same_cell))

    @property
    def _one_cell(self) -> bool:
        if isinstance(self.query, TopQuery):
            return self.query.k == 1
        return not self.by and not isinstance(self.query, QuantilesQuery)

    @property
    def _largest(self) -> int:
        """The most that one row adds to a sum, or takes from it, in units."""
        assert self.grid is not None  # noqa: S101 - sums and means have a grid
        return max(abs(self.grid.low - self.origin), abs(self.grid.high - self.origin))

    @property
    def _width(self) -> int:
        assert self.grid is not None  # noqa: S101 - sums and means have a grid
        return self.grid.high - self.grid.low


@dataclass(frozen=True, kw_only=True)
class Task:
    """What is to be measured, from public documents alone.

    Attributes:
        domain: cells of the release's columns.
        relation: neighboring relation of the population.
        row: what one row is, for people.
        rows: public bound on the number of rows.
        asks: the queries in their order.
    """

    domain: Domain
    relation: Relation
    row: str
    rows: int
    asks: tuple[Ask, ...]

    def column(self, place: int) -> ColumnDomain:
        """Cells of one column."""
        return self.domain.columns[place]


def task_of(dataset: Dataset, release: Release) -> Task:
    """The task of a manifest.

    Raises:
        StatisticsError: a query is not one that the policy's rules let pass.
    """
    spec = release.spec
    assert spec.statistics is not None  # noqa: S101 - narrows the type
    queries = spec.statistics.queries
    domain = domain_of(dataset, spec.columns)
    whole = sum(Fraction(query.weight) for query in queries)
    relation = dataset.spec.neighboring
    asks = []
    for query in queries:
        missing = {*grouping(query), target(query)} - {None, *domain.names}
        if missing:
            raise StatisticsError(
                f"query {query.name} reads columns that the release does not list"
            )
        about = target(query)
        asks.append(
            Ask(
                query=query,
                noise=spec.statistics.noise_of(query),
                share=Fraction(query.weight) / whole,
                by=tuple(domain.names.index(name) for name in grouping(query)),
                of=None if about is None else domain.names.index(about),
                grid=_grid(dataset, query),
                relation=relation,
            )
        )
    return Task(
        domain=domain,
        relation=relation,
        row=dataset.spec.unit.row,
        rows=dataset.spec.rows.at_most,
        asks=tuple(asks),
    )


def _grid(dataset: Dataset, query: Query) -> Grid | None:
    if isinstance(query, CountQuery | TopQuery):
        return None
    column = dataset.spec.columns[query.of]
    if not isinstance(column, NumericColumn):
        raise StatisticsError(f"query {query.name}: {query.of} is no numeric column")
    if isinstance(query, QuantilesQuery):
        return None
    grid = grid_of(column, query.decimals)
    if not grid.fits:
        raise StatisticsError(f"query {query.name}: the bounds of {query.of} do not fit exact sums")
    return grid
