"""SmartNoise's MST on counts: once as shipped, once with every access to them replaced."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import TYPE_CHECKING, Any

import numpy as np
from mbi import LinearMeasurement, estimation, marginal_oracles
from snsynth.mst import MSTSynthesizer

from dpgate.synthesis.mst.select import kruskal
from dpgate.synthesis.sampling.directed import Coarsening
from dpgate.synthesis.smartnoise.counted import Clique, Counted
from dpgate.synthesis.smartnoise.plan import MST, SCORE_UNIT

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from dpgate.mechanisms.session import Mechanisms
    from dpgate.sources.interface import Cells, Counts
    from dpgate.synthesis.interface import Progress


class CountedMst(MSTSynthesizer):  # type: ignore[misc] # snsynth ships no types
    """SmartNoise's MST, which merges tables instead of rewriting rows.

    Attributes:
        columns: how cells were merged, once `MST` ran.
    """

    columns: tuple[Coarsening, ...] = ()

    def transform_data(self, data: Counted, supports: Mapping[str, NDArray[np.bool_]]) -> Counted:
        """Merges the cells without support, as SmartNoise does; they come apart evenly."""
        self.columns = tuple(_coarsened(supports[column]) for column in data.domain)
        return data.merged([column.cells for column in self.columns])


class PatchedMst(CountedMst):
    """SmartNoise's MST whose noise and selection are OpenDP's, on integers.

    Args:
        one_way: noisy one-way tables, in the order of the columns.
        sigma: σ of one-way and two-way tables, in records.
        mechanisms: pays for scores and two-way tables.
        progress: told about stages.

    Privacy:
        `MST` of the base class reads its data in `measure` and `select` alone, both replaced,
        and its length, which is a noisy total here. Its own ε is computed and ignored.
    """

    def __init__(
        self,
        one_way: Sequence[Counts],
        sigma: tuple[float, float],
        mechanisms: Mechanisms,
        progress: Progress,
    ) -> None:
        super().__init__()
        self._one_way = {f"col{place}": table for place, table in enumerate(one_way)}
        self._sigma = sigma
        self._mechanisms = mechanisms
        self._progress = progress

    def measure(
        self, data: Counted, cliques: Sequence[Clique], sigma: float, weights: None = None
    ) -> list[Any]:
        """Noisy tables; one-way tables are there already.

        Privacy:
            Two-way tables go through `smartnoise_mst.two_way`.
        """
        del sigma, weights  # the events decide
        one, two = self._sigma
        if all(len(clique) == 1 for clique in cliques):
            return [_measured(self._one_way[clique[0]], clique, one) for clique in cliques]
        noisy = [self._mechanisms.gaussian(MST.two_way, x) for x in data.count(cliques)]
        self._progress("measure two-way", 1.0)
        return [_measured(y, clique, two) for y, clique in zip(noisy, cliques, strict=True)]

    def compress_domain(self, data: Counted, measurements: Sequence[Any]) -> Any:
        """Merges cells below 3σ, and says of the merged one that it was scaled.

        The count of k merged cells, scaled by 1/√k, has the σ of the others. SmartNoise scales it
        by 1/√(k + 1) and fits it as if it had not been scaled, single cells too.
        """
        data, merged, undo = super().compress_domain(data, measurements)
        pairs = zip(measurements, merged, strict=True)
        return data, [_corrected(before, after) for before, after in pairs], undo

    def select(
        self,
        data: Counted,
        rho: float,
        measurement_log: Sequence[Any],
        total: int,
        cliques: Sequence[Clique] = (),
    ) -> list[Clique]:
        """A tree of the pairs that a model of independent columns misses most.

        Privacy:
            A score is Σ|K·count − round(K·model)|, whole by construction; the model follows
            from noisy tables. One row moves a count by 1, a score by K = `SCORE_UNIT` at most
            (replace-one: twice that).
        """
        del rho, cliques
        columns = list(data.domain)
        pairs = list(combinations(range(len(columns)), 2))
        names: list[Clique] = [(columns[a], columns[b]) for a, b in pairs]
        if len(pairs) < 2:
            return names
        model = estimation.mirror_descent(
            data.domain,
            list(measurement_log),
            known_total=float(total),
            iters=1000,
            marginal_oracle=marginal_oracles.message_passing_stable,
        )
        ones = [np.asarray(model.project((column,)).datavector()) for column in columns]
        expected = [np.outer(ones[a], ones[b]) / total for a, b in pairs]
        tables = zip(data.count(names), expected, strict=True)
        scores = np.array([_score(counts, model) for counts, model in tables], dtype=np.int64)
        chosen = kruskal(pairs, scores, lambda among: self._mechanisms.select(MST.select, among))
        self._progress("select", 1.0)
        return [(columns[a], columns[b]) for a, b in chosen]


def _coarsened(support: NDArray[np.bool_]) -> Coarsening:
    cells: Cells = np.cumsum(support) - 1
    cells[~support] = int(support.sum())
    return Coarsening(cells=cells, within=1.0 / np.bincount(cells)[cells])


def _measured(noisy: Counts, clique: Clique, sigma: float) -> Any:
    return LinearMeasurement(noisy.ravel().astype(np.float64), clique, sigma)


def _corrected(before: Any, after: Any) -> Any:
    """The measurement over merged cells, scaled by 1/√k, of a query that does the same."""
    if after is before:
        return before
    members = before.noisy_measurement.size - after.noisy_measurement.size + 1
    values = np.array(after.noisy_measurement)
    values[-1] *= np.sqrt((members + 1) / members)
    scale = 1.0 / np.sqrt(members)
    return LinearMeasurement(
        values,
        after.clique,
        after.stddev,
        lambda table: table.datavector().at[-1].multiply(scale),
    )


def _score(counts: Counts, model: NDArray[np.float64]) -> int:
    whole = np.rint(SCORE_UNIT * model).astype(np.int64)
    return int(np.abs(SCORE_UNIT * counts - whole).sum())
