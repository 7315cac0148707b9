"""Use of the rows: a model of a target that is trained on released rows, tested on real ones.

The real rows are the holdout if there is one, else those that were learned from. A target of two or more
classes is judged by the area under the ROC curve: of each class against all others, weighted by their
rows (with two classes there is one area). A numeric target in bins is judged by R². All of it is read off
noisy counts:

- classes: for each class a table of (score bin × whether it is the row's class). Score bins are public
  quantiles of the scores of released rows. A row is in one cell of each of K tables (K = 1 for two
  classes): squared L2 distance K under add-remove, 2K under replace-one.
- numbers: one table of (predicted bin × true bin), both public; a row is in one cell: 1 and 2. Bins
  stand for the mean released value, or the mean prediction, within them.

Which cells a row is in follows from that row's cells and from released rows alone. The interval covers the
noise and that real rows are a sample (`dpgate.evidence.measures.areas`); bins themselves lose a little of
an area, and nothing of that is in it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from math import sqrt
from typing import TYPE_CHECKING, ClassVar, cast

from dpgate.errors import EvidenceError
from dpgate.evidence.attacks.interval import TAIL, Interval, quantile
from dpgate.evidence.attacks.knowledge import ordered
from dpgate.evidence.measures.interface import Figure, Figures, Scene, Vector
from dpgate.model.utility import Prediction as Asked
from dpgate.model.values import Key

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from dpgate.evidence.learner import Classes, Learned
    from dpgate.evidence.measures.interface import Ints
    from dpgate.evidence.measures.subject import Subject
    from dpgate.evidence.whole_rows import Cells
    from dpgate.sources.interface import RowSource

    Floats = NDArray[np.float64]

CLASSES = 6
"""Most classes that a target is put together to."""
SCORES = 12
"""Score bins."""
VALUES = 8
"""Most bins of a numeric target, and of its predictions."""


def of_threshold(threshold: Asked, scene: Scene, event: str) -> Prediction:
    """The measure of a threshold; a member of `dpgate.measures`."""
    return Prediction(
        key=threshold.key,
        event=event,
        weight=threshold.weight,
        scene=scene,
        target=threshold.target,
    )


@dataclass(frozen=True, kw_only=True)
class Prediction:
    """A model of a target, trained on released rows.

    Attributes:
        key: what its result is found by.
        event: name of its event.
        weight: its part of the budget for evidence, in proportion.
        scene: public documents.
        target: the column that is predicted from all others.
    """

    key: Key
    event: str
    weight: Decimal
    scene: Scene
    target: str

    whole_rows: ClassVar[bool] = True

    @property
    def numeric(self) -> bool:
        """Whether the target is a number in bins."""
        return bool(self.scene.domain.columns[self.place].lows)

    @property
    def place(self) -> int:
        """Which column of the domain is predicted.

        Raises:
            EvidenceError: it is not learned, or is the only one, or has one cell.
        """
        names = self.scene.domain.names
        if self.target not in names:
            raise EvidenceError(
                f"prediction: {self.target} is no column that this release learns",
                fix="name a released column with a domain as target",
            )
        place = names.index(self.target)
        if len(names) < 2 or self.scene.domain.columns[place].size < 2:
            raise EvidenceError(
                f"prediction: {self.target} cannot be predicted",
                fix="name a target with two or more cells, and release a column beside it",
            )
        return place

    @property
    def tables(self) -> int:
        """Cells that a row is in."""
        classes = min(self.scene.domain.columns[self.place].size, CLASSES)
        return 1 if self.numeric or classes == 2 else classes

    def vectors(self) -> tuple[Vector, ...]:
        """One vector."""
        rows = 1 if self.scene.relation == "add-remove" else 2
        return (Vector(distance_squared=rows * self.tables),)

    def half_width(self, scales: Sequence[Decimal], total: int) -> Fraction:
        """Of an area of 0.75, classes equally large; of an R² of 0.5, values equally frequent."""
        held = 1.0 if self.scene.threat_model is None else float(self.scene.threat_model.holdout)
        rows, sigma = max(total * held, 1.0), float(scales[0])
        if self.numeric:
            # Gradients are about 1/rows in each of the cells, at most some times that at the ends.
            noise = 2 * sigma * VALUES / rows
        else:
            share = 1 / max(self.tables, 2)
            noise = sigma * sqrt(SCORES / 12) / (rows * share * (1 - share))
        spread = sqrt(self._together / rows)
        half = quantile(TAIL) * sqrt(noise**2 + spread**2)
        return Fraction(min(half, 1.0))

    def exact(self, place: int, subject: Subject, before: Sequence[Ints]) -> Ints:  # noqa: ARG002
        """Counts of cells."""
        import numpy as np

        from dpgate.evidence.whole_rows import blocks

        if not subject.released.num_rows:
            raise EvidenceError("there are no synthetic rows to learn from")
        judge = _judge(self, subject)
        counts = np.zeros(judge.shape, dtype=np.int64)
        for cells in blocks(tested_on(subject)):
            judge.add(counts, cells)
        subject.progress("evidence", 1.0)
        return counts

    def figures(
        self, subject: Subject, measured: Sequence[Ints], scales: Sequence[Decimal]
    ) -> Figures:
        """The area, or R², with the interval of noise and sampling."""
        from dpgate.evidence.measures.areas import explained, mean_area

        noisy, sigma = measured[0].astype(float), float(scales[0])
        given = "the released rows; the interval covers the noise and that rows are drawn from many"
        judge = _judge(self, subject)
        if isinstance(judge, _Numbers):
            found = explained(noisy, judge.predicted, judge.true, sigma, self._together)
            return Figures(main=_figure("", found), given=f"R² given {given}")
        main, each = mean_area(noisy, sigma, self._together)
        parts = [_figure(f"class {k + 1} of {len(each)}", area) for k, area in enumerate(each)]
        return Figures(
            main=_figure("", main),
            given=f"AUC given {given}",
            parts=tuple(parts[len(parts) == 1 :]),
        )

    @property
    def _together(self) -> int:
        return self.scene.dataset.spec.unit.max_rows_per_person


def tested_on(subject: Subject) -> RowSource:
    """Real rows to test with: held out, if any were.

    Raises:
        EvidenceError: they do not pass through this machine.
    """
    source = subject.source if subject.holdout is None else subject.holdout
    if not hasattr(source, "rows"):
        raise EvidenceError("prediction needs a source of whole rows")
    return cast("RowSource", source)


def _figure(label: str, found: Interval) -> Figure:
    low, value, high = (Fraction(v) for v in (found.low, found.value, found.high))
    return Figure(label=label, low=low, value=value, high=high)


@dataclass(frozen=True, kw_only=True)
class _Areas:
    """Score bins of each class."""

    target: int
    classes: Classes
    model: Learned
    shown: tuple[int, ...]
    """Classes that have a table."""
    cuts: tuple[Floats, ...]

    @property
    def shape(self) -> tuple[int, ...]:
        return len(self.shown), SCORES, 2

    def add(self, counts: Ints, cells: Cells) -> None:
        """Counts each row once for each class."""
        import numpy as np

        scores = self.model.scores(cells, self.classes.count)
        truth = self.classes(cells[:, self.target])
        for table, k in enumerate(self.shown):
            bins = np.searchsorted(self.cuts[table], scores[:, k], side="right")
            keys = bins * 2 + (truth == k)
            counts[table] += np.bincount(keys, minlength=SCORES * 2).reshape(SCORES, 2)


@dataclass(frozen=True, kw_only=True)
class _Numbers:
    """Bins of predictions and of true values."""

    target: int
    classes: Classes
    model: Learned
    cuts: Floats
    predicted: Floats

    @property
    def shape(self) -> tuple[int, ...]:
        return len(self.predicted), self.classes.count

    @property
    def true(self) -> Floats:
        """The value of each bin of the target."""
        return self.classes.middle

    def add(self, counts: Ints, cells: Cells) -> None:
        """Counts each row once."""
        import numpy as np

        bins = np.searchsorted(self.cuts, self.model.number(cells), side="right")
        keys = bins * self.classes.count + self.classes(cells[:, self.target])
        counts += np.bincount(keys, minlength=counts.size).reshape(counts.shape)


def _judge(measure: Prediction, subject: Subject) -> _Areas | _Numbers:
    """Trains on released rows; public."""
    import numpy as np

    from dpgate.evidence import learner

    target = measure.place
    columns, lines = measure.scene.domain.columns, ordered(measure.scene)
    rows = subject.cells[: learner.ROWS]
    features = [c for c in range(len(columns)) if c != target]
    most = VALUES if measure.numeric else CLASSES
    classes = learner.classes(columns[target], rows[:, target], most, ordered=lines[target])
    truth = classes(rows[:, target])
    if measure.numeric:
        model = learner.regressor(rows, classes.middle[truth], features, columns, lines)
        made = model.number(rows)
        cuts = np.unique(np.quantile(made, np.arange(1, VALUES) / VALUES))
        bins = np.searchsorted(cuts, made, side="right")
        sums = np.bincount(bins, made, minlength=len(cuts) + 1)
        sizes = np.bincount(bins, minlength=len(cuts) + 1)
        predicted = np.where(sizes > 0, sums / np.maximum(sizes, 1), made.mean())
        return _Numbers(target=target, classes=classes, model=model, cuts=cuts, predicted=predicted)
    model = learner.classifier(rows, truth, features, columns, lines)
    scores = model.scores(rows, classes.count)
    shown = (1,) if classes.count == 2 else tuple(range(classes.count))
    at = np.arange(1, SCORES) / SCORES
    return _Areas(
        target=target,
        classes=classes,
        model=model,
        shown=shown,
        cuts=tuple(np.quantile(scores[:, k], at) for k in shown),
    )
