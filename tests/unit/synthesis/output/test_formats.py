"""Every format holds every type, hostile text, missing values, the schema and the facts."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import fastavro
import numpy as np
import pyarrow as pa
import pytest
from pyarrow import csv, parquet

from dpgate.synthesis.output.files import STAMP, write

FACTS = {key: f"{key} of 'it'" for key in STAMP}
STATED = {f"dpgate.{key}": value for key, value in FACTS.items()}
FORMATS = ("parquet", "csv", "jsonl", "avro", "arrow", "sql")

HOSTILE = (
    "", "'; DROP TABLE data; --", 'a "b"', "two\nlines", "a\r\nb", "tab\tc", "back\\slash\\", "é𝔘",
    "=1+1", "+1", "-1", "@SUM(A1)", "NULL", "null", "\u2028", "\ufeff", ":name", "%s", "$1", "a,b",
    "'", "''", "\\'", "x" * 500,
)  # fmt: skip
NAMES = ["select", "Whole", "f", "flag", "day", "at", "local", "second", "price", "listed"]
UTC = dt.UTC


def rows(count: int = 48, *, seed: int = 0) -> pa.Table:
    rng = np.random.default_rng(seed)
    text = [HOSTILE[k % len(HOSTILE)] for k in range(count)]
    whole = [int(v) for v in rng.integers(-(2**63), 2**63 - 1, count)]
    moment = dt.datetime(1969, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC)
    columns: list[tuple[str, pa.DataType, list[Any]]] = [
        ("select", pa.string(), text),
        ("Whole", pa.int64(), [-(2**63), 2**63 - 1, None, *whole][:count]),
        ("f", pa.float64(), [0.1, -0.0, None, 1e-300, 1.7976931348623157e308, 5e-324, 3.0] * count),
        ("flag", pa.bool_(), [True, False, None] * count),
        ("day", pa.date32(), [dt.date(1815, 12, 10), None, dt.date(9999, 12, 31)] * count),
        ("at", pa.timestamp("us", tz="UTC"), [moment, None, moment.replace(microsecond=0)] * count),
        ("local", pa.timestamp("us"), [moment.replace(tzinfo=None), None] * count),
        ("second", pa.timestamp("s"), [dt.datetime(1600, 2, 29, 1, 2, 3), None] * count),  # noqa: DTZ001
        ("price", pa.decimal128(20, 9), [Decimal("0.000000001"), None, Decimal("-12.5")] * count),
    ]
    arrays = {name: pa.array(values[:count], kind) for name, kind, values in columns}
    listed = pa.array((["b", None, "a"] * count)[:count], pa.string())
    arrays["listed"] = listed.dictionary_encode()
    fields = [pa.field(n, a.type, nullable=n != "select") for n, a in arrays.items()]
    return pa.table(list(arrays.values()), schema=pa.schema(fields))


def plain(table: pa.Table) -> list[dict[str, Any]]:
    return [dict(row) for row in table.to_pylist()]


def from_parquet(folder: Path) -> tuple[list[dict[str, Any]], dict[str, str]]:
    table = parquet.read_table(folder / "data.parquet")
    assert [f.nullable for f in table.schema] == [False] + [True] * 9
    return plain(table), {k.decode(): v.decode() for k, v in table.schema.metadata.items()}


def from_arrow(folder: Path) -> tuple[list[dict[str, Any]], dict[str, str]]:
    table = pa.ipc.open_file(folder / "data.arrow").read_all()
    assert table.schema.field("listed").type == pa.string()
    assert not table.schema.field("select").nullable
    return plain(table), {k.decode(): v.decode() for k, v in table.schema.metadata.items()}


def from_avro(folder: Path) -> tuple[list[dict[str, Any]], dict[str, str]]:
    with (folder / "data.avro").open("rb") as handle:
        reader = fastavro.reader(handle)
        records = [dict(record) for record in reader if isinstance(record, dict)]
    assert isinstance(reader.writer_schema, dict)
    assert [field["name"] for field in reader.writer_schema["fields"]] == NAMES
    return records, {k: v for k, v in reader.metadata.items() if not k.startswith("avro.")}


def beside(folder: Path, kind: str) -> dict[str, Any]:
    text = (folder / f"data.{kind}-metadata.json").read_text("utf-8")
    body: dict[str, Any] = json.loads(text)
    assert body["url"] == f"data.{kind}"
    assert [column["name"] for column in body["tableSchema"]["columns"]] == NAMES
    assert body["tableSchema"]["columns"][0]["required"] is True
    assert "required" not in body["tableSchema"]["columns"][1]
    return body


def from_csv(folder: Path) -> tuple[list[dict[str, Any]], dict[str, str]]:
    options = csv.ConvertOptions(
        column_types=pa.schema([pa.field(f.name, f.type) for f in rows().schema]),
        strings_can_be_null=True,
        quoted_strings_can_be_null=False,
        null_values=[""],
    )
    parsing = csv.ParseOptions(newlines_in_values=True)
    read = csv.read_csv(folder / "data.csv", parse_options=parsing, convert_options=options)
    body = beside(folder, "csv")
    assert body["@context"] == "http://www.w3.org/ns/csvw"
    return plain(read), body["notes"][0]


def from_jsonl(folder: Path) -> tuple[list[dict[str, Any]], dict[str, str]]:
    lines = (folder / "data.jsonl").read_bytes().split(b"\n")
    assert lines.pop() == b""
    read = [json.loads(line) for line in lines]
    for row, line in zip(read, lines, strict=True):
        exact = json.loads(line, parse_float=Decimal)["price"]
        row["price"] = None if exact is None else Decimal(exact)
        row["day"] = row["day"] and dt.date.fromisoformat(row["day"])
        for name in ("at", "local", "second"):
            row[name] = row[name] and dt.datetime.fromisoformat(row[name])
    return read, beside(folder, "jsonl")["notes"][0]


def stated(script: str) -> dict[str, str]:
    comments = [
        line[3:].split(": ", 1) for line in script.split("START", maxsplit=1)[0].splitlines()
    ]
    return {key: json.loads(value) for key, value in comments}


def from_sql(folder: Path) -> tuple[list[dict[str, Any]], dict[str, str]]:
    script = (folder / "data.sql").read_bytes().decode()
    with duckdb.connect() as base:
        base.execute("SET TimeZone = 'UTC'")
        base.execute(script)
        read = plain(base.sql('SELECT * FROM "data"').to_arrow_table())
        described = base.sql("DESCRIBE data").fetchall()
    assert [(name, kind) for name, kind, *_ in described] == list(
        zip(NAMES, TYPES_IN_SQL, strict=True)
    )
    assert [null for _, _, null, *_ in described] == ["NO"] + ["YES"] * 9
    return read, stated(script)


TYPES_IN_SQL = [
    "VARCHAR", "BIGINT", "DOUBLE", "BOOLEAN", "DATE", "TIMESTAMP WITH TIME ZONE", "TIMESTAMP",
    "TIMESTAMP", "DECIMAL(20,9)", "VARCHAR",
]  # fmt: skip

Reading = Callable[[Path], tuple[list[dict[str, Any]], dict[str, str]]]
READERS: dict[str, Reading] = {
    "parquet": from_parquet, "csv": from_csv, "jsonl": from_jsonl, "avro": from_avro,
    "arrow": from_arrow, "sql": from_sql,
}  # fmt: skip


@pytest.mark.parametrize("kind", FORMATS)
@pytest.mark.parametrize("count", [48, 5000])
def test_everything_comes_back(tmp_path: Path, kind: str, count: int) -> None:
    write(rows(count), tmp_path, [kind], FACTS)
    read, facts = READERS[kind](tmp_path)
    assert read == plain(rows(count))
    assert [str(row["f"]) for row in read] == [str(row["f"]) for row in plain(rows(count))]
    assert facts == STATED


@pytest.mark.parametrize("kind", FORMATS)
def test_no_rows_are_a_file_with_a_schema(tmp_path: Path, kind: str) -> None:
    write(rows(0), tmp_path, [kind], FACTS)
    if kind != "csv":
        assert READERS[kind](tmp_path) == ([], STATED)
    else:
        assert (tmp_path / "data.csv").read_text() == ",".join(f'"{n}"' for n in NAMES) + "\n"


@pytest.mark.parametrize("kind", FORMATS)
@pytest.mark.slow
def test_bytes_follow_from_rows_however_they_lie_in_memory(tmp_path: Path, kind: str) -> None:
    table = rows(40_000).drop(["listed"])
    pieces = [table.slice(start, 7_001) for start in range(0, 40_000, 7_001)]
    apart = pa.concat_tables([pa.table(p.to_pydict(), schema=p.schema) for p in pieces])
    mixed = table.take(pa.array(np.arange(40_000)))
    digests = set()
    for number, same in enumerate([table, apart, mixed, table]):
        (tmp_path / str(number)).mkdir()
        written = write(same, tmp_path / str(number), [kind], FACTS)
        digests.add(tuple(file.sha256 for file in written))
    assert len(digests) == 1


def test_memory_behind_missing_values_is_not_written(tmp_path: Path) -> None:
    digests = set()
    for number, secret in enumerate((0, 123456789)):
        values = np.full(1000, 5)
        values[::7] = secret
        table = pa.table({"a": pa.array(values, mask=values == secret)})
        (tmp_path / str(number)).mkdir()
        digests.add(write(table, tmp_path / str(number), ["arrow"], FACTS)[0].sha256)
    assert len(digests) == 1


@pytest.mark.parametrize("kind", FORMATS)
def test_a_column_of_nothing_but_missing_values(tmp_path: Path, kind: str) -> None:
    schema = rows().schema
    values = [pa.array(["x" if f.name == "select" else None] * 3, f.type) for f in schema]
    empty = pa.table(values, schema=schema)
    write(empty, tmp_path, [kind], FACTS)
    assert READERS[kind](tmp_path)[0] == plain(empty)


def test_a_fact_cannot_leave_its_comment(tmp_path: Path) -> None:
    facts = {**FACTS, "unit": "x\nDROP TABLE data; --"}
    write(rows(), tmp_path, ["sql"], facts)
    script = (tmp_path / "data.sql").read_bytes().decode()
    assert stated(script)["dpgate.unit"] == facts["unit"]


def test_all_formats_at_once_in_the_order_asked(tmp_path: Path) -> None:
    order = ["sql", "jsonl", "arrow", "csv", "avro", "parquet"]
    names = [item.name for item in write(rows(), tmp_path, order, FACTS)]
    assert [n.removeprefix("data.") for n in names] == [
        "sql", "jsonl", "jsonl-metadata.json", "arrow", "csv", "csv-metadata.json", "avro", "parquet",
    ]  # fmt: skip
