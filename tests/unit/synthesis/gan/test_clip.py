"""Clipped sums against Opacus's gradients of each record, written out."""

from __future__ import annotations

import pytest
import torch
from opacus import GradSampleModule
from torch import Tensor, nn

from dpgate.synthesis.gan.clip import clipped_sum, parameters
from dpgate.synthesis.gan.layers import Mlp, Tap

WIDTHS = [9, 7, 5, 3]


def network() -> Mlp:
    return Mlp(WIDTHS, torch.Generator().manual_seed(4))


def layers(made: Mlp) -> list[nn.Linear]:
    return [layer for layer in made.layers if isinstance(layer, nn.Linear)]


def loss(out: Tensor) -> Tensor:
    return (out**2).sum(dim=1) + out[:, 0]


def ours(made: Mlp, rows: Tensor, clip: float) -> list[Tensor]:
    taps: list[Tap] = []
    return clipped_sum(loss(made(rows, taps)), taps, clip)


def written_out(made: Mlp, rows: Tensor, clip: float) -> list[Tensor]:
    """The same by Opacus's gradients of every record."""
    module = GradSampleModule(made, loss_reduction="sum")
    loss(module(rows)).sum().backward()  # type: ignore[no-untyped-call]
    each = [p.grad_sample for p in parameters(layers(made))]  # type: ignore[attr-defined]
    norms = torch.cat([grad.flatten(1) for grad in each], dim=1).norm(dim=1)
    factor = (clip * (1 - 1e-4) / norms).clamp(max=1.0)
    return [torch.einsum("n,n...->...", factor, grad) for grad in each]


def norm(sums: list[Tensor]) -> float:
    return float(torch.cat([part.flatten() for part in sums]).norm())


@pytest.mark.filterwarnings("ignore:Full backward hook:UserWarning")
@pytest.mark.parametrize("clip", [0.01, 1.0, 1e6])
def test_as_opacus_does(clip: float) -> None:
    rows = torch.randn(40, WIDTHS[0], generator=torch.Generator().manual_seed(1)) * 3
    for one, other in zip(
        ours(network(), rows, clip), written_out(network(), rows, clip), strict=True
    ):
        torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("size", [1e-3, 1.0, 1e4, 1e12, 1e30])
def test_one_record_never_adds_more_than_the_bound(size: float) -> None:
    made = network()
    rows = torch.randn(50, WIDTHS[0], generator=torch.Generator().manual_seed(2)) * size
    for row in rows:
        assert norm(ours(made, row[None], 0.5)) <= 0.5


@pytest.mark.parametrize("odd", [float("nan"), float("inf"), float("-inf"), 3e38])
def test_a_record_whose_gradient_is_no_number_counts_as_none(odd: float) -> None:
    made = network()
    rows = torch.randn(6, WIDTHS[0], generator=torch.Generator().manual_seed(3))
    without = ours(made, rows, 1.0)
    worse = ours(made, torch.cat([rows, torch.full((1, WIDTHS[0]), odd)]), 1.0)
    assert all(bool(torch.isfinite(part).all()) for part in worse)
    moved = [a - b for a, b in zip(worse, without, strict=True)]
    assert norm(moved) <= 1.0


def test_a_small_gradient_is_left_as_it_is() -> None:
    made = network()
    rows = torch.randn(5, WIDTHS[0], generator=torch.Generator().manual_seed(5))
    taps: list[Tap] = []
    loss(made(rows, taps)).sum().backward()  # type: ignore[no-untyped-call]
    for got, parameter in zip(ours(made, rows, 1e9), parameters(layers(made)), strict=True):
        torch.testing.assert_close(got, parameter.grad, rtol=1e-4, atol=1e-5)


def test_rows_do_not_look_at_each_other() -> None:
    """A row's outputs are the same alone and among others: nothing is normalized over a batch."""
    made = network()
    rows = torch.randn(8, WIDTHS[0], generator=torch.Generator().manual_seed(6))
    together = made(rows)
    alone = torch.cat([made(row[None]) for row in rows])
    torch.testing.assert_close(together, alone)
