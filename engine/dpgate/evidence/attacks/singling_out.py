"""Singling out: do predicates that fit one released row fit one real person?

A predicate is a combination of the known columns, alone or with one more column, that exactly one released
row has (multivariate singling out as in Anonymeter, Giomi and others 2022, 2211.10459; the GDPR's notion
is of the Article 29 Working Party, WP216). A record is hit if it satisfies such a predicate; whether it
does follows from its cells and from released rows alone: see `dpgate.evidence.attacks.tally`. The attack
counts records that are hit, not predicates that fit exactly one, since that bit would depend on others.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, ClassVar

from dpgate.evidence.attacks.invented import invented
from dpgate.evidence.attacks.knowledge import known
from dpgate.evidence.attacks.tally import Scorer, Tally
from dpgate.evidence.measures.interface import Figure, Scene
from dpgate.model.values import Key

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from dpgate.evidence.attacks.interval import Side
    from dpgate.evidence.measures.subject import Subject
    from dpgate.evidence.whole_rows import Cells

BESIDE = 20
"""Columns that are joined to the known ones, one at a time."""


def of_attack(about: str | None, weight: Decimal, scene: Scene, event: str) -> SinglingOut:
    """A member of `dpgate.attacks`."""
    return SinglingOut(
        key=Key(metric="singling_out", about=about), event=event, weight=weight, scene=scene
    )


@dataclass(frozen=True, kw_only=True)
class SinglingOut(Tally):
    """Records that satisfy a predicate which one released row satisfies."""

    looked_at: ClassVar[int] = 200_000

    def check(self) -> None:
        """One known column at least."""
        known(self.scene, 1, "singling_out")

    def scorer(self, subject: Subject) -> Scorer:
        """All predicates, by looking their combinations up."""
        import numpy as np

        from dpgate.evidence.attacks.combinations import Combinations

        base = known(self.scene, 1, "singling_out")
        more = [c for c in range(len(self.scene.domain)) if c not in base][:BESIDE]
        kinds = [Combinations(subject.cells, each) for each in (base, *((*base, c) for c in more))]

        def place(cells: Cells) -> NDArray[np.int64]:
            alone = np.zeros(len(cells), dtype=np.bool_)
            for kind in kinds:
                alone |= kind.repeats(cells) == 1
            return np.where(alone, 0, 1)

        return Scorer(bins=2, place=place)

    def guess(self, subject: Subject, holdout: Side, hit: Sequence[int]) -> Figure:  # noqa: ARG002
        """Hits among invented records, whose columns are drawn by themselves."""
        return invented(self.scorer(subject), subject, hit)
