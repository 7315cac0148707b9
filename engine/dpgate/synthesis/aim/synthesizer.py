"""The AIM synthesizer: plan, then rounds of choosing, measuring and fitting."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import TYPE_CHECKING

from dpgate.errors import MissingExtraError
from dpgate.model.event import Event
from dpgate.model.policy import Proof
from dpgate.synthesis.aim import plan as planning
from dpgate.synthesis.interface import Model, NoiseRow, Progress, Task

if TYPE_CHECKING:
    from dpgate.mechanisms.session import Mechanisms
    from dpgate.sources.interface import MarginalSource


class Aim:
    """AIM (McKenna, Mullins, Sheldon, Miklau 2022, arXiv 2201.12677).

    Differences: integer noise and selection by OpenDP, the total is measured and never known,
    cells that drown in noise are merged, a table's penalty counts only noise that an estimate
    keeps, and inference is regularised towards independent columns.
    """

    name: str = "aim"
    proof: Proof = "opendp"
    uses_workload: bool = True

    def plan(self, task: Task, rho: Decimal) -> tuple[Event, ...]:
        """Events that cost at most `rho`, see `dpgate.synthesis.aim.plan.plan`."""
        return planning.plan(task, rho)

    def noise(self, task: Task, events: Sequence[Event]) -> tuple[NoiseRow, ...]:
        """Noise per cell in the first round, before cells are merged; later rounds have less."""
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
            Spends `events`, through `mechanisms`; the rest is post-processing.
        """
        try:
            from dpgate.synthesis.aim.fit import fit
        except ModuleNotFoundError as error:
            if error.name not in ("numpy", "pyarrow"):
                raise
            raise MissingExtraError(extra="synth", what="the aim synthesizer") from None
        return fit(task, events, source, mechanisms, progress)
