"""The bounded χ²: how steep it is, and how near to Pearson's."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dpgate.evidence.measures.huber import FEWEST, SLOPE, UNIT, huber
from dpgate.evidence.measures.interface import RESOLUTION

STEPS = st.one_of(st.integers(0, 20_000), st.integers(0, 10**15))


def of(found: int, wanted: int) -> int:
    return huber(np.array([found], dtype=np.int64), np.array([wanted], dtype=np.int64))


@given(found=STEPS, wanted=STEPS, more=st.one_of(st.just(1), st.integers(1, 2**20)))
def test_it_is_never_steeper_than_it_says(found: int, wanted: int, more: int) -> None:
    assert abs(of(found + more, wanted) - of(found, wanted)) <= SLOPE * UNIT * more


@given(found=STEPS, wanted=STEPS)
def test_it_lies_just_above_the_smooth_form(found: int, wanted: int) -> None:
    base = max(wanted, FEWEST * RESOLUTION)
    r = Fraction(abs(found - wanted), base)
    smooth = base * (r * r if r <= 1 else 2 * r - 1)
    assert 0 <= Fraction(of(found, wanted), UNIT) - smooth <= Fraction(base, 4096)


@given(found=st.integers(0, 20_000), wanted=st.integers(0, 20_000))
def test_it_is_convex(found: int, wanted: int) -> None:
    left, middle, right = (of(found + step, wanted) for step in (0, 1, 2))
    assert left + right >= 2 * middle


def test_what_is_as_expected_is_at_zero_and_cells_add_up() -> None:
    cells = np.array([0, 7 * RESOLUTION, 10**15])
    assert huber(cells, cells) == 0
    assert huber(np.array([0, 9]), np.array([4, 1])) == of(0, 4) + of(9, 1)


@pytest.mark.parametrize("records", [10**9, 10**12])
def test_the_largest_tables_fit_64_bits(records: int) -> None:
    whole, none = np.array([records * RESOLUTION, 0]), np.array([0, records * RESOLUTION])
    base = FEWEST * RESOLUTION
    most = 2 * records * RESOLUTION - base + records * RESOLUTION
    assert huber(whole, none) == UNIT * most
