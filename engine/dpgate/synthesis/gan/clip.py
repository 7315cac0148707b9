"""Sums of clipped gradients, one gradient for each record, none of which is ever written out.

The gradient of a linear layer for one row is the outer product of what went in and what came
back, so its norm is the product of two norms, and a weighted sum over rows is one product of
matrices (ghost clipping: Goodfellow 2015, arXiv 1510.01799; Li, Tramèr, Liang, Hashimoto 2022).
Norms are Opacus's own. A record of several rows, a person, has the sum of their gradients, which is
clipped as one; its norm follows from the products of all its rows with each other.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch
from opacus.grad_sample.linear import compute_linear_norm_sample
from torch import Tensor, nn

from dpgate.synthesis.gan.layers import Tap

if TYPE_CHECKING:
    from dpgate.synthesis.gan.records import Places

_ROOM = 1.0 - 1e-4
"""Norms are clipped to this much of the bound: single precision errs by less."""

_CANCELED = 1e-3
"""Added to a person's squared norm, as a part of the square of what the norms of its rows add up to.

Gradients of rows may cancel. Norms are computed in double precision, so that they are right even then;
but rows are added up in single precision, which errs in proportion to what is added up. With this, the
scaled rows of a person have norms of 32 clipping norms together at most, and 50 roundings of 6·10⁻⁸ of
that stay within `_ROOM`."""


def clipped_sum(
    losses: Tensor, taps: Sequence[Tap], clip: float, sizes: Places | None = None
) -> list[Tensor]:
    """The sum over records of their gradients, each scaled down to a norm of at most `clip`.

    Args:
        losses: one for each row, each of which depends on that row alone.
        taps: every use of every layer that is trained, each layer once.
        clip: L2 norm over all layers together, > 0.
        sizes: rows of each record, side by side, each ≥ 1; None: each row is a record.

    Returns:
        For each layer the sums for its weight and its bias, in turn.

    Privacy:
        Private, unprotected. One record more or less moves it by at most `clip` in L2, whatever its
        rows hold: a gradient that is not finite counts as zero, that of a record as a whole.
    """
    outs: list[Tensor] = [tap.out for tap in taps]
    back = torch.autograd.grad(losses.sum(), outs)
    if sizes is None:
        factor, finite = _factors(_of_rows(taps, back), clip)
    else:
        each = torch.from_numpy(sizes).to(losses.device)
        factor, finite = _factors(_of_persons(taps, back, each), clip)
        factor, finite = factor.repeat_interleave(each), finite.repeat_interleave(each)
    sums: list[Tensor] = []
    for tap, grad in zip(taps, back, strict=True):
        # Not by the factor alone: 0 times infinity is no number.
        scaled = torch.where(finite[:, None], grad, 0.0) * factor[:, None]
        rows = torch.where(finite[:, None], tap.rows.detach(), 0.0)
        sums += [scaled.T @ rows, scaled.sum(dim=0)]
    return sums


def _factors(squared: Tensor, clip: float) -> tuple[Tensor, Tensor]:
    """What each record is scaled by, from its squared norm, and whether that is a number."""
    norm = squared.detach().sqrt().float()
    finite = torch.isfinite(norm)
    return torch.where(finite, (clip * _ROOM / norm).clamp(max=1.0), 0.0), finite


def _of_rows(taps: Sequence[Tap], back: Sequence[Tensor]) -> Tensor:
    """Squared norms of the gradients of rows, over all layers."""
    squared = torch.zeros(len(back[0]), device=back[0].device)
    for tap, grad in zip(taps, back, strict=True):
        for norm in compute_linear_norm_sample(tap.layer, [tap.rows], grad).values():
            squared = squared + norm**2
    return squared


def _of_persons(taps: Sequence[Tap], back: Sequence[Tensor], sizes: Tensor) -> Tensor:
    """Squared norms of the gradients of persons, over all layers, in double precision.

    Args:
        taps: of all their rows.
        back: gradients of what came out.
        sizes: rows of each person, in turn.
    """
    many, most = len(sizes), int(sizes.max())
    ends = sizes.cumsum(0)
    own = torch.arange(int(ends[-1]), device=sizes.device)
    person = torch.arange(many, device=sizes.device).repeat_interleave(sizes)
    place = own - (ends - sizes)[person] + person * most

    def padded(values: Tensor) -> Tensor:
        filled = values.new_zeros((many * most, values.shape[1]), dtype=torch.float64)
        filled[place] = values.double()
        return filled.view(many, most, values.shape[1])

    squared = torch.zeros(many, device=sizes.device, dtype=torch.float64)
    for tap, grad in zip(taps, back, strict=True):
        rows, backs = padded(tap.rows.detach()), padded(grad)
        for norm in compute_linear_norm_sample(tap.layer, [rows], backs).values():
            squared = squared + norm**2
        each = backs.norm(dim=2)
        for together in ((rows.norm(dim=2) * each).sum(dim=1), each.sum(dim=1)):
            squared = squared + _CANCELED * together**2
    return squared


def parameters(layers: Sequence[nn.Linear]) -> list[Tensor]:
    """Weights and biases in the order of `clipped_sum`."""
    return [parameter for layer in layers for parameter in (layer.weight, layer.bias)]
