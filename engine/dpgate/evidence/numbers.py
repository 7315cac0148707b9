"""Whether published numbers keep the shape that the public documents promise."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from dpgate.evidence.disclosure import PublicResult
from dpgate.evidence.thresholds import SCHEMA

if TYPE_CHECKING:
    import pyarrow as pa

_SHOWN = 20


def conformity(tables: Mapping[str, tuple[pa.Table, int]]) -> PublicResult:
    """Compares tables of numbers with what was promised of them.

    Args:
        tables: by query, with the lines that each must have.

    Returns:
        Metric `schema_conformity`: the number of departures (0: conforms), the first 20 of them
        in words.

    Privacy:
        Reads noisy numbers alone.
    """
    faults = [
        fault for name, (table, lines) in tables.items() for fault in _faults(name, table, lines)
    ]
    return PublicResult(
        disclosure="public",
        metric=SCHEMA,
        value=Decimal(len(faults)),
        details=tuple(faults[:_SHOWN]),
    )


def _faults(name: str, table: pa.Table, lines: int) -> Iterator[str]:
    from pyarrow import compute

    functions: Any = compute
    if table.num_rows != lines:
        yield f"query {name} has {table.num_rows} lines instead of {lines}"
    value, low, high = (table.column(column) for column in ("value", "low", "high"))
    inside = functions.and_(functions.less_equal(low, value), functions.less_equal(value, high))
    outside = table.num_rows - (functions.sum(inside).as_py() or 0)  # NaN compares false
    if outside:
        yield f"query {name} has {outside} values outside their intervals"
    if not all(
        functions.all(functions.is_finite(part)).as_py() in (True, None) for part in (low, high)
    ):
        yield f"query {name} has intervals without an end"
