"""SmartNoise's MST and AIM as shipped, at what they really cost; for comparison."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import TYPE_CHECKING

from dpgate.model.event import Event
from dpgate.model.policy import Proof
from dpgate.synthesis.interface import NoiseRow, Task
from dpgate.synthesis.lazy import LazySynthesizer
from dpgate.synthesis.smartnoise import honest
from dpgate.synthesis.smartnoise.synthesizer import EXTRA, PACKAGES

if TYPE_CHECKING:
    from dpgate.synthesis.lazy import Fit


class SmartnoiseMstUnpatched(LazySynthesizer):
    """SmartNoise's MST with its own noise, under replace-one, at 8/3 of the ρ it claims."""

    name: str = "smartnoise-mst-unpatched"
    proof: Proof = "real-arithmetic"
    extra: str = EXTRA
    packages: tuple[str, ...] = PACKAGES

    def plan(self, task: Task, rho: Decimal) -> tuple[Event, ...]:
        """One event that costs at most `rho`, see `dpgate.synthesis.smartnoise.honest`."""
        return honest.plan(task, rho, self.name, honest.MST_FACTOR)

    def noise(self, task: Task, events: Sequence[Event]) -> tuple[NoiseRow, ...]:
        """Noise per cell, before cells are merged."""
        return honest.noise_mst(task, events)

    def fitter(self) -> Fit:
        """SmartNoise as it is.

        Privacy:
            Noise and selection are its own, outside `mechanisms`, which is debited.
        """
        from dpgate.synthesis.smartnoise.fit_unpatched import fit_mst

        return fit_mst


class SmartnoiseAimUnpatched(LazySynthesizer):
    """SmartNoise's AIM with its own noise, under replace-one, at 11/5 of the ρ it claims."""

    name: str = "smartnoise-aim-unpatched"
    proof: Proof = "real-arithmetic"
    extra: str = EXTRA
    packages: tuple[str, ...] = PACKAGES

    def plan(self, task: Task, rho: Decimal) -> tuple[Event, ...]:
        """One event that costs at most `rho`, see `dpgate.synthesis.smartnoise.honest`."""
        return honest.plan(task, rho, self.name, honest.AIM_FACTOR)

    def noise(self, task: Task, events: Sequence[Event]) -> tuple[NoiseRow, ...]:
        """Noise per cell at the start; SmartNoise lowers it on the way."""
        return honest.noise_aim(task, events)

    def fitter(self) -> Fit:
        """SmartNoise as it is.

        Privacy:
            Noise and selection are its own, outside `mechanisms`, which is debited.
        """
        from dpgate.synthesis.smartnoise.fit_unpatched import fit_aim

        return fit_aim
