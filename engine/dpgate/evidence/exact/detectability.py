"""Detectability: how well a classifier tells released rows from real ones; 0.5 is not at all.

A classifier two-sample test (Lopez-Paz and Oquab 2017, 1610.06545; propensity of Snoke and others 2018):
equally many real and released rows, gradient boosting on their cells, `FOLDS`-fold cross-validation, the
area under the ROC curve of all rows by the model that did not see them. No noise: the number is for
stewards, and its verdict has no finite ε. Seeds are fixed, since no privacy rests on them here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from dpgate.errors import EvidenceError
from dpgate.evidence import learner
from dpgate.evidence.attacks.knowledge import ordered
from dpgate.evidence.exact.interface import plain
from dpgate.evidence.exact.prediction_ratio import area
from dpgate.evidence.exact.rows import gathered
from dpgate.evidence.measures.interface import Figures, Scene
from dpgate.model.utility import Detectability as Asked
from dpgate.model.values import Key

if TYPE_CHECKING:
    from dpgate.evidence.measures.subject import Subject

FOLDS = 3
FEWEST = 10
"""Rows of each kind below which nothing can be learned."""


class Detectability:
    """A member of `dpgate.exact`.

    Args:
        threshold: the manifest's.
        scene: public documents.
    """

    def __init__(self, threshold: Asked, scene: Scene) -> None:
        self._scene = scene
        self.key: Key = threshold.key

    def measure(self, subject: Subject) -> Figures:
        """The area, at least 0.5: a classifier that is wrong more often than right is turned round."""
        coins = np.random.default_rng(0)
        real, made = coins.permutation(gathered(subject.source, subject.total)), subject.cells
        size = min(len(real), len(made), learner.ROWS // 2)
        if size < FEWEST:
            raise EvidenceError("detectability: there are too few rows to tell apart")
        rows = np.concatenate([real[:size], coins.permutation(made)[:size]])
        truth = np.repeat(np.arange(2, dtype=np.int64), size)
        columns, lines = self._scene.domain.columns, ordered(self._scene)
        fold = coins.permutation(np.arange(2 * size) % FOLDS)
        areas = []
        for left in range(FOLDS):
            seen, other = fold != left, fold == left
            model = learner.classifier(rows[seen], truth[seen], range(len(columns)), columns, lines)
            areas.append(area(model, rows[other], truth[other], 2))
        mean = float(np.mean(areas))
        return Figures(
            main=plain("", max(mean, 1 - mean)),
            given=f"no noise; the mean of {FOLDS} folds of {2 * size} rows",
        )
