"""Attribute inference: is a model of released rows more often right about members than about others?

An adversary knows some columns of a person and predicts another one by a model that was trained on
released rows (Yeom and others 2018, 1709.01604; Stadler and others 2022, 2011.07018). Where all released
rows with the known cells agree on the target, their value is taken instead: groups without diversity
(Machanavajjhala and others 2007). That people can be predicted at all is what data is for; advantage is
how much better it goes for those who were learned from. Targets with many cells are put together to at
most `CLASSES` classes by released rows.

Bins: model right or wrong × the majority's value right or wrong, which follow from a record's cells and
from released rows alone: see `dpgate.evidence.attacks.tally`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, ClassVar

from dpgate.errors import EvidenceError
from dpgate.evidence.attacks import knowledge
from dpgate.evidence.attacks.interval import TAIL, quantile
from dpgate.evidence.attacks.tally import Scorer, Tally, figure
from dpgate.evidence.measures.interface import Figure, Scene
from dpgate.model.values import Key

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from dpgate.evidence.attacks.combinations import Combinations
    from dpgate.evidence.attacks.interval import Side
    from dpgate.evidence.measures.subject import Subject
    from dpgate.evidence.whole_rows import Cells

CLASSES = 10


def of_attack(about: str | None, weight: Decimal, scene: Scene, event: str) -> Attribute:
    """A member of `dpgate.attacks`."""
    return Attribute(
        key=Key(metric="attribute", about=about), event=event, weight=weight, scene=scene
    )


@dataclass(frozen=True, kw_only=True)
class Attribute(Tally):
    """Correct predictions of one column."""

    usual_bins: ClassVar[int] = 4

    def check(self) -> None:
        """A target that is learned, and one known column beside it."""
        target = self.key.about
        if target not in self.scene.domain.names:
            raise EvidenceError(
                f"attribute: {target or 'no column'} is no column that this release learns",
                fix="name a released column with a domain: attribute.COLUMN",
            )
        knowledge.known(self.scene, 1, f"attribute.{target}", self._target)

    def thresholds(self, bins: int) -> Sequence[Sequence[int]]:  # noqa: ARG002
        """The model is right, or it is not."""
        return [(0, 1)]

    def scorer(self, subject: Subject) -> Scorer:
        """A model of released rows, and the class that most of them have."""
        import numpy as np

        from dpgate.evidence import learner
        from dpgate.evidence.attacks.combinations import Combinations

        self.check()
        (target,) = self._target
        columns, lines = self.scene.domain.columns, knowledge.ordered(self.scene)
        features = knowledge.known(self.scene, 1, f"attribute.{self.key.about}", self._target)
        rows = subject.cells[: learner.ROWS]
        classes = learner.classes(columns[target], rows[:, target], CLASSES, ordered=lines[target])
        truth = classes(rows[:, target])
        model = learner.classifier(rows, truth, features, columns, lines)
        majority = int(np.bincount(truth).argmax())
        groups = Combinations(subject.cells, features)
        agreed = _agreed(groups, classes(subject.cells[:, target]))

        def place(cells: Cells) -> NDArray[np.int64]:
            real, found = classes(cells[:, target]), groups.find(cells)
            one = np.where(found < 0, -1, agreed[found])
            guessed = np.where(one < 0, model.best(cells, classes.count), one)
            return np.asarray(2 * (guessed != real) + (real != majority), dtype=np.int64)

        return Scorer(bins=4, place=place)

    def guess(self, subject: Subject, holdout: Side, hit: Sequence[int]) -> Figure:  # noqa: ARG002
        """How often the majority's value is right about the holdout."""
        return figure("success of the majority's value", holdout.share((0, 2), quantile(TAIL)))

    @property
    def _target(self) -> tuple[int, ...]:
        names = self.scene.domain.names
        return (names.index(self.key.about),) if self.key.about in names else ()


def _agreed(groups: Combinations, truth: NDArray[np.int64]) -> NDArray[np.int64]:
    """The class of each combination whose released rows are all of one, else −1."""
    import numpy as np

    lowest = np.full(len(groups.counts), np.iinfo(np.int64).max)
    highest = np.full(len(groups.counts), -1, dtype=np.int64)
    np.minimum.at(lowest, groups.of_rows, truth)
    np.maximum.at(highest, groups.of_rows, truth)
    return np.where(lowest == highest, highest, -1)
