"""Measuring a source in rounds: the table that the model misses most, then a better model."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Decimal
from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np

from dpgate.accounting.calibrate import run_scale
from dpgate.model.event import Event
from dpgate.synthesis.aim.candidates import candidates
from dpgate.synthesis.aim.plan import MEASURE, ONE_WAY, SELECT, model_cells
from dpgate.synthesis.aim.score import Exact, expected_counts, penalty
from dpgate.synthesis.inference.estimate import TOLERANCE, Estimate, Observed, estimate, prior_for
from dpgate.synthesis.inference.marginal import marginal
from dpgate.synthesis.inference.steps import steps_of
from dpgate.synthesis.inference.triangulate import Clique, cells_with, junction_tree
from dpgate.synthesis.interface import Progress, Task
from dpgate.synthesis.mst.merge import merge, total_of
from dpgate.synthesis.sampling.directed import DirectedModel

if TYPE_CHECKING:
    from dpgate.mechanisms.session import Mechanisms
    from dpgate.sources.interface import Counts, MarginalSource
    from dpgate.synthesis.inference.propagate import Table

_ROUGH = 0.05
"""Tolerance of the estimates between rounds; the next one goes on from there."""

_ANNEAL = 4
"""Factor on the budget of a round after one that changed its table by less than its noise."""


def fit(
    task: Task,
    events: Sequence[Event],
    source: MarginalSource,
    mechanisms: Mechanisms,
    progress: Progress,
) -> DirectedModel:
    """See `Synthesizer.fit`.

    Privacy:
        `source` is read twice: one-way tables, which go through a mechanism at once, and the
        exact tables of all candidates, which stay in memory and are seen by `aim.select` (as
        scores) and by `aim.measure` alone. Scales and the number of rounds follow from noisy
        tables.
    """
    planned = {event.name: event for event in events}
    width = len(task.domain)
    noisy = []
    for place, counts in enumerate(source.count([(c,) for c in range(width)])):
        noisy.append(mechanisms.gaussian(ONE_WAY, counts))
        progress("measure one-way", (place + 1) / width)
    rounds = _Rounds(task, planned, noisy, mechanisms)
    if MEASURE in planned:
        rounds.run(source, progress)
    final = rounds.estimate(TOLERANCE, lambda done: progress("fit", done))
    progress("fit", 1.0)
    return DirectedModel(
        domain=task.domain,
        columns=tuple(rounds.columns),
        steps=steps_of(final.beliefs),
        total=rounds.total,
    )


class _Rounds:
    """What has been measured so far, and the choice of what comes next."""

    def __init__(
        self,
        task: Task,
        planned: dict[str, Event],
        noisy: Sequence[Counts],
        mechanisms: Mechanisms,
    ) -> None:
        self.planned, self.mechanisms = planned, mechanisms
        self.workload, self.limit = candidates(task), model_cells(task)
        sigma = float(planned[ONE_WAY].scale)
        self.columns = [merge(table, sigma) for table in noisy]
        self.sizes = tuple(column.size for column in self.columns)
        self.observed = [column.observed(place) for place, column in enumerate(self.columns)]
        self.sums = [(table, sigma) for table in noisy]
        self.model: Estimate | None = None

    @property
    def total(self) -> float:
        """Noisy number of records, at least 0."""
        return total_of(self.sums)

    @property
    def measured(self) -> list[Clique]:
        """Tables that were measured, beside those of single columns."""
        return [seen.columns for seen in self.observed[len(self.columns) :]]

    def estimate(
        self,
        tolerance: float,
        progress: Callable[[float], None] = lambda done: None,  # noqa: ARG005
    ) -> Estimate:
        """The model of everything measured so far, starting from the one before."""
        total = max(self.total, 1.0)
        later = self.observed[len(self.columns) :] or self.observed
        precision = float(np.mean([np.mean(seen.weight) for seen in later]))
        self.model = estimate(
            junction_tree(self.sizes, self.measured),
            self.observed,
            total,
            prior=prior_for(total, precision**-0.5),
            start=self.model.potentials if self.model else (),
            tolerance=tolerance,
            progress=progress,
        )
        return self.model

    def run(self, source: MarginalSource, progress: Progress) -> None:
        """Rounds until the budget of measurements is used up."""
        # Public: no round takes a smaller part of the budget, so there are at most so many.
        part = Fraction(1, self.planned[MEASURE].times)
        open_ = self._fitting(list(self.workload.units))
        exact = self._counted(source, open_)
        required = list(self.workload.required)
        model = self.estimate(_ROUGH)
        while True:
            left = self.mechanisms.left(MEASURE) / Fraction(self.planned[MEASURE].loss)
            last = left < 2 * part
            sigma = self._scale(MEASURE, part, last=last)
            if required:
                clique = required.pop(0)
            else:
                open_ = self._fitting(open_)
                scale = self._scale(SELECT, part, last=last) if SELECT in self.planned else None
                clique = self._chosen(exact, open_, model, sigma, scale)
            before = self._expected(model, clique)
            self._measure(clique, exact, sigma)
            progress("measure", 1.0 if last else 1.0 - float(left - part))
            if last:
                break
            model = self.estimate(_ROUGH)
            change = float(np.abs(self._expected(model, clique) - before).sum())
            if change <= penalty(before, float(sigma)):
                part *= _ANNEAL

    def _scale(self, name: str, part: Fraction, *, last: bool) -> Decimal:
        """Scale of a run that takes this part of an event's loss, or all that is left of it."""
        event = self.planned[name]
        return run_scale(event, self.mechanisms.left(name) if last else part * Fraction(event.loss))

    def _expected(self, model: Estimate, clique: Clique) -> Table:
        """The model's counts, in records."""
        return max(self.total, 1.0) * marginal(model.beliefs, clique)

    def _fitting(self, cliques: Sequence[Clique]) -> list[Clique]:
        """Those that the model could take up; public sizes and noisy tables decide."""
        known = [*self.measured, *self.workload.required]
        tree = junction_tree(self.sizes, known)
        return [
            clique
            for clique in cliques
            if tree.home(clique) >= 0 or cells_with(self.sizes, [*known, clique]) <= self.limit
        ]

    def _counted(self, source: MarginalSource, open_: Sequence[Clique]) -> Exact:
        """Exact tables of everything that may be chosen or must be measured."""
        cliques = list(dict.fromkeys((*open_, *self.workload.required)))
        tables = source.count(cliques, merged=[column.cells for column in self.columns])
        return Exact(tables=dict(zip(cliques, tables, strict=True)), units=self.workload.units)

    def _chosen(
        self,
        exact: Exact,
        open_: Sequence[Clique],
        model: Estimate,
        sigma: Decimal,
        scale: Decimal | None,
    ) -> Clique:
        """The candidate with the highest noisy score.

        Args:
            exact: private tables.
            open_: candidates.
            model: what is known.
            sigma: σ that the chosen one will be measured with.
            scale: of the noise on scores; None: there is a single candidate, nothing to select.
        """
        if scale is None:
            return open_[0]
        expected = expected_counts(model.beliefs, open_, max(self.total, 1.0))
        scores = exact.scores(open_, expected, float(sigma))
        return open_[self.mechanisms.select(SELECT, scores, scale=scale)]

    def _measure(self, clique: Clique, exact: Exact, sigma: Decimal) -> None:
        noisy = self.mechanisms.gaussian(MEASURE, exact.tables[clique], scale=sigma)
        self.sums.append((noisy, float(sigma)))
        self.observed.append(
            Observed(
                columns=clique,
                counts=noisy.astype(np.float64),
                weight=np.array(float(sigma) ** -2),
            )
        )
