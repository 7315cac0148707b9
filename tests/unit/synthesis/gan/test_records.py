"""Records in memory: whose rows come together, and how many at a time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from dpgate.synthesis.gan.records import Part, Records, read_persons


class Held:
    """A source of rows that say which row they are, and whose."""

    def __init__(self, owners: Sequence[int], size: int = 4) -> None:
        self._owners = np.array(owners, dtype=np.int64)
        self._size = size

    def rows(self, columns: Sequence[int]) -> Iterator[dict[int, NDArray[np.uint16]]]:
        every = np.arange(len(self._owners), dtype=np.uint16)
        for first in range(0, len(every), self._size):
            yield {column: every[first : first + self._size] + column for column in columns}

    def persons(self) -> NDArray[np.int64]:
        return np.unique(self._owners, return_inverse=True)[1]


def grouped(owners: Sequence[int]) -> Records:
    return read_persons(Held(owners), 2)  # type: ignore[arg-type]


def split(part: Part) -> list[list[int]]:
    """The rows of each record, by their first cell."""
    ends = np.cumsum(part.sizes if part.sizes is not None else np.ones(len(part.codes), dtype=int))
    return [rows[:, 0].tolist() for rows in np.split(part.codes, ends[:-1])]


def test_rows_of_a_person_stand_together_in_their_order() -> None:
    records = grouped([3, 1, 3, 2, 1, 3])
    assert len(records) == 3
    (part,) = records.parts(100)
    assert split(part) == [[1, 4], [3], [0, 2, 5]]
    assert part.codes[:, 1].tolist() == [2, 5, 4, 1, 3, 6]


def test_single_rows_come_as_they_did() -> None:
    records = Records(np.arange(10, dtype=np.uint16)[:, None])
    parts = list(records.chosen(np.array([1, 4, 5, 9])).parts(3))
    assert [part.codes[:, 0].tolist() for part in parts] == [[1, 4, 5], [9]]
    assert {part.sizes for part in parts} == {None}
    assert list(records.chosen(np.empty(0, dtype=np.int64)).parts(3)) == []


@given(st.lists(st.integers(0, 9), max_size=60), st.sets(st.integers(0, 9)), st.integers(1, 20))
@settings(max_examples=60, deadline=None)
def test_parts_hold_all_rows_of_who_was_chosen_and_nobody_else(
    owners: list[int], wanted: set[int], at_once: int
) -> None:
    records, known = grouped(owners), sorted(set(owners))
    assert len(records) == len(known)
    chosen = [place for place, person in enumerate(known) if person in wanted]
    parts = list(records.chosen(np.array(chosen, dtype=np.int64)).parts(at_once))
    found = [rows for part in parts for rows in split(part)]
    assert found == [
        [place for place, owner in enumerate(owners) if owner == known[person]] for person in chosen
    ]
    for part in parts:
        assert part.sizes is not None
        assert len(part.sizes) == 1 or len(part.sizes) * part.sizes.max() <= at_once


@pytest.mark.parametrize("at_once", [1, 7])
def test_one_with_more_rows_than_fit_is_a_part_of_its_own(at_once: int) -> None:
    records = grouped([0, 1, 1, 1, 1, 1, 1, 1, 1, 1, 2])
    parts = list(records.parts(at_once))
    assert [split(part) for part in parts] == [[[0]], [list(range(1, 10))], [[10]]]


def test_nobody_at_all() -> None:
    records = grouped([])
    assert len(records) == 0
    assert records.codes.shape == (0, 2)
    assert list(records.parts(5)) == []


@given(st.lists(st.integers(0, 6), max_size=30), st.integers(0, 3))
@settings(max_examples=60, deadline=None)
def test_persons_travel_in_one_shape_and_come_out_as_they_were(
    owners: list[int], more: int
) -> None:
    records = grouped(owners)
    most = max(np.bincount(owners), default=1) + more
    filled = records.filled(int(most))
    assert filled.shape == (len(records), most, 2)
    again = Records.emptied(filled)
    assert again.starts is not None
    assert records.starts is not None
    np.testing.assert_array_equal(again.codes, records.codes)
    np.testing.assert_array_equal(again.starts, records.starts)


def test_single_rows_travel_as_they_are() -> None:
    codes = np.arange(6, dtype=np.uint16).reshape(3, 2)
    again = Records.emptied(Records(codes).filled(None))
    assert again.starts is None
    np.testing.assert_array_equal(again.codes, codes)
