"""Steps of DP-SGD: clipped sums of Poisson samples, noise once, a public divisor, Adam."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

import torch
from torch import Tensor, nn

from dpgate.errors import SynthesisError
from dpgate.model.event import Event
from dpgate.model.values import plain
from dpgate.synthesis.gan.clip import clipped_sum, parameters
from dpgate.synthesis.gan.layers import Tap
from dpgate.synthesis.interface import Progress, Task

if TYPE_CHECKING:
    from dpgate.mechanisms.sampled import SampledGaussian
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
        clip: largest norm of a row's gradient.
        at_once: rows whose gradients are computed together; bounds memory, changes no result.
    """

    layers: Sequence[nn.Linear]
    losses: Losses
    clip: float
    at_once: int


def summed(work: Clipped, cells: Codes, ones: Ones) -> list[Tensor]:
    """The sum of clipped gradients of rows, for each parameter; zeros of none.

    Args:
        work: the layers, as they are now.
        cells: the rows.
        ones: makes networks' input of some of them.

    Privacy:
        Private, unprotected; see `clipped_sum`.
    """
    total = [torch.zeros_like(parameter) for parameter in parameters(work.layers)]
    for start in range(0, len(cells), work.at_once):
        taps: list[Tap] = []
        part = ones(cells[start : start + work.at_once])
        losses = work.losses(part, taps)
        sums = clipped_sum(losses, taps, work.clip)
        total = [so_far + more for so_far, more in zip(total, sums, strict=True)]
    return total


class Team(Protocol):
    """The processes that compute gradients, this one included."""

    def summed(self, work: Clipped, cells: Codes, ones: Ones) -> list[Tensor]:
        """As `summed`, whoever computes it.

        Raises:
            SynthesisError: a process was lost.
        """


class Alone:
    """This process and no other."""

    def summed(self, work: Clipped, cells: Codes, ones: Ones) -> list[Tensor]:
        """`summed`, here."""
        return summed(work, cells, ones)


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


def private_gradient(
    trained: Trained,
    sampled: SampledGaussian,
    rows: Codes,
    ones: Ones,
) -> list[Tensor]:
    """The noisy mean gradient of one step, for each parameter.

    Args:
        trained: what is trained.
        sampled: chooses the rows and adds the noise.
        rows: all private rows.
        ones: makes networks' input of some of them.

    Privacy:
        One step of a sampled Gaussian: the rows of a Poisson sample, each gradient clipped, their
        sum with noise, divided by a constant. With no row in the sample it is noise alone.
    """
    wanted = parameters(trained.layers)
    chosen = sampled.sample(len(rows))
    total = trained.team.summed(trained, rows[chosen], ones)
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


def told(task: Task, event: Event, progress: Progress) -> Iterator[int]:
    """The numbers of an event's steps, from 0; each is told when it is done.

    What is told follows from public documents: steps, noise and the ε that was planned, no loss of
    a private row.
    """
    stage = f"train: {event.times} steps, noise multiplier {plain(event.scale)}"
    if task.promise is not None:
        stage += f", ε {plain(task.promise.epsilon)} planned"
    for step in range(event.times):
        yield step
        progress(stage, (step + 1) / event.times)
