"""SmartNoise's AIM on counts, with every access to them replaced."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np
from mbi import LinearMeasurement, estimation, junction_tree, marginal_oracles
from snsynth.aim import AIMSynthesizer

from dpgate.accounting.calibrate import run_scale
from dpgate.model.event import Event
from dpgate.synthesis.smartnoise.plan import AIM, SCORE_UNIT

if TYPE_CHECKING:
    from dpgate.mechanisms.session import Mechanisms
    from dpgate.sources.interface import Counts
    from dpgate.synthesis.interface import Progress
    from dpgate.synthesis.smartnoise.counted import Clique, Counted

_ANNEAL = 4
"""Factor on the budget of a round after one that changed its table by less than its noise:
SmartNoise halves σ and doubles ε."""


class PatchedAim(AIMSynthesizer):  # type: ignore[misc] # snsynth ships no types
    """SmartNoise's AIM whose noise and selection are OpenDP's, on integers, round by round.

    Args:
        weights: candidates and their weights.
        events: the planned ones.
        mechanisms: pays for all of it.
        progress: told about stages.

    Privacy:
        SmartNoise's `AIM` draws its noise from functions of its module, so the method is
        replaced whole. Scales follow from noisy tables, and the session sees to it that they
        cost no more than was reserved. Sizes are those of the junction tree, which SmartNoise
        underrates by that of its cliques.
    """

    def __init__(
        self,
        weights: Mapping[Clique, int],
        events: Sequence[Event],
        mechanisms: Mechanisms,
        progress: Progress,
    ) -> None:
        super().__init__()
        self._weights = weights
        self._events = {event.name: event for event in events}
        self._mechanisms = mechanisms
        self._progress = progress

    def AIM(self, data: Counted, workload: Sequence[Clique]) -> None:  # noqa: N802
        """Measures all columns, then what the model is furthest from, and fits after each.

        Privacy:
            Tables go through `smartnoise_aim.one_way` and `smartnoise_aim.measure`.
        """
        answers = dict(zip(workload, data.count(workload), strict=True))
        log = [
            self._measured(AIM.one_way, answers[clique], clique, None)
            for clique in workload
            if len(clique) == 1
        ]
        self._progress("measure one-way", 1.0)
        model = _estimated(data, log)
        part = Fraction(1, self._events[AIM.two_way].times)
        last = False
        while not last:
            left = self._mechanisms.left(AIM.two_way) / Fraction(self._events[AIM.two_way].loss)
            last = left < 2 * part
            done = 1.0 if last else 1.0 - float(left - part)
            open_ = _fitting(workload, model, self.max_model_size * done)
            sigma = self._scale(AIM.two_way, part, last=last)
            scale = self._scale(AIM.select, part, last=last)
            clique = self._worst_approximated(open_, answers, model, scale, sigma)
            log.append(self._measured(AIM.two_way, answers[clique], clique, sigma))
            before = model.project(clique).datavector()
            model = _estimated(data, log)
            change = float(np.abs(np.asarray(model.project(clique).datavector() - before)).sum())
            if change <= _bias(before.size, sigma):
                part *= _ANNEAL
            self._progress("measure", done)
        self.synthesizer = model

    def _worst_approximated(
        self,
        candidates: Sequence[Clique],
        answers: Mapping[Clique, Counts],
        model: Any,
        scale: Decimal,
        sigma: Decimal,
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
            missed = int(np.abs(SCORE_UNIT * counts - expected.astype(np.int64)).sum())
            bias = round(SCORE_UNIT * _bias(counts.size, sigma))
            scores.append(self._weights[clique] * (missed - bias))
        whole = np.array(scores, dtype=np.int64)
        return candidates[self._mechanisms.select(AIM.select, whole, scale=scale)]

    def _measured(self, name: str, counts: Counts, clique: Clique, sigma: Decimal | None) -> Any:
        noisy = self._mechanisms.gaussian(name, counts, scale=sigma)
        stddev = float(self._events[name].scale if sigma is None else sigma)
        return LinearMeasurement(noisy.ravel().astype(np.float64), clique, stddev)

    def _scale(self, name: str, part: Fraction, *, last: bool) -> Decimal:
        """Scale of a run that takes this part of an event's loss, or all that is left of it."""
        event = self._events[name]
        whole = Fraction(event.loss)
        return run_scale(event, self._mechanisms.left(name) if last else part * whole)


def _bias(cells: int, sigma: Decimal) -> float:
    """Expected L1 size of the noise on a table, in records."""
    return cells * float(sigma) * float(np.sqrt(2.0 / np.pi))


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
