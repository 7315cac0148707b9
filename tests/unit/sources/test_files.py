"""Sources of many files."""

from __future__ import annotations

import csv
from itertools import groupby
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from dpgate.errors import SourceError
from dpgate.sources.interface import MarginalSource
from dpgate.sources.open import describe, open_source
from tests.suites import worlds
from tests.suites.sources import SourceSuite


def opened(place: Path) -> MarginalSource:
    return open_source(str(place), worlds.dataset(), list(worlds.COLUMNS))


class TestFolder(SourceSuite):
    """Parquet files beside what other programs leave behind."""

    def source(self, rows: list[worlds.Row], folder: Path) -> MarginalSource:
        place = folder / "rows"
        (place / "below").mkdir(parents=True)
        (place / "_SUCCESS").touch()
        (place / ".part-0.parquet").write_bytes(b"half a file")
        for number, some in enumerate([rows[:7], rows[7:9], rows[9:]]):
            pq.write_table(worlds.table(some), place / "below" / f"part-{number}.parquet")
        return opened(place)

    def spoil(self, folder: Path) -> bool:
        (folder / "rows" / "below" / "part-1.parquet").unlink()
        return True


class TestPattern(SourceSuite):
    """CSV files, with columns in an order of their own."""

    def source(self, rows: list[worlds.Row], folder: Path) -> MarginalSource:
        for number, some in enumerate([rows[:7], rows[7:]]):
            names = list(worlds.COLUMNS)[:: 1 if number else -1]
            with (folder / f"rows-{number}.csv").open("w", newline="", encoding="utf-8") as file:
                writer = csv.DictWriter(file, names)
                writer.writeheader()
                writer.writerows(some)
        return opened(folder / "rows-*.csv")

    def spoil(self, folder: Path) -> bool:
        (folder / "rows-1.csv").unlink()
        return True


class TestPartitioned(SourceSuite):
    """A column that the names of folders hold."""

    def source(self, rows: list[worlds.Row], folder: Path) -> MarginalSource:
        def key(row: worlds.Row) -> str:
            value = row["smokes"]
            return "__HIVE_DEFAULT_PARTITION__" if value is None else str(bool(value)).lower()

        place = folder / "rows"
        for value, some in groupby(sorted(rows, key=key), key):
            (place / f"smokes={value}").mkdir(parents=True)
            table = worlds.table(list(some)).drop_columns(["smokes"])
            pq.write_table(table, place / f"smokes={value}" / "0.parquet")
        if not rows:
            (place / "smokes=true").mkdir(parents=True)
            pq.write_table(worlds.table([]).drop_columns(["smokes"]), place / "smokes=true/0.pq")
        return opened(place)


def test_folders_above_the_source_say_nothing(tmp_path: Path) -> None:
    (tmp_path / "age=90").mkdir()
    pq.write_table(worlds.table(worlds.rows(20)), tmp_path / "age=90" / "a.parquet")
    for place in ("age=90/a.parquet", "age=90", "age=90/*.parquet"):
        assert opened(tmp_path / place).count([(0,)])[0].sum() == 20
    with pytest.raises(SourceError, match="exactly once each: age"):
        opened(tmp_path / "age=*/*.parquet")


def test_files_that_differ_in_their_columns(tmp_path: Path) -> None:
    table = worlds.table(worlds.rows(3))
    pq.write_table(table, tmp_path / "a.parquet")
    pq.write_table(table.append_column("more", pa.array([1, 2, 3])), tmp_path / "b.parquet")
    with pytest.raises(SourceError, match="differ in their columns"):
        describe(str(tmp_path), worlds.dataset(), ["age"])


def test_files_of_two_kinds(tmp_path: Path) -> None:
    pq.write_table(worlds.table(worlds.rows(3)), tmp_path / "a.parquet")
    (tmp_path / "b.csv").write_text("age\n1\n", encoding="utf-8")
    with pytest.raises(SourceError, match="unknown kind"):
        describe(str(tmp_path), worlds.dataset(), ["age"])


@pytest.mark.parametrize(
    ("place", "message"),
    [
        ("", "a folder without Parquet or CSV"),
        ("*.parquet", "not a file"),
        ("none/*.csv", "not a file"),
    ],
)
def test_nothing_to_be_found(place: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=message):
        describe(f"{tmp_path}/{place}", worlds.dataset(), ["age"])


def test_a_file_that_goes_away_between_others(tmp_path: Path) -> None:
    for number in range(3):
        pq.write_table(worlds.table(worlds.rows(10, seed=number)), tmp_path / f"{number}.parquet")
    source = opened(tmp_path)
    (tmp_path / "1.parquet").unlink()
    with pytest.raises(SourceError, match="unreadable while it was being counted"):
        source.count([(0,)])
