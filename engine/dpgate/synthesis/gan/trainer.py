"""Steps of DP-SGD: clipped sums of Poisson samples, noise once, a public divisor, Adam."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol, Self

import torch
from torch import Tensor, nn

from dpgate.errors import SynthesisError
from dpgate.synthesis.gan.clip import clipped_sum, parameters
from dpgate.synthesis.gan.layers import Mlp, Tap, linear

if TYPE_CHECKING:
    from dpgate.mechanisms.sampled import SampledGaussian
    from dpgate.synthesis.gan.plan import Recipe
    from dpgate.synthesis.gan.records import Records
    from dpgate.synthesis.gan.rows import Codes

    Ones = Callable[[Codes], Tensor]

Losses = Callable[[Tensor, list[Tap]], Tensor]
"""From rows of ones and zeros to a loss for each, tapping every layer that is trained once."""


@dataclass(frozen=True, kw_only=True)
class Clipped:
    """What gradients of rows are computed from, here and wherever else they are.

    Attributes:
        layers: every layer, in the order in which `losses` taps them.
        losses: of each row, by that row and public values alone.
        clip: largest norm of a record's gradient.
        at_once: rows whose gradients are computed together; bounds memory, changes no result.
    """

    layers: Sequence[nn.Linear]
    losses: Losses
    clip: float
    at_once: int


def summed(work: Clipped, records: Records, ones: Ones) -> list[Tensor]:
    """The sum of clipped gradients of records, for each parameter; zeros of none.

    Args:
        work: the layers, as they are now.
        records: rows, or persons with theirs.
        ones: makes networks' input of some of them.

    Privacy:
        Private, unprotected; see `clipped_sum`.
    """
    total = [torch.zeros_like(parameter) for parameter in parameters(work.layers)]
    for part in records.parts(work.at_once):
        taps: list[Tap] = []
        losses = work.losses(ones(part.codes), taps)
        sums = clipped_sum(losses, taps, work.clip, part.sizes)
        total = [so_far + more for so_far, more in zip(total, sums, strict=True)]
    return total


class Team(Protocol):
    """The processes that compute gradients, this one included."""

    def summed(self, work: Clipped, records: Records, ones: Ones) -> list[Tensor]:
        """As `summed`, whoever computes it.

        Raises:
            SynthesisError: a process was lost.
        """


class Alone:
    """This process and no other."""

    def summed(self, work: Clipped, records: Records, ones: Ones) -> list[Tensor]:
        """`summed`, here."""
        return summed(work, records, ones)


@dataclass(frozen=True, kw_only=True)
class Trained(Clipped):
    """What is trained on private rows.

    Attributes:
        optimizer: over the parameters of the layers.
        divisor: what sums are divided by: rate times the public bound on rows, a constant.
        team: computes gradients.
    """

    optimizer: torch.optim.Optimizer
    divisor: float
    team: Team = field(default_factory=Alone)

    @classmethod
    def by(
        cls,
        networks: Sequence[Mlp],
        losses: Losses,
        made: Recipe,
        team: Team,
        betas: tuple[float, float] = (0.9, 0.999),
    ) -> Self:
        """Networks as a recipe has them trained, by Adam with these betas."""
        layers = linear(*networks)
        return cls(
            layers=layers,
            losses=losses,
            clip=made.clip,
            at_once=made.at_once,
            optimizer=torch.optim.Adam(parameters(layers), lr=made.learning_rate, betas=betas),
            divisor=float(made.batch),
            team=team,
        )


def private_gradient(
    trained: Trained,
    sampled: SampledGaussian,
    records: Records,
    ones: Ones,
) -> list[Tensor]:
    """The noisy mean gradient of one step, for each parameter.

    Args:
        trained: what is trained.
        sampled: chooses the records and adds the noise.
        records: all private rows, or persons with theirs.
        ones: makes networks' input of some rows.

    Privacy:
        One step of a sampled Gaussian: the records of a Poisson sample, each gradient clipped, their
        sum with noise, divided by a constant. With no record in the sample it is noise alone.
    """
    wanted = parameters(trained.layers)
    chosen = records.chosen(sampled.sample(len(records)))
    total = trained.team.summed(trained, chosen, ones)
    flat = torch.cat([sums.flatten() for sums in total]).double().cpu().numpy()
    noisy = torch.from_numpy(sampled.noisy(flat) / trained.divisor)
    parts = torch.split(noisy, [parameter.numel() for parameter in wanted])
    return [
        part.reshape(parameter.shape).to(parameter)
        for part, parameter in zip(parts, wanted, strict=True)
    ]


def apply(trained: Trained, gradient: Sequence[Tensor]) -> None:
    """Moves the parameters.

    Raises:
        SynthesisError: they left the range of numbers. Noise and public values decide that alone.
    """
    for parameter, part in zip(parameters(trained.layers), gradient, strict=True):
        parameter.grad = part
    trained.optimizer.step()
    if not all(bool(torch.isfinite(p).all()) for p in parameters(trained.layers)):
        raise SynthesisError(
            "the training diverged: a weight is no finite number; its cost is spent",
            fix="lower training.learning_rate",
        )
