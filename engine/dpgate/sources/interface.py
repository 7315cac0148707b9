"""What may be asked of private data: counts of rows, and totals of clamped values, by public cells."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from dpgate.model.domain import Domain

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from dpgate.sources.count import Codes

    Counts = NDArray[np.int64]
    Cells = NDArray[np.int64]


TOTAL_AT_MOST = 2**62
"""Totals are clamped to ± this at the end, so that none leaves 64 bits."""


@dataclass(frozen=True, kw_only=True)
class Sum:
    """A total of one numeric column in each cell of a table, in whole units.

    A row adds to its own cell, and to no other: its value clamped to [low / per, high / per], times
    `per`, rounded to the nearest whole number (halves to even; all of it in IEEE doubles), minus
    `origin`. A missing or unreadable value adds nothing if the column is nullable, else it counts
    as the lowest one, as it does where rows are counted.

    Attributes:
        column: index of a column with bins.
        by: indices of the columns of the table, all different; none: one total.
        per: units in 1: 100 for hundredths.
        low: lowest value, in units; at least −`dpgate.model.grid.UNITS_AT_MOST`.
        high: highest value, in units; at most that.
        origin: what a value is measured from, in units, within [low, high] or 0.
    """

    column: int
    by: tuple[int, ...]
    per: int
    low: int
    high: int
    origin: int = 0


class MarginalSource(Protocol):
    """Exact counts of private rows, and totals of what they hold.

    Every row falls into exactly one cell of each table, whatever it holds, so adding or
    removing a row moves one entry of each table: of counts by one, of totals by a value within
    public bounds.
    """

    @property
    def domain(self) -> Domain:
        """The cells of every column."""

    def count(
        self, cliques: Sequence[tuple[int, ...]], *, merged: Sequence[Cells] | None = None
    ) -> list[Counts]:
        """Contingency tables.

        Args:
            cliques: column indices of each table wanted; within a table all different.
            merged: for each column a map from its cells to coarser ones, numbered from 0
                without gaps; tables then count the coarser cells.

        Returns:
            One int64 table for each clique; one axis for each column, in the clique's order,
            as long as the column has (coarser) cells. Units: records.

        Raises:
            SourceError: the data became unreadable; the message is fixed.

        Privacy:
            Reads private data and returns it unprotected: only mechanisms may see the result.
        """

    def sums(self, wanted: Sequence[Sum]) -> list[Counts]:
        """Totals of clamped values.

        Args:
            wanted: what to add up.

        Returns:
            One int64 table for each, of the shape of its `by` columns (none: shape ()), in units;
            each total clamped to ±`TOTAL_AT_MOST`.

        Raises:
            SourceError: the data became unreadable; the message is fixed.

        Privacy:
            Reads private data and returns it unprotected: only mechanisms may see the result.
            Exact: no rounding depends on other rows or on their order.
        """


class RowSource(MarginalSource, Protocol):
    """A source whose rows pass through this machine, so that whole rows can be looked at.

    Databases and clusters that count where the data lies are none.
    """

    def rows(self, columns: Sequence[int]) -> Iterator[Mapping[int, Codes]]:
        """Starts over and yields the cells of every row, batch by batch, always in the same order.

        Args:
            columns: indices of the columns wanted, at least one.

        Raises:
            SourceError: the data became unreadable; the message is fixed.

        Privacy:
            Reads private data and returns it unprotected: nothing but numbers that a mechanism
            protects, or that are encrypted to stewards, may be made of it. A row's cells depend
            on that row alone.
        """


class PersonSource(RowSource, Protocol):
    """A source of rows that tells whose each of them is.

    No person has more rows in it than the dataset's bound.
    """

    def persons(self) -> NDArray[np.int64]:
        """Whom each row is about: a number for each, in the order of `rows`.

        Returns:
            One number a row. They count from 0, without gaps, in the order in which persons first
            come.

        Raises:
            SourceError: the data became unreadable, or it names no persons; the messages are fixed.

        Privacy:
            Reads private data and returns it unprotected: nothing but numbers that a mechanism
            protects may be made of it. Identifiers stay inside.
        """
