"""Classes of a target, and models of cells."""

from __future__ import annotations

import numpy as np
import pytest

from dpgate.evidence import learner
from dpgate.evidence.attacks.interval import Side, difference
from dpgate.model.domain import ColumnDomain

AGES = ColumnDomain(
    name="age", kind="integer", lows=tuple(range(100)), highs=tuple(range(100)), null=100
)
TOWNS = ColumnDomain(name="town", kind="whole", values=tuple(range(50)))
COINS = np.random.default_rng()


def test_ordered_cells_are_put_together_to_about_equally_many_rows() -> None:
    rows = np.repeat(np.arange(100), np.arange(1, 101)).astype(np.uint16)
    made = learner.classes(AGES, rows, 9, ordered=True)
    assert made.count == 9
    assert (np.diff(made.of) >= 0).all()
    sizes = np.bincount(made(rows), minlength=9)
    assert sizes[8] == 0  # nobody is missing
    assert sizes[:8].max() < 1.5 * sizes[:8].min()
    assert (np.diff(made.middle[:8]) > 0).all()
    assert made(np.array([100, 65_535], dtype=np.uint16)).tolist() == [8, 8]


@pytest.mark.parametrize("rows", [[], [0], [99], [100], [50, 50, 50]])
def test_whatever_was_released_classes_have_no_gaps(rows: list[int]) -> None:
    made = learner.classes(AGES, np.array(rows, dtype=np.uint16), 9, ordered=True)
    assert sorted(set(made.of.tolist())) == list(range(made.count))
    assert made.count <= 9
    assert np.isfinite(made.middle).all()


def test_without_a_null_cell_all_classes_are_on_the_line() -> None:
    column = ColumnDomain(name="x", kind="integer", lows=tuple(range(9)), highs=tuple(range(9)))
    made = learner.classes(column, np.arange(9, dtype=np.uint16), 3, ordered=True)
    assert made.of.tolist() == [0, 0, 0, 1, 1, 1, 2, 2, 2]
    assert made.middle.round(6).tolist() == [1, 4, 7]


def test_of_many_unordered_cells_the_frequent_ones_stand_for_themselves() -> None:
    rows = np.repeat(np.arange(50), np.where(np.arange(50) % 10 == 3, 20, 1)).astype(np.uint16)
    made = learner.classes(TOWNS, rows, 6, ordered=False)
    assert made.count == 6
    assert [made.of[k] for k in (3, 13, 23, 33, 43)] == [0, 1, 2, 3, 4]
    assert made.of[0] == made.of[49] == 5


def test_of_few_cells_each_is_a_class() -> None:
    made = learner.classes(TOWNS, np.array([7], dtype=np.uint16), 50, ordered=False)
    assert made.of.tolist() == list(range(50))


def test_rows_of_one_class_or_value_need_no_model() -> None:
    rows = COINS.integers(0, 50, (30, 2)).astype(np.uint16)
    columns, lines = [TOWNS, TOWNS], [False, False]
    alone = learner.classifier(rows, np.full(30, 2), [0, 1], columns, lines)
    assert alone.best(rows, 4).tolist() == [2] * 30
    flat = learner.regressor(rows, np.full(30, 2.5), [0, 1], columns, lines)
    assert flat.number(rows).tolist() == [2.5] * 30


def test_classes_that_were_not_released_are_never_the_best() -> None:
    rows = COINS.integers(0, 50, (300, 2)).astype(np.uint16)
    truth = np.where(rows[:, 0] < 25, 0, 3).astype(np.int64)
    model = learner.classifier(rows, truth, [0, 1], [TOWNS, TOWNS], [True, False])
    assert model.known == (0, 3)
    assert (model.best(rows, 5) == truth).mean() > 0.95


def test_a_total_lost_in_its_noise_bounds_nothing() -> None:
    # Just enough records to speak, and z so large that their number may be 0.
    side = Side(counts=[60.0, 60.0], sigma=30.0)
    assert side.speaks
    assert side.share([0], 6.0).low == 0
    assert side.share([0], 6.0).high == 1
    found = difference(side, side, [0], 6.0)
    assert (found.low, found.high) == (-1, 1)
