"""Before a training: noisy one-way tables, the rows, a device, and where a generator begins."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

import numpy as np
import torch
from torch import Tensor, nn

from dpgate.errors import SynthesisError
from dpgate.mechanisms.sampled import SampledGaussian
from dpgate.synthesis.gan.course import Course, kept_margins
from dpgate.synthesis.gan.layers import Mlp, linear
from dpgate.synthesis.gan.records import Records, read_persons
from dpgate.synthesis.gan.rows import Blocks, read
from dpgate.synthesis.independent.margins import measure
from dpgate.synthesis.sampling.network import Layer

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from dpgate.mechanisms.session import Mechanisms
    from dpgate.model.event import Event
    from dpgate.sources.interface import MarginalSource, PersonSource, RowSource
    from dpgate.synthesis.gan.checkpoint import Checkpoints
    from dpgate.synthesis.gan.plan import Recipe
    from dpgate.synthesis.gan.synthesizer import Trained
    from dpgate.synthesis.independent.margins import Margins
    from dpgate.synthesis.interface import Progress, Task

_RAREST = 1e-6
"""Share of a cell that noise says is empty: its score must be finite."""


@dataclass(frozen=True, kw_only=True)
class Setting:
    """Where networks stand, from public values alone.

    Attributes:
        blocks: where columns lie in a line of ones and zeros.
        device: where networks are.
        random: for initial weights, codes, the generator's input and its draws; protects nobody.
    """

    blocks: Blocks
    device: torch.device
    random: torch.Generator

    @classmethod
    def on(cls, device: torch.device, sizes: Sequence[int]) -> Setting:
        """One for columns of so many cells; its random numbers begin at the system's entropy."""
        random = torch.Generator(device=device)
        random.manual_seed(secrets.randbits(63))
        return cls(blocks=Blocks(sizes, device), device=device, random=random)

    def normal(self, rows: int, width: int) -> Tensor:
        """Standard normal numbers."""
        return torch.randn((rows, width), generator=self.random, device=self.device)

    def gumbel(self, scores: Tensor) -> Tensor:
        """Scores with Gumbel noise: the highest is a draw by their softmax."""
        chance = torch.rand(scores.shape, generator=self.random, device=self.device)
        return scores - torch.log(-torch.log(chance.clamp(1e-9, 1 - 1e-7)))

    def drawn(self, scores: Tensor) -> Tensor:
        """Rows of ones and zeros, a cell of each column drawn by the softmax of its scores."""
        cells = [part.argmax(dim=1) for part in self.blocks.split(self.gumbel(scores))]
        return self.blocks.placed(torch.stack(cells, dim=1))


@dataclass(frozen=True, kw_only=True)
class Start(Setting):
    """What a training begins with.

    Attributes:
        margins: noisy one-way tables as shares, and the noisy total.
        records: every private row, or every person with all rows.
        sampled: chooses records of a step and adds its noise.
        event: of the training.
        task: what is trained for.
        progress: told about steps.
        checkpoints: where the attempt keeps them, and where it begins; None: nowhere.
    """

    margins: Margins
    records: Records
    sampled: SampledGaussian
    event: Event
    task: Task
    progress: Progress
    checkpoints: Checkpoints | None

    def course(
        self,
        networks: Mapping[str, nn.Module],
        optimizers: Mapping[str, torch.optim.Optimizer],
    ) -> Course:
        """The steps of a training of these networks by these optimizers."""
        return Course(
            task=self.task,
            event=self.event,
            progress=self.progress,
            checkpoints=self.checkpoints,
            margins=self.margins,
            networks=networks,
            optimizers=optimizers,
        )


def start(
    synthesizer: Trained,
    task: Task,
    events: Sequence[Event],
    source: MarginalSource,
    mechanisms: Mechanisms,
    made: Recipe,
    progress: Progress,
    checkpoints: Checkpoints | None,
) -> Start:
    """Measures one-way tables (or takes those of a checkpoint), reads the rows.

    Raises:
        SynthesisError: the source hands out no whole rows, or does not tell persons apart.

    Privacy:
        One-way tables pass through `mechanisms`; the rows stay in the clear, in memory, and reach
        networks through `SampledGaussian` alone.
    """
    if not hasattr(source, "rows"):
        raise SynthesisError(
            f"{synthesizer.name} needs whole rows, and this source only counts",
            fix="give a file of rows, or synthesize with mst or aim",
        )
    named = {event.name: event for event in events}
    state = checkpoints.state if checkpoints is not None else None
    if state is not None:
        margins = kept_margins(state)
    else:
        sigma = float(named[synthesizer.one_way].scale)
        margins = measure(source, mechanisms, synthesizer.one_way, sigma, progress)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    setting = Setting.on(device, task.domain.sizes)
    progress("read rows", 0.0)
    records = _records(source, task)
    progress("read rows", 1.0)
    return Start(
        margins=margins,
        records=records,
        sampled=SampledGaussian(mechanisms, synthesizer.training, made.clip),
        event=named[synthesizer.training],
        task=task,
        progress=progress,
        checkpoints=checkpoints,
        blocks=setting.blocks,
        device=device,
        random=setting.random,
    )


def _records(source: MarginalSource, task: Task) -> Records:
    """What is sampled: persons, if the task says how many rows each of them has, else rows."""
    if task.person_rows is None:
        return Records(read(cast("RowSource", source), len(task.domain)))
    return read_persons(cast("PersonSource", source), len(task.domain))


def begin_at(network: Mlp, margins: Margins) -> None:
    """Lets a generator's scores begin at noisy one-way tables, whatever goes in."""
    last = network.layers[-1]
    assert isinstance(last, nn.Linear)  # noqa: S101 - an Mlp has no others
    with torch.no_grad():
        last.bias.copy_(torch.log(known_shares(margins)))


def known_shares(margins: Margins) -> Tensor:
    """Noisy shares of the cells of all columns, each above 0."""
    shares = [np.maximum(share, _RAREST) for share in margins.shares]
    return torch.from_numpy(np.concatenate(shares))


def exported(network: Mlp) -> tuple[Layer, ...]:
    """A generator's layers in plain numbers.

    Privacy:
        Weights follow from noisy gradients and public values alone.
    """
    return tuple(
        Layer(weight=_plain(layer.weight), bias=_plain(layer.bias)) for layer in linear(network)
    )


def _plain(values: Tensor) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    return values.detach().double().cpu().numpy()
