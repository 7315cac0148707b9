"""Encoded rows between counts: complete or not there, and never under a name."""

from __future__ import annotations

import gc
import os
import resource
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from dpgate.sources import encoded
from dpgate.sources.encoded import Encoded
from tests.suites import worlds


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(encoded, "KEPT_BYTES", 100)


def batch(rows: int, start: int = 0) -> tuple[np.ndarray, np.ndarray]:
    narrow = (np.arange(rows) + start).astype(np.uint8)
    return narrow, (np.arange(rows) * 300 + start).astype(np.uint16)


def kept(rows: Sequence[int], folder: Path | None) -> Encoded:
    made = Encoded(folder)
    for turn, count in enumerate(rows):
        made.add(batch(count, turn))
    return made


@pytest.mark.parametrize("rows", [[], [0], [5], [20, 7], [90, 0, 3000, 1]])
def test_batches_come_back_in_order(tmp_path: Path, rows: list[int]) -> None:
    made = kept(rows, tmp_path)
    assert made.whole
    for _ in range(2):
        read = list(made.batches([1]))
        assert len(read) == len(rows)
        for turn, (count, found) in enumerate(zip(rows, read, strict=True)):
            assert list(found) == [1]
            np.testing.assert_array_equal(found[1], batch(count, turn)[1])


def test_the_file_has_no_name_and_ends_with_its_owner(tmp_path: Path) -> None:
    made = kept([90, 3000], tmp_path)
    assert not list(tmp_path.iterdir())
    assert made._file is not None
    number = made._file.fileno()
    state = os.fstat(number)
    assert state.st_nlink == 0
    assert state.st_mode & 0o077 == 0
    assert state.st_size == 3 * 3090
    del made
    gc.collect()
    with pytest.raises(OSError, match="descriptor"):
        os.fstat(number)


def test_without_a_folder_what_is_too_large_is_not_kept() -> None:
    made = kept([90, 3000, 10], None)
    assert not made.whole
    assert not list(made.batches([0]))


def test_without_room_it_is_not_kept_and_counting_goes_on(tmp_path: Path) -> None:
    from dpgate.sources.arrow import table_source

    source = table_source(worlds.table(worlds.rows(3000)), worlds.domain(), tmp_path)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, hard))
    try:
        counts = [int(source.count([(0, 1)])[0].sum()) for _ in range(2)]
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert counts == [3000, 3000]


def test_without_room_it_leaves_the_room_to_others(tmp_path: Path) -> None:
    """The release's own rows go to the same disk, which these must not fill."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, hard))
    try:
        made = kept([90, 3000, 10], tmp_path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert not made.whole
    assert made._file is not None
    assert made._file.closed
    assert not list(made.batches([0]))


def test_a_file_that_was_cut_short_is_no_source(tmp_path: Path) -> None:
    made = kept([90, 3000], tmp_path)
    assert made._file is not None
    os.truncate(made._file.fileno(), 2000)
    with pytest.raises(OSError, match="cut short"):
        list(made.batches([0]))
