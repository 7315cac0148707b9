"""Rows of a tree: joint distributions of pairs, and merged cells taken apart."""

from __future__ import annotations

import numpy as np
import pytest

from dpgate.synthesis.sampling.ancestral import draw, split
from dpgate.synthesis.sampling.directed import Step


def test_pairs_follow_the_model() -> None:
    rng = np.random.default_rng(1)
    sizes = (3, 4, 2)
    root, second = rng.dirichlet(np.ones(3)), rng.dirichlet(np.ones(2), size=3)
    third = rng.dirichlet(np.ones(4), size=6)
    steps = (
        Step(column=0, parents=(), table=root[None, :]),
        Step(column=2, parents=(0,), table=second),
        Step(column=1, parents=(2, 0), table=third),
    )
    rows = 60_000
    drawn = draw(steps, sizes, rows, rng)
    joint = root[:, None, None] * second[:, :, None] * third.reshape(2, 3, 4).transpose(1, 0, 2)
    counted = np.zeros(joint.shape)
    np.add.at(counted, (drawn[0], drawn[2], drawn[1]), 1)
    # Far below the spread of independent draws, which is about sqrt(rows · p).
    assert np.abs(counted - rows * joint).max() < 12


def test_neighboring_rows_are_unrelated() -> None:
    rng = np.random.default_rng(2)
    only = Step(column=0, parents=(), table=np.full((1, 5), 0.2))
    (drawn,) = draw((only,), (5,), 20_000, rng)
    assert abs(np.corrcoef(drawn[1:], drawn[:-1])[0, 1]) < 0.04


@pytest.mark.parametrize("rows", [0, 1, 5000])
def test_merged_cells_are_taken_apart(rows: int) -> None:
    rng = np.random.default_rng(3)
    coarse = np.array([0, 2, 2, 1, 2])
    within = np.array([1.0, 0.75, 0.0, 1.0, 0.25])
    cells = rng.integers(0, 3, rows)
    fine = split(cells, coarse, within, rng)
    np.testing.assert_array_equal(coarse[fine], cells)
    counted = np.bincount(fine, minlength=5)
    assert counted[2] == 0
    assert abs(counted[1] - 0.75 * (cells == 2).sum()) <= 1


def test_renumbered_cells_need_no_draw() -> None:
    rng = np.random.default_rng(4)
    coarse = np.array([2, 0, 1])
    np.testing.assert_array_equal(split(np.array([0, 1, 2]), coarse, np.ones(3), rng), [1, 2, 0])
