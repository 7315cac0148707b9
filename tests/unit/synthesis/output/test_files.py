"""Release files: content, determinism, and what is left when writing fails."""

from __future__ import annotations

import hashlib
import resource
import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pytest
from pyarrow import csv, parquet

from dpgate.errors import SynthesisError
from dpgate.synthesis.output.files import STAMP, write, write_text

FACTS = {key: f"{key} of it" for key in STAMP}


def rows(count: int = 3) -> pa.Table:
    values = {
        "age": pa.array([30, None, 41] * (count // 3), pa.int64()),
        "income": pa.array([0.125, 1e-9, 1234567.5] * (count // 3)),
        "job": pa.array(["", None, 'a "b", é'] * (count // 3)).dictionary_encode(),
        "smokes": pa.array([True, False, None] * (count // 3)),
    }
    table = pa.table(values)
    field = table.schema.field(0).with_metadata({"note": "private"})
    schema = table.schema.set(0, field).with_metadata({"pandas": "private"})
    return table.cast(schema)


def test_parquet_holds_the_rows_and_exactly_the_stamp(tmp_path: Path) -> None:
    write(rows(), tmp_path, ["parquet"], FACTS)
    read = parquet.read_table(tmp_path / "data.parquet")
    assert read.to_pylist() == rows().to_pylist()
    assert read.schema.field("job").type == pa.string()
    assert read.schema.metadata == {f"dpgate.{k}".encode(): v.encode() for k, v in FACTS.items()}
    assert b"private" not in (tmp_path / "data.parquet").read_bytes()
    column = parquet.ParquetFile(tmp_path / "data.parquet").metadata.row_group(0).column(0)
    assert column.compression == "ZSTD"


def test_csv_tells_missing_from_empty(tmp_path: Path) -> None:
    write(rows(), tmp_path, ["csv"], FACTS)
    expected = (
        '"age","income","job","smokes"\n'
        '30,0.125,"",true\n'
        ",1e-9,,false\n"
        '41,1234567.5,"a ""b"", é",\n'
    )
    assert (tmp_path / "data.csv").read_text("utf-8") == expected
    options = csv.ConvertOptions(strings_can_be_null=True, quoted_strings_can_be_null=False)
    read = csv.read_csv(tmp_path / "data.csv", convert_options=options)
    assert read.to_pylist() == rows().to_pylist()


def test_returned_digests_and_sizes_are_those_of_the_files(tmp_path: Path) -> None:
    written = write(rows(), tmp_path, ["csv", "parquet"], FACTS)
    assert [item.name for item in written] == [
        "data.csv",
        "data.csv-metadata.json",
        "data.parquet",
    ]
    for item in written:
        content = (tmp_path / item.name).read_bytes()
        assert item.sha256 == f"sha256:{hashlib.sha256(content).hexdigest()}"
        assert item.bytes == len(content)


def test_the_same_rows_are_the_same_bytes_anywhere(tmp_path: Path) -> None:
    digests = []
    for name in ("one", "another"):
        (tmp_path / name).mkdir()
        written = write(rows(300_000), tmp_path / name, ["parquet", "csv"], FACTS)
        digests.append([item.sha256 for item in written])
    assert digests[0] == digests[1]


def test_other_rows_are_other_bytes(tmp_path: Path) -> None:
    (tmp_path / "b").mkdir()
    first = write(rows(3), tmp_path, ["parquet"], FACTS)
    assert first[0].sha256 != write(rows(6), tmp_path / "b", ["parquet"], FACTS)[0].sha256


@pytest.mark.parametrize("change", [{"time": "now"}, {"epsilon": None}])
def test_a_stamp_with_other_facts_is_refused(tmp_path: Path, change: dict[str, str | None]) -> None:
    facts = {k: v for k, v in {**FACTS, **change}.items() if v is not None}
    with pytest.raises(SynthesisError, match=next(iter(change))):
        write(rows(), tmp_path, ["csv"], facts)


@pytest.mark.parametrize("formats", [["xlsx"], []])
def test_an_unknown_format_is_refused_before_writing(tmp_path: Path, formats: list[str]) -> None:
    with pytest.raises(SynthesisError, match="format"):
        write(rows(), tmp_path, [*formats], FACTS)
    assert not list(tmp_path.iterdir())


def test_running_out_of_space_leaves_nothing(tmp_path: Path) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, hard))  # parquet fits, csv does not
    try:
        with pytest.raises(SynthesisError, match="no space left") as caught:
            write(rows(30_000), tmp_path, ["parquet", "csv"], FACTS)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert not list(tmp_path.iterdir())
    assert "charged" in caught.value.fix


@pytest.mark.parametrize("kind", ["csv", "jsonl", "avro", "sql"])
def test_rows_that_a_format_cannot_hold_leave_nothing(tmp_path: Path, kind: str) -> None:
    nested = pa.table({"a": [[1, 2], [3]]})  # fine in Parquet
    with pytest.raises(SynthesisError, match=f"{kind} cannot hold columns: a"):
        write(nested, tmp_path, ["parquet", kind], FACTS)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("kind", ["jsonl", "sql"])
def test_a_number_that_is_none_is_refused_in_text(tmp_path: Path, kind: str) -> None:
    with pytest.raises(SynthesisError, match="not finite"):
        write(pa.table({"a": [0.5, float("nan")]}), tmp_path, [kind], FACTS)
    assert not list(tmp_path.iterdir())


def test_without_pyarrow_the_extra_is_named() -> None:
    program = (
        "import sys; sys.modules['pyarrow'] = None; from pathlib import Path\n"
        "from dpgate.synthesis.output.files import *\n"
        "write(None, Path('.'), ['csv'], dict.fromkeys(STAMP, ''))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False
    )
    assert "MissingExtraError: writing release files needs packages" in done.stderr


def test_a_file_that_is_there_stays_as_it_was(tmp_path: Path) -> None:
    (tmp_path / "data.csv").write_text("mine")
    with pytest.raises(SynthesisError, match="File exists"):
        write(rows(), tmp_path, ["parquet", "csv"], FACTS)
    assert [path.name for path in tmp_path.iterdir()] == ["data.csv"]
    assert (tmp_path / "data.csv").read_text() == "mine"


def test_a_part_file_of_another_run_stays_as_it_was(tmp_path: Path) -> None:
    (tmp_path / ".data.csv.part").write_text("theirs")
    with pytest.raises(SynthesisError, match="File exists"):
        write(rows(), tmp_path, ["csv"], FACTS)
    assert (tmp_path / ".data.csv.part").read_text() == "theirs"


def test_a_missing_directory_is_named(tmp_path: Path) -> None:
    with pytest.raises(SynthesisError, match="absent") as caught:
        write(rows(), tmp_path / "absent", ["csv"], FACTS)
    assert caught.value.fix == "create the directory first"


def test_a_place_that_refuses_writing_is_named() -> None:
    with pytest.raises(SynthesisError, match="/proc"):  # refuses even the superuser
        write(rows(), Path("/proc"), ["csv"], FACTS)


def test_write_text_writes_bytes_as_given(tmp_path: Path) -> None:
    item = write_text(tmp_path, "card.md", "é\n".encode())
    assert (item.name, item.bytes) == ("card.md", 3)
    with pytest.raises(SynthesisError, match="File exists"):
        write_text(tmp_path, "card.md", b"")
