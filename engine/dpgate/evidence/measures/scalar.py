"""Measures of one number of records: a statistic in steps of 1/K record, noisy once, over N̂."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import TYPE_CHECKING, ClassVar

from dpgate.evidence.measures.interface import (
    NORMAL_95,
    RESOLUTION,
    Figure,
    Figures,
    Scene,
    Vector,
)
from dpgate.model.values import Key

if TYPE_CHECKING:
    from dpgate.evidence.measures.interface import Ints
    from dpgate.evidence.measures.subject import Subject

LARGEST = 2**62
"""Numbers are clamped to ± this public bound, which keeps distances and fits 64 bits."""


@dataclass(frozen=True, kw_only=True)
class Scalar(ABC):
    """A measure whose statistic is one integer.

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

    whole_rows: ClassVar[bool] = False
    most: ClassVar[Fraction | None] = Fraction(1)
    """Largest value there can be; None: there is no bound."""

    @abstractmethod
    def moves(self) -> int:
        """How far one row more or less moves the statistic at most, in steps, its rounding left out.

        Where a row is replaced it is twice that, unless `replaced` says less.

        Raises:
            EvidenceError: it cannot be measured on this domain.
        """

    @abstractmethod
    def statistic(self, subject: Subject) -> int:
        """The statistic: records that are wrong, times K, rounded down to a whole number.

        Privacy:
            Private. Exact integers, but for numbers that follow from released rows and N̂ alone.
        """

    def replaced(self) -> int:
        """How far one row in another's place moves it at most, in steps."""
        return 2 * self.moves()

    def scale_of(self, subject: Subject) -> Fraction:  # noqa: ARG002 - the usual unit
        """What one record of the statistic counts in the value, times N̂; public."""
        return Fraction(1)

    def marginals(self, subject: Subject) -> int | None:  # noqa: ARG002 - most are about none
        """How many marginals the value is about; public."""
        return None

    def vectors(self) -> tuple[Vector, ...]:
        """One number; rounding it down moves it by less than one step more."""
        far = self.moves() if self.scene.relation == "add-remove" else self.replaced()
        return (Vector(distance_squared=(far + 1) ** 2),)

    def half_width(self, scales: Sequence[Decimal], total: int) -> Fraction:
        """Half the 95 % interval, where a record counts one N̂-th."""
        return NORMAL_95 * Fraction(scales[0]) / (RESOLUTION * total)

    def exact(self, place: int, subject: Subject, before: Sequence[Ints]) -> Ints:  # noqa: ARG002
        """The statistic, as a vector of one."""
        import numpy as np

        bounded = max(-LARGEST, min(self.statistic(subject), LARGEST))
        return np.array([bounded], dtype=np.int64)

    def figures(
        self, subject: Subject, measured: Sequence[Ints], scales: Sequence[Decimal]
    ) -> Figures:
        """The statistic over N̂, with the interval of its noise."""
        noisy = int(measured[0][0])
        unit = Fraction(RESOLUTION * subject.total) / self.scale_of(subject)
        half = NORMAL_95 * Fraction(scales[0]) / unit
        # The statistic lies up to one step below what it stands for, hence the +1.
        low, value, high = (
            self._kept(share)
            for share in (noisy / unit - half, noisy / unit, (noisy + 1) / unit + half)
        )
        return Figures(
            main=Figure(value=value, low=low, high=high),
            given=f"the noisy total of {subject.total} records",
            marginals=self.marginals(subject),
        )

    def _kept(self, value: Fraction) -> Fraction:
        above = max(value, Fraction(0))
        return above if self.most is None else min(above, self.most)
