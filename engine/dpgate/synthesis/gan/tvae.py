"""Fitting `dp-tvae`: encoder and decoder are one network, clipped and noised together."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from dpgate.model.event import Event
from dpgate.synthesis.gan.layers import SLOPE, Mlp, Tap
from dpgate.synthesis.gan.matching import match, rows_to_match
from dpgate.synthesis.gan.start import Setting, begin_at, exported, start
from dpgate.synthesis.gan.synthesizer import DpTvae
from dpgate.synthesis.gan.trainer import Losses, Team, Trained, apply, private_gradient
from dpgate.synthesis.interface import Progress, Task
from dpgate.synthesis.sampling.network import NetworkModel

if TYPE_CHECKING:
    from dpgate.mechanisms.session import Mechanisms
    from dpgate.sources.interface import MarginalSource
    from dpgate.synthesis.gan.checkpoint import Checkpoints

_WIDEST = 8.0
"""Logarithms of variances stay within ± this, so that none overflows."""


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
        Rows are read by `start`, and by `private_gradient` at each step. The encoder is dropped.
    """
    synthesizer = DpTvae()
    made = synthesizer.recipe(task)
    begun = start(synthesizer, task, events, source, mechanisms, made, progress, checkpoints)
    encoder, decoder = (Mlp(sizes, begun.random) for sizes in synthesizer.widths(task))
    begin_at(decoder, begun.margins)
    trained = Trained.by([encoder, decoder], losses([encoder, decoder], begun), made, team)
    networks = {"encoder": encoder, "decoder": decoder}

    shown = min(made.batch, made.at_once)

    def loss() -> float:
        with torch.no_grad():
            made_up = begun.drawn(decoder(begun.normal(shown, made.latent)))
            return float(trained.losses(made_up, []).mean())

    for _ in begun.course(networks, {"both": trained.optimizer}).steps(loss):
        apply(trained, private_gradient(trained, begun.sampled, begun.records, begun.blocks.ones))
    match(decoder, begun.normal(rows_to_match(begun.blocks.width), made.latent), begun)
    return NetworkModel(
        domain=task.domain,
        layers=exported(decoder),
        slope=SLOPE,
        latent=made.latent,
        shares=None,
        total=begun.margins.total,
    )


def losses(networks: Sequence[Mlp], setting: Setting) -> Losses:
    """Of rows, by encoder and decoder."""
    encoder, decoder = networks
    return Elbo(encoder, decoder, setting)


class Elbo:
    """The loss of each row: what its columns cost to tell by the decoder, and its code to choose."""

    def __init__(self, encoder: Mlp, decoder: Mlp, begun: Setting) -> None:
        self._encoder = encoder
        self._decoder = decoder
        self._begun = begun

    def __call__(self, rows: Tensor, taps: list[Tap]) -> Tensor:
        """Losses, one a row; the encoder's layers are tapped first."""
        mean, spread = self._encoder(rows, taps).chunk(2, dim=1)
        spread = spread.clamp(-_WIDEST, _WIDEST)
        code = mean + torch.exp(spread / 2) * self._begun.normal(*mean.shape)
        scores = self._decoder(code, taps)
        losses: Tensor = (mean**2 + spread.exp() - spread - 1).sum(dim=1) / 2
        split = self._begun.blocks.split
        for guess, truth in zip(split(scores), split(rows), strict=True):
            losses = losses - (nn.functional.log_softmax(guess, dim=1) * truth).sum(dim=1)
        return losses
