"""Parquet files, read a slice of a row group at a time."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from dpgate.errors import SourceError
from dpgate.model.domain import Domain
from dpgate.sources.arrow import ArrowSource, check_schema

_ROWS = 131_072


def describe_parquet(path: Path, domain: Domain) -> None:
    """Reads the schema alone.

    Raises:
        SourceError: no Parquet file, or columns missing or of a type that cannot be counted.
    """
    schema = None
    with contextlib.suppress(Exception):  # the file's own words stay out of messages
        schema = pq.read_schema(path)
    if schema is None:
        raise SourceError(
            "the source is not a readable Parquet file", fix="check that the file is whole"
        )
    check_schema(schema, domain)


def parquet_source(path: Path, domain: Domain) -> ArrowSource:
    """A source over one file; `describe_parquet` has been called."""

    def read() -> Iterator[pa.RecordBatch]:
        with pq.ParquetFile(path) as file:
            yield from file.iter_batches(batch_size=_ROWS, columns=list(domain.names))

    return ArrowSource(domain, read)
