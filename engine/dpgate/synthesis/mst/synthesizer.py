"""The MST synthesizer: plan, measure, select a tree, fit it."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import TYPE_CHECKING

from dpgate.model.event import Event
from dpgate.synthesis.interface import NoiseRow, Task
from dpgate.synthesis.lazy import LazySynthesizer
from dpgate.synthesis.mst import plan as planning

if TYPE_CHECKING:
    from dpgate.synthesis.lazy import Fit


class Mst(LazySynthesizer):
    """Maximum spanning tree of noisy marginals (McKenna, Miklau, Sheldon 2021, arXiv 2108.04978).

    Differences: integer noise and selection by OpenDP, the total is measured and never known,
    merged cells are weighted by their own variance, and inference is exact on the tree.
    """

    name: str = "mst"

    def plan(self, task: Task, rho: Decimal) -> tuple[Event, ...]:
        """Events that cost at most `rho`, see `dpgate.synthesis.mst.plan.plan`."""
        return planning.plan(task, rho)

    def noise(self, task: Task, events: Sequence[Event]) -> tuple[NoiseRow, ...]:
        """Noise per cell, before cells are merged."""
        return planning.noise(task, events)

    def fitter(self) -> Fit:
        """Its fit, imported now."""
        from dpgate.synthesis.mst.fit import fit

        return fit
