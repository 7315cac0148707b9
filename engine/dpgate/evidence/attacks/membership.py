"""Membership by distance: is a row so close to a released one that it must have been learned from?

Score: the distance from a record to the closest released row (`dpgate.evidence.attacks.near`), smaller
for members of a model that copies (distance to the closest record: Hayes and others 2019, LOGAN's
black-box baseline; Hilprecht and others 2019). A record's bin is how its distance compares with public
cuts: 0, one step, and quantiles of the distances of released rows to each other. It depends on
that record's cells and on released rows alone: see `dpgate.evidence.attacks.tally`.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, ClassVar

from dpgate.evidence.attacks import knowledge
from dpgate.evidence.attacks.tally import Scorer, Tally
from dpgate.evidence.measures.interface import Scene
from dpgate.model.values import Key

if TYPE_CHECKING:
    from dpgate.evidence.measures.subject import Subject

QUANTILES = (0.15, 0.4, 0.7)
COMPARED = 1_000
"""Released rows whose distance to the others is looked at."""


def of_attack(about: str | None, weight: Decimal, scene: Scene, event: str) -> Membership:
    """A member of `dpgate.attacks`."""
    return Membership(
        key=Key(metric="membership", about=about), event=event, weight=weight, scene=scene
    )


@dataclass(frozen=True, kw_only=True)
class Membership(Tally):
    """Distance to the closest released row."""

    usual_bins: ClassVar[int] = 2 + len(QUANTILES)

    def check(self) -> None:
        """Any columns do."""

    def scorer(self, subject: Subject) -> Scorer:
        """Distances to all released rows that are looked at."""
        import numpy as np

        from dpgate.evidence.attacks.near import Near

        near = Near(subject.cells, self.scene.domain.columns, knowledge.ordered(self.scene))
        apart = near.others(COMPARED, lambda row: row.min(initial=near.farthest))
        usual = np.quantile(apart, QUANTILES, method="lower").astype(np.int64)
        cuts = np.unique(np.concatenate([np.array([0, 1], dtype=np.int64), usual]))
        # Beyond the largest distance there is nothing to tell apart.
        cuts = cuts[cuts < near.farthest]
        return Scorer(
            bins=len(cuts) + 1, place=lambda cells: np.searchsorted(cuts, near.closest(cells))
        )
