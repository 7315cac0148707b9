"""Generators whose rows get the shares of noisy tables, after a training."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from dpgate.synthesis.gan.layers import Mlp
from dpgate.synthesis.gan.matching import ROUNDS, match, rows_to_match
from dpgate.synthesis.gan.rows import Blocks
from dpgate.synthesis.independent.margins import Margins

pytestmark = pytest.mark.slow

SIZES = (3, 2, 5)
SHARES = ((0.7, 0.3, 0.0), (0.05, 0.95), (0.1, 0.2, 0.3, 0.3, 0.1))


def world(
    sizes: tuple[int, ...] = SIZES, shares: tuple[tuple[float, ...], ...] = SHARES
) -> tuple[Mlp, Any, list[tuple[str, float]]]:
    """A generator whose scores vary much from row to row, and are far from what is wanted."""
    random = torch.Generator().manual_seed(4)
    network = Mlp([4, 16, sum(sizes)], random)
    last: Any = network.layers[-1]
    with torch.no_grad():
        last.weight *= 10
        last.bias += torch.randn(sum(sizes), generator=random) * 2
    told: list[tuple[str, float]] = []
    begun = SimpleNamespace(
        blocks=Blocks(sizes, torch.device("cpu")),
        margins=Margins(shares=tuple(np.array(each) for each in shares), total=100.0),
        progress=lambda stage, done: told.append((stage, done)),
    )
    return network, begun, told


def entering(rows: int, seed: int) -> Tensor:
    return torch.randn((rows, 4), generator=torch.Generator().manual_seed(seed))


def means(network: Mlp, begun: Any, rows: Tensor) -> list[Tensor]:
    with torch.no_grad():
        scores = network(rows)
    return [torch.softmax(own, dim=1).mean(dim=0) for own in begun.blocks.split(scores)]


def off(found: list[Tensor]) -> float:
    return max(
        float((own - torch.tensor(shares)).abs().max())
        for own, shares in zip(found, SHARES, strict=True)
    )


def test_rows_that_were_not_looked_at_have_the_shares_too() -> None:
    network, begun, told = world()
    fresh = entering(50_000, seed=9)
    assert off(means(network, begun, fresh)) > 0.2
    match(network, entering(20_000, seed=1), begun)
    assert off(means(network, begun, fresh)) < 0.02
    assert told[-1] == ("match one-way tables", 1.0)
    assert len(told) == ROUNDS


def test_no_round_leads_away(monkeypatch: pytest.MonkeyPatch) -> None:
    network, begun, _ = world()
    rows, before = entering(2_000, seed=1), float("inf")
    monkeypatch.setattr("dpgate.synthesis.gan.matching.ROUNDS", 1)
    goal = [torch.tensor(shares).clamp(min=1e-6) for shares in SHARES]
    for _ in range(15):
        with torch.no_grad():
            split = begun.blocks.split(network(rows))
        pairs = zip(split, goal, strict=True)
        # What generalized iterative scaling lowers: the cross entropy of shares to a row's chances.
        now = sum(float((torch.logsumexp(own, 1) - own @ share).mean()) for own, share in pairs)
        assert now <= before + 1e-5
        before = now
        match(network, rows, begun)


def test_all_rows_are_moved_alike() -> None:
    network, begun, _ = world()
    rows = entering(500, seed=2)
    with torch.no_grad():
        before = network(rows)
        match(network, rows, begun)
        moved = network(rows) - before
    torch.testing.assert_close(moved, moved[:1].expand_as(moved), rtol=0, atol=1e-4)
    assert moved.abs().max() > 1


def test_rows_that_hold_a_column_do_not_count_for_it() -> None:
    """Their conditions have its shares already; the others make up the rest."""
    network, begun, _ = world()
    rows, held = entering(20_000, seed=3), torch.arange(20_000) % 3
    rows[held == 1] += 2.0  # those that hold the second column go elsewhere
    match(network, rows, begun, held)
    for place, shares in enumerate(SHARES):
        own = means(network, begun, rows[held != place])[place]
        np.testing.assert_allclose(own, shares, atol=0.02)
    assert off(means(network, begun, rows)) > 0.03


def test_one_column_that_every_row_holds_is_left_in_numbers() -> None:
    network, begun, _ = world((3,), ((0.2, 0.3, 0.5),))
    rows = entering(100, seed=1)
    match(network, rows, begun, torch.zeros(100, dtype=torch.int64))
    assert all(bool(torch.isfinite(p).all()) for p in network.parameters())


def test_a_generator_whose_scores_are_beyond_numbers_is_left_alone() -> None:
    network, begun, _ = world()
    last: Any = network.layers[-1]
    with torch.no_grad():
        last.weight[:3] = 3e38  # the first column's, finite
        before = last.bias.clone()
    match(network, entering(500, seed=1), begun)
    assert all(bool(torch.isfinite(p).all()) for p in network.parameters())
    torch.testing.assert_close(last.bias[:3], before[:3])
    assert not torch.equal(last.bias[3:], before[3:])


@pytest.mark.parametrize(("width", "rows"), [(2, 20_000), (588, 14_266), (20_000, 1_000)])
def test_memory_is_bounded(width: int, rows: int) -> None:
    assert rows_to_match(width) == rows
    assert rows_to_match(10**6) == 1_000
