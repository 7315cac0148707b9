"""Answers as tidy tables: a line for each number, with its group and its interval."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from dpgate.model.domain import ColumnDomain
from dpgate.model.statistics import CountQuery, QuantilesQuery, TopQuery
from dpgate.statistics.interval import Estimates
from dpgate.statistics.tails import CONFIDENCE
from dpgate.statistics.task import Ask, Task

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Cells = NDArray[np.int64]

NUMBERS = ("value", "low", "high", "confidence", "unit")
RESERVED = ("query", "quantile", "rank", *NUMBERS)
"""Names of a table's own columns; a group column of such a name gets an underscore."""


@dataclass(frozen=True, kw_only=True)
class Answer:
    """One query, answered.

    Attributes:
        ask: the query.
        table: `query`, the columns of its groups, `quantile` or `rank`, and `NUMBERS`.
        lines: lines that the table has by the public documents.
    """

    ask: Ask
    table: pa.Table
    lines: int


def answer(task: Task, ask: Ask, made: Estimates, chosen: Sequence[int] = ()) -> Answer:
    """The table of one query.

    Args:
        task: names the columns.
        ask: the query.
        made: its numbers: one for each group in C order, a line of quantiles for each group, or
            one for each chosen value.
        chosen: cells of the values that a `top` query chose.
    """
    query = ask.query
    columns: dict[str, pa.Array] = {}
    shape = [task.domain.sizes[place] for place in ask.by]
    lines = prod(shape)
    if isinstance(query, TopQuery):
        assert ask.of is not None  # noqa: S101 - narrows the type
        lines = query.k
        columns |= _cells(task.column(ask.of), np.array(chosen, dtype=np.int64))
        columns["rank"] = pa.array(np.arange(1, query.k + 1))
    else:
        repeated = len(query.at) if isinstance(query, QuantilesQuery) else 1
        codes = np.unravel_index(np.repeat(np.arange(lines), repeated), shape) if shape else ()
        lines *= repeated
        for place, cells in zip(ask.by, codes, strict=True):
            columns |= _cells(task.column(place), cells)
        if isinstance(query, QuantilesQuery):
            shares = np.tile([float(share) for share in query.at], lines // repeated)
            columns["quantile"] = pa.array(shares)
    unit = f"{task.row}s" if isinstance(query, CountQuery | TopQuery) else query.of
    for name in ("value", "low", "high"):
        columns[name] = pa.array(getattr(made, name).ravel())
    columns["confidence"] = pa.array(np.full(lines, CONFIDENCE))
    columns["unit"] = pa.array([unit] * lines, pa.string())
    head = {"query": pa.array([query.name] * lines, pa.string())}
    return Answer(ask=ask, table=pa.table(head | columns), lines=lines)


def _cells(column: ColumnDomain, cells: Cells) -> dict[str, pa.Array]:
    """Cells as an analyst reads them: listed values, or both ends of a bin; null where missing."""
    name = f"{column.name}_" if column.name in RESERVED else column.name
    missing = None if column.null is None else cells == column.null
    if column.values:
        return {name: _taken(pa.array(column.values), cells, missing)}
    return {
        f"{name}_from": _taken(_edges(column.lows, column), cells, missing),
        f"{name}_to": _taken(_edges(column.highs, column), cells, missing),
    }


def _edges(edges: Sequence[int | float], column: ColumnDomain) -> pa.Array:
    """Edges of bins as values: dates as dates, moments as text on their own wall clock."""
    if column.kind == "date":
        return pa.array(np.array(edges, dtype=np.int32), pa.date32())
    if column.kind == "timestamp":
        moments = np.array(edges, dtype=np.int64) * column.micros
        return pa.array(np.datetime_as_string(moments.astype("datetime64[us]"), unit="auto"))
    return pa.array(edges, pa.int64() if column.kind == "integer" else pa.float64())


def _taken(values: pa.Array, cells: Cells, missing: NDArray[np.bool_] | None) -> pa.Array:
    """The value of each cell, null where it is missing."""
    return values.take(pa.array(cells, mask=missing))
