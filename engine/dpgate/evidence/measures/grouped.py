"""Measures of one column within groups: what they share.

Groups are the public cells of the columns in `by`, whether anybody is in them or not; no `by`: one group of
everybody. Rows without a value in `of` belong to no group, so the value is a share of the rows with one:
N̂ times the released share of those.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING

from dpgate.errors import EvidenceError
from dpgate.evidence.measures.columns import fits, place_of, values_of
from dpgate.evidence.measures.interface import RESOLUTION
from dpgate.evidence.measures.scalar import Scalar

if TYPE_CHECKING:
    from dpgate.evidence.measures.subject import Subject
    from dpgate.sources.interface import Counts, MarginalSource

GROUPS_AT_MOST = 2**16
"""Groups are added up one by one in Python's integers."""
FINE = 2**40
"""Released numbers are rounded to about one part in this many before they meet private counts."""


@dataclass(frozen=True, kw_only=True)
class Grouped(Scalar):
    """A sum over groups of how far each is off.

    Attributes:
        of: the column.
        by: columns whose cells are the groups.
    """

    of: str
    by: tuple[str, ...]

    def clique(self) -> tuple[int, ...]:
        """Indices of the columns of the groups, then of `of`.

        Raises:
            EvidenceError: a column is not learned, or there are too many groups.
        """
        metric = self.key.metric
        places = tuple(place_of(self.scene, name) for name in (*self.by, self.of))
        if self.of in self.by:
            raise EvidenceError(
                f"{metric}: {self.of} cannot be within groups of itself", fix="leave it out of by"
            )
        fits(self.scene, places[:-1], metric, GROUPS_AT_MOST)
        fits(self.scene, places, metric)
        return places

    def moves(self) -> int:
        """One record: a row counts in its own group alone, and there by 1 at most."""
        self.clique()  # raises for columns that are not learned
        return RESOLUTION

    def replaced(self) -> int:
        """Two groups, unless there is but one: within a group a row is worth 1 at most."""
        return 2 * self.moves() if self.by else self.moves()

    def counted(self, source: MarginalSource) -> Counts:
        """Rows of each group (first axis) in each cell of `of` that holds a value."""
        table = source.count([self.clique()])[0]
        values = values_of(self.scene.domain.columns[self.clique()[-1]])
        counts: Counts = table.reshape(-1, table.shape[-1])[:, :values]
        return counts

    def valued(self, subject: Subject) -> Fraction:
        """The released share of rows that have a value; 1 if none has."""
        rows = int(self.counted(subject.counts).sum())
        return Fraction(rows or subject.released.num_rows, subject.released.num_rows)

    def scale_of(self, subject: Subject) -> Fraction:
        """A record is one of those that have a value."""
        return 1 / self.valued(subject)
