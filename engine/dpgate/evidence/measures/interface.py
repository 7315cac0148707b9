"""What every measure is: vectors of integers that a row moves by a public bound, and what they say.

A measure is planned from public documents, computed exactly on private data, protected by one Gaussian
mechanism for each of its vectors, and concluded from the noisy vectors alone. Members are found by the
entry point groups of `dpgate.evidence.measures.registry`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import TYPE_CHECKING, Protocol

from dpgate.model.attacks import ThreatModel
from dpgate.model.dataset import Dataset
from dpgate.model.domain import Domain
from dpgate.model.values import Key, Relation

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from dpgate.evidence.measures.subject import Subject

    Ints = NDArray[np.int64]

RESOLUTION = 1024
"""K: steps per record of integer statistics; even, so that K·½ is whole."""
NORMAL_95 = Fraction(1_959_964, 1_000_000)
"""97.5 % quantile of the standard normal distribution."""


@dataclass(frozen=True, kw_only=True)
class Scene:
    """What measures are planned from, public documents alone.

    Attributes:
        dataset: describes the columns.
        domain: cells of the columns that are learned.
        relation: neighboring relation of the population.
        threat_model: what an adversary knows; None where nothing is attacked.
    """

    dataset: Dataset
    domain: Domain
    relation: Relation
    threat_model: ThreatModel | None = None

    def place(self, name: str) -> int:
        """Index of a column of the domain."""
        return self.domain.names.index(name)


@dataclass(frozen=True, kw_only=True)
class Vector:
    """One vector of integers that is measured.

    Attributes:
        suffix: ends the name of its event; empty for the only one of a measure.
        distance_squared: squared L2 distance on neighboring datasets, in its own integer units.
        share: part of the measure's budget, in (0, 1].
    """

    distance_squared: int
    suffix: str = ""
    share: Fraction = Fraction(1)


@dataclass(frozen=True, kw_only=True)
class Figure:
    """A number with its interval; a number without noise has low = high = value.

    Attributes:
        label: what it is about, for people; empty for the measure's own value.
        value: ≥ 0.
        low: ≤ value.
        high: ≥ value.
    """

    value: Fraction
    low: Fraction
    high: Fraction
    label: str = ""


@dataclass(frozen=True, kw_only=True)
class Figures:
    """What a measure comes to.

    Attributes:
        main: the value that thresholds judge, by the bad end of its interval.
        given: what the interval takes as given, or covers, for people.
        parts: further numbers from the same noisy vectors, at most 200.
        marginals: how many marginals the value is about, of measures that have any.
    """

    main: Figure
    given: str
    parts: tuple[Figure, ...] = ()
    marginals: int | None = None


class Measure(Protocol):
    """One measure of one release, made from a threshold or the name of an attack."""

    @property
    def key(self) -> Key:
        """What its result is found by."""

    @property
    def event(self) -> str:
        """Name of its event, or what the names of its events begin with."""

    @property
    def weight(self) -> Decimal:
        """Its part of the budget for evidence, in proportion."""

    @property
    def whole_rows(self) -> bool:
        """Whether it looks at whole rows, so that the source must be a `RowSource`."""

    def vectors(self) -> tuple[Vector, ...]:
        """What is measured, in order; the relation is the scene's.

        Raises:
            EvidenceError: it cannot be measured on this domain.

        Privacy:
            Data-independent, and free of NumPy.
        """

    def half_width(self, scales: Sequence[Decimal], total: int) -> Fraction:
        """Half the 95 % interval to expect, in the unit of the value; 0 where nobody can know.

        Args:
            scales: σ of each vector, in its integer units.
            total: public number of rows to assume, ≥ 1.
        """

    def exact(self, place: int, subject: Subject, before: Sequence[Ints]) -> Ints:
        """One vector without noise.

        Args:
            place: which of `vectors`.
            subject: what is looked at.
            before: the vectors before it as they came out of their mechanisms: public.

        Returns:
            int64, any shape; each number within ±2⁶².

        Privacy:
            Private. Moves by at most the vector's distance between neighboring datasets, for any
            released rows and any `before`. Only mechanisms (or stewards' keys) may see it.
        """

    def figures(
        self, subject: Subject, measured: Sequence[Ints], scales: Sequence[Decimal]
    ) -> Figures:
        """What the vectors say, with the intervals that their noise implies.

        Args:
            subject: its public parts alone may be looked at.
            measured: the vectors as they came out; exact ones with scales of 0.
            scales: σ of each vector's noise, in its integer units.

        Privacy:
            Post-processing.
        """
