"""The SmartNoise synthesizers."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import TYPE_CHECKING

from dpgate.model.event import Event
from dpgate.synthesis.interface import NoiseRow, Task
from dpgate.synthesis.lazy import LazySynthesizer
from dpgate.synthesis.smartnoise import plan as planning

if TYPE_CHECKING:
    from dpgate.synthesis.lazy import Fit

EXTRA = "smartnoise"
PACKAGES = ("mbi", "networkx", "numpy", "pandas", "pyarrow", "snsynth")


class SmartnoiseMst(LazySynthesizer):
    """SmartNoise's MST with public domains, OpenDP's integer noise and a noisy total.

    Its merging of rare cells, its tree, its estimation (mbi) and their settings are kept; the
    slip in the weight of merged cells is mended.
    """

    name: str = "smartnoise-mst"
    extra: str = EXTRA
    packages: tuple[str, ...] = PACKAGES

    def plan(self, task: Task, rho: Decimal) -> tuple[Event, ...]:
        """Events that cost at most `rho`, see `plan_mst`."""
        return planning.plan_mst(task, rho)

    def noise(self, task: Task, events: Sequence[Event]) -> tuple[NoiseRow, ...]:
        """Noise per cell, before cells are merged."""
        return planning.noise(task, events, planning.MST)

    def fitter(self) -> Fit:
        """Its fit, imported now."""
        from dpgate.synthesis.smartnoise.fit_mst import fit

        return fit


class SmartnoiseAim(LazySynthesizer):
    """SmartNoise's AIM with public domains and OpenDP's integer noise.

    Its workload, weights, candidates, annealing, estimation (mbi) and their settings are kept, but
    for the number of rounds that it plans for, 2 a column instead of 16.
    """

    name: str = "smartnoise-aim"
    extra: str = EXTRA
    packages: tuple[str, ...] = PACKAGES

    def plan(self, task: Task, rho: Decimal) -> tuple[Event, ...]:
        """Events that cost at most `rho`, see `plan_aim`."""
        return planning.plan_aim(task, rho)

    def noise(self, task: Task, events: Sequence[Event]) -> tuple[NoiseRow, ...]:
        """Noise per cell of a table that is measured."""
        return planning.noise(task, events, planning.AIM)

    def fitter(self) -> Fit:
        """Its fit, imported now."""
        from dpgate.synthesis.smartnoise.fit_aim import fit

        return fit
