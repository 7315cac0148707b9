"""Keeping columns in order, row by row, while their marginals change as little as can be.

A model that is noisy, or that never measured two columns together, draws rows in which they are
out of order. What happens to such a row, in this turn:

1. *Redraw*: where its bins allow the order, values are drawn anew within them. No cell changes.
2. *Exchange*: its value of one column is exchanged with that of another row, if that puts more
   right than wrong. No marginal of one column changes, since the column holds the same values.
3. *Raise or lower*, by the toss of a coin: the lower bound is taken up to the upper, or the other
   way round, within the public domains. Only here do marginals of one column change.

All of it is post-processing: it reads sampled rows and public domains.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from dpgate.model.constraints import bounds
from dpgate.sources.encode import encode
from dpgate.synthesis.finish.keys import Keyed, keys
from dpgate.synthesis.sampling.decode import decode

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Rows = NDArray[np.int64]
    Counts = NDArray[np.int64]

Order = tuple[str, str]
"""Upper and lower column."""

_REDRAWS = 8
_EXCHANGES = 24


def keep_ordered(
    columns: Mapping[str, Keyed], orders: Sequence[Order], rng: np.random.Generator
) -> None:
    """Changes values until every order holds in every row in which neither is missing.

    Args:
        columns: all that the orders name; changed in place.
        orders: consistent, as `dpgate.model.constraints` checks.
        rng: source of randomness.
    """
    wrong = broken(columns, orders)
    for _ in range(_REDRAWS):
        rows = np.flatnonzero(wrong)
        if not len(rows):
            return
        wrong[rows] = _redrawn(columns, orders, rows, wrong[rows], rng)
    for turn in range(_EXCHANGES):
        for order in orders:
            _exchange(columns, orders, order[turn % 2], wrong, rng)
    rows = np.flatnonzero(wrong)
    raised = rng.random(len(rows)) < 0.5
    _moved(columns, orders, rows[raised], raised=True)
    _moved(columns, orders, rows[~raised], raised=False)


def broken(
    columns: Mapping[str, Keyed], orders: Sequence[Order], rows: Rows | slice = slice(None)
) -> Counts:
    """How many orders each of some rows breaks."""
    counted: Counts = np.zeros(1, dtype=np.int64)
    for high, low in orders:
        upper, lower = columns[high], columns[low]
        known = ~(upper.missing[rows] | lower.missing[rows])
        counted = counted + (known & (upper.keys[rows] < lower.keys[rows]))
    return counted


def _redrawn(
    columns: Mapping[str, Keyed],
    orders: Sequence[Order],
    rows: Rows,
    before: Counts,
    rng: np.random.Generator,
) -> Counts:
    """Draws values of some rows anew within their bins; kept where that puts something right."""
    old = {name: column.keys[rows] for name, column in columns.items()}
    for column in columns.values():
        cells = encode(column.array(rows), column.domain).astype(np.int64)
        column.keys[rows] = keys(decode(cells, column.domain, rng))
    after = broken(columns, orders, rows)
    worse = after >= before
    for name, column in columns.items():
        column.keys[rows[worse]] = old[name][worse]
    return np.where(worse, before, after)


def _exchange(
    columns: Mapping[str, Keyed],
    orders: Sequence[Order],
    name: str,
    wrong: Counts,
    rng: np.random.Generator,
) -> None:
    """Exchanges the values of one column between rows out of order and others, by chance."""
    rows = np.flatnonzero(wrong)
    if not len(rows):
        return
    partners = rng.choice(len(wrong), len(rows), replace=False)
    # No row in two exchanges at once; what is missing stays where it is.
    apart = (wrong[partners] == 0) & ~columns[name].missing[partners]
    apart &= ~columns[name].missing[rows]
    rows, partners = rows[apart], partners[apart]
    before = wrong[rows]
    _swap(columns[name], rows, partners)
    after, theirs = broken(columns, orders, rows), broken(columns, orders, partners)
    worse = after + theirs >= before
    _swap(columns[name], rows[worse], partners[worse])
    wrong[rows] = np.where(worse, before, after)
    wrong[partners] = np.where(worse, 0, theirs)


def _swap(column: Keyed, rows: Rows, partners: Rows) -> None:
    column.keys[rows], column.keys[partners] = column.keys[partners], column.keys[rows]


def _moved(
    columns: Mapping[str, Keyed], orders: Sequence[Order], rows: Rows, *, raised: bool
) -> None:
    """Takes upper values up to the lower ones, or lower ones down, from one end to the other."""
    limits = bounds(orders, {name: column.limits() for name, column in columns.items()})
    turns = list(limits) if raised else list(reversed(limits))
    for name in turns:
        column = columns[name]
        values = np.clip(column.keys[rows], *limits[name])
        for high, low in orders:
            here, there = (high, low) if raised else (low, high)
            if name == here:
                other = columns[there]
                bound = (np.maximum if raised else np.minimum)(values, other.keys[rows])
                values = np.where(other.missing[rows], values, bound)
        column.keys[rows] = values
