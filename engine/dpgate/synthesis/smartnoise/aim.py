"""SmartNoise's AIM on counts, with every access to them replaced."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from mbi import LinearMeasurement, estimation, junction_tree, marginal_oracles
from snsynth.aim import AIMSynthesizer

from dpgate.synthesis.smartnoise.plan import AIM, SCORE_UNIT

if TYPE_CHECKING:
    from dpgate.mechanisms.session import Mechanisms
    from dpgate.sources.interface import Counts
    from dpgate.synthesis.interface import Progress
    from dpgate.synthesis.smartnoise.counted import Clique, Counted


class PatchedAim(AIMSynthesizer):  # type: ignore[misc] # snsynth ships no types
    """SmartNoise's AIM whose noise and selection are OpenDP's, on integers, round by round.

    Args:
        weights: candidates and their weights.
        rounds: so many selections, each followed by a measurement.
        sigma: σ of one-way tables and of those of the rounds, in records.
        mechanisms: pays for all of it.
        progress: told about stages.

    Privacy:
        SmartNoise's `AIM` draws its noise from functions of its module, so the method is
        replaced whole. Rounds and scales are public; SmartNoise's depend on what was measured.
        Sizes are those of the junction tree, which SmartNoise underrates by that of its cliques.
    """

    def __init__(
        self,
        weights: Mapping[Clique, int],
        rounds: int,
        sigma: tuple[float, float],
        mechanisms: Mechanisms,
        progress: Progress,
    ) -> None:
        super().__init__(rounds=rounds)
        self._weights = weights
        self._sigma = sigma
        self._mechanisms = mechanisms
        self._progress = progress

    def AIM(self, data: Counted, workload: Sequence[Clique]) -> None:  # noqa: N802
        """Measures all columns, then what the model is furthest from, and fits after each.

        Privacy:
            Tables go through `smartnoise_aim.one_way` and `smartnoise_aim.measure`.
        """
        answers = dict(zip(workload, data.count(workload), strict=True))
        one, two = self._sigma
        log = [
            self._measured(AIM.one_way, answers[clique], clique, one)
            for clique in workload
            if len(clique) == 1
        ]
        self._progress("measure one-way", 1.0)
        model = _estimated(data, log)
        for turn in range(1, self.rounds + 1):
            limit = self.max_model_size * turn / self.rounds
            clique = self._worst_approximated(_fitting(workload, model, limit), answers, model)
            log.append(self._measured(AIM.two_way, answers[clique], clique, two))
            model = _estimated(data, log)
            self._progress("measure", turn / self.rounds)
        self.synthesizer = model

    def _worst_approximated(
        self, candidates: Sequence[Clique], answers: Mapping[Clique, Counts], model: Any
    ) -> Clique:
        """The candidate whose table the model misses by most, its noise taken off.

        Privacy:
            A score is w·(Σ|K·count − round(K·model)| − penalty), whole by construction; model
            and penalty follow from noisy tables, weights w from the domain. One row moves a
            count by 1, a score by w·K at most (replace-one: twice that).
        """
        scores = []
        for clique in candidates:
            counts = answers[clique].ravel()
            expected = np.rint(SCORE_UNIT * np.asarray(model.project(clique).datavector()))
            bias = SCORE_UNIT * counts.size * self._sigma[1] * np.sqrt(2.0 / np.pi)
            missed = int(np.abs(SCORE_UNIT * counts - expected.astype(np.int64)).sum())
            scores.append(self._weights[clique] * (missed - round(bias)))
        return candidates[self._mechanisms.select(AIM.select, np.array(scores, dtype=np.int64))]

    def _measured(self, name: str, counts: Counts, clique: Clique, sigma: float) -> Any:
        noisy = self._mechanisms.gaussian(name, counts)
        return LinearMeasurement(noisy.ravel().astype(np.float64), clique, sigma)


def _estimated(data: Counted, log: Sequence[Any]) -> Any:
    """SmartNoise's estimation; the total is that of the noisy tables."""
    return estimation.mirror_descent(
        data.domain,
        list(log),
        iters=1000,
        marginal_oracle=marginal_oracles.message_passing_stable,
    )


def _fitting(workload: Sequence[Clique], model: Any, megabytes: float) -> list[Clique]:
    """Candidates that the model holds already, or that leave it small enough."""
    return [
        clique
        for clique in workload
        if model.marginals.supports(clique)
        or junction_tree.hypothetical_model_size(model.domain, [*model.cliques, clique])
        <= megabytes
    ]
