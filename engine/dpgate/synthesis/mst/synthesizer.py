"""The MST synthesizer: plan, measure, select a tree, fit it."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import TYPE_CHECKING

from dpgate.errors import MissingExtraError
from dpgate.model.event import Event
from dpgate.model.policy import Proof
from dpgate.synthesis.interface import Model, NoiseRow, Progress, Task
from dpgate.synthesis.mst import plan as planning

if TYPE_CHECKING:
    from dpgate.mechanisms.session import Mechanisms
    from dpgate.sources.interface import MarginalSource


class Mst:
    """Maximum spanning tree of noisy marginals (McKenna, Miklau, Sheldon 2021, arXiv 2108.04978).

    Differences: integer noise and selection by OpenDP, the total is measured and never known,
    merged cells are weighted by their own variance, and inference is exact on the tree.
    """

    name: str = "mst"
    proof: Proof = "opendp"

    def plan(self, task: Task, rho: Decimal) -> tuple[Event, ...]:
        """Events that cost at most `rho`, see `dpgate.synthesis.mst.plan.plan`."""
        return planning.plan(task, rho)

    def noise(self, task: Task, events: Sequence[Event]) -> tuple[NoiseRow, ...]:
        """Noise per cell, before cells are merged."""
        return planning.noise(task, events)

    def fit(
        self,
        task: Task,
        events: Sequence[Event],
        source: MarginalSource,
        mechanisms: Mechanisms,
        progress: Progress,
    ) -> Model:
        """Measures, selects and fits; see `Synthesizer.fit`.

        Raises:
            MissingExtraError: NumPy or pyarrow is not installed.
            SourceError: the data became unreadable.

        Privacy:
            Spends `events` in full, through `mechanisms`; the rest is post-processing.
        """
        try:
            from dpgate.synthesis.mst.fit import fit
        except ModuleNotFoundError as error:
            if error.name not in ("numpy", "pyarrow"):
                raise
            raise MissingExtraError(extra="synth", what="the mst synthesizer") from None
        return fit(task, events, source, mechanisms, progress)
