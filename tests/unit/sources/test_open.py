"""Opening sources: files as they are found, and what is said about them."""

from __future__ import annotations

import csv
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dpgate.errors import DpgateError, SourceError
from dpgate.sources.interface import MarginalSource
from dpgate.sources.open import describe, open_source
from tests.suites import worlds
from tests.suites.sources import SourceSuite

CANARY = "eve@example.com"


def write_csv(rows: list[worlds.Row], path: Path, quoting: int = csv.QUOTE_MINIMAL) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(worlds.COLUMNS), quoting=quoting)  # type: ignore[arg-type]
        writer.writeheader()
        writer.writerows(rows)


class TestParquet(SourceSuite):
    def source(self, rows: list[worlds.Row], folder: Path) -> MarginalSource:
        pq.write_table(worlds.table(rows), folder / "rows.parquet", row_group_size=64)
        return open_source(str(folder / "rows.parquet"), worlds.dataset(), list(worlds.COLUMNS))

    def spoil(self, folder: Path) -> bool:
        whole = (folder / "rows.parquet").read_bytes()
        (folder / "rows.parquet").write_bytes(b"\xff" * 600 + whole[600:])
        return True


class TestCsv(SourceSuite):
    def source(self, rows: list[worlds.Row], folder: Path) -> MarginalSource:
        write_csv(rows, folder / "rows.csv")
        uri = (folder / "rows.csv").as_uri()
        return open_source(uri, worlds.dataset(), list(worlds.COLUMNS))

    def spoil(self, folder: Path) -> bool:
        (folder / "rows.csv").unlink()
        return True


class TestQuotedCsv(SourceSuite):
    def source(self, rows: list[worlds.Row], folder: Path) -> MarginalSource:
        write_csv(rows, folder / "rows.csv", csv.QUOTE_ALL)
        return open_source(str(folder / "rows.csv"), worlds.dataset(), list(worlds.COLUMNS))


def opened(path: Path) -> MarginalSource:
    return open_source(str(path), worlds.dataset(), list(worlds.COLUMNS))


def refused(path: Path, capfd: pytest.CaptureFixture[str]) -> DpgateError:
    """The error of opening and counting; nothing of it or around it holds the canary."""
    with pytest.raises(SourceError) as caught:
        opened(path).count([(0, 1)])
    error = caught.value
    assert CANARY not in f"{error}{error.fix}{error.__context__}{error.__cause__}"
    assert str(path) not in f"{error}{error.fix}"
    assert capfd.readouterr() == ("", "")
    return error


@pytest.mark.parametrize("suffix", [".parquet", ".csv"])
def test_missing_file(suffix: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert "not a file" in refused(tmp_path / f"none{suffix}", capfd).message


@pytest.mark.parametrize("suffix", [".parquet", ".csv"])
def test_directory(suffix: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (tmp_path / f"a{suffix}").mkdir()
    assert "a folder without" in refused(tmp_path / f"a{suffix}", capfd).message


@pytest.mark.parametrize(
    ("suffix", "words"), [(".parquet", "not a readable Parquet"), (".csv", "no CSV header")]
)
def test_empty_file(
    suffix: str, words: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / f"a{suffix}").touch()
    assert words in refused(tmp_path / f"a{suffix}", capfd).message


@pytest.mark.parametrize("kept", [0.1, 0.5, 0.9, 0.999])
def test_truncated_parquet(kept: float, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    pq.write_table(worlds.table(worlds.rows(500)), tmp_path / "a.parquet")
    whole = (tmp_path / "a.parquet").read_bytes()
    (tmp_path / "a.parquet").write_bytes(whole[: int(len(whole) * kept)])
    refused(tmp_path / "a.parquet", capfd)


def test_parquet_whose_pages_are_damaged(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    rows = [{**row, "job": CANARY} for row in worlds.rows(500)]
    pq.write_table(worlds.table(rows), tmp_path / "a.parquet", compression="snappy")
    whole = bytearray((tmp_path / "a.parquet").read_bytes())
    whole[8:400] = b"\xff" * 392
    (tmp_path / "a.parquet").write_bytes(bytes(whole))
    assert "unreadable while it was being counted" in refused(tmp_path / "a.parquet", capfd).message


def test_csv_without_the_columns(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "a.csv").write_text(f"{CANARY},2,smith,3,true\n", encoding="utf-8")
    error = refused(tmp_path / "a.csv", capfd)
    assert error.message.endswith("age, income, job, grade, smokes")


def test_parquet_with_another_type(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    table = worlds.table(worlds.rows(3)).drop_columns(["age"])
    table = table.append_column("age", [[[1], [2], [3]]])
    pq.write_table(table, tmp_path / "a.parquet")
    assert refused(tmp_path / "a.parquet", capfd).message.endswith("counted: age")


@pytest.mark.parametrize(
    "uri", ["https://host/a.csv", "s3://bucket/a.parquet", "file://host/a.csv", "a.txt", "//[", ""]
)
def test_addresses_that_cannot_be_opened(uri: str) -> None:
    with pytest.raises(SourceError):
        describe(uri, worlds.dataset(), list(worlds.COLUMNS))


@pytest.mark.parametrize("suffix", [".parquet", ".csv"])
def test_a_file_that_goes_away_after_the_preflight(suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"a{suffix}"
    write_csv(worlds.rows(3), path)
    if suffix == ".parquet":
        pq.write_table(worlds.table(worlds.rows(3)), path)
    source = opened(path)
    path.unlink()
    with pytest.raises(SourceError, match="unreadable"):
        source.count([(0,)])


def test_describe_reads_no_row(tmp_path: Path) -> None:
    write_csv(worlds.rows(3), tmp_path / "a.csv")
    with (tmp_path / "a.csv").open("ab") as file:
        file.write(b'"' * 10_000_000)  # would be slow and wrong to parse
    describe(str(tmp_path / "a.csv"), worlds.dataset(), ["age"])


HEADER = b"\xef\xbb\xbfage,note,job\r\n"


@pytest.mark.parametrize(
    ("body", "ages"),
    [
        (b"1,,clerk\r\n2,,smith\r\n", 2),
        (b"1,,clerk\n2,,smith", 2),
        (b"1,,clerk\n\n2,,smith\n\n", 2),
        (b"1,,clerk\nonly one\n1,2,3,4,5\n2,,smith\n", 2),
        (b'1,,clerk\n2,"unclosed,smith\n', 1),
        (b'1,,clerk\n2,"a" b,smith\n3,,smith\n', 2),
        (b'1,a"b,"c\n2,,smith\n3,,clerk\n', 2),
        (b'1,"two\nlines",clerk\n2,,smith\n', 2),
        (b'1,"7,,smith\n8,,smith\n",clerk\n', 1),
        (b"1,\xff\xfe,cl\xff\n2,\x00,smith\n", 2),
        (b"1,a\rb,clerk\n2,,smith\n", 1),
        (b'"",,"clerk"\r\n"2","""x"",","smith"\r\n', 2),
        (b"", 0),
    ],
)
def test_records_of_a_csv(body: bytes, ages: int, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(HEADER + body)
    source = open_source(str(tmp_path / "a.csv"), worlds.dataset(), ["job", "age"])
    assert source.count([(1,)])[0].sum() == ages


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(notes=st.lists(st.text(alphabet='",\r\n a7é', max_size=6), min_size=1, max_size=8))
def test_what_people_write_into_a_field_is_no_record(notes: list[str], tmp_path: Path) -> None:
    with (tmp_path / "a.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["note", "age", "job"])
        writer.writerows([[note, 30, "smith"] for note in notes])
    source = open_source(str(tmp_path / "a.csv"), worlds.dataset(), ["age", "job"])
    counted = source.count([(0, 1)])[0]
    assert counted.sum() == counted[:, 1].sum() == len(notes)
