"""How dependences between columns differ, mean over pairs: correlations, and Cramér's V squared.

N̂ is the noisy total; released shares and N̂ are public and fixed before private counts x are read.

`correlation` of two ordered columns: |Σ x_ab·z_a·z_b − N̂·(mean of z·z over released rows)|, where z is the
cell's position (`positions`) less the released mean, over the released standard deviation, clipped to
±3; 0 for a missing value. A correlation is a ratio of private sums, which no public bound holds; its
numerator is a sum of bounded parts once z comes from public numbers. The divided value is the
difference of two correlations where both sides agree on means and deviations of the single columns,
and beyond that it also sees that they do not: what z·z averages to is then no correlation but still a
number that the release got wrong. z is rounded to 1/32, so z·z is a whole number of steps, at most 9
records: that is how far a row moves each |·|, hence their mean. A row replaced, 18.

`cramers_v` of two columns: |Φ(x) − Φ(N̂·p)|/(m − 1) with Φ the bounded χ² (`huber`) around N̂·p_i·p_j, the
independence of the released columns, and m the smaller number of public cells. Φ/N̂ is φ² where cells
hold at least half and at most twice what independence says, less than it beyond. A row moves Φ by at
most 2 and a replaced one by 4; the mean over pairs by the mean of 2/(m − 1), rounded up to steps.

Integers throughout: released numbers are rounded to steps before they meet private ones.
"""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING

from dpgate.evidence.marginals import Clique
from dpgate.evidence.measures.columns import ordered, pairs, place_of, positions, values_of
from dpgate.evidence.measures.huber import SLOPE, UNIT, huber
from dpgate.evidence.measures.interface import RESOLUTION, Scene
from dpgate.evidence.measures.marginal_tvd import compared, in_steps
from dpgate.evidence.measures.scalar import Scalar
from dpgate.model.domain import ColumnDomain
from dpgate.model.utility import Dependence

if TYPE_CHECKING:
    from dpgate.evidence.measures.subject import Subject
    from dpgate.sources.interface import Counts

CLIP = 3
"""Standard deviations beyond which a value counts as that many."""
FINE = 32
"""Steps of z in one standard deviation; its square is K."""


def of_threshold(threshold: Dependence, scene: Scene, event: str) -> Dependences:
    """The measure of a threshold; a member of `dpgate.measures`."""
    kinds: dict[str, Callable[..., Dependences]] = {
        "correlation": Correlation,
        "cramers_v": CramersV,
    }
    return kinds[threshold.metric](
        key=threshold.key,
        event=event,
        weight=threshold.weight,
        scene=scene,
        columns=threshold.columns,
    )


@dataclass(frozen=True, kw_only=True)
class Dependences(Scalar):
    """A mean over pairs of columns.

    Attributes:
        columns: which; None: every one of that kind.
    """

    columns: tuple[str, ...] | None

    @abstractmethod
    def cliques(self) -> tuple[Clique, ...]:
        """The pairs.

        Raises:
            EvidenceError: a column is not of the kind, or there are no two.
        """

    def marginals(self, subject: Subject) -> int:  # noqa: ARG002 - follows from the domain
        """How many pairs."""
        return len(self.cliques())


class Correlation(Dependences):
    """Mean difference of correlations, as far as bounded sums can tell."""

    most = None

    def cliques(self) -> tuple[Clique, ...]:
        """Pairs of ordered columns."""
        return pairs(self.scene, ordered(self.scene, self.columns, "correlation"), "correlation")

    def moves(self) -> int:
        """3·3 records."""
        self.cliques()  # raises for columns that are not ordered
        return CLIP**2 * RESOLUTION

    def statistic(self, subject: Subject) -> int:
        """The mean over pairs, rounded down."""
        cliques, columns = self.cliques(), self.scene.domain.columns
        singles = sorted({place for pair in cliques for place in pair})
        released = subject.counts.count([(place,) for place in singles])
        z = {p: standard(columns[p], table) for p, table in zip(singles, released, strict=True)}
        found = 0
        for (a, b), counts, public in compared(
            subject.source, subject.counts, cliques, subject.progress
        ):
            found += _products_apart(counts, public, z[a], z[b], subject.total)
        return found // len(cliques)


def _products_apart(counts: Counts, released: Counts, a: Counts, b: Counts, total: int) -> int:
    """|Σ z·z over private rows − N̂ times its released mean|, in steps."""
    rows = int(released.sum())
    # Row sums fit 64 bits; their products with z are added up in Python's integers.
    private, public = (
        sum(int(x) * int(y) for x, y in zip(table @ b, a, strict=True))
        for table in (counts, released)
    )
    return abs(private - round(Fraction(total * public, rows)))


def standard(column: ColumnDomain, released: Counts) -> Counts:
    """The z of each cell in steps of 1/32, by released rows alone; a missing value is at the mean.

    Where all released values are equal, there is no deviation, and a quarter of the range stands in.
    """
    import numpy as np

    at = np.array([float(position) for position in positions(column)])
    weights = released[: len(at)].astype(float)
    share = weights / weights.sum() if weights.any() else np.full(len(at), 1 / len(at))
    mean = float(at @ share)
    deviation = float(np.sqrt((at - mean) ** 2 @ share))
    scale = deviation or (at[-1] - at[0]) / 4
    z = np.rint(np.clip((at - mean) / scale, -CLIP, CLIP) * FINE).astype(np.int64)
    whole: Counts = np.append(z, np.zeros(column.size - len(at), dtype=np.int64))
    return whole


class CramersV(Dependences):
    """Mean difference of squared Cramér's V, bounded."""

    most = Fraction(3)

    def cliques(self) -> tuple[Clique, ...]:
        """Pairs of columns."""
        names = self.scene.domain.names if self.columns is None else self.columns
        places = [place_of(self.scene, name) for name in names]
        return pairs(self.scene, places, "cramers_v")

    def moves(self) -> int:
        """The mean of 2/(m − 1) records, rounded up to steps."""
        cliques = self.cliques()
        parts = sum(Fraction(1, self._less_one(pair)) for pair in cliques)
        return math.ceil(SLOPE * RESOLUTION * parts / len(cliques))

    def _less_one(self, pair: Clique) -> int:
        """Of the smaller number of cells that hold values, one less."""
        return min(values_of(self.scene.domain.columns[place]) for place in pair) - 1

    def statistic(self, subject: Subject) -> int:
        """The mean over pairs, rounded down."""
        cliques = self.cliques()
        found = Fraction(0)
        for pair, counts, released in compared(
            subject.source, subject.counts, cliques, subject.progress
        ):
            expected = independent(released, subject.total)
            private = huber(counts * RESOLUTION, expected)
            public = huber(in_steps(released, subject.total), expected)
            found += Fraction(abs(private - public), UNIT * self._less_one(pair))
        return int(found // len(cliques))


def independent(released: Counts, total: int) -> Counts:
    """K·N̂·p_i·p_j in whole steps: the table of independent columns; public."""
    import numpy as np

    rows = released.sum()
    shares = np.outer(released.sum(axis=1) / rows, released.sum(axis=0) / rows)
    steps: Counts = np.rint(shares * (RESOLUTION * total)).astype(np.int64)
    return steps
