"""Columns computed from released ones, by the few forms that documents can declare."""

from __future__ import annotations

import datetime as dt
import functools
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from dpgate.model.derive import Cut, Derived, Difference, Part, Prefix, Sum

Columns = Mapping[str, pa.Array]

_MICROSECONDS = {
    "days": 86_400_000_000, "hours": 3_600_000_000, "minutes": 60_000_000, "seconds": 1_000_000,
}  # fmt: skip


def derive(derived: Derived, columns: Columns) -> pa.Array:
    """One derived column.

    Args:
        derived: its form; the document was checked, so that it fits the columns.
        columns: at least those that it is computed from, equally long.

    Returns:
        As many values; missing where one that it needs is.
    """
    if isinstance(derived, Cut):
        return _cut(derived, columns[derived.of])
    if isinstance(derived, Difference):
        return _difference(derived, *(columns[name] for name in derived.of))
    if isinstance(derived, Sum):
        return functools.reduce(pc.add, (columns[name] for name in derived.of))
    if isinstance(derived, Part):
        return _part(derived, columns[derived.of])
    if isinstance(derived, Prefix):
        texts = columns[derived.of].cast(pa.string())
        return pc.utf8_slice_codeunits(texts, 0, derived.characters)
    return look_up(derived.table, columns[derived.of], pa.string(), derived.otherwise)


def look_up(
    table: Mapping[str, str], values: pa.Array, kind: pa.DataType, otherwise: str | None = None
) -> pa.Array:
    """What a table says of each value, missing where the value is.

    Args:
        table: by the text of a value.
        values: text, whole numbers or booleans.
        kind: type of the result, which the table's texts are read as.
        otherwise: for values that the table does not have.
    """
    names = values.cast(pa.string())
    found = pc.index_in(names, value_set=pa.array(list(table), pa.string()))
    says = pa.array(list(table.values()), pa.string()).cast(kind)
    result = says.take(found)
    if otherwise is None:
        return result
    lost = pc.and_(pc.is_null(found), pc.is_valid(names))
    return pc.if_else(lost, pa.scalar(otherwise, kind), result)


def _cut(derived: Cut, values: pa.Array) -> pa.Array:
    place = pa.array([0] * len(values), pa.int32())
    for cut in derived.at:
        above = pc.greater_equal(values, _bound(cut, values.type))
        place = pc.add(place, above.cast(pa.int32()))  # missing stays missing
    return pa.array(derived.labels, pa.string()).take(place)


def _bound(cut: Decimal | dt.datetime, kind: pa.DataType) -> Any:
    if isinstance(cut, dt.datetime):
        return pa.scalar(cut.date() if pa.types.is_date(kind) else cut)
    if pa.types.is_decimal(kind):
        return pa.scalar(cut)
    return pa.scalar(float(cut))


def _difference(derived: Difference, left: pa.Array, right: pa.Array) -> pa.Array:
    if derived.in_ is None:
        return pc.subtract(left, right)
    moments = (values.cast(pa.timestamp("us")).cast(pa.int64()) for values in (left, right))
    apart = pc.subtract(*moments)
    unit = _MICROSECONDS[derived.in_]
    # Arrow's division cuts towards zero; what is begun counts down there.
    below = pc.and_(
        pc.less(apart, 0), pc.not_equal(pc.multiply(pc.divide(apart, unit), unit), apart)
    )
    return pc.subtract(pc.divide(apart, unit), below.cast(pa.int64()))


def _part(derived: Part, values: pa.Array) -> pa.Array:
    if derived.part == "weekday":
        return pc.day_of_week(values, count_from_zero=False, week_start=1)
    return getattr(pc, derived.part)(values)
