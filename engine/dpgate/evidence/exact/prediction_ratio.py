"""Use of the rows against that of real ones: trained on released rows, over trained on real rows.

TSTR/TRTR (Esteban and others 2017, 1706.02633): two models of one kind, one trained on released rows and
one on real rows, both tested on the same other real rows. The test rows are the holdout, or half of
all real rows by coins. Figures are AUC (of each class against the others, weighted) or, for a
numeric target, R². No noise: the number is for stewards, and its verdict has no finite ε.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from dpgate.errors import EvidenceError
from dpgate.evidence import learner
from dpgate.evidence.attacks.knowledge import ordered
from dpgate.evidence.exact.interface import plain
from dpgate.evidence.exact.rows import tested
from dpgate.evidence.measures.interface import Figures, Scene
from dpgate.model.utility import PredictionRatio as Asked
from dpgate.model.values import Key

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from dpgate.evidence.learner import Learned
    from dpgate.evidence.measures.subject import Subject
    from dpgate.evidence.whole_rows import Cells
    from dpgate.model.domain import ColumnDomain

CLASSES = 10
VALUES = 256


class PredictionRatio:
    """A member of `dpgate.exact`.

    Args:
        threshold: names the target.
        scene: public documents.
    """

    def __init__(self, threshold: Asked, scene: Scene) -> None:
        self._scene, self._target = scene, threshold.target
        self.key: Key = threshold.key

    def measure(self, subject: Subject) -> Figures:
        """The ratio, at most 1, and both of its numbers."""
        names = self._scene.domain.names
        if self._target not in names or len(names) < 2:
            raise EvidenceError(f"prediction_ratio: {self._target} cannot be predicted")
        train, test = tested(subject, np.random.default_rng())
        task = _Task(
            target=names.index(self._target),
            columns=self._scene.domain.columns,
            lines=ordered(self._scene),
        )
        of_released = task.score(subject.cells, subject.cells, test)
        of_real = task.score(train, subject.cells, test)
        if of_real <= 0:
            raise EvidenceError(f"prediction_ratio: nothing predicts {self._target}")
        ratio = plain("", min(of_released / of_real, 1.0))
        what = "R²" if task.numeric else "AUC"
        parts = (
            plain(f"{what}, trained on released rows", of_released),
            plain(f"{what}, trained on real rows", of_real),
        )
        return Figures(main=ratio, given="no noise; one split of the rows", parts=parts)


@dataclass(frozen=True, kw_only=True)
class _Task:
    target: int
    columns: Sequence[ColumnDomain]
    lines: Sequence[bool]

    @property
    def numeric(self) -> bool:
        return bool(self.columns[self.target].lows)

    def score(self, train: Cells, public: Cells, test: Cells) -> float:
        """AUC or R² of a model of `train` on `test`; classes are put together by `public` rows."""
        column, features = self.columns[self.target], self._features
        most = VALUES if self.numeric else CLASSES
        classes = learner.classes(
            column, public[:, self.target], most, ordered=self.lines[self.target]
        )
        some = train[: learner.ROWS]
        truth, real = classes(some[:, self.target]), classes(test[:, self.target])
        if self.numeric:
            values = classes.middle
            model = learner.regressor(some, values[truth], features, self.columns, self.lines)
            return _explained(model.number(test), values[real])
        model = learner.classifier(some, truth, features, self.columns, self.lines)
        return area(model, test, real, classes.count)

    @property
    def _features(self) -> list[int]:
        return [c for c in range(len(self.columns)) if c != self.target]


def _explained(predicted: NDArray[np.float64], real: NDArray[np.float64]) -> float:
    off = float(((real - real.mean()) ** 2).sum())
    return max(1 - float(((real - predicted) ** 2).sum()) / off, 0.0) if off else 0.0


def area(model: Learned, test: Cells, real: NDArray[np.int64], count: int) -> float:
    """The area under the ROC curve, of each class against the others, weighted by its rows."""
    from scipy.stats import rankdata

    scores, areas, weights = model.scores(test, count), [], []
    for k in range(count) if count > 2 else (1,):
        own = real == k
        n1, n0 = int(own.sum()), int((~own).sum())
        if n1 and n0:
            ranks = rankdata(scores[:, k])
            areas.append((float(ranks[own].sum()) - n1 * (n1 + 1) / 2) / (n1 * n0))
            weights.append(n1)
    return float(np.average(areas, weights=weights)) if areas else 0.5
