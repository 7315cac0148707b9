"""How far means by group are off, groups weighted by their rows, relative to the released mean.

Value: Σ_g |Σ_{i in g} (v_i − m_g)| / (N̂·s·|m|), where v_i are private values clamped to the column's
public bounds and rounded to its grid, m_g the released mean of the group and m that of everybody, s the
released share of rows that have a value. A group that the release lacks is held against m; if no
released row has a value, m is the middle of the bounds. Where m is 0, the value is relative to the range
W of the column (high − low) instead of |m|.

What is measured is the numerator over W, in steps. A row adds v − m_g to its own group's sum, and both lie
within the bounds, so it moves that group's |·| by at most W: 1 record. Replaced, it leaves one group
for another, 2; where there is one group, its sum moves by v − v', so 1. A row without a value
adds nothing. m_g is public: the private number of rows of a group enters as a factor of it, and cancels
in the bound.

Exact: totals are whole units of the grid (`MarginalSource.sums`), counts are whole, and m_g is rounded
once to a whole multiple of 1/F units, F·W ≥ 2⁴⁰, which stays within the bounds; the rest is Python's
integers.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from fractions import Fraction
from typing import TYPE_CHECKING

from dpgate.errors import EvidenceError
from dpgate.evidence.measures.columns import numeric
from dpgate.evidence.measures.grouped import FINE, Grouped
from dpgate.evidence.measures.interface import RESOLUTION, Figures, Scene
from dpgate.model.grid import Grid, grid_of
from dpgate.model.utility import MeanError

if TYPE_CHECKING:
    from dpgate.evidence.measures.interface import Ints
    from dpgate.evidence.measures.subject import Subject
    from dpgate.sources.interface import MarginalSource

MORE_DECIMALS = 10
"""Columns have fewer decimal places than this."""


def of_threshold(threshold: MeanError, scene: Scene, event: str) -> Means:
    """The measure of a threshold; a member of `dpgate.measures`."""
    return Means(
        key=threshold.key,
        event=event,
        weight=threshold.weight,
        scene=scene,
        of=threshold.of,
        by=threshold.by,
    )


@dataclass(frozen=True, kw_only=True)
class Means(Grouped):
    """Means of a numeric column by group."""

    most = None

    def grid(self) -> Grid:
        """What values are rounded to: the column's own decimals, else as many as exact sums allow.

        Raises:
            EvidenceError: the column is not numeric, or its bounds leave nothing to add up.
        """
        column = numeric(self.scene, self.of, "mean", self.key.table)
        own = grid_of(column).decimals
        places = (*range(own, -1, -1), *range(own + 1, MORE_DECIMALS))
        grids = (grid_of(column, decimals) for decimals in places)
        found = next((grid for grid in grids if grid.fits), None)
        if found is None:
            raise EvidenceError(
                f"mean: the bounds of {self.of} are equal, or too far apart for exact sums",
                fix="declare bounds that values can lie between, below 2^42 units in size",
            )
        return found

    def moves(self) -> int:
        """One record, as of every group."""
        self.grid()  # raises for columns that have no sums
        return super().moves()

    def half_width(self, scales: Sequence[Decimal], total: int) -> Fraction:  # noqa: ARG002
        """Nobody can know: the unit of the value is the released mean."""
        return Fraction(0)

    def statistic(self, subject: Subject) -> int:
        """Σ_g |Σ (v − m_g)| over the range, in steps."""
        grid = self.grid()
        fine = -(-FINE // (grid.high - grid.low))
        means = self._means(subject)
        wrong = sum(
            abs(fine * total - rows * round(fine * (mean - grid.middle)))
            for (rows, total), mean in zip(self._totals(subject.source), means, strict=True)
        )
        return RESOLUTION * wrong // (fine * (grid.high - grid.low))

    def scale_of(self, subject: Subject) -> Fraction:
        """A record is worth the whole range, relative to the released mean."""
        overall = abs(self._overall(self._totals(subject.counts)))
        wide = self.grid().high - self.grid().low
        return Fraction(wide) / (overall or wide) / self.valued(subject)

    def figures(
        self, subject: Subject, measured: Sequence[Ints], scales: Sequence[Decimal]
    ) -> Figures:
        """As of any scalar; says so where the released mean is 0."""
        found = super().figures(subject, measured, scales)
        if self._overall(self._totals(subject.counts)):
            return found
        return replace(found, given=f"{found.given}; relative to the range, as the mean is 0")

    def _totals(self, source: MarginalSource) -> list[tuple[int, int]]:
        """For each group its rows with a value, and their sum from the middle of the bounds."""
        from dpgate.sources.interface import Sum

        grid, (*by, of) = self.grid(), self.clique()
        wanted = Sum(
            column=of, by=tuple(by), per=grid.per, low=grid.low, high=grid.high, origin=grid.middle
        )
        rows = self.counted(source).sum(axis=1)
        return [
            (int(n), int(total))
            for n, total in zip(rows, source.sums([wanted])[0].ravel(), strict=True)
        ]

    def _means(self, subject: Subject) -> list[Fraction]:
        """Released means of the groups, in units; public."""
        totals = self._totals(subject.counts)
        overall = self._overall(totals)
        return [
            self.grid().middle + Fraction(total, rows) if rows else overall
            for rows, total in totals
        ]

    def _overall(self, totals: Sequence[tuple[int, int]]) -> Fraction:
        """The released mean of everybody, in units; public."""
        rows = sum(n for n, _ in totals)
        return self.grid().middle + Fraction(sum(total for _, total in totals), rows or 1)
