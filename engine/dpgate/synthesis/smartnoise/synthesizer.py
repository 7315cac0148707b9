"""The SmartNoise synthesizers."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import TYPE_CHECKING

from dpgate.errors import MissingExtraError
from dpgate.model.event import Event
from dpgate.model.policy import Proof
from dpgate.synthesis.interface import Model, NoiseRow, Progress, Task
from dpgate.synthesis.smartnoise import plan as planning

if TYPE_CHECKING:
    from dpgate.mechanisms.session import Mechanisms
    from dpgate.sources.interface import MarginalSource

EXTRA = "smartnoise"
PACKAGES = ("mbi", "networkx", "numpy", "pandas", "pyarrow", "snsynth")


class SmartnoiseMst:
    """SmartNoise's MST with public domains, OpenDP's integer noise and a noisy total.

    Its merging of rare cells, its tree, its estimation (mbi) and their settings are kept; the
    slip in the weight of merged cells is mended.
    """

    name: str = "smartnoise-mst"
    proof: Proof = "opendp"
    extra: str = EXTRA
    packages: tuple[str, ...] = PACKAGES

    def plan(self, task: Task, rho: Decimal) -> tuple[Event, ...]:
        """Events that cost at most `rho`, see `plan_mst`."""
        return planning.plan_mst(task, rho)

    def noise(self, task: Task, events: Sequence[Event]) -> tuple[NoiseRow, ...]:
        """Noise per cell, before cells are merged."""
        return planning.noise(task, events, planning.MST)

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
            MissingExtraError: SmartNoise is not installed.
            SynthesisError: the estimation diverged.

        Privacy:
            Spends `events` in full, through `mechanisms`; the rest is post-processing.
        """
        try:
            from dpgate.synthesis.smartnoise.fit_mst import fit
        except ModuleNotFoundError as error:
            raise missing(error, self.name) from None
        return fit(task, events, source, mechanisms, progress)


class SmartnoiseAim:
    """SmartNoise's AIM with public domains and OpenDP's integer noise.

    Its workload, weights, candidates, annealing, estimation (mbi) and their settings are kept, but
    for the number of rounds that it plans for, 2 a column instead of 16.
    """

    name: str = "smartnoise-aim"
    proof: Proof = "opendp"
    extra: str = EXTRA
    packages: tuple[str, ...] = PACKAGES

    def plan(self, task: Task, rho: Decimal) -> tuple[Event, ...]:
        """Events that cost at most `rho`, see `plan_aim`."""
        return planning.plan_aim(task, rho)

    def noise(self, task: Task, events: Sequence[Event]) -> tuple[NoiseRow, ...]:
        """Noise per cell of a table that is measured."""
        return planning.noise(task, events, planning.AIM)

    def fit(
        self,
        task: Task,
        events: Sequence[Event],
        source: MarginalSource,
        mechanisms: Mechanisms,
        progress: Progress,
    ) -> Model:
        """Measures and fits in rounds; see `Synthesizer.fit`.

        Raises:
            MissingExtraError: SmartNoise is not installed.
            SynthesisError: the estimation diverged.

        Privacy:
            Spends `events` in full, through `mechanisms`; the rest is post-processing.
        """
        try:
            from dpgate.synthesis.smartnoise.fit_aim import fit
        except ModuleNotFoundError as error:
            raise missing(error, self.name) from None
        return fit(task, events, source, mechanisms, progress)


def missing(error: ModuleNotFoundError, name: str) -> Exception:
    """What to raise when an import fails: a package of ours that is gone is no missing extra."""
    if (error.name or "").startswith("dpgate"):
        return error
    return MissingExtraError(extra=EXTRA, what=f"the {name} synthesizer")
