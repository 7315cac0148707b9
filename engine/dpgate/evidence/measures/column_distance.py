"""Distances of single columns, mean over several: Kolmogorov–Smirnov, Wasserstein, χ².

x are private counts of one column's cells, F and p released shares, N̂ the noisy total, public and fixed
before x is read. Steps are 1/K record; N̂·F and N̂·p are rounded to them. The null cell of an ordered
column comes last, after the highest value: a row that went missing is one that moved there.

- `ks`: max over cuts c between cells of |X_c − N̂·F_c|, X_c the rows at or below c. A row more or less
  moves each X_c by at most 1, and so does a row replaced (it lies below c or not); a maximum moves no
  farther than its parts. Distance 1 record under both relations.
- `wasserstein`: Σ over cuts of w_c·|X_c − N̂·F_c|, w_c ≥ 0 the gap between neighboring cells as a share
  of the whole line: middles of bins, ranks of ordinals, and missing one mean gap beyond. Weights are
  rounded down to multiples of 2⁻³⁰, so Σ w_c ≤ 1: distance 1 under both, as above.
- `chi_square`: Σ over cells of `huber`(x, N̂·p). A row moves one cell by 1, so this by at most 2; a
  replaced one moves two cells, so 4.

A mean over columns moves no farther than the farthest. All bounds are whole numbers of steps and survive
rounding down. Integers throughout; floats touch released counts and N̂ alone.
"""

from __future__ import annotations

import itertools
from abc import abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, ClassVar

from dpgate.evidence.measures.columns import listed, ordered, positions
from dpgate.evidence.measures.huber import SLOPE, UNIT, huber
from dpgate.evidence.measures.interface import RESOLUTION, Scene
from dpgate.evidence.measures.marginal_tvd import compared, in_steps
from dpgate.evidence.measures.scalar import Scalar
from dpgate.model.domain import ColumnDomain
from dpgate.model.utility import ColumnDistance

if TYPE_CHECKING:
    from dpgate.evidence.measures.subject import Subject
    from dpgate.sources.interface import Counts

WEIGHTS = 2**30
"""Weights of gaps are multiples of one part of this."""


def of_threshold(threshold: ColumnDistance, scene: Scene, event: str) -> Distances:
    """The measure of a threshold; a member of `dpgate.measures`."""
    kinds: dict[str, Callable[..., Distances]] = {
        "ks": KolmogorovSmirnov,
        "wasserstein": Wasserstein,
        "chi_square": ChiSquare,
    }
    return kinds[threshold.metric](
        key=threshold.key,
        event=event,
        weight=threshold.weight,
        scene=scene,
        columns=threshold.columns,
    )


@dataclass(frozen=True, kw_only=True)
class Distances(Scalar):
    """The mean of a distance over columns.

    Attributes:
        columns: which; None: every one of that kind.
    """

    columns: tuple[str, ...] | None

    choose: ClassVar[Callable[..., tuple[int, ...]]] = staticmethod(ordered)
    """Which columns there are to choose from."""

    def places(self) -> tuple[int, ...]:
        """Indices of the columns.

        Raises:
            EvidenceError: one is not of the kind, or there are none.
        """
        return self.choose(self.scene, self.columns, self.key.metric)

    def moves(self) -> int:
        """One record."""
        self.places()  # raises for columns that are not of the kind
        return RESOLUTION

    def replaced(self) -> int:
        """One record as well: a row lies below a cut or it does not."""
        return self.moves()

    def statistic(self, subject: Subject) -> int:
        """The mean over columns, rounded down."""
        cliques = tuple((place,) for place in self.places())
        found = sum(
            self.distance(self.scene.domain.columns[place], counts, released, subject.total)
            for (place,), counts, released in compared(
                subject.source, subject.counts, cliques, subject.progress
            )
        )
        return int(found // len(cliques))

    def marginals(self, subject: Subject) -> int:  # noqa: ARG002 - follows from the domain
        """One for each column."""
        return len(self.places())

    @abstractmethod
    def distance(
        self, column: ColumnDomain, counts: Counts, released: Counts, total: int
    ) -> Fraction:
        """Of one column, in steps, exact.

        Privacy:
            Private. Moves by at most what the class says.
        """


def _cuts(counts: Counts, released: Counts, total: int) -> Counts:
    """|K·X_c − round(K·N̂·F_c)| at every cut between two cells."""
    import numpy as np

    below = np.cumsum(released) * (RESOLUTION * total / released.sum())
    wrong = np.abs(np.cumsum(counts) * RESOLUTION - np.rint(below).astype(np.int64))
    apart: Counts = wrong[:-1]
    return apart


class KolmogorovSmirnov(Distances):
    """The largest difference of cumulative shares."""

    def distance(
        self,
        column: ColumnDomain,  # noqa: ARG002 - the order is all that counts
        counts: Counts,
        released: Counts,
        total: int,
    ) -> Fraction:
        """The largest over cuts; 0 where there is no cut."""
        return Fraction(int(_cuts(counts, released, total).max(initial=0)))


class Wasserstein(Distances):
    """How far rows would have to move, as a share of the column's range, on average."""

    def distance(
        self, column: ColumnDomain, counts: Counts, released: Counts, total: int
    ) -> Fraction:
        """Over cuts, weighted by gaps."""
        wrong = (int(cut) for cut in _cuts(counts, released, total))
        return Fraction(sum(w * cut for w, cut in zip(_gaps(column), wrong, strict=True)), WEIGHTS)


def _gaps(column: ColumnDomain) -> tuple[int, ...]:
    """Gaps between neighboring cells in parts of `WEIGHTS` of the whole line; the sum is no more."""
    at = list(positions(column))
    if column.null is not None:
        at.append(at[-1] + ((at[-1] - at[0]) / (len(at) - 1) if len(at) > 1 else 1))
    return tuple(int(WEIGHTS * (b - a) / (at[-1] - at[0])) for a, b in itertools.pairwise(at))


class ChiSquare(Distances):
    """Pearson's χ² over N̂, bounded."""

    choose = staticmethod(listed)
    most = Fraction(3)
    """Cells too full add 2·‖·‖₁ ≤ 2, empty ones 1, of a table as large as N̂."""

    def moves(self) -> int:
        """Two records: a row is in one cell."""
        return SLOPE * super().moves()

    def replaced(self) -> int:
        """Four records: two cells."""
        return 2 * self.moves()

    def distance(
        self,
        column: ColumnDomain,  # noqa: ARG002 - cells have no order
        counts: Counts,
        released: Counts,
        total: int,
    ) -> Fraction:
        """Over cells."""
        return Fraction(huber(counts * RESOLUTION, in_steps(released, total)), UNIT)
