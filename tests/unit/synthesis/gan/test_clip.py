"""Clipped sums against Opacus's gradients of each record, written out."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
import torch
from opacus import GradSampleModule
from torch import Tensor

from dpgate.synthesis.gan.clip import clipped_sum, parameters
from dpgate.synthesis.gan.layers import Mlp, Tap, linear

WIDTHS = [9, 7, 5, 3]


def network() -> Mlp:
    return Mlp(WIDTHS, torch.Generator().manual_seed(4))


def loss(out: Tensor) -> Tensor:
    return (out**2).sum(dim=1) + out[:, 0]


def ours(made: Mlp, rows: Tensor, clip: float, sizes: Sequence[int] | None = None) -> list[Tensor]:
    taps: list[Tap] = []
    own = None if sizes is None else np.array(sizes, dtype=np.int64)
    return clipped_sum(loss(made(rows, taps)), taps, clip, own)


def each_row(made: Mlp, rows: Tensor) -> list[Tensor]:
    """Opacus's gradients of every row."""
    module = GradSampleModule(made, loss_reduction="sum")
    loss(module(rows)).sum().backward()  # type: ignore[no-untyped-call]
    return [p.grad_sample for p in parameters(linear(made))]  # type: ignore[attr-defined]


def written_out(made: Mlp, rows: Tensor, clip: float) -> list[Tensor]:
    """The same by Opacus's gradients of every record."""
    each = each_row(made, rows)
    norms = torch.cat([grad.flatten(1) for grad in each], dim=1).norm(dim=1)
    factor = (clip * (1 - 1e-4) / norms).clamp(max=1.0)
    return [torch.einsum("n,n...->...", factor, grad) for grad in each]


def persons_written_out(made: Mlp, rows: Tensor, clip: float, sizes: Sequence[int]) -> list[Tensor]:
    """Persons by Opacus's gradients of every row, added up, clipped and added up again."""
    by_layer = [torch.split(grad, list(sizes)) for grad in each_row(made, rows)]
    total = [torch.zeros_like(grads[0][0]) for grads in by_layer]
    for own in zip(*by_layer, strict=True):
        squared = sum(float((grad.sum(dim=0) ** 2).sum()) for grad in own)
        # What is added for rows that cancel: of what the norms of rows add up to, layer by layer.
        squared += 1e-3 * sum(float(grad.flatten(1).norm(dim=1).sum()) ** 2 for grad in own)
        factor = min(1.0, clip * (1 - 1e-4) / squared**0.5)
        total = [so_far + factor * grad.sum(dim=0) for so_far, grad in zip(total, own, strict=True)]
    return total


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
    for got, parameter in zip(ours(made, rows, 1e9), parameters(linear(made)), strict=True):
        torch.testing.assert_close(got, parameter.grad, rtol=1e-4, atol=1e-5)


def test_rows_do_not_look_at_each_other() -> None:
    """A row's outputs are the same alone and among others: nothing is normalized over a batch."""
    made = network()
    rows = torch.randn(8, WIDTHS[0], generator=torch.Generator().manual_seed(6))
    together = made(rows)
    alone = torch.cat([made(row[None]) for row in rows])
    torch.testing.assert_close(together, alone)


SIZES = [3, 1, 7, 1, 2, 5, 4]


@pytest.mark.filterwarnings("ignore:Full backward hook:UserWarning")
@pytest.mark.parametrize("clip", [0.01, 1.0, 30.0, 1e6])
def test_persons_are_clipped_as_opacus_would_with_their_rows_added_up(clip: float) -> None:
    """Persons of several sizes, some of whose sums are above 30 and some below."""
    rows = torch.randn(sum(SIZES), WIDTHS[0], generator=torch.Generator().manual_seed(1)) * 3
    both = zip(
        ours(network(), rows, clip, SIZES),
        persons_written_out(network(), rows, clip, SIZES),
        strict=True,
    )
    for one, other in both:
        torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-5)


def test_persons_of_one_row_are_rows() -> None:
    """But for what is added for rows that could cancel: half a thousandth, downwards."""
    rows = torch.randn(40, WIDTHS[0], generator=torch.Generator().manual_seed(8)) * 3
    for one, other in zip(
        ours(network(), rows, 0.1, [1] * 40), ours(network(), rows, 0.1), strict=True
    ):
        torch.testing.assert_close(one, other / 1.001**0.5, rtol=1e-5, atol=1e-7)


def test_who_else_is_there_changes_nothing_of_a_person() -> None:
    """Alone without room for others, and among longer ones with rows of zeros to their length."""
    made = network()
    rows = torch.randn(sum(SIZES), WIDTHS[0], generator=torch.Generator().manual_seed(9))
    alone = [ours(made, part, 0.3, [len(part)]) for part in torch.split(rows, SIZES)]
    for place, together in enumerate(ours(made, rows, 0.3, SIZES)):
        parts = torch.stack([sums[place] for sums in alone]).sum(dim=0)
        torch.testing.assert_close(together, parts, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("size", [1e-3, 1.0, 1e4, 1e12, 1e30])
@pytest.mark.parametrize("rows", [1, 2, 12, 500])
def test_one_person_never_adds_more_than_the_bound(size: float, rows: int) -> None:
    made = network()
    for seed in range(8):
        random = torch.Generator().manual_seed(seed)
        own = torch.randn(rows, WIDTHS[0], generator=random) * size
        assert norm(ours(made, own, 0.5, [rows])) <= 0.5


@pytest.mark.parametrize("apart", [0.0, 1e-7, 1e-5, 1e-3])
@pytest.mark.parametrize("size", [1e2, 1e5, 1e8])
def test_rows_that_cancel_do_not_hide_from_the_norm(size: float, apart: float) -> None:
    """Gradients far above the bound whose sum is about nothing, as far as single precision sees.

    The norm of the sum comes out as 0 or as too low; it must not let what is left through.
    """
    layer = Mlp([6, 1], torch.Generator().manual_seed(0))
    random = torch.Generator().manual_seed(1)
    for _ in range(40):
        one = torch.randn(1, 6, generator=random) * size
        rows = torch.cat([one, one * (1 + apart), one * (1 - apart)])
        taps: list[Tap] = []
        out = layer(rows, taps)[:, 0]
        signs = torch.tensor([1.0, -0.5, -0.5])
        sums = clipped_sum(out * signs, taps, 0.3, np.array([3], dtype=np.int64))
        assert norm(sums) <= 0.3


@pytest.mark.parametrize("odd", [float("nan"), float("inf"), float("-inf"), 3e38])
def test_a_row_that_is_no_number_takes_its_whole_person_along_and_nobody_else(odd: float) -> None:
    made = network()
    rows = torch.randn(9, WIDTHS[0], generator=torch.Generator().manual_seed(3))
    bad = torch.full((1, WIDTHS[0]), odd)
    worse = ours(made, torch.cat([rows[:6], bad, rows[6:]]), 1.0, [4, 4, 2])
    without = ours(made, torch.cat([rows[:4], rows[7:]]), 1.0, [4, 2])
    assert norm(without) > 0
    for one, other in zip(worse, without, strict=True):
        torch.testing.assert_close(one, other)


def test_as_many_rows_as_fit_together_add_one_norm() -> None:
    made = network()
    rows = torch.randn(1_024, WIDTHS[0], generator=torch.Generator().manual_seed(4)) * 100
    few = rows[:6]
    sums = [ours(made, few, 0.5, [2, 4]), ours(made, torch.cat([few, rows]), 0.5, [2, 4, 1_024])]
    assert norm([b - a for a, b in zip(*sums, strict=True)]) <= 0.5 + 1e-6
