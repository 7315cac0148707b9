"""How far a model misses each candidate, beyond what noise would add: whole numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from dpgate.synthesis.inference.marginal import marginal
from dpgate.synthesis.inference.pairs import pair_marginals
from dpgate.synthesis.inference.propagate import Beliefs
from dpgate.synthesis.inference.triangulate import Clique

if TYPE_CHECKING:
    from dpgate.sources.interface import Counts
    from dpgate.synthesis.inference.propagate import Table

_MEAN_ABSOLUTE = float(np.sqrt(2 / np.pi))
"""Mean size of standard Gaussian noise."""


@dataclass(frozen=True, kw_only=True)
class Exact:
    """Exact tables of the candidates, over merged cells; counted once and kept in memory.

    Attributes:
        tables: by clique.
        units: steps per record of each one's score.

    Privacy:
        Private, in the clear.
    """

    tables: Mapping[Clique, Counts]
    units: Mapping[Clique, int]

    def scores(
        self, cliques: Sequence[Clique], expected: Mapping[Clique, Table], sigma: float
    ) -> Counts:
        """Scores of some candidates.

        Args:
            cliques: which.
            expected: the model's counts of each, in records.
            sigma: σ of the noise that the chosen one will be measured with.

        Returns:
            int64: Σ|K·count − round(K·expected)| − K·penalty, with K the candidate's unit.

        Privacy:
            Private. `expected` and `sigma` follow from noisy tables, so one row moves a score by
            at most K ≤ `SCORE_UNIT` (replace-one: twice that).
        """
        scores = []
        for clique in cliques:
            unit, model = self.units[clique], expected[clique]
            steps = np.rint(unit * model).astype(np.int64)
            distance = int(np.abs(unit * self.tables[clique] - steps).sum())
            scores.append(distance - round(unit * penalty(model, sigma)))
        return np.array(scores, dtype=np.int64)


def penalty(expected: Table, sigma: float) -> float:
    """L1 error that a measured table is expected to keep, in records.

    Noise stays where many records are expected; where few are, the estimate leans on the model and
    errs by no more than about those.
    """
    return float(np.minimum(_MEAN_ABSOLUTE * sigma, expected).sum())


def expected_counts(
    beliefs: Beliefs, cliques: Sequence[Clique], total: float
) -> dict[Clique, Table]:
    """The model's counts of candidates: of all pairs in one sweep, of larger ones each by itself.

    Privacy:
        Post-processing.
    """
    pairs = pair_marginals(beliefs)
    return {
        clique: total * (pairs[clique] if clique in pairs else marginal(beliefs, clique))
        for clique in cliques
    }
