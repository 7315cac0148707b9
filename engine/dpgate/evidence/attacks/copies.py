"""Copies: is a record among the released rows, cell for cell, or all but one?

Bins: exact copy, near copy (one column differs), none. Which one follows from a record's cells and
from released rows alone: see `dpgate.evidence.attacks.tally`. Where cells are few, persons of the holdout
are "copied" too; advantage is what members have beyond that.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, ClassVar

from dpgate.evidence.attacks.invented import invented
from dpgate.evidence.attacks.tally import Scorer, Tally
from dpgate.evidence.measures.interface import Figure, Scene
from dpgate.model.values import Key

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from dpgate.evidence.attacks.interval import Side
    from dpgate.evidence.measures.subject import Subject
    from dpgate.evidence.whole_rows import Cells


def of_attack(about: str | None, weight: Decimal, scene: Scene, event: str) -> Copies:
    """A member of `dpgate.attacks`."""
    return Copies(key=Key(metric="copies", about=about), event=event, weight=weight, scene=scene)


@dataclass(frozen=True, kw_only=True)
class Copies(Tally):
    """Exact and near copies among released rows."""

    usual_bins: ClassVar[int] = 3
    looked_at: ClassVar[int] = 200_000

    def check(self) -> None:
        """Any columns do."""

    def scorer(self, subject: Subject) -> Scorer:
        """Released rows as a whole, and without each column in turn."""
        import numpy as np

        from dpgate.evidence.attacks.combinations import Combinations

        everything = tuple(range(len(self.scene.domain)))
        whole = Combinations(subject.cells, everything)
        distinct = subject.cells[np.unique(whole.of_rows, return_index=True)[1]]
        lacking = [
            Combinations(distinct, [c for c in everything if c != left]) for left in everything
        ]

        def place(cells: Cells) -> NDArray[np.int64]:
            bins = np.full(len(cells), 2, dtype=np.int64)
            for each in lacking:
                bins[each.find(cells) >= 0] = 1
            bins[whole.find(cells) >= 0] = 0
            return bins

        return Scorer(bins=3, place=place)

    def guess(self, subject: Subject, holdout: Side, hit: Sequence[int]) -> Figure:  # noqa: ARG002
        """Hits among invented records, whose columns are drawn by themselves."""
        return invented(self.scorer(subject), subject, hit)
