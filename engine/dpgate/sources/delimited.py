"""CSV files: UTF-8 or not, comma-separated, with a header line; values are read as text."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from io import BytesIO
from pathlib import Path

import pyarrow as pa
import pyarrow.csv as arrow_csv

from dpgate.errors import SourceError
from dpgate.model.domain import Domain
from dpgate.sources.arrow import ArrowSource, check_schema
from dpgate.sources.records import blocks

_HEADER_BYTES = 2**20

# Possessive, so that no value makes it slow. The csv module would add a limit of its own.
_FIELD = re.compile(rb'(?:"((?:[^"]++|"")*+)"|([^",\r\n]*+))(,|\Z)')


def describe_csv(path: Path, domain: Domain) -> None:
    """Reads the header line alone.

    Raises:
        SourceError: no header, or columns missing from it.
    """
    check_schema(pa.schema([(name, pa.binary()) for name in _header(path)]), domain, typed=False)


def csv_source(path: Path, domain: Domain) -> ArrowSource:
    """A source over one file; `describe_csv` has been called."""

    def read() -> Iterator[pa.RecordBatch]:
        header = _header(path)
        with path.open("rb") as file:
            file.readline(_HEADER_BYTES)
            for records in blocks(file):
                yield from _parsed(records, header, domain.names)

    return ArrowSource(domain, read)


def _header(path: Path) -> list[str]:
    """Column names; a name that is not UTF-8 cannot be one of the document's."""
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
    return [name.decode("utf-8", errors="replace") for name in names]


def _parsed(records: bytes, header: Sequence[str], names: Sequence[str]) -> list[pa.RecordBatch]:
    """Well-formed records; those with too few or too many fields are dropped."""
    if not records:
        return []
    table = arrow_csv.read_csv(
        BytesIO(records),
        read_options=arrow_csv.ReadOptions(
            # Names of our own: the file's may repeat.
            column_names=[str(place) for place in range(len(header))],
            use_threads=False,
            block_size=len(records) + 1,
        ),
        parse_options=arrow_csv.ParseOptions(newlines_in_values=True, invalid_row_handler=_skip),
        convert_options=arrow_csv.ConvertOptions(
            column_types={str(place): pa.binary() for place in range(len(header))},
            include_columns=[str(header.index(name)) for name in names],
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
