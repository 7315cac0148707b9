"""Tables of DuckDB database files."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

from dpgate.errors import SourceError
from dpgate.sources.duck import DuckTable
from dpgate.sources.interface import MarginalSource
from dpgate.sources.open import describe, open_source
from tests.suites import worlds
from tests.suites.sources import SourceSuite


def stored(rows: list[worlds.Row], path: Path, table: str = "rows") -> None:
    made = worlds.table(rows)
    with duckdb.connect(str(path)) as engine:
        engine.register("made", made)
        engine.sql(f"CREATE TABLE {table} AS SELECT * FROM made")


def opened(uri: str) -> MarginalSource:
    return open_source(uri, worlds.dataset(), list(worlds.COLUMNS))


class TestDatabaseFile(SourceSuite):
    def source(self, rows: list[worlds.Row], folder: Path) -> MarginalSource:
        stored(rows, folder / "a.duckdb")
        return opened(f"{folder}/a.duckdb?table=rows")

    def spoil(self, folder: Path) -> bool:
        (folder / "a.duckdb").unlink()
        return True


class TestView(SourceSuite):
    """A view in a schema of its own, by a file: address."""

    def source(self, rows: list[worlds.Row], folder: Path) -> MarginalSource:
        stored(rows, folder / "a.duckdb")
        with duckdb.connect(str(folder / "a.duckdb")) as engine:
            engine.sql("CREATE SCHEMA kept")
            engine.sql("CREATE VIEW kept.seen AS SELECT * FROM rows")
        return opened(f"{(folder / 'a.duckdb').as_uri()}?table=kept.seen")


@pytest.mark.parametrize(
    "query", ["", "?", "?table=", "?table=a;b", '?table="rows"', "?table=a.b.c.d"]
)
def test_an_address_without_a_table(query: str, tmp_path: Path) -> None:
    stored(worlds.rows(3), tmp_path / "a.duckdb")
    with pytest.raises(SourceError, match="names no table"):
        describe(f"{tmp_path}/a.duckdb{query}", worlds.dataset(), ["age"])


@pytest.mark.parametrize("table", ["none", "kept.rows", "main.rows.more"])
def test_a_table_that_is_not_there(table: str, tmp_path: Path) -> None:
    stored(worlds.rows(3), tmp_path / "a.duckdb")
    with pytest.raises(SourceError, match="with that table") as caught:
        describe(f"{tmp_path}/a.duckdb?table={table}", worlds.dataset(), ["age"])
    assert str(tmp_path) not in str(caught.value)


def test_a_file_that_is_no_database(tmp_path: Path) -> None:
    (tmp_path / "a.duckdb").write_bytes(b"eve@example.com" * 1000)
    with pytest.raises(SourceError, match="not a readable DuckDB database"):
        describe(f"{tmp_path}/a.duckdb?table=rows", worlds.dataset(), ["age"])
    with pytest.raises(SourceError, match="not a readable DuckDB database"):
        describe(f"{tmp_path}/none.duckdb?table=rows", worlds.dataset(), ["age"])
    assert not (tmp_path / "none.duckdb").exists()


def test_a_view_that_reaches_out(tmp_path: Path) -> None:
    (tmp_path / "b.csv").write_text("age\n1\n", encoding="utf-8")
    with duckdb.connect(str(tmp_path / "a.duckdb")) as engine:
        engine.sql(f"CREATE VIEW rows AS SELECT * FROM read_csv('{tmp_path}/b.csv')")
    with pytest.raises(SourceError, match="with that table"):
        describe(f"{tmp_path}/a.duckdb?table=rows", worlds.dataset(), ["age"])


def test_a_database_that_goes_away(tmp_path: Path) -> None:
    stored(worlds.rows(3), tmp_path / "a.duckdb")
    source = opened(f"{tmp_path}/a.duckdb?table=rows")
    (tmp_path / "a.duckdb").unlink()
    with pytest.raises(SourceError, match="unreadable while it was being counted"):
        source.count([(0,)])


def test_no_bar_tells_how_far_duckdb_is(tmp_path: Path) -> None:
    stored(worlds.rows(3), tmp_path / "a.duckdb")
    with DuckTable(tmp_path / "a.duckdb", ["rows"])._connected() as engine:
        assert engine.sql("SELECT current_setting('enable_progress_bar')").fetchall() == [(False,)]
