"""Parquet files, read a slice of a row group at a time."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from dpgate.errors import SourceError

_ROWS = 131_072
_BUFFER_BYTES = 2**20


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
    """All rows of one file, with the named columns; text as the file has it, by dictionary."""
    texts = [f.name for f in pq.read_schema(path) if pa.types.is_string(f.type)]
    # Read in buffers, a row group takes no more memory than the pages at hand.
    with pq.ParquetFile(
        path,
        read_dictionary=[name for name in names if name in texts],
        buffer_size=_BUFFER_BYTES,
        pre_buffer=False,
    ) as file:
        yield from file.iter_batches(batch_size=_ROWS, columns=list(names))
