"""Whether the output keeps the schema that its public documents promise."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from dpgate.evidence.disclosure import PublicResult
from dpgate.evidence.thresholds import SCHEMA
from dpgate.model.domain import ColumnDomain, Domain

if TYPE_CHECKING:
    import pyarrow as pa

    from dpgate.synthesis.finish.finisher import Finisher

_SHOWN = 20


def conformity(
    table: pa.Table, domain: Domain, rows: int, finish: Finisher | None = None
) -> PublicResult:
    """Compares an output table with its domain.

    Args:
        table: the synthetic rows, as they will be written.
        domain: the learned columns of the release, in order.
        rows: the manifest's number of rows.
        finish: says which columns there are beside them, and which constraints hold in each row;
            none: no others.

    Returns:
        Metric `schema_conformity`: the number of departures (0: conforms), the first 20 of them
        in words. Words name columns and counts, never a cell's content: a value that should not
        be there is the one that must not be repeated.

    Privacy:
        Reads the synthetic table alone.
    """
    return result(list(faults(table, domain, rows, finish)))


def result(found: Sequence[str]) -> PublicResult:
    """What was found, as evidence."""
    return PublicResult(
        disclosure="public",
        metric=SCHEMA,
        value=Decimal(len(found)),
        details=tuple(found[:_SHOWN]),
    )


def faults(
    table: pa.Table, domain: Domain, rows: int, finish: Finisher | None = None
) -> Iterator[str]:
    """Departures in words; see `conformity`."""
    if table.num_rows != rows:
        yield f"{table.num_rows} rows instead of {rows}"
    names = domain.names if finish is None else tuple(finish.schema.names)
    if tuple(table.column_names) != names:
        yield f"columns are not, in this order: {', '.join(names)}"[:500]
    elif finish is not None:
        yield from _beside(table, domain, finish)
    for column in domain.columns:
        if table.column_names.count(column.name) != 1:
            yield f"column {column.name} is not there exactly once"
            continue
        values = table.column(column.name)
        if not _type_holds(values.type, column):
            yield f"column {column.name} is stored as {values.type}, not as {column.kind}"[:500]
            continue
        if values.null_count and column.null is None:
            yield f"column {column.name} has {values.null_count} missing values, and none may be"
        fault = _in_bins(values, column) if column.lows else _in_list(values, column)
        if fault:
            yield f"column {column.name} {fault}"


def _beside(table: pa.Table, domain: Domain, finish: Finisher) -> Iterator[str]:
    """Types of columns that were not learned, and constraints."""
    for field in finish.schema:
        stored = table.schema.field(field.name).type
        if field.name not in domain.names and stored != field.type:
            yield f"column {field.name} is stored as {stored}, not as {field.type}"[:500]
    counted: Counter[str] = Counter()
    for batch in table.to_batches():
        counted.update(dict(finish.broken(batch)))
    yield from (f"{words}: not so in {count} rows" for words, count in counted.items() if count)


def _type_holds(stored: pa.DataType, column: ColumnDomain) -> bool:
    import pyarrow.types as kinds

    if kinds.is_dictionary(stored):
        stored = stored.value_type
    text = (kinds.is_string, kinds.is_large_string)
    tests = {
        "integer": (kinds.is_integer,),
        "whole": (kinds.is_integer,),
        "number": (kinds.is_float32, kinds.is_float64),
        "decimal": (lambda kind: kinds.is_decimal(kind) and kind.scale == column.decimals,),
        "boolean": (kinds.is_boolean,),
        "date": (kinds.is_date32,),
        "timestamp": (lambda kind: kinds.is_timestamp(kind) and kind.tz is None,),
    }
    return any(test(stored) for test in tests.get(column.kind, text))


def _in_bins(values: pa.ChunkedArray, column: ColumnDomain) -> str:
    from pyarrow import compute

    functions: Any = compute
    low, high = column.lows[0], column.highs[-1]
    if column.kind in ("date", "timestamp"):
        count = _outside(values, column)
        return f"has {count} values outside its bounds" if count else ""
    inside = functions.and_kleene(
        functions.greater_equal(values, low), functions.less_equal(values, high)
    )
    outside = functions.sum(functions.invert(inside)).as_py() or 0  # NaN compares false: outside
    return f"has {outside} values outside [{low}, {high}]" if outside else ""


def _outside(values: pa.ChunkedArray, column: ColumnDomain) -> int:
    """Dates or timestamps outside the bounds, chunk by chunk: there may be billions."""
    from dpgate.sources.temporal import ticks

    low, high = column.lows[0], column.highs[-1]
    found = 0
    for chunk in values.chunks:
        counted, good = ticks(chunk, column)
        found += int((good & ((counted < low) | (counted > high))).sum())
    return found


def _in_list(values: pa.ChunkedArray, column: ColumnDomain) -> str:
    import pyarrow.types as kinds

    if kinds.is_dictionary(values.type):
        values = values.unify_dictionaries()
    found = set(values.unique().to_pylist()) - {None}
    if column.kind == "zip":
        length = len(str(column.values[0]))
        odd = {code for code in found if len(code) != column.digits or not code.isdecimal()}
        found = odd | {code[:length] for code in found - odd}
    unlisted = len(found - set(column.values))
    return f"has {unlisted} distinct values that its domain does not list" if unlisted else ""
