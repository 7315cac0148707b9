"""Fixed-point grids: numeric columns in whole units, so that sums of them are exact integers."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal

from dpgate.model.columns import DecimalColumn, IntegerColumn, NumberColumn

NumericColumn = IntegerColumn | NumberColumn | DecimalColumn
"""Columns that have sums, means and quantiles."""

UNITS_AT_MOST = 2**42
"""Largest size of a bound in units: floats are exact far beyond it, and so are sums of batches."""


@dataclass(frozen=True, kw_only=True)
class Grid:
    """What values of a column are rounded to before they are added up.

    Attributes:
        decimals: decimal places that are kept.
        low: lowest value, in units of 10^−decimals.
        high: highest value, in units.
    """

    decimals: int
    low: int
    high: int

    @property
    def per(self) -> int:
        """Units in 1."""
        return int(10**self.decimals)

    @property
    def middle(self) -> int:
        """A unit in the middle of the bounds."""
        return (self.low + self.high) // 2

    @property
    def largest(self) -> int:
        """Size of the largest value, in units."""
        return max(abs(self.low), abs(self.high))

    @property
    def radius(self) -> int:
        """Largest distance of a value from the middle, in units."""
        return self.high - self.middle

    @property
    def fits(self) -> bool:
        """Whether the bounds are small enough for exact sums, and leave something to measure."""
        return self.low < self.high and self.largest <= UNITS_AT_MOST

    def value(self, units: int) -> Decimal:
        """Units as a number."""
        return Decimal(units).scaleb(-self.decimals)


def grid_of(column: NumericColumn, decimals: int | None = None) -> Grid:
    """The grid of a column; bounds between two units move inwards, so that no value leaves them.

    Args:
        column: its public bounds.
        decimals: decimal places; the column's own if None.
    """
    places = decimals
    if places is None:
        places = 0 if isinstance(column, IntegerColumn) else column.decimals
    low, high = (bound.scaleb(places) for bound in (column.domain.min, column.domain.max))
    return Grid(
        decimals=places,
        low=int(low.to_integral_value(rounding=ROUND_CEILING)),
        high=int(high.to_integral_value(rounding=ROUND_FLOOR)),
    )
