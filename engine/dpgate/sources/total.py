"""Adding up clamped values in whole units, batch by batch, exactly."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import prod
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
import pyarrow as pa

from dpgate.model.domain import ColumnDomain
from dpgate.sources.encode import numbers
from dpgate.sources.interface import TOTAL_AT_MOST, Sum

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from dpgate.sources.count import Codes
    from dpgate.sources.interface import Counts

    Units = NDArray[np.int64]
    Addend: TypeAlias = tuple[Units, Sequence[Codes]]

_SHIFT = 20
"""Values are added as a high and a low part, each of which a double holds exactly in a batch."""


def units(values: pa.Array, column: ColumnDomain, wanted: Sum) -> Units:
    """What each value adds to the total of its cell.

    Args:
        values: of any type that `dpgate.sources.encode.readable` accepts, or binary.
        column: says whether a missing value is one of its own.
        wanted: bounds and units.

    Returns:
        int64, in [low − origin, high − origin], or 0 for a missing value of a nullable column.

    Privacy:
        Row by row: what a row adds depends on its own value alone, and stays within public bounds.
    """
    if pa.types.is_dictionary(values.type):
        values = values.dictionary_decode()
    found = numbers(values)
    missing = np.isnan(found)
    clamped = np.clip(found, wanted.low / wanted.per, wanted.high / wanted.per)
    rounded = np.where(missing, wanted.low, np.rint(clamped * wanted.per)).astype(np.int64)
    added = np.clip(rounded, wanted.low, wanted.high) - wanted.origin
    return added if column.null is None else np.where(missing, 0, added)


def totals(
    batches: Iterable[Sequence[Addend]], wanted: Sequence[Sum], sizes: Sequence[int]
) -> list[Counts]:
    """Tables of totals over all batches; memory is that of the tables and of one batch.

    Args:
        batches: for each table what the rows add, and their codes in its columns.
        wanted: the tables.
        sizes: cells of each column.

    Returns:
        int64 tables in the order of `wanted`, clamped to ±`TOTAL_AT_MOST`.

    Privacy:
        Exact private totals.
    """
    shapes = [tuple(sizes[column] for column in each.by) for each in wanted]
    parts = [np.zeros((2, prod(shape)), dtype=np.int64) for shape in shapes]
    for batch in batches:
        for (added, codes), shape, part in zip(batch, shapes, parts, strict=True):
            index = np.zeros(len(added), dtype=np.int64)
            for code, size in zip(codes, shape, strict=True):
                index = index * size + code
            for turn, half in enumerate((added >> _SHIFT, added & (2**_SHIFT - 1))):
                sums = np.bincount(index, weights=half, minlength=part.shape[1])
                part[turn] += sums.astype(np.int64)
    return [_joined(part).reshape(shape) for part, shape in zip(parts, shapes, strict=True)]


def _joined(part: Counts) -> Counts:
    """High and low parts as one number; Python's integers, since 64 bits might not hold it."""
    exact = [(int(high) << _SHIFT) + int(low) for high, low in part.T]
    kept = [min(max(number, -TOTAL_AT_MOST), TOTAL_AT_MOST) for number in exact]
    return np.array(kept, dtype=np.int64)
