"""The AIM synthesizer: plan, then rounds of choosing, measuring and fitting."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import TYPE_CHECKING

from dpgate.model.event import Event
from dpgate.synthesis.aim import plan as planning
from dpgate.synthesis.interface import NoiseRow, Task
from dpgate.synthesis.lazy import LazySynthesizer

if TYPE_CHECKING:
    from dpgate.synthesis.lazy import Fit


class Aim(LazySynthesizer):
    """AIM (McKenna, Mullins, Sheldon, Miklau 2022, arXiv 2201.12677).

    Differences: integer noise and selection by OpenDP, the total is measured and never known,
    cells that drown in noise are merged, a table's penalty counts only noise that an estimate
    keeps, and inference is regularised towards independent columns.
    """

    name: str = "aim"
    uses_workload: bool = True

    def plan(self, task: Task, rho: Decimal) -> tuple[Event, ...]:
        """Events that cost at most `rho`, see `dpgate.synthesis.aim.plan.plan`."""
        return planning.plan(task, rho)

    def noise(self, task: Task, events: Sequence[Event]) -> tuple[NoiseRow, ...]:
        """Noise per cell in the first round, before cells are merged; later rounds have less."""
        return planning.noise(task, events)

    def fitter(self) -> Fit:
        """Its fit, imported now."""
        from dpgate.synthesis.aim.fit import fit

        return fit
