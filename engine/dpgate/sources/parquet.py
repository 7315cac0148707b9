"""Parquet files, read a slice of a row group at a time."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from dpgate.errors import SourceError
from dpgate.model.domain import Domain
from dpgate.sources.arrow import ArrowSource

_ROWS = 131_072


def schema(path: Path) -> pa.Schema:
    """Columns and types, from the footer alone.

    Raises:
        SourceError: no Parquet file.
    """
    found = None
    with contextlib.suppress(Exception):  # the file's own words stay out of messages
        found = pq.read_schema(path)
    if found is None:
        raise SourceError(
            "the source is not a readable Parquet file", fix="check that the file is whole"
        )
    return found


def batches(path: Path, names: Sequence[str]) -> Iterator[pa.RecordBatch]:
    """All rows of one file, with the named columns."""
    with pq.ParquetFile(path) as file:
        yield from file.iter_batches(batch_size=_ROWS, columns=list(names))


def parquet_source(path: Path, domain: Domain) -> ArrowSource:
    """A source over one file whose schema was checked."""
    return ArrowSource(domain, lambda: batches(path, domain.names))
