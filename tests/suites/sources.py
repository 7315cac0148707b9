"""What every source must do, whatever it reads."""

from __future__ import annotations

import math
from abc import abstractmethod
from functools import partial
from itertools import combinations
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest

from dpgate.errors import SourceError
from dpgate.sources.encode import encode, numbers
from dpgate.sources.interface import MarginalSource, Sum
from tests.suites import worlds


def expected(rows: list[worlds.Row], clique: tuple[int, ...]) -> np.ndarray:
    """The table by one addition a row."""
    domain = worlds.domain()
    columns = worlds.table(rows).combine_chunks()
    codes = [
        encode(columns.column(domain.names[c]).combine_chunks(), domain.columns[c]) for c in clique
    ]
    counted = np.zeros([domain.sizes[c] for c in clique], dtype=np.int64)
    for cell in zip(*codes, strict=True):
        counted[cell] += 1
    return counted


AGE, INCOME = 0, 1
SUMS = [
    Sum(column=AGE, by=(), per=1, low=0, high=99),
    Sum(column=AGE, by=(2,), per=1, low=10, high=60, origin=35),
    Sum(column=AGE, by=(4, 3), per=2, low=-20, high=101, origin=-20),
    Sum(column=INCOME, by=(2,), per=100, low=0, high=500_050),
    Sum(column=INCOME, by=(1,), per=1, low=0, high=2**42, origin=2**41),
    Sum(column=INCOME, by=(0, 4), per=3, low=-7, high=9001, origin=0),
]
"""A missing age counts as the lowest, a missing income not at all."""


def added_up(rows: list[worlds.Row], wanted: Sum) -> np.ndarray:
    """The totals by one addition a row, in Python's own integers."""
    domain = worlds.domain()
    columns = worlds.table(rows).combine_chunks()
    values = numbers(columns.column(domain.names[wanted.column]).combine_chunks())
    codes = [
        encode(columns.column(domain.names[c]).combine_chunks(), domain.columns[c])
        for c in wanted.by
    ]
    total = np.zeros([domain.sizes[c] for c in wanted.by], dtype=object)
    for place, value in enumerate(values.tolist()):
        cell = tuple(int(code[place]) for code in codes)
        if math.isnan(value):
            total[cell] += 0 if wanted.column == INCOME else wanted.low - wanted.origin
            continue
        inside = min(max(value, wanted.low / wanted.per), wanted.high / wanted.per)
        total[cell] += round(inside * wanted.per) - wanted.origin
    return total.astype(np.int64)


class SourceSuite:
    """Subclass it and say how rows become a source."""

    @abstractmethod
    def source(self, rows: list[worlds.Row], folder: Path) -> MarginalSource:
        """A source over the rows with the domain of `worlds`."""

    def spoil(self, folder: Path) -> bool:
        """Takes away, or damages, what `source` made there; whether there is anything to take."""
        return False

    cliques: ClassVar[list[tuple[int, ...]]] = [
        (0,),
        (3,),
        (2, 0),
        *combinations(range(5), 2),
        (4, 1, 2),
    ]

    def test_counts_every_row_once(self, tmp_path: Path) -> None:
        rows = worlds.rows(300)
        tables = self.source(rows, tmp_path).count(self.cliques)
        for clique, counted in zip(self.cliques, tables, strict=True):
            assert counted.dtype == np.int64
            assert counted.sum() == 300
            np.testing.assert_array_equal(counted, expected(rows, clique))

    def test_counting_again_gives_the_same(self, tmp_path: Path) -> None:
        source = self.source(worlds.rows(50), tmp_path)
        first, second = source.count([(0, 1)]), source.count([(0, 1)])
        np.testing.assert_array_equal(first[0], second[0])

    def test_merged_cells_are_sums_of_cells(self, tmp_path: Path) -> None:
        source = self.source(worlds.rows(200), tmp_path)
        merged = [np.minimum(np.arange(size), 1) for size in source.domain.sizes]
        whole, coarse = source.count([(0, 1)])[0], source.count([(0, 1)], merged=merged)[0]
        assert coarse.shape == (2, 2)
        assert coarse[0, 0] == whole[0, 0]
        assert coarse[1, 0] == whole[1:, 0].sum()
        assert coarse[1, 1] == whole[1:, 1:].sum()

    def test_no_rows_make_empty_tables(self, tmp_path: Path) -> None:
        source = self.source([], tmp_path)
        tables = source.count([(0,), (1, 2)])
        assert [t.shape for t in tables] == [
            (source.domain.sizes[0],),
            (source.domain.sizes[1], source.domain.sizes[2]),
        ]
        assert not any(t.any() for t in tables)

    def test_no_cliques_no_tables(self, tmp_path: Path) -> None:
        assert self.source(worlds.rows(3), tmp_path).count([]) == []

    @pytest.mark.slow
    @pytest.mark.parametrize("kind", worlds.HOSTILE)
    def test_a_hostile_row_moves_one_count_of_each_table(
        self, kind: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
    ) -> None:
        rows = worlds.rows(40)
        (tmp_path / "a").mkdir()
        (tmp_path / "b").mkdir()
        without = self.source(rows, tmp_path / "a").count(self.cliques)
        place = len(rows) // 2
        spoiled = [*rows[:place], worlds.HOSTILE[kind], *rows[place:]]
        with_it = self.source(spoiled, tmp_path / "b").count(self.cliques)
        for before, after in zip(without, with_it, strict=True):
            difference = after - before
            assert difference.min() >= 0
            assert difference.sum() == 1
        assert capfd.readouterr() == ("", "")

    def test_the_order_of_columns_and_tables_is_that_asked_for(self, tmp_path: Path) -> None:
        source = self.source(worlds.rows(150), tmp_path)
        one, other, turned = source.count([(0, 1, 2), (1,), (2, 0, 1)])
        np.testing.assert_array_equal(one.transpose(2, 0, 1), turned)
        np.testing.assert_array_equal(one.sum(axis=(0, 2)), other)

    def test_what_breaks_is_told_without_a_word_of_the_data(
        self, tmp_path: Path, capfd: pytest.CaptureFixture[str]
    ) -> None:
        source = self.source([*worlds.rows(40), worlds.HOSTILE["email"]], tmp_path)
        if not self.spoil(tmp_path):
            return
        for measure in (partial(source.count, [(0, 2)]), partial(source.sums, SUMS)):
            with pytest.raises(SourceError) as caught:
                measure()
            error = caught.value
            assert error.message == "the source became unreadable while it was being counted"
            said = f"{error}{error.fix}{error.__context__}{error.__cause__}"
            assert "eve@" not in said
            assert str(tmp_path) not in said
        assert capfd.readouterr() == ("", "")

    def test_sums_add_each_row_to_its_own_cell(self, tmp_path: Path) -> None:
        odd = [worlds.HOSTILE[kind] for kind in ("nan", "huge", "unseen")]
        rows = [*worlds.rows(300), *odd]
        tables = self.source(rows, tmp_path).sums(SUMS)
        for wanted, total in zip(SUMS, tables, strict=True):
            assert total.dtype == np.int64
            np.testing.assert_array_equal(total, added_up(rows, wanted))

    def test_no_rows_make_empty_sums(self, tmp_path: Path) -> None:
        source = self.source([], tmp_path)
        tables = source.sums(SUMS)
        assert [t.shape for t in tables] == [
            tuple(source.domain.sizes[c] for c in wanted.by) for wanted in SUMS
        ]
        assert not any(t.any() for t in tables)
        assert source.sums([]) == []

    @pytest.mark.slow
    @pytest.mark.parametrize("kind", worlds.HOSTILE)
    def test_a_hostile_row_moves_one_sum_within_its_bounds(
        self, kind: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
    ) -> None:
        rows = worlds.rows(40)
        (tmp_path / "a").mkdir()
        (tmp_path / "b").mkdir()
        without = self.source(rows, tmp_path / "a").sums(SUMS)
        spoiled = [*rows[:20], worlds.HOSTILE[kind], *rows[20:]]
        with_it = self.source(spoiled, tmp_path / "b").sums(SUMS)
        for wanted, before, after in zip(SUMS, without, with_it, strict=True):
            moved = (after - before)[after != before]
            low, high = (min(0, wanted.low - wanted.origin), max(0, wanted.high - wanted.origin))
            assert len(moved) <= 1
            assert all(low <= step <= high for step in moved.tolist())
        assert capfd.readouterr() == ("", "")
