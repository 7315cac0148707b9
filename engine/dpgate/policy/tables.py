"""Rules about releases of two tables: what a manifest must name so that they fit together."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING

from dpgate.model.dataset import DatasetSpec
from dpgate.model.domain import domain_of
from dpgate.model.finding import Finding
from dpgate.model.joined import PERSONS, Joined
from dpgate.model.release import ReleaseSpec
from dpgate.model.tables import Tables, tables_of

if TYPE_CHECKING:
    from dpgate.policy.rules import Case

CONTEXTS_AT_MOST = 10_000
"""Combinations of the context's cells; each takes a model of its own when rows are drawn."""


def two_tables(case: Case) -> Iterator[Finding]:
    """A release of two tables lists columns of both and their key; others name no second one."""
    dataset, release = case.dataset.spec, case.release.spec
    made = release.synthesize
    if dataset.joined is None:
        if made is not None and made.joined is not None:
            yield case.finding(
                "two-tables",
                "the dataset has no second table",
                "remove joined",
                "synthesize",
                "joined",
            )
        yield from _thresholds(case, ())
        return
    if made is None:
        yield case.finding(
            "two-tables",
            "statistics are about one table, and this dataset has two",
            "describe the table, or a view that joins both, as a dataset of its own with unit.column",
            "statistics",
        )
        return
    context = made.joined.context if made.joined else ()
    tables = tables_of(case.dataset, release.columns, context)
    assert tables is not None  # noqa: S101 - there is a second table
    yield from _columns(case, tables)
    yield from _context(case, dataset, dataset.joined, tables)
    yield from _thresholds(case, (PERSONS, dataset.joined.table))
    yield from _unsupported(case, release)


def _columns(case: Case, tables: Tables) -> Iterator[Finding]:
    if tables.key not in tables.persons:
        yield case.finding(
            "two-tables",
            f"the manifest does not list {tables.key}, which joins the two tables",
            f"add {tables.key} to columns",
            "columns",
        )
    for table, names in zip(tables.names, (tables.persons, tables.rows), strict=True):
        if not case.dataset.spec.learned(names):
            yield case.finding(
                "two-tables",
                f"the manifest lists no column of {table} that is learned",
                f"add a column of {table}, or describe the other table as a dataset of its own",
                "columns",
            )


def _context(case: Case, dataset: DatasetSpec, joined: Joined, tables: Tables) -> Iterator[Finding]:
    allowed = (*dataset.learned(tables.persons), joined.table)
    odd = [place for place, name in enumerate(tables.context) if name not in allowed]
    for place in odd:
        yield case.finding(
            "two-tables",
            f"context: {tables.context[place]} is no column of persons that this release learns",
            "columns that can be: " + ", ".join(allowed),
            *("synthesize", "joined", "context", place),
        )
    if odd:
        return
    cells = {c.name: c.size for c in domain_of(case.dataset, tables.persons).columns}
    cells[joined.table] = tables.number.size
    contexts = math.prod(cells[name] for name in tables.context)
    if contexts > CONTEXTS_AT_MOST:
        yield case.finding(
            "two-tables",
            f"the context has {contexts} combinations of cells, {CONTEXTS_AT_MOST} can be drawn for",
            "name fewer columns as context, or give them fewer bins",
            *("synthesize", "joined", "context"),
        )


def _thresholds(case: Case, known: tuple[str, ...]) -> Iterator[Finding]:
    for place, threshold in enumerate(case.release.spec.utility):
        if threshold.table in (known or (None,)):
            continue
        yield case.finding(
            "two-tables",
            f"threshold {place + 1} is about table {threshold.table}, and there is no such table"
            if threshold.table
            else f"threshold {place + 1} does not say which of the two tables it is about",
            "table: " + " or ".join(known) if known else "leave out table: there is one",
            *("utility", place, "table") if threshold.table else ("utility", place),
        )


def _unsupported(case: Case, release: ReleaseSpec) -> Iterator[Finding]:
    made = release.synthesize
    if made is not None and made.keep_model:
        yield case.finding(
            "two-tables",
            "models of two tables are not kept: nobody could draw from one without the other",
            "remove keep_model",
            *("synthesize", "keep_model"),
        )
    if release.workload is not None:
        yield case.finding(
            "two-tables",
            "a workload is about one table; in two, all pairs of columns of each matter alike",
            "remove workload",
            "workload",
        )
