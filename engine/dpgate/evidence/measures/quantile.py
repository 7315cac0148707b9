"""How far a released quantile is off in rank, by group, groups weighted by their rows.

In each group g the released quantile is the first cell b_g of the column at which the released cumulative
share F_g reaches `at`. Value: Σ_g |#{private rows of g at or below b_g} − n_g·F_g(b_g)| / (N̂·s): the share
of rows that lie on the wrong side of the released quantile's bin, s the released share of rows with
a value. A group that the release lacks is held against everybody's b and F; if no released row has
a value, against the first cell and F = 1. Missing values belong to no group.

n_g, the private size of a group, is never known here: the difference is written as a sum over rows of
1[cell ≤ b_g] − F_g(b_g). Each lies in [−1, 1], so a row moves its own group's |·| by at most 1. Replaced,
it leaves one group for another, 2; within one group it moves the sum by 0 or 1, so 1 where there is
no `by`. F is rounded to a multiple of 2⁻⁴⁰, once; the rest is Python's integers.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING

from dpgate.evidence.measures.columns import ordered
from dpgate.evidence.measures.grouped import FINE, Grouped
from dpgate.evidence.measures.interface import RESOLUTION, Scene
from dpgate.model.utility import QuantileError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dpgate.evidence.measures.subject import Subject


def of_threshold(threshold: QuantileError, scene: Scene, event: str) -> Ranks:
    """The measure of a threshold; a member of `dpgate.measures`."""
    return Ranks(
        key=threshold.key,
        event=event,
        weight=threshold.weight,
        scene=scene,
        of=threshold.of,
        by=threshold.by,
        at=Fraction(threshold.at),
    )


@dataclass(frozen=True, kw_only=True)
class Ranks(Grouped):
    """Ranks of a quantile by group.

    Attributes:
        at: which quantile.
    """

    at: Fraction

    def moves(self) -> int:
        """One record, as of every group."""
        ordered(self.scene, (self.of,), "quantile")  # raises for a column without an order
        return super().moves()

    def statistic(self, subject: Subject) -> int:
        """Σ_g |Σ (1[cell ≤ b_g] − F_g(b_g))|, in steps."""
        released = self.counted(subject.counts)
        overall = self._quantile([int(n) for n in released.sum(axis=0)]) or (0, FINE)
        wrong = 0
        for private, public in zip(self.counted(subject.source), released, strict=True):
            cell, share = self._quantile([int(n) for n in public]) or overall
            below = int(private[: cell + 1].sum())
            wrong += abs(FINE * below - share * int(private.sum()))
        return RESOLUTION * wrong // FINE

    def _quantile(self, released: Sequence[int]) -> tuple[int, int] | None:
        """The first cell where the cumulative share reaches `at`, and that share times 2⁴⁰."""
        rows, below = sum(released), 0
        for cell, number in enumerate(released):
            below += number
            if rows and below >= self.at * rows:
                return cell, round(Fraction(FINE * below, rows))
        return None
