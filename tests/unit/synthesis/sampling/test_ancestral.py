"""Rows of a tree: joint distributions of pairs, and merged cells taken apart."""

from __future__ import annotations

import numpy as np
import pytest

from dpgate.synthesis.inference.tree import Edge, Potentials, marginals
from dpgate.synthesis.sampling.ancestral import draw, split


def test_pairs_follow_the_model() -> None:
    rng = np.random.default_rng(1)
    tree = (Edge(0, 2), Edge(2, 1))
    sizes = (3, 4, 2)
    potentials = Potentials(
        tuple(rng.normal(size=size) for size in sizes),
        tuple(rng.normal(size=(sizes[e.parent], sizes[e.child])) for e in tree),
    )
    fitted = marginals(tree, potentials)
    rows = 60_000
    drawn = draw(tree, fitted, rows, rng)
    for edge, joint in zip(tree, fitted.edges, strict=True):
        counted = np.zeros(joint.shape)
        np.add.at(counted, (drawn[edge.parent], drawn[edge.child]), 1)
        # Far below the spread of independent draws, which is about sqrt(rows · p).
        assert np.abs(counted - rows * joint).max() < 12
    across = np.zeros((3, 4))
    np.add.at(across, (drawn[0], drawn[1]), 1)
    expected = fitted.edges[0] @ fitted.conditionals[1] * rows
    assert np.abs(across - expected).max() < 5 * np.sqrt(expected.max())


def test_neighboring_rows_are_unrelated() -> None:
    rng = np.random.default_rng(2)
    fitted = marginals((), Potentials((np.zeros(5),), ()))
    (drawn,) = draw((), fitted, 20_000, rng)
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
