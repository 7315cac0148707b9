"""Networks of linear layers whose inputs and outputs can be tapped, row by row."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor, nn

SLOPE = 0.1
"""Of the leaky rectifier between layers, below 0."""


@dataclass(frozen=True)
class Tap:
    """One use of one layer.

    Attributes:
        layer: linear.
        rows: what went in, a row for each record.
        out: what came out, before any activation.
    """

    layer: nn.Linear
    rows: Tensor
    out: Tensor


def linear(*networks: Mlp) -> list[nn.Linear]:
    """The layers of networks, in the order in which rows pass them."""
    return [
        layer
        for network in networks
        for layer in network.layers
        if isinstance(layer, nn.Linear)  # an Mlp has no others
    ]


class Mlp(nn.Module):
    """Linear layers with leaky rectifiers between them: nothing in it looks at two rows at once.

    No normalization over a batch, so the outputs of a row follow from that row alone.
    """

    def __init__(self, sizes: Sequence[int], generator: torch.Generator) -> None:
        super().__init__()
        self.layers = nn.ModuleList()
        for place, (before, after) in enumerate(pairwise(sizes)):
            layer = nn.Linear(before, after, device=generator.device)
            last = place == len(sizes) - 2
            # He's initialization; the last layer begins near 0.
            spread = (0.1 if last else math.sqrt(2.0)) / math.sqrt(before)
            with torch.no_grad():
                layer.weight.normal_(0.0, spread, generator=generator)
                layer.bias.zero_()
            self.layers.append(layer)

    def forward(self, rows: Tensor, taps: list[Tap] | None = None) -> Tensor:
        """Outputs for each row; each layer's use is added to `taps`."""
        for place, layer in enumerate(self.layers):
            out: Tensor = layer(rows)
            if taps is not None:
                assert isinstance(layer, nn.Linear)  # noqa: S101 - this class makes no others
                taps.append(Tap(layer, rows, out))
            rows = out if place == len(self.layers) - 1 else nn.functional.leaky_relu(out, SLOPE)
        return rows
