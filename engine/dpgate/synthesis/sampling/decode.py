"""From cells back to values, by public rules alone."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from dpgate.model.domain import ColumnDomain, Domain

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from dpgate.synthesis.sampling.ancestral import Cells

_TYPES = {
    "text": pa.string(),
    "whole": pa.int64(),
    "boolean": pa.bool_(),
    "integer": pa.int64(),
    "number": pa.float64(),
}

_EXACT = 2.0**53


def schema(domain: Domain) -> pa.Schema:
    """Columns of released rows."""
    return pa.schema(
        [pa.field(c.name, _TYPES[c.kind], nullable=c.null is not None) for c in domain.columns]
    )


def decode(cells: Cells, column: ColumnDomain, rng: np.random.Generator) -> pa.Array:
    """A value for each cell.

    Args:
        cells: of one column.
        column: its public description.
        rng: source of randomness.

    Returns:
        A listed value; or a uniform draw from the bin, on the grid of the column's decimals,
        within [min, max]; null for the null cell.
    """
    missing = None if column.null is None else cells == column.null
    kind = _TYPES[column.kind]
    if not column.lows:
        values = pa.array([*column.values, *([None] if column.null is not None else [])], kind)
        return values.take(pa.array(cells))
    bins = np.minimum(cells, len(column.lows) - 1)
    return pa.array(_within(bins, column, rng), kind, mask=missing)


def _within(
    bins: Cells, column: ColumnDomain, rng: np.random.Generator
) -> NDArray[np.int64] | NDArray[np.float64]:
    if column.kind == "integer":
        lows = np.array(column.lows, dtype=np.int64)
        highs = np.array(column.highs, dtype=np.int64)
        return rng.integers(lows[bins], highs[bins], endpoint=True)
    unit = 10**column.decimals
    first = np.array([math.ceil(_scaled(low, unit)) for low in column.lows], dtype=np.float64)
    last = np.array([math.floor(_scaled(high, unit)) for high in column.highs], dtype=np.float64)
    edges = np.array([*column.lows, column.highs[-1]], dtype=np.float64)
    # A bin ends before the next one begins.
    last[:-1] -= last[:-1] / unit >= edges[1:-1]
    steps = np.floor(rng.random(len(bins)) * (last - first + 1)[bins])
    drawn = (first[bins] + np.minimum(steps, (last - first)[bins])) / unit
    # No number of so few decimals lies in such a bin: its lowest value stands for it.
    lost = (last < first) | (np.maximum(np.abs(first), np.abs(last)) > _EXACT)
    return np.where(lost[bins], edges[bins], drawn)


def _scaled(edge: float, unit: int) -> float:
    """An edge in units of the last decimal; an edge on the grid stays on it."""
    scaled = edge * unit
    return float(round(scaled)) if math.isclose(scaled, round(scaled), rel_tol=1e-15) else scaled
