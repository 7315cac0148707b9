"""Attacks as tallies: every real record falls into one bin, on its own side, and bins are counted.

The vector has two rows, members and holdout, and one column for each bin. The bin of a record is a
function of that record's cells and of public artifacts (released rows, documents) alone, and a coin put
the record on one side or on the other without looking at any other record. So adding or removing a
record moves exactly one entry by 1: squared L2 distance 1. A record in another's place moves one entry
down and one up (or none): squared distance 2. `Tally.exact` enforces what the argument needs of an
attack: one bin for each row and bins that exist. That a bin depends on no other record is each
attack's own duty, so that they look up and add integers, or walk trees, row by row.

Bins are ordered: the first is what the attack is surest of. Thresholds take the first bin, the first two
and so on, unless an attack says otherwise. Intervals: `dpgate.evidence.attacks.interval`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import TYPE_CHECKING, ClassVar

from dpgate.errors import EvidenceError
from dpgate.evidence.attacks.interval import (
    TAIL,
    Interval,
    Side,
    advantage,
    at_once,
    difference,
    quantile,
)
from dpgate.evidence.measures.interface import Figure, Figures, Scene, Vector
from dpgate.model.attacks import HOLDOUT
from dpgate.model.values import Key

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from dpgate.evidence.measures.interface import Ints
    from dpgate.evidence.measures.subject import Subject
    from dpgate.evidence.whole_rows import Cells

    Places = NDArray[np.int64]

LOOKED_AT = 20_000
"""Records of a side that are looked at, about: of more, each by a coin."""


@dataclass(frozen=True, kw_only=True)
class Scorer:
    """What an attack made of public artifacts.

    Attributes:
        bins: how many there are, ≥ 1; public.
        place: the bin of each row of a table of cells. A row's depends on that row alone.
    """

    bins: int
    place: Callable[[Cells], Places]


@dataclass(frozen=True, kw_only=True)
class Tally(ABC):
    """An attack.

    Attributes:
        key: what its result is found by.
        event: name of its event.
        weight: its part of the budget for evidence, in proportion.
        scene: public documents.
    """

    key: Key
    event: str
    weight: Decimal
    scene: Scene

    whole_rows: ClassVar[bool] = True
    usual_bins: ClassVar[int] = 2
    """Bins to expect, for planning."""
    looked_at: ClassVar[int] = LOOKED_AT
    """Records of a side that are looked at, about."""

    @abstractmethod
    def check(self) -> None:
        """Whether the columns suffice; free of NumPy.

        Raises:
            EvidenceError: they do not.
        """

    @abstractmethod
    def scorer(self, subject: Subject) -> Scorer:
        """Learns from the public parts of `subject` alone.

        Privacy:
            Public: neither source nor holdout may be looked at.
        """

    def thresholds(self, bins: int) -> Sequence[Sequence[int]]:
        """Sets of bins that may count as a hit: the first, the first two, and so on."""
        return [range(upto) for upto in range(1, max(bins, 2))]

    def guess(
        self,
        subject: Subject,  # noqa: ARG002 - others look at them
        holdout: Side,  # noqa: ARG002
        hit: Sequence[int],  # noqa: ARG002
    ) -> Figure:
        """Success of somebody who saw no released row.

        Args:
            subject: its public parts alone.
            holdout: noisy counts.
            hit: the bins that count as a hit.
        """
        # Who guesses is right about both sides alike, at any rate: half of a fair choice.
        half = Fraction(1, 2)
        return Figure(label="guessing who is a member", value=half, low=half, high=half)

    def vectors(self) -> tuple[Vector, ...]:
        """One tally."""
        self.check()
        return (Vector(distance_squared=1 if self.scene.relation == "add-remove" else 2),)

    def half_width(self, scales: Sequence[Decimal], total: int) -> Fraction:
        """From the value to the upper end, if half of all are hit and thresholds lie in the middle."""
        model = self.scene.threat_model
        held = float(HOLDOUT if model is None else model.holdout)
        bins = self.usual_bins
        sides = [
            Side(
                counts=[total * part / bins] * bins,
                sigma=float(scales[0]),
                together=self._together,
            )
            for part in (1 - held, held)
        ]
        found = difference(sides[0], sides[1], range(bins // 2), quantile(TAIL))
        return Fraction(found.high - found.value)

    def exact(self, place: int, subject: Subject, before: Sequence[Ints]) -> Ints:  # noqa: ARG002
        """Counts of bins: members, then holdout."""
        import numpy as np

        from dpgate.evidence.whole_rows import blocks

        if not subject.released.num_rows:
            raise EvidenceError("there are no synthetic rows to attack with")
        sides = subject.sides()
        scorer = self.scorer(subject)
        counts = np.zeros((2, scorer.bins), dtype=np.int64)
        for side, source in enumerate(sides):
            for cells in blocks(source, self._share(subject, side)):
                # Whatever an attack says: one bin for each row, and one that exists.
                bins = np.broadcast_to(scorer.place(cells), len(cells)).clip(0, scorer.bins - 1)
                counts[side] += np.bincount(bins, minlength=scorer.bins)
            subject.progress("evidence", (side + 1) / 2)
        return counts

    def figures(
        self, subject: Subject, measured: Sequence[Ints], scales: Sequence[Decimal]
    ) -> Figures:
        """Advantage, and success on both sides at the threshold where it is largest."""
        members, holdout = (
            Side(
                counts=[float(count) for count in side],
                sigma=float(scales[0]),
                together=self._together,
            )
            for side in measured[0]
        )
        thresholds = self.thresholds(len(members.counts))
        found, best = advantage(members, holdout, thresholds)
        z, hit = at_once(2 * len(thresholds)), thresholds[best]
        p, q = members.share(hit, z), holdout.share(hit, z)
        return Figures(
            main=figure("", found),
            given=(
                "the released rows; the interval covers the noise and that rows are drawn from many"
            ),
            parts=(
                figure("success among members", p),
                figure("success among holdout", q),
                figure("hits that membership alone explains", _owed(p, q)),
                self.guess(subject, holdout, hit),
            ),
        )

    @property
    def _together(self) -> int:
        return self.scene.dataset.spec.unit.max_rows_per_person

    def _share(self, subject: Subject, side: int) -> float:
        """Probability of being looked at, from the noisy total and the documents."""
        model = self.scene.threat_model
        held = float(HOLDOUT if model is None else model.holdout)
        expected = subject.total * (held / (1 - held) if side else 1.0)
        return min(1.0, self.looked_at / max(expected, 1.0))


def figure(label: str, found: Interval) -> Figure:
    """An interval as a figure; numbers below 0 are 0."""
    low, value, high = (Fraction(max(v, 0.0)) for v in (found.low, found.value, found.high))
    return Figure(label=label, low=low, value=value, high=high)


def _owed(p: Interval, q: Interval) -> Interval:
    """1 − q/p: which part of the hits among members would be none had they been held out."""

    def part(missed: float, hit: float) -> float:
        return min(max(1 - missed / hit, 0.0), 1.0) if hit > 0 else 0.0

    value = part(q.value, p.value)
    return Interval(
        low=min(part(q.high, p.low), value),
        value=value,
        high=max(part(q.low, p.high), value),
    )
