"""Membership by density: do released rows crowd around a row more than its cells alone explain?

DOMIAS (van Breugel and others 2023, 2302.12580): the density of the released rows at a record over a
reference density there. Ours: a kernel over distances, exp(−β·distance), summed over released rows, over
the same kernel summed over all rows that have each released column's marginal and nothing else in common.
Overfitted places score high. The bin is how a record's score compares with public quantiles of the
scores of released rows without themselves.

Weights are whole numbers and so are their sums; logarithms are looked up in a public table in steps of
1/`STEPS`. So a record's bin is an exact function of its cells and of released rows, whatever rows stand
beside it: see `dpgate.evidence.attacks.tally`.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, ClassVar

from dpgate.evidence.attacks import knowledge
from dpgate.evidence.attacks.tally import Scorer, Tally
from dpgate.evidence.measures.interface import Scene
from dpgate.model.values import Key

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from dpgate.evidence.attacks.near import Near
    from dpgate.evidence.measures.subject import Subject
    from dpgate.evidence.whole_rows import Cells
    from dpgate.model.domain import ColumnDomain

QUANTILES = (0.97, 0.9, 0.7, 0.4)
ROWS = 20_000
"""Released rows that densities are made of: the first ones."""
COMPARED = 1_000
SCALE = 2**15
"""Weight of a row at distance 0."""
STEPS = 64
"""Steps of a logarithm in 1."""
BETA_AT_MOST = 1.0
"""Per unit of distance, a quarter of a column."""
FOLDS = 6.0
"""How many times e smaller a weight is at the usual distance of a row from the closest other."""


def of_attack(about: str | None, weight: Decimal, scene: Scene, event: str) -> Density:
    """A member of `dpgate.attacks`."""
    return Density(
        key=Key(metric="membership_density", about=about), event=event, weight=weight, scene=scene
    )


@dataclass(frozen=True, kw_only=True)
class Density(Tally):
    """Density of released rows over that of independent columns."""

    usual_bins: ClassVar[int] = 1 + len(QUANTILES)

    def check(self) -> None:
        """Any columns do."""

    def scorer(self, subject: Subject) -> Scorer:
        """Sums of kernels over released rows, and tables of the reference."""
        import numpy as np

        from dpgate.evidence.attacks.near import Near

        rows, columns = subject.cells[:ROWS], self.scene.domain.columns
        lines = knowledge.ordered(self.scene)
        near = Near(rows, columns, lines)
        closest = near.others(COMPARED, lambda row: row.min(initial=near.farthest))
        beta = min(BETA_AT_MOST, FOLDS / max(1.0, float(np.median(closest))))
        weights = _weights(beta, near.farthest)
        tables = [
            _reference(rows[:, c], column, beta, line=lines[c]) for c, column in enumerate(columns)
        ]
        logarithm = _Logarithm(SCALE * len(rows))

        def score(cells: Cells, sums: NDArray[np.int64]) -> NDArray[np.int64]:
            usual = sum(
                table[np.minimum(cells[:, c], len(table) - 1)] for c, table in enumerate(tables)
            )
            return logarithm.of(sums) - usual

        own = near.others(COMPARED, lambda row: weights[row].sum(dtype=np.int64))
        scores = score(rows[: len(own)], own)
        cuts = -np.unique(np.quantile(scores, QUANTILES, method="lower").astype(np.int64))[::-1]
        return Scorer(
            bins=len(cuts) + 1,
            # A score above the highest cut is bin 0: compared as −score, increasing.
            place=lambda cells: np.searchsorted(cuts, -score(cells, near.weighed(cells, weights))),
        )


class _Logarithm:
    """Natural logarithms of whole numbers, in whole steps, by looking them up."""

    def __init__(self, largest: int) -> None:
        import numpy as np

        highest = int(np.log(float(largest)) * STEPS) + 2
        self._grid = np.ceil(np.exp(np.arange(highest) / STEPS)).astype(np.int64)

    def of(self, sums: NDArray[np.int64]) -> NDArray[np.int64]:
        """How many steps each logarithm has; 0 for nothing."""
        import numpy as np

        return np.searchsorted(self._grid, sums, side="right").astype(np.int64)


def _weights(beta: float, farthest: int) -> NDArray[np.uint16]:
    import numpy as np

    weights = np.rint(SCALE * np.exp(-beta * np.arange(farthest + 1)))
    return np.asarray(weights, dtype=np.uint16)


def _reference(
    cells: NDArray[np.uint16], column: ColumnDomain, beta: float, *, line: bool
) -> NDArray[np.int64]:
    """For each cell the logarithm of its mean weight over the column's released cells, in steps."""
    import numpy as np

    from dpgate.evidence.attacks.near import Near

    counts = np.bincount(cells, minlength=column.size)[: column.size]
    every = np.arange(column.size, dtype=np.uint16)[:, None]
    near: Near = Near(every, [column], [line])
    usual = np.zeros(column.size)
    for at, to, tile in near.tiles(every):
        usual[at] += np.exp(-beta * tile.astype(np.float64)) @ counts[to]
    return np.asarray(np.rint(STEPS * np.log(usual / counts.sum())), dtype=np.int64)
