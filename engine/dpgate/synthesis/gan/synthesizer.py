"""The two synthesizers that train a network: what they promise, and what they take."""

from __future__ import annotations

import copy
from abc import abstractmethod
from collections.abc import Callable, Sequence
from decimal import Decimal
from functools import partial
from typing import TYPE_CHECKING, ClassVar

from dpgate.accounting.calibrate import Budget
from dpgate.errors import SynthesisError
from dpgate.model.event import Event
from dpgate.model.policy import Proof
from dpgate.synthesis.gan import plan as planning
from dpgate.synthesis.gan.plan import Defaults, Recipe
from dpgate.synthesis.interface import NoiseRow, Task
from dpgate.synthesis.lazy import LazySynthesizer

if TYPE_CHECKING:
    from dpgate.mechanisms.session import Mechanisms
    from dpgate.sources.interface import MarginalSource
    from dpgate.synthesis.gan.checkpoint import Checkpoints
    from dpgate.synthesis.gan.layers import Mlp
    from dpgate.synthesis.gan.start import Setting
    from dpgate.synthesis.gan.trainer import Losses, Team
    from dpgate.synthesis.interface import Model, Progress
    from dpgate.synthesis.lazy import Fit

    Trainer = Callable[[Task, Sequence[Event], MarginalSource, Mechanisms, Progress, Team], Model]
    Maker = Callable[[Sequence[Mlp], Setting], Losses]


class Trained(LazySynthesizer):
    """A generator that is trained by DP-SGD; see `dpgate.synthesis.interface.PlansWithin`."""

    proof: Proof = "real-arithmetic"
    extra: str = "gan"
    packages: tuple[str, ...] = ("numpy", "pyarrow", "torch", "opacus")
    uses_training: bool = True
    needs_rows: bool = True
    samples_persons: bool = True
    model_kind: str = "network"
    defaults: ClassVar[Defaults]
    prefix: ClassVar[str]
    checkpoints: Checkpoints | None = None
    """Where a fit keeps checkpoints, and begins."""

    def keeping(self, checkpoints: Checkpoints) -> Trained:
        """The same, with a fit that keeps checkpoints; see `dpgate.synthesis.interface.Resumes`."""
        made = copy.copy(self)
        made.checkpoints = checkpoints
        return made

    @property
    def one_way(self) -> str:
        """Name of the event of one-way tables."""
        return f"{self.prefix}.one_way"

    @property
    def training(self) -> str:
        """Name of the event of the training."""
        return f"{self.prefix}.training"

    def plan(self, task: Task, rho: Decimal) -> tuple[Event, ...]:  # noqa: ARG002 - the protocol's
        """Refuses: steps of DP-SGD have no ρ.

        Raises:
            SynthesisError: always.
        """
        raise SynthesisError(f"{self.name} is planned from epsilon and delta, not from a rho")

    def plan_within(self, task: Task, budget: Budget, beside: Sequence[Event]) -> tuple[Event, ...]:
        """One-way tables, then the training; see `dpgate.synthesis.gan.plan.events`."""
        made = self.recipe(task)
        return planning.events(task, made, budget, beside, one_way=self.one_way, name=self.training)

    def noise(
        self,
        task: Task,  # noqa: ARG002 - the protocol's
        events: Sequence[Event],
    ) -> tuple[NoiseRow, ...]:
        """Noise per cell of a one-way table."""
        return planning.margin_noise(events, self.one_way)

    def recipe(self, task: Task) -> Recipe:
        """The training of a task."""
        return planning.recipe(task, self.defaults)

    @abstractmethod
    def widths(self, task: Task) -> tuple[tuple[int, ...], ...]:
        """Of each network that is trained on private rows: its input, hidden layers, output."""

    @abstractmethod
    def trainer(self) -> Trainer:
        """The function that fits with a team, imported now."""

    @abstractmethod
    def losses(self) -> Maker:
        """The function that makes losses from networks of `widths`, imported now.

        Whoever computes gradients makes them, from public values.
        """

    def fitter(self) -> Fit:
        """Its fit, with the processes that a task asks for; imported now."""
        from dpgate.synthesis.gan.team.fitting import with_team

        return with_team(self, self.trainer())

    def trained(self, task: Task) -> int:
        """How many numbers are trained on private rows."""
        return sum(planning.weights(sizes) for sizes in self.widths(task))


class DpCtgan(Trained):
    """A conditional GAN on public cells, after CTGAN (Xu and others 2019, arXiv 1907.00503).

    Differences: the discriminator alone sees rows, by DP-SGD; columns are public cells instead of
    mixtures fitted to the data; the generator's conditions come from noisy one-way tables and hold
    exactly in what it makes; real rows are drawn by coins alone; no packs of rows, no penalty on
    gradients, no normalization over a batch.
    """

    name: str = "dp-ctgan"
    prefix = "dp_ctgan"
    defaults = Defaults(steps=400, learning_rate=Decimal("0.001"))

    def widths(self, task: Task) -> tuple[tuple[int, ...], ...]:
        """The discriminator's."""
        made = self.recipe(task)
        return ((sum(task.domain.sizes), made.width, made.width, 1),)

    def trainer(self) -> Trainer:
        """Its own."""
        from dpgate.synthesis.gan.ctgan import fit

        return partial(fit, checkpoints=self.checkpoints)

    def losses(self) -> Maker:
        """Of real rows, by the discriminator."""
        from dpgate.synthesis.gan.ctgan import losses

        return losses


class DpTvae(Trained):
    """A variational autoencoder on public cells, after TVAE (Xu and others 2019).

    Differences: encoder and decoder are both trained by DP-SGD, as one network with one clipping
    norm; columns are public cells; the decoder begins at noisy one-way tables.
    """

    name: str = "dp-tvae"
    prefix = "dp_tvae"
    defaults = Defaults(steps=800, learning_rate=Decimal("0.005"))

    def widths(self, task: Task) -> tuple[tuple[int, ...], ...]:
        """The encoder's and the decoder's."""
        made, cells = self.recipe(task), sum(task.domain.sizes)
        return (cells, made.width, 2 * made.latent), (made.latent, made.width, cells)

    def trainer(self) -> Trainer:
        """Its own."""
        from dpgate.synthesis.gan.tvae import fit

        return partial(fit, checkpoints=self.checkpoints)

    def losses(self) -> Maker:
        """Of rows, by encoder and decoder."""
        from dpgate.synthesis.gan.tvae import losses

        return losses
