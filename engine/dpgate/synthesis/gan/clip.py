"""Sums of clipped gradients, one gradient for each record, none of which is ever written out.

The gradient of a linear layer for one record is the outer product of what went in and what came
back, so its norm is the product of two norms, and a weighted sum over records is one product of
matrices (ghost clipping: Goodfellow 2015, arXiv 1510.01799; Li, Tramèr, Liang, Hashimoto 2022).
Norms are Opacus's own.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from opacus.grad_sample.linear import compute_linear_norm_sample
from torch import Tensor, nn

from dpgate.synthesis.gan.layers import Tap

_ROOM = 1.0 - 1e-4
"""Norms are clipped to this much of the bound: single precision errs by less."""


def clipped_sum(losses: Tensor, taps: Sequence[Tap], clip: float) -> list[Tensor]:
    """The sum over records of their gradients, each scaled down to a norm of at most `clip`.

    Args:
        losses: one for each record, each of which depends on that record's row alone.
        taps: every use of every layer that is trained, each layer once.
        clip: L2 norm over all layers together, > 0.

    Returns:
        For each layer the sums for its weight and its bias, in turn.

    Privacy:
        Private, unprotected. One record more or less moves it by at most `clip` in L2, whatever its
        row holds: a gradient that is not finite counts as zero.
    """
    outs: list[Tensor] = [tap.out for tap in taps]
    back = torch.autograd.grad(losses.sum(), outs)
    squared = torch.zeros_like(losses)
    for tap, grad in zip(taps, back, strict=True):
        norms = compute_linear_norm_sample(tap.layer, [tap.rows], grad)
        for norm in norms.values():
            squared = squared + norm**2
    norm = squared.detach().sqrt()
    finite = torch.isfinite(norm)
    factor = torch.where(finite, (clip * _ROOM / norm).clamp(max=1.0), 0.0)
    sums: list[Tensor] = []
    for tap, grad in zip(taps, back, strict=True):
        # Not by the factor alone: 0 times infinity is no number.
        scaled = torch.where(finite[:, None], grad, 0.0) * factor[:, None]
        rows = torch.where(finite[:, None], tap.rows.detach(), 0.0)
        sums += [scaled.T @ rows, scaled.sum(dim=0)]
    return sums


def parameters(layers: Sequence[nn.Linear]) -> list[Tensor]:
    """Weights and biases in the order of `clipped_sum`."""
    return [parameter for layer in layers for parameter in (layer.weight, layer.bias)]
