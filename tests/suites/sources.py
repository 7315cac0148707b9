"""What every source must do, whatever it reads."""

from __future__ import annotations

from abc import abstractmethod
from itertools import combinations
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest

from dpgate.sources.encode import encode
from dpgate.sources.interface import MarginalSource
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


class SourceSuite:
    """Subclass it and say how rows become a source."""

    @abstractmethod
    def source(self, rows: list[worlds.Row], folder: Path) -> MarginalSource:
        """A source over the rows with the domain of `worlds`."""

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
