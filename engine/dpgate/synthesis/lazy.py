"""Synthesizers whose fit is imported when it is asked for: planning needs no NumPy."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING

from dpgate.errors import MissingExtraError
from dpgate.model.event import Event
from dpgate.model.policy import Proof
from dpgate.synthesis.interface import Model, NoiseRow, Progress, Task

if TYPE_CHECKING:
    from dpgate.mechanisms.session import Mechanisms
    from dpgate.sources.interface import MarginalSource

    Fit = Callable[[Task, Sequence[Event], MarginalSource, Mechanisms, Progress], Model]


class LazySynthesizer(ABC):
    """A synthesizer that says what its fit needs, and imports it late."""

    name: str
    proof: Proof = "opendp"
    extra: str = "synth"
    """The pip extra that brings `packages`."""
    packages: tuple[str, ...] = ("numpy", "pyarrow")
    """What a fit imports beside dpgate; asked for before anything is spent."""

    @abstractmethod
    def plan(self, task: Task, rho: Decimal) -> tuple[Event, ...]:
        """Events that cost at most `rho`; see `Synthesizer.plan`."""

    @abstractmethod
    def noise(self, task: Task, events: Sequence[Event]) -> tuple[NoiseRow, ...]:
        """Expected noise of each order of marginals; see `Synthesizer.noise`."""

    @abstractmethod
    def fitter(self) -> Fit:
        """The function that fits, imported now."""

    def fit(
        self,
        task: Task,
        events: Sequence[Event],
        source: MarginalSource,
        mechanisms: Mechanisms,
        progress: Progress,
    ) -> Model:
        """Measures and fits; see `Synthesizer.fit`.

        Raises:
            MissingExtraError: a package that it needs is not installed.
            SourceError: the data became unreadable.
            SynthesisError: the estimation diverged.

        Privacy:
            Spends `events`, through `mechanisms`; the rest is post-processing.
        """
        try:
            fit = self.fitter()
        except ModuleNotFoundError as error:
            if (error.name or "").startswith("dpgate"):  # ours, and gone: no missing extra
                raise
            raise MissingExtraError(extra=self.extra, what=f"the {self.name} synthesizer") from None
        return fit(task, events, source, mechanisms, progress)
