"""CSV files: UTF-8 or not, comma-separated, with a header line; values are read as text."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from io import BytesIO
from pathlib import Path

import pyarrow as pa
import pyarrow.csv as arrow_csv

from dpgate.errors import SourceError
from dpgate.sources.records import blocks

_HEADER_BYTES = 2**20

# Possessive, so that no value makes it slow. The csv module would add a limit of its own.
_FIELD = re.compile(rb'(?:"((?:[^"]++|"")*+)"|([^",\r\n]*+))(,|\Z)')


def batches(path: Path, names: Sequence[str]) -> Iterator[pa.RecordBatch]:
    """The well-formed records of one file, as bytes, with the named columns."""
    columns = schema(path).names
    with path.open("rb") as file:
        file.readline(_HEADER_BYTES)
        for block in blocks(file):
            yield from _parsed(block, columns, names)


def schema(path: Path) -> pa.Schema:
    """Column names, reading the header line alone; all hold bytes.

    A name that is not UTF-8 cannot be one of the document's.

    Raises:
        SourceError: there is no header.
    """
    line = b""
    try:
        with path.open("rb") as file:
            line = file.readline(_HEADER_BYTES)
    except OSError:
        pass
    names = _fields(line.removeprefix(b"\xef\xbb\xbf").rstrip(b"\r\n"))
    if not line or not names:
        raise SourceError(
            "the source has no CSV header line", fix="start the file with the column names"
        )
    return pa.schema([(name.decode("utf-8", errors="replace"), pa.binary()) for name in names])


def _parsed(block: bytes, columns: Sequence[str], names: Sequence[str]) -> list[pa.RecordBatch]:
    """Well-formed records; those with too few or too many fields are dropped."""
    if not block:
        return []
    table = arrow_csv.read_csv(
        BytesIO(block),
        read_options=arrow_csv.ReadOptions(
            # Names of our own: the file's may repeat.
            column_names=[str(place) for place in range(len(columns))],
            use_threads=False,
            block_size=len(block) + 1,
        ),
        parse_options=arrow_csv.ParseOptions(newlines_in_values=True, invalid_row_handler=_skip),
        convert_options=arrow_csv.ConvertOptions(
            column_types={str(place): pa.binary() for place in range(len(columns))},
            include_columns=[str(columns.index(name)) for name in names],
            check_utf8=False,
            null_values=[],
        ),
    )
    return list(table.rename_columns(list(names)).to_batches())


def _skip(row: arrow_csv.InvalidRow) -> str:  # noqa: ARG001 - Arrow's protocol
    return "skip"


def _fields(record: bytes) -> list[bytes]:
    """The fields of one record, none if it is malformed (RFC 4180, without a limit on length)."""
    fields: list[bytes] = []
    place = 0
    while found := _FIELD.match(record, place):
        quoted, plain, end = found.groups()
        fields.append(plain if quoted is None else quoted.replace(b'""', b'"'))
        if not end:
            return fields
        place = found.end()
    return []
