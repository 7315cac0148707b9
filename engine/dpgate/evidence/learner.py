"""Models that are trained on cells: classes of a target, and scores of rows.

scikit-learn's histogram gradient boosting, the strongest learner on tables that is well kept and trains in
seconds (docs/attacks.md has the figures). A row's score is summed tree by tree for that row alone, so it
does not depend on the rows that are scored with it.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from dpgate.model.domain import ColumnDomain

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from dpgate.evidence.whole_rows import Cells

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]

ROWS = 20_000
"""Rows to train on: the first ones."""
TREES = 42
FEW = 3
"""Classes up to which a model has all its trees."""
_CATEGORIES = 255
"""Most categories that the learner takes as such; of more, cells count as numbers."""


@dataclass(frozen=True, kw_only=True)
class Classes:
    """What a target's cells are put together to.

    Attributes:
        of: class of each cell, from 0 without gaps.
        count: number of classes.
        middle: a number for each class, for ordered targets.
    """

    of: Ints
    count: int
    middle: Floats

    def __call__(self, cells: NDArray[np.uint16]) -> Ints:
        """Classes of cells."""
        return self.of[np.minimum(cells, len(self.of) - 1)]


def classes(
    column: ColumnDomain, cells: NDArray[np.uint16], most: int, *, ordered: bool
) -> Classes:
    """Puts cells together where they are many.

    Args:
        column: the target.
        cells: of public rows.
        most: classes at most, ≥ 2.
        ordered: whether neighbors on the line are put together, about equally many rows to each;
            else the most frequent cells stand for themselves and all others together.

    Returns:
        At most as many classes as planned for, the null cell a class of its own unless the column
        is unordered and has many. A function of public rows and documents.
    """
    counts = np.bincount(cells, minlength=column.size)[: column.size].astype(np.int64)
    size = column.size
    if size <= most:
        of = np.arange(size, dtype=np.int64)
    elif ordered:
        there = size - (column.null is not None)
        room = most - (column.null is not None)
        before = np.cumsum(counts[:there]) - counts[:there] / 2
        rank = np.floor(before * room / max(int(counts[:there].sum()), 1)).astype(np.int64)
        of = np.unique(rank.clip(0, room - 1), return_inverse=True)[1].astype(np.int64)
        if column.null is not None:
            of = np.append(of, of.max() + 1)
    else:
        frequent = np.sort(np.argsort(-counts, kind="stable")[: most - 1])
        of = np.full(size, len(frequent), dtype=np.int64)
        of[frequent] = np.arange(len(frequent))
    return Classes(of=of, count=int(of.max()) + 1, middle=_middles(column, counts, of))


def _middles(column: ColumnDomain, counts: Ints, of: Ints) -> Floats:
    """The mean value of each class among public rows; of columns without bins, its number."""
    if not column.lows:
        return np.arange(int(of.max()) + 1, dtype=np.float64)
    values = np.array([(a + b) / 2 for a, b in zip(column.lows, column.highs, strict=True)])
    if column.null is not None:
        values = np.append(values, values.mean())
    weights = counts + 1e-3  # a class without rows has the middle of its cells
    return np.bincount(of, weights * values) / np.bincount(of, weights)


@dataclass(frozen=True, kw_only=True)
class Learned:
    """A model of classes, or of a number.

    Attributes:
        features: columns that it looks at.
        model: of scikit-learn; None where every row that was learned from is of one class.
        known: the classes that it knows, increasing; empty for a number.
        alone: the class, or the number, where there is no model.
    """

    features: tuple[int, ...]
    model: Any
    known: tuple[int, ...] = ()
    alone: float = 0.0

    def number(self, cells: Cells) -> Floats:
        """The predicted number of each row."""
        if self.model is None:
            return np.full(len(cells), self.alone)
        with _one_thread():
            predicted: Floats = self.model.predict(_features(cells, self.features))
        return predicted

    def scores(self, cells: Cells, count: int) -> Floats:
        """For each row and each of `count` classes, how sure the model is of it.

        Logits: only comparisons between rows, or between classes, mean anything.
        """
        scores = np.full((len(cells), count), -1e9)
        if self.model is None:
            scores[:, int(self.alone)] = 0
            return scores
        with _one_thread():
            raw = self.model.decision_function(_features(cells, self.features))
        if raw.ndim == 1:
            raw = np.stack([-raw, raw], axis=1)
        scores[:, list(self.known)] = raw
        return scores

    def best(self, cells: Cells, count: int) -> Ints:
        """The likeliest class of each row."""
        likeliest: Ints = self.scores(cells, count).argmax(axis=1).astype(np.int64)
        return likeliest


def classifier(
    rows: Cells, target: Ints, features: Sequence[int], columns: Sequence[ColumnDomain],
    lines: Sequence[bool],
) -> Learned:  # fmt: skip
    """A model of classes.

    Args:
        rows: cells to learn from, at least one row.
        target: the class of each.
        features: columns to look at, at least one.
        columns: of the domain.
        lines: for each column whether its cells lie on a line.
    """
    from sklearn.ensemble import HistGradientBoostingClassifier

    known = tuple(int(k) for k in np.unique(target))
    if len(known) == 1:
        return Learned(features=tuple(features), model=None, known=known, alone=known[0])
    trees = TREES if len(known) <= FEW else TREES // 2  # one for each class and round
    model = HistGradientBoostingClassifier(**_options(features, columns, lines, trees))
    with _one_thread():
        model.fit(_features(rows, features), target)
    return Learned(features=tuple(features), model=model, known=known)


def regressor(
    rows: Cells, target: Floats, features: Sequence[int], columns: Sequence[ColumnDomain],
    lines: Sequence[bool],
) -> Learned:  # fmt: skip
    """A model of a number; arguments as for `classifier`."""
    from sklearn.ensemble import HistGradientBoostingRegressor

    if np.ptp(target) == 0:
        return Learned(features=tuple(features), model=None, alone=float(target[0]))
    model = HistGradientBoostingRegressor(**_options(features, columns, lines, TREES))
    with _one_thread():
        model.fit(_features(rows, features), target)
    return Learned(features=tuple(features), model=model)


def _options(
    features: Sequence[int], columns: Sequence[ColumnDomain], lines: Sequence[bool], trees: int
) -> dict[str, Any]:
    listed = [not lines[c] and 2 < columns[c].size <= _CATEGORIES for c in features]
    return {
        "max_iter": trees,
        "learning_rate": 5 / trees,
        "max_leaf_nodes": 15,
        "min_samples_leaf": 10,
        "early_stopping": False,
        "categorical_features": listed,
        "random_state": 0,  # of bins of more than 200,000 rows; no privacy rests on it
    }


def _features(cells: Cells, features: Sequence[int]) -> Floats:
    return cells[:, list(features)].astype(np.float64)


def _one_thread() -> AbstractContextManager[object]:
    """On a few thousand rows, threads that wait for each other cost more than they bring."""
    from threadpoolctl import threadpool_limits

    limited: AbstractContextManager[object] = threadpool_limits(limits=1, user_api="openmp")
    return limited
