"""Steps of DP-SGD: clipped sums of Poisson samples, noise once, a public divisor, Adam."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from dpgate.errors import SynthesisError
from dpgate.synthesis.gan.clip import clipped_sum, parameters
from dpgate.synthesis.gan.layers import Tap

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from dpgate.mechanisms.sampled import SampledGaussian
    from dpgate.synthesis.gan.records import Records

Losses = Callable[[Tensor, list[Tap]], Tensor]
"""From rows of ones and zeros to a loss for each, tapping every layer that is trained once."""


@dataclass(frozen=True, kw_only=True)
class Trained:
    """What is trained on private rows.

    Attributes:
        layers: every layer, in the order in which `losses` taps them.
        losses: of each row, by that row and public values alone.
        optimizer: over the parameters of the layers.
        clip: largest norm of a record's gradient.
        divisor: what sums are divided by: rate times the public bound on records, a constant.
        at_once: rows whose gradients are computed together; bounds memory, changes no result.
    """

    layers: Sequence[nn.Linear]
    losses: Losses
    optimizer: torch.optim.Optimizer
    clip: float
    divisor: float
    at_once: int


def private_gradient(
    trained: Trained,
    sampled: SampledGaussian,
    records: Records,
    ones: Callable[[NDArray[np.uint16]], Tensor],
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
    total = [torch.zeros_like(parameter) for parameter in wanted]
    chosen = sampled.sample(len(records))
    for part in records.parts(chosen, trained.at_once):
        taps: list[Tap] = []
        losses = trained.losses(ones(part.codes), taps)
        sums = clipped_sum(losses, taps, trained.clip, part.sizes)
        total = [so_far + more for so_far, more in zip(total, sums, strict=True)]
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
