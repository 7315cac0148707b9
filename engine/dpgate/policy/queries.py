"""Rules for releases of statistics: what queries may ask, judged from documents alone."""

from __future__ import annotations

from collections.abc import Iterator
from math import prod
from typing import TYPE_CHECKING

from dpgate.model.columns import CategoryColumn, DomainColumn, OrdinalColumn
from dpgate.model.domain import column_domain
from dpgate.model.finding import Finding
from dpgate.model.grid import UNITS_AT_MOST, NumericColumn, grid_of
from dpgate.model.statistics import (
    MeanQuery,
    QuantilesQuery,
    Query,
    SumQuery,
    TopQuery,
    grouping,
    target,
)

if TYPE_CHECKING:
    from dpgate.policy.rules import Case

CELLS_AT_MOST = 200_000
"""Cells of one query: more would take minutes to add noise to, and be nearly all noise."""

TOTAL_AT_MOST = 2**61
"""Rows times units: what an exact total in 64 bits has room for, noise included."""

_LISTED = (CategoryColumn, OrdinalColumn)


def query_columns(case: Case) -> Iterator[Finding]:
    """Queries read columns that the release lists, and it lists no others."""
    spec = case.release.spec
    if spec.statistics is None:
        return
    used = set()
    for place, query in enumerate(spec.statistics.queries):
        for name, path in _reads(query):
            used.add(name)
            if name not in spec.columns:
                yield case.finding(
                    "query-columns",
                    f"query {query.name} reads {name}, which is not among the release's columns",
                    f"add {name} to columns, or take it out of the query",
                    *("statistics", "queries", place, *path),
                )
            elif name in case.dataset.spec.columns and _column(case, name) is None:
                yield case.finding(
                    "query-columns",
                    f"query {query.name}: {name} is of type {case.dataset.spec.columns[name].type}, "
                    "which is never read",
                    "ask about columns with a public domain",
                    *("statistics", "queries", place, *path),
                )
    for index, name in enumerate(spec.columns):
        if name not in used:
            yield case.finding(
                "query-columns", f"no query reads column {name}", f"remove {name} from columns",
                *("columns", index),
            )  # fmt: skip


def query_kinds(case: Case) -> Iterator[Finding]:
    """What a query is about is of a kind that it can be asked of."""
    for place, query, column in _targets(case):
        at = ("statistics", "queries", place, "of")
        if isinstance(query, TopQuery):
            if not isinstance(column, _LISTED):
                yield case.finding(
                    "query-kind",
                    f"query {query.name}: {query.of} is of type {column.type}, and the most frequent "
                    "values are of a category or an ordinal column",
                    f"ask for its counts: {{type: count, by: [{query.of}]}}",
                    *at,
                )
            elif query.k >= len(column.domain):
                yield case.finding(
                    "query-kind",
                    f"query {query.name}: {query.of} has {len(column.domain)} values; there is "
                    f"nothing to select for the top {query.k}",
                    f"ask for its counts: {{type: count, by: [{query.of}]}}, or a lower k",
                    *at[:-1],
                    "k",
                )
        elif not isinstance(column, NumericColumn):
            yield case.finding(
                "query-kind",
                f"query {query.name}: {query.type} of {target(query)}, which is of type {column.type}; "
                "only integer, number and decimal columns have one",
                f"ask for its counts: {{type: count, by: [{target(query)}]}}",
                *at,
            )


def query_size(case: Case) -> Iterator[Finding]:
    """A query has no more cells than can be measured."""
    for place, query in _queries(case):
        names = list(grouping(query))
        if isinstance(query, QuantilesQuery | TopQuery):
            names.append(query.of)
        sizes = [column_domain(n, c).size for n in names if (c := _column(case, n)) is not None]
        if prod(sizes) > CELLS_AT_MOST:
            shape = " × ".join(f"{size:,}" for size in sizes)
            yield case.finding(
                "query-size",
                f"query {query.name} has {shape} = {prod(sizes):,} cells; {CELLS_AT_MOST:,} can be "
                "measured",
                "group by fewer columns, or give them fewer bins",
                *("statistics", "queries", place),
            )


def query_range(case: Case) -> Iterator[Finding]:
    """Sums of a column fit into exact arithmetic."""
    rows = case.dataset.spec.rows.at_most
    for place, query, column in _targets(case):
        if not isinstance(query, SumQuery | MeanQuery) or not isinstance(column, NumericColumn):
            continue
        grid = grid_of(column, query.decimals)
        if grid.low >= grid.high:
            yield case.finding(
                "query-range",
                f"query {query.name}: with {grid.decimals} decimals nothing is left between the "
                f"bounds of {query.of}",
                "decimals: more than that",
                *("statistics", "queries", place),
            )
        elif not grid.fits or grid.largest * rows > TOTAL_AT_MOST:
            yield case.finding(
                "query-range",
                f"query {query.name}: {rows:,} values of {query.of} with {grid.decimals} decimals "
                "do not fit an exact total in 64 bits",
                f"fewer decimals, or tighter bounds: at most {UNITS_AT_MOST} units",
                *("statistics", "queries", place),
            )


def class_statistics(case: Case) -> Iterator[Finding]:
    """The class of every column that a query reads allows that kind of query."""
    for place, query in _queries(case):
        for name, path in _reads(query):
            column = case.dataset.spec.columns.get(name)
            rule = None if column is None else case.policy.spec.classes.get(column.sensitivity)
            if column is None or rule is None or query.type in rule.statistics:
                continue
            yield case.finding(
                "class-statistics",
                f"query {query.name}: {query.type} is not allowed for class {column.sensitivity} "
                f"(column {name})",
                "allowed: " + (", ".join(rule.statistics) or "no statistics at all"),
                *("statistics", "queries", place, *path),
            )


def statistics_proof(case: Case) -> Iterator[Finding]:
    """A ledger's release of statistics rests on a proof that the class of each column allows."""
    proof = case.proofs.get("statistics", "opendp")
    for name in case.release.spec.columns if case.release.spec.statistics else ():
        column = case.dataset.spec.columns.get(name)
        rule = None if column is None else case.policy.spec.classes.get(column.sensitivity)
        if rule is not None and proof not in rule.proofs:
            yield case.finding(
                "class-proof",
                f"its events rest on proof {proof}, not allowed for column {name}",
                "allowed: " + ", ".join(rule.proofs),
                "statistics",
            )


def _queries(case: Case) -> Iterator[tuple[int, Query]]:
    statistics = case.release.spec.statistics
    if statistics is not None:
        yield from enumerate(statistics.queries)


def _targets(case: Case) -> Iterator[tuple[int, Query, DomainColumn]]:
    """Queries that are about a column of the dataset, with it."""
    for place, query in _queries(case):
        name = target(query)
        column = None if name is None else _column(case, name)
        if column is not None:
            yield place, query, column


def _column(case: Case, name: str) -> DomainColumn | None:
    column = case.dataset.spec.columns.get(name)
    return column if isinstance(column, DomainColumn) else None


def _reads(query: Query) -> Iterator[tuple[str, tuple[str | int, ...]]]:
    """Every column that a query names, with its place in the query."""
    about = target(query)
    if about is not None:
        yield about, ("of",)
    for index, name in enumerate(grouping(query)):
        yield name, ("by", index)
