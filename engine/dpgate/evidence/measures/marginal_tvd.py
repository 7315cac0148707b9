"""Total variation of marginals: the mean over all of one order, or the worst one.

For marginals with private counts x (integers), released shares p and a noisy total N̂ that the
synthesizer already paid for, each has T = ½‖x − N̂·p‖₁ in records. Adding or removing a row moves
one entry of each x by one, so each T, their mean and their maximum by at most ½; replacing a row moves
two entries, so by at most 1. That holds because N̂·p is fixed before x is read here: the true total
appears nowhere. The mechanism gets the integer ⌊K·T⌋; the result is (⌊K·T⌋ + noise)/(K·N̂), clipped
to [0, 1]. The worst one is the advantage of the best classifier that sees one such marginal of a row.

Everything from x to ⌊K·T⌋ is integer arithmetic: N̂·p enters as whole multiples of 1/K records, which
is a function of released values alone. Floating-point sums are not used, so the stated distance holds
for the program and not just on paper.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dpgate.evidence.marginals import Clique, batches, marginals
from dpgate.evidence.measures.interface import RESOLUTION, Scene
from dpgate.evidence.measures.scalar import Scalar
from dpgate.model.utility import MarginalTvd

if TYPE_CHECKING:
    from dpgate.evidence.measures.subject import Subject
    from dpgate.sources.interface import Counts, MarginalSource
    from dpgate.synthesis.interface import Progress


def of_threshold(threshold: MarginalTvd, scene: Scene, event: str) -> MarginalDistance:
    """The measure of a threshold; a member of `dpgate.measures`."""
    return MarginalDistance(
        key=threshold.key,
        event=event,
        weight=threshold.weight,
        scene=scene,
        order=threshold.order,
        worst=threshold.metric == "worst_marginal_tvd",
    )


@dataclass(frozen=True, kw_only=True)
class MarginalDistance(Scalar):
    """Total variation of all marginals of one order.

    Attributes:
        order: columns of each.
        worst: whether the largest one counts instead of their mean.
    """

    order: int
    worst: bool = False

    @property
    def cliques(self) -> tuple[Clique, ...]:
        """The marginals, by columns.

        Raises:
            EvidenceError: there are fewer columns, or one has too many cells.
        """
        return marginals(self.scene.domain, self.order)

    def moves(self) -> int:
        """Half a record."""
        marginals(self.scene.domain, self.order)  # raises where they cannot be counted
        return RESOLUTION // 2

    def statistic(self, subject: Subject) -> int:
        """⌊K·T⌋, the mean over all marginals or the largest."""
        cliques = self.cliques
        found = [
            distance_in_steps(counts, released, subject.total)
            for _, counts, released in compared(
                subject.source, subject.counts, cliques, subject.progress
            )
        ]
        return max(found) // 2 if self.worst else sum(found) // (2 * len(cliques))

    def marginals(self, subject: Subject) -> int:  # noqa: ARG002 - follows from the domain
        """How many there are."""
        return len(self.cliques)


def compared(
    source: MarginalSource,
    released: MarginalSource,
    cliques: Sequence[Clique],
    progress: Progress,
) -> Iterator[tuple[Clique, Counts, Counts]]:
    """Private and released counts of each marginal, read in bounded memory.

    Privacy:
        The middle one of each triple is private.
    """
    done = 0
    for batch in batches(source.domain, cliques):
        yield from zip(batch, source.count(batch), released.count(batch), strict=True)
        done += len(batch)
        progress("evidence", done / len(cliques))


def in_steps(released: Counts, total: int) -> Counts:
    """K·N̂·p in whole steps: where each cell should stand; floats touch released values alone."""
    import numpy as np

    steps: Counts = np.rint(released * (RESOLUTION * total / released.sum())).astype(np.int64)
    return steps


def distance_in_steps(counts: Counts, released: Counts, total: int) -> int:
    """‖K·x − round(K·N̂·p)‖₁ as an exact integer."""
    import numpy as np

    return int(np.abs(counts * RESOLUTION - in_steps(released, total)).sum())
