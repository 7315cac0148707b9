"""From cells back to values, by public rules alone."""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from dpgate.model.domain import ColumnDomain, Domain
from dpgate.model.ranges import MICROSECONDS

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from dpgate.synthesis.sampling.ancestral import Cells

    Steps = NDArray[np.int64]

_TYPES = {
    "text": pa.string(),
    "zip": pa.string(),
    "whole": pa.int64(),
    "boolean": pa.bool_(),
    "integer": pa.int64(),
    "number": pa.float64(),
    "date": pa.date32(),
}

_EXACT = 2**53


def schema(domain: Domain) -> pa.Schema:
    """Columns of learned rows."""
    return pa.schema(
        [pa.field(c.name, kind_of(c), nullable=c.null is not None) for c in domain.columns]
    )


def kind_of(column: ColumnDomain) -> pa.DataType:
    """The Arrow type that a column is released as."""
    if column.kind == "decimal":
        return pa.decimal128(16 + column.decimals, column.decimals)
    if column.kind == "timestamp":
        if column.micros >= MICROSECONDS["second"]:
            return pa.timestamp("s")
        return pa.timestamp("ms" if column.micros >= MICROSECONDS["millisecond"] else "us")
    return _TYPES[column.kind]


def decode(cells: Cells, column: ColumnDomain, rng: np.random.Generator) -> pa.Array:
    """A value for each cell.

    Args:
        cells: of one column.
        column: its public description.
        rng: source of randomness.

    Returns:
        A listed value; a draw from the bin by the column's rule `within`, on the grid of its
        decimals or precision, within [min, max]; or digits after a prefix. Null for the null
        cell.
    """
    kind = kind_of(column)
    if column.kind == "zip":
        return _codes(cells, column, rng)
    if not column.lows:
        values = pa.array([*column.values, *([None] if column.null is not None else [])], kind)
        return values.take(pa.array(cells))
    missing = None if column.null is None else cells == column.null
    grid = _grid(column)
    bins = cells if column.null is None else np.minimum(cells, len(column.lows) - 1)
    steps = _drawn(bins, grid, column.within, rng)
    if column.kind == "decimal":
        return decimals(steps, kind, missing)
    if column.kind == "number":
        values = steps / 10**column.decimals
        if grid.lost.any():
            values = np.where(
                grid.lost[bins], np.array(column.lows, dtype=np.float64)[bins], values
            )
        return pa.array(values, kind, mask=missing)
    if column.kind == "timestamp":
        per_unit = {"s": 10**6, "ms": 10**3, "us": 1}[kind.unit]
        steps *= column.micros // per_unit
    if column.kind == "date":
        return pa.array(steps.astype(np.int32), kind, mask=missing)
    return pa.array(steps, kind, mask=missing)


@dataclass(frozen=True)
class _Grid:
    """Values that can be released, numbered in steps: whole numbers, or last decimals.

    Attributes:
        first: lowest step of each bin.
        count: steps in each bin, at least 1.
        lost: bins in which no step lies. Their lowest value stands for them; of exact decimals, the
            step below it, which is not below min, since min is one.
        finest: step that `within: log` measures from.
    """

    first: Steps
    count: NDArray[np.float64]
    lost: NDArray[np.bool_]
    finest: int


@functools.lru_cache(maxsize=1024)
def _grid(column: ColumnDomain) -> _Grid:
    if column.kind not in ("number", "decimal"):
        first = np.array(column.lows, dtype=np.int64)
        widths = (np.array(column.highs, dtype=np.int64) - first + 1).astype(np.float64)
        return _Grid(first, widths, np.zeros(len(first), dtype=np.bool_), int(column.finest))
    unit = 10**column.decimals
    lows = [math.ceil(_exact(low) * unit) for low in column.lows]
    highs = [math.floor(_exact(high) * unit) for high in column.highs]
    last = [
        # A bin ends before the next one begins, as encoders compare them: in floats.
        high - (high / unit >= edge and place < len(highs) - 1)
        for place, (high, edge) in enumerate(zip(highs, column.highs, strict=True))
    ]
    pairs = list(zip(lows, last, strict=True))
    lost = [a > b or max(abs(a), abs(b)) > _EXACT for a, b in pairs]
    exact = column.kind == "decimal"  # others of these bins do not use the step
    first = np.array(
        [a if not gone else exact * (a - 1) for (a, _), gone in zip(pairs, lost, strict=True)]
    )
    count = [1.0 if gone else b - a + 1.0 for (a, b), gone in zip(pairs, lost, strict=True)]
    finest = math.floor(_exact(column.finest) * unit)
    return _Grid(first.astype(np.int64), np.array(count, dtype=np.float64), np.array(lost), finest)


def _exact(edge: float) -> Decimal:
    """An edge as it was written: the shortest decimal that gives this float."""
    return Decimal(repr(edge))


def _drawn(bins: Cells, grid: _Grid, within: str, rng: np.random.Generator) -> Steps:
    """A step for each bin."""
    if within == "lowest" or grid.count.max() == 1:  # then nothing is left to draw
        return grid.first[bins]
    count = grid.count[bins]
    chance = rng.random(len(bins))
    uniform = np.minimum(chance * count, count - 1).astype(np.int64)
    if within == "uniform":
        return grid.first[bins] + uniform
    # Distances from the finest place, d, are drawn evenly in log(d + 1).
    first, last = grid.first, grid.first + grid.count.astype(np.int64) - 1
    right, left = first >= grid.finest, last <= grid.finest
    near = np.where(right, first - grid.finest, grid.finest - last).astype(np.float64)
    near = np.maximum(near, 0)
    low, growth = np.log1p(near), np.log1p(grid.count / (near + 1))
    distance = np.expm1(low[bins] + chance * growth[bins]).astype(np.int64)
    offset = np.clip(
        distance - near.astype(np.int64)[bins], 0, grid.count.astype(np.int64)[bins] - 1
    )
    drawn = np.where(right[bins], first[bins] + offset, last[bins] - offset)
    # A bin with that place inside it has no near end.
    return np.where((right | left)[bins], drawn, first[bins] + uniform)


def decimals(steps: Steps, kind: pa.DataType, missing: NDArray[np.bool_] | None) -> pa.Array:
    """Whole numbers of the last place as exact decimals, sign-extended to 128 bits."""
    words = np.stack([steps, steps >> 63], axis=1)
    valid = None if missing is None else pa.array(~missing).buffers()[1]
    return pa.Array.from_buffers(kind, len(steps), [valid, pa.py_buffer(words)])


def _codes(cells: Cells, column: ColumnDomain, rng: np.random.Generator) -> pa.Array:
    """Postal codes: the cell's prefix and digits after it."""
    prefixes = [str(value) for value in column.values]
    more = column.digits - len(prefixes[0])
    missing = None if column.null is None else cells == column.null
    base = np.array([int(prefix) * 10**more for prefix in prefixes], dtype=np.int64)
    numbers = base[np.minimum(cells, len(prefixes) - 1)]
    if column.within == "uniform":
        numbers = numbers + rng.integers(0, 10**more, len(cells))
    # Digits are written one place at a time into text of fixed width.
    places = 10 ** np.arange(column.digits - 1, -1, -1, dtype=np.int64)
    digits = (numbers[:, None] // places % 10 + ord("0")).astype(np.uint8)
    ends = np.arange(len(cells) + 1, dtype=np.int32) * column.digits
    valid = None if missing is None else pa.array(~missing).buffers()[1]
    buffers = [valid, pa.py_buffer(ends), pa.py_buffer(digits.tobytes())]
    return pa.Array.from_buffers(pa.string(), len(cells), buffers)
