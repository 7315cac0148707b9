"""What an invented column looks like: skewed, with rare cells, heavy tails and missing values."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from dpgate.model.domain import ColumnDomain

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Table = NDArray[np.float64]
    Levels = NDArray[np.int64]

_LEVELS = 3
"""Levels of a column, of which others depend: low, middle, high; missing is one more."""
_HEAVY = 8
"""Bins whose widths differ by this factor are those of a quantity with a heavy tail."""
_FLOOR = 1e-4
"""Share of an even spread in every column: no cell is impossible."""


def weights(column: ColumnDomain, rng: np.random.Generator, *, ordered: bool) -> Table:
    """An invented share of each cell.

    Args:
        column: public cells, the null cell last.
        rng: source of randomness.
        ordered: whether neighbouring cells are alike.

    Returns:
        Shares above 0 that sum to 1.
    """
    present = column.size - (column.null is not None)
    shape = (_heavy if _widths_grow(column) else _hills) if ordered else _rare
    made: Table = shape(present, rng)
    made *= (1 - _FLOOR) / made.sum()
    made += _FLOOR / present
    if column.null is None:
        return made
    missing = rng.uniform(0.02, 0.12)
    return np.append(made * (1 - missing), missing)


def levels(
    column: ColumnDomain, share: Table, rng: np.random.Generator, *, ordered: bool
) -> Levels:
    """The level of each cell: a few, with about as many rows each.

    Args:
        column: public cells.
        share: of each cell.
        rng: source of randomness.
        ordered: whether cells of a level are neighbours.
    """
    present = column.size - (column.null is not None)
    turn = np.arange(present) if ordered else rng.permutation(present)
    upto = np.cumsum(share[turn]) - share[turn] / 2
    found = np.zeros(column.size, dtype=np.int64)
    found[turn] = np.minimum((upto / share[:present].sum() * _LEVELS).astype(np.int64), _LEVELS - 1)
    if column.null is not None:
        found[column.null] = _LEVELS
    return found


def tilted(
    share: Table, column: ColumnDomain, lines: int, rng: np.random.Generator, *, ordered: bool
) -> Table:
    """Shares of each cell on each line, where other columns make some cells likelier.

    Args:
        share: of each cell.
        column: public cells.
        lines: combinations of the levels of what it depends on.
        rng: source of randomness.
        ordered: whether neighbouring cells are tilted alike.
    """
    if lines == 1:
        return share[None, :]
    strength = rng.uniform(0.6, 1.6)
    present = column.size - (column.null is not None)
    if ordered:
        place = np.linspace(-1.5, 1.5, present) if present > 1 else np.zeros(1)
        slope, bend = rng.normal(size=(2, lines, 1))
        tilt = slope * place + 0.5 * bend * (place**2 - 0.75)
    else:
        tilt = rng.normal(size=(lines, present))
    if column.null is not None:
        tilt = np.hstack([tilt, rng.normal(size=(lines, 1)) / 2])
    made: Table = share * np.exp(strength * tilt)
    made /= made.sum(axis=1, keepdims=True)
    return made


def _widths_grow(column: ColumnDomain) -> bool:
    widths = np.array(column.highs, dtype=np.float64) - np.array(column.lows, dtype=np.float64) + 1
    return bool(column.lows) and len(widths) > 2 and widths.max() >= _HEAVY * widths.min()


def _heavy(cells: int, rng: np.random.Generator) -> Table:
    """Falls off evenly on both sides of a cell: where widths grow, as a power of the value."""
    most = rng.beta(1.5, 3) * (cells - 1)
    fall = max(1.0, cells * rng.uniform(0.08, 0.18))
    made: Table = np.exp(-np.abs(np.arange(cells) - most) / fall)
    return made


def _hills(cells: int, rng: np.random.Generator) -> Table:
    """Two hills, one higher than the other."""
    made = np.zeros(cells)
    for height in (1.0, rng.uniform(0.1, 0.7)):
        middle, width = rng.uniform(0, cells - 1), max(0.7, cells * rng.uniform(0.06, 0.3))
        made += height * np.exp(-(((np.arange(cells) - middle) / width) ** 2) / 2)
    return made


def _rare(cells: int, rng: np.random.Generator) -> Table:
    """A few frequent values and many rare ones (Zipf's law), in any order."""
    if cells == 2:
        one = rng.uniform(0.06, 0.5)
        return rng.permutation(np.array([one, 1 - one]))
    return rng.permutation((np.arange(cells) + 1.0) ** -rng.uniform(0.8, 1.6))
