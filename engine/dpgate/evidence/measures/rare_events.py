"""The share of rows in combinations of values that the release under-represents more than twofold.

Value: Σ over cells of the columns' table of max(0, x − 2·N̂·p) / N̂, x private counts, p released shares, N̂
the noisy total. It is 0 while every combination keeps half its share, and it is the share of a subgroup
that collapsed, or the weight of a tail that was cut off.

A row more or less moves one cell's part by at most 1 record. A row replaced raises one cell's part by
at most 1 and lowers another's by at most 1, so the sum moves by at most 1 as well. Exact integers;
N̂·p is rounded to steps.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from dpgate.evidence.measures.columns import fits, place_of
from dpgate.evidence.measures.interface import RESOLUTION, Scene
from dpgate.evidence.measures.marginal_tvd import compared, in_steps
from dpgate.evidence.measures.scalar import Scalar
from dpgate.model.utility import Subgroups

if TYPE_CHECKING:
    from dpgate.evidence.measures.subject import Subject

FOLD = 2
"""How much less than its share a combination may have."""


def of_threshold(threshold: Subgroups, scene: Scene, event: str) -> RareEvents:
    """The measure of a threshold; a member of `dpgate.measures`."""
    return RareEvents(
        key=threshold.key,
        event=event,
        weight=threshold.weight,
        scene=scene,
        columns=threshold.columns,
    )


@dataclass(frozen=True, kw_only=True)
class RareEvents(Scalar):
    """Rows that the release has too few of.

    Attributes:
        columns: whose combinations are looked at.
    """

    columns: tuple[str, ...]

    def clique(self) -> tuple[int, ...]:
        """Indices of the columns.

        Raises:
            EvidenceError: one is not learned, or there are too many combinations.
        """
        places = tuple(place_of(self.scene, name) for name in self.columns)
        fits(self.scene, places, self.key.metric)
        return places

    def moves(self) -> int:
        """One record."""
        self.clique()  # raises for columns that cannot be counted
        return RESOLUTION

    def replaced(self) -> int:
        """One record as well: what one cell gains and another loses have opposite signs."""
        return self.moves()

    def statistic(self, subject: Subject) -> int:
        """Σ max(0, K·x − 2·round(K·N̂·p))."""
        import numpy as np

        found = compared(subject.source, subject.counts, [self.clique()], subject.progress)
        return sum(
            int(np.maximum(counts * RESOLUTION - FOLD * in_steps(released, subject.total), 0).sum())
            for _, counts, released in found
        )
