"""Fitting `dp-ctgan`: a discriminator that sees rows by DP-SGD, and a generator that sees it alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor, nn

from dpgate.model.event import Event
from dpgate.synthesis.gan.clip import clipped_sum
from dpgate.synthesis.gan.layers import SLOPE, Mlp, Tap
from dpgate.synthesis.gan.matching import match, rows_to_match
from dpgate.synthesis.gan.start import Setting, Start, begin_at, exported, start
from dpgate.synthesis.gan.synthesizer import DpCtgan
from dpgate.synthesis.gan.trainer import Losses, Team, Trained, apply, private_gradient
from dpgate.synthesis.interface import Progress, Task
from dpgate.synthesis.sampling.network import NetworkModel

if TYPE_CHECKING:
    from dpgate.mechanisms.session import Mechanisms
    from dpgate.sources.interface import MarginalSource
    from dpgate.synthesis.gan.checkpoint import Checkpoints
    from dpgate.synthesis.gan.plan import Recipe
    from dpgate.synthesis.gan.records import Places

_WIDTH = 256
"""Neurons of the generator's hidden layers; they see no private row, so width costs no privacy."""
_RATE = 5e-4
"""Learning rate of the generator."""
_EVERY = 5
"""Steps of the discriminator for one of the generator: noisy steps say something together."""
_BETAS = (0.5, 0.9)


def fit(
    task: Task,
    events: Sequence[Event],
    source: MarginalSource,
    mechanisms: Mechanisms,
    progress: Progress,
    team: Team,
    *,
    checkpoints: Checkpoints | None = None,
) -> NetworkModel:
    """See `Synthesizer.fit`; `team` computes gradients.

    Privacy:
        Rows are read by `start`, and by `private_gradient` at each step, which trains the
        discriminator. The generator sees its noisy weights, and noisy one-way tables. The
        discriminator is dropped.
    """
    synthesizer = DpCtgan()
    made = synthesizer.recipe(task)
    begun = start(synthesizer, task, events, source, mechanisms, made, progress, checkpoints)
    generator = Generator.new(begun, made)
    discriminator = Mlp(synthesizer.widths(task)[0], begun.random)
    trained = Trained.by([discriminator], losses([discriminator], begun), made, team, betas=_BETAS)
    moves = torch.optim.Adam(generator.network.parameters(), lr=_RATE, betas=_BETAS)
    weight = min(1.0, begun.margins.total / (task.rows_at_most or 1)) / made.batch
    networks = {"generator": generator.network, "discriminator": discriminator}
    optimizers = {"generator": moves, "discriminator": trained.optimizer}

    def loss() -> float:
        with torch.no_grad():
            return float(_loss(discriminator, generator.plain(made.batch)))

    for step in begun.course(networks, optimizers).steps(loss):
        real = private_gradient(trained, begun.sampled, begun.records, begun.blocks.ones)
        fake = _of_fakes(discriminator, generator, trained, made)
        apply(trained, [a + weight * b for a, b in zip(real, fake, strict=True)])
        if step % _EVERY == _EVERY - 1:
            _move(generator, discriminator, moves, made.batch)
    generator.match()
    return NetworkModel(
        domain=task.domain,
        layers=exported(generator.network),
        slope=SLOPE,
        latent=made.latent,
        shares=begun.margins.shares,
        total=begun.margins.total,
    )


def _move(
    generator: Generator, discriminator: Mlp, moves: torch.optim.Optimizer, batch: int
) -> None:
    """One step of the generator; it reads no private row."""
    made_up = generator.rows(batch)
    moves.zero_grad()
    loss = _loss(discriminator, made_up.rows) + made_up.astray
    loss.backward()  # type: ignore[no-untyped-call]
    moves.step()


def _loss(discriminator: Mlp, made_up: Tensor) -> Tensor:
    """The generator's: how little the discriminator takes its rows for real ones; ln 2 if it cannot tell."""
    return nn.functional.softplus(-discriminator(made_up)).mean()


def losses(networks: Sequence[Mlp], setting: Setting) -> Losses:  # noqa: ARG001 - as `dp-tvae`'s
    """Of real rows, by the discriminator: how much it takes each for a made-up one."""
    (discriminator,) = networks
    return lambda rows, taps: nn.functional.softplus(-discriminator(rows, taps)[:, 0])


def _of_fakes(
    discriminator: Mlp, generator: Generator, trained: Trained, made: Recipe
) -> list[Tensor]:
    """The sum of clipped gradients of made-up rows: as many as a full batch, clipped as real ones.

    Where persons are what is clipped, made-up rows are clipped by as many as a person has at most: one
    by one they would outweigh real rows.

    Privacy:
        Reads no private row: post-processing of noisy weights.
    """
    rows = generator.plain(made.batch)
    taps: list[Tap] = []
    taken_in = nn.functional.softplus(discriminator(rows, taps)[:, 0])
    return clipped_sum(taken_in, taps, trained.clip, _sizes(made))


def _sizes(made: Recipe) -> Places | None:
    """Rows of each made-up person; None where rows are clipped one by one."""
    if made.person_rows is None:
        return None
    whole, rest = divmod(made.batch, made.person_rows)
    return np.array([made.person_rows] * whole + [rest] * bool(rest), dtype=np.int64)


@dataclass(frozen=True)
class MadeUp:
    """Rows of a generator.

    Attributes:
        rows: ones and zeros, with the gradient of the softmax that they were drawn by.
        astray: how far the shares of their cells are from noisy one-way tables: a cross entropy.
    """

    rows: Tensor
    astray: Tensor


class Generator:
    """The generator and its conditions: one column of each row, with a cell by its noisy share."""

    def __init__(self, network: Mlp, begun: Start, latent: int) -> None:
        self.network = network
        self._begun = begun
        self._latent = latent
        self._shares = [
            torch.from_numpy(shares).float().to(begun.device) for shares in begun.margins.shares
        ]

    @classmethod
    def new(cls, begun: Start, made: Recipe) -> Generator:
        """A generator that makes independent columns by noisy one-way tables, so far."""
        cells = begun.blocks.width
        network = Mlp([made.latent + cells, _WIDTH, _WIDTH, cells], begun.random)
        begin_at(network, begun.margins)
        return cls(network, begun, made.latent)

    def plain(self, count: int) -> Tensor:
        """So many rows of ones and zeros, without a gradient."""
        begun = self._begun
        with torch.no_grad():
            held, condition, entering = self._entering(count)
            made = begun.drawn(self.network(entering))
            for place, (part, given) in enumerate(
                zip(begun.blocks.split(made), begun.blocks.split(condition), strict=True)
            ):
                part[held == place] = given[held == place]
            return made

    def rows(self, count: int) -> MadeUp:
        """So many rows, with the gradient of what they are drawn by."""
        begun = self._begun
        held, condition, entering = self._entering(count)
        scores = self.network(entering)
        parts, astray = [], torch.zeros((), device=begun.device)
        split = zip(
            begun.blocks.split(scores), begun.blocks.split(condition), self._shares, strict=True
        )
        for place, (own, given, shares) in enumerate(split):
            soft = nn.functional.softmax(begun.gumbel(own), dim=1)
            hard = nn.functional.one_hot(soft.argmax(dim=1), own.shape[1]).to(soft)
            here = (held == place)[:, None]
            # Straight through: ones and zeros, moved as the softmax behind them would be.
            parts.append(torch.where(here, given, hard + soft - soft.detach()))
            free = torch.where(here, 0.0, nn.functional.softmax(own, dim=1)).sum(dim=0)
            mean = free / (~here).sum().clamp(min=1)
            astray = astray - (shares * torch.log(mean + 1e-6)).sum()
        return MadeUp(torch.cat(parts, dim=1), astray)

    def match(self) -> None:
        """Gives made-up rows the shares of noisy one-way tables."""
        held, _, entering = self._entering(rows_to_match(self._begun.blocks.width))
        match(self.network, entering, self._begun, held)

    def _entering(self, count: int) -> tuple[Tensor, Tensor, Tensor]:
        """Conditions as below, and what goes in: normal numbers, then the condition."""
        held, condition = self._conditions(count)
        numbers = self._begun.normal(count, self._latent)
        return held, condition, torch.cat([numbers, condition], dim=1)

    def _conditions(self, count: int) -> tuple[Tensor, Tensor]:
        """For each row the column that is held, and ones and zeros with its cell."""
        begun = self._begun
        held = torch.randint(
            0, len(self._shares), (count,), generator=begun.random, device=begun.device
        )
        parts = []
        for place, shares in enumerate(self._shares):
            cells = torch.multinomial(shares, count, replacement=True, generator=begun.random)
            ones = nn.functional.one_hot(cells, len(shares)).float()
            parts.append(torch.where((held == place)[:, None], ones, 0.0))
        return held, torch.cat(parts, dim=1)
