"""Linkage: do two parts of what is known about a person lead to the same released row?

The known columns are split by turns into two parts, as two outside files might hold them. For each part
the `CLOSEST` released rows are sought; a record is linked if both searches return a common row (linkability
as in Anonymeter, Giomi and others 2022, 2211.10459). Among equally close rows a public lot decides, another
one for each part, so that ties link nobody but by chance. The bit follows from a record's cells and from
released rows alone: see `dpgate.evidence.attacks.tally`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import TYPE_CHECKING

from dpgate.evidence.attacks import knowledge
from dpgate.evidence.attacks.tally import Scorer, Tally
from dpgate.evidence.measures.interface import Figure, Scene
from dpgate.model.values import Key

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from dpgate.evidence.attacks.interval import Side
    from dpgate.evidence.attacks.near import Near
    from dpgate.evidence.measures.subject import Subject
    from dpgate.evidence.whole_rows import Cells

CLOSEST = 5
ROWS = 20_000
"""Released rows that are searched: the first ones."""


def of_attack(about: str | None, weight: Decimal, scene: Scene, event: str) -> Linkage:
    """A member of `dpgate.attacks`."""
    return Linkage(key=Key(metric="linkage", about=about), event=event, weight=weight, scene=scene)


@dataclass(frozen=True, kw_only=True)
class Linkage(Tally):
    """Records whose two parts lead to a common released row."""

    def check(self) -> None:
        """Two known columns at least."""
        knowledge.known(self.scene, 2, "linkage")

    def scorer(self, subject: Subject) -> Scorer:
        """The released rows in two orders, one for each part."""
        import numpy as np

        from dpgate.evidence.attacks.near import Near

        columns = knowledge.known(self.scene, 2, "linkage")
        lines, lots = knowledge.ordered(self.scene), np.random.default_rng()
        rows = subject.cells[:ROWS]
        parts = []
        for half in (columns[::2], columns[1::2]):
            lot = lots.permutation(len(rows))
            parts.append((Near(rows[lot], self.scene.domain.columns, lines, half), lot, half))

        def place(cells: Cells) -> NDArray[np.int64]:
            one, two = (lot[_closest(near, cells, half)] for near, lot, half in parts)
            linked = (one[:, :, None] == two[:, None, :]).any(axis=(1, 2))
            return np.where(linked, 0, 1)

        return Scorer(bins=2, place=place)

    def guess(self, subject: Subject, holdout: Side, hit: Sequence[int]) -> Figure:  # noqa: ARG002
        """The chance that two random sets of that many released rows have one in common."""
        size = min(ROWS, subject.released.num_rows)
        none = Fraction(1)
        for drawn in range(min(CLOSEST, size)):
            none *= Fraction(max(size - CLOSEST - drawn, 0), size - drawn)
        return Figure(label="linked by chance", value=1 - none, low=1 - none, high=1 - none)


def _closest(near: Near, cells: Cells, columns: Sequence[int]) -> NDArray[np.int64]:
    """The `CLOSEST` rows of each row of cells; of rows that are alike in the columns, once."""
    import numpy as np

    kinds, which = np.unique(cells[:, list(columns)], axis=0, return_inverse=True)
    whole = np.zeros((len(kinds), cells.shape[1]), dtype=cells.dtype)
    whole[:, list(columns)] = kinds
    closest: NDArray[np.int64] = near.few(whole, CLOSEST)[which.ravel()]
    return closest
