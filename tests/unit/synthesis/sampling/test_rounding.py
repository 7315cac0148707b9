"""Systematic rounding: exact sums, no bias, less spread than independent draws."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from dpgate.synthesis.sampling.rounding import systematic


@given(
    st.integers(0, 2**32 - 1),
    st.lists(st.integers(0, 10**9), min_size=1, max_size=6),
    st.integers(1, 40),
)
def test_lines_sum_to_their_rows_and_stay_within_one(
    seed: int, rows: list[int], cells: int
) -> None:
    rng = np.random.default_rng(seed)
    table = rng.random((len(rows), cells)) ** 8
    table /= table.sum(axis=1, keepdims=True)
    drawn = systematic(np.array(rows), table, rng)
    np.testing.assert_array_equal(drawn.sum(axis=1), rows)
    assert drawn.min() >= 0
    assert np.abs(drawn - table * np.array(rows)[:, None]).max() < 1 + 1e-3


def test_no_cell_is_favoured() -> None:
    rng = np.random.default_rng(3)
    table = np.tile([0.07, 0.0, 0.33, 0.6], (50_000, 1))
    drawn = systematic(np.full(50_000, 3), table, rng)
    np.testing.assert_allclose(drawn.mean(axis=0), 3 * table[0], atol=0.01)
    assert not drawn[:, 1].any()


def test_impossible_cells_stay_empty_at_the_end() -> None:
    rng = np.random.default_rng(4)
    table = np.tile([1 / 3, 1 / 3, 1 / 3, 0.0], (10_000, 1))
    drawn = systematic(np.full(10_000, 7), table, rng)
    assert drawn[:, 3].sum() == 0
