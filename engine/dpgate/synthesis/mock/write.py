"""Writing invented rows as files that a source can be, in bounded memory, whole or not at all."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO, Any

import pyarrow as pa
from pyarrow import csv
from pyarrow import parquet as pq

from dpgate.synthesis.mock.rows import Mock

KINDS = ("parquet", "csv")


def write(mock: Mock, places: dict[str, Path]) -> dict[str, int]:
    """Writes every table of a mock dataset.

    Args:
        mock: what is written.
        places: a file that does not exist for each table, by its name; its ending is one of `KINDS`.

    Returns:
        Rows of each table.

    Raises:
        OSError: a file cannot be written. Nothing is left behind.
    """
    counts = dict.fromkeys(places, 0)
    with ExitStack() as stack:
        files = {name: stack.enter_context(_whole(path)) for name, path in places.items()}
        with ExitStack() as writers:
            opened = {
                name: writers.enter_context(
                    _writer(files[name], places[name], _marked(schema, mock))
                )
                for name, schema in mock.schemas.items()
            }
            for batches in mock.batches():
                for (name, writer), batch in zip(opened.items(), batches, strict=True):
                    writer.write_batch(batch.replace_schema_metadata(writer.schema_metadata))
                    counts[name] += batch.num_rows
    return counts


class _Writer:
    """A writer of batches, with the metadata that its schema has."""

    def __init__(self, inner: Any, schema: pa.Schema) -> None:
        self._inner = inner
        self.schema_metadata = schema.metadata

    def write_batch(self, batch: pa.RecordBatch) -> None:
        """Further rows."""
        if batch.num_rows:
            self._inner.write_batch(batch)


@contextmanager
def _writer(file: IO[bytes], path: Path, schema: pa.Schema) -> Iterator[_Writer]:
    kind: Any = pq.ParquetWriter if path.suffix == ".parquet" else csv.CSVWriter
    with kind(file, schema) as inner:
        yield _Writer(inner, schema)


def _marked(schema: pa.Schema, mock: Mock) -> pa.Schema:
    """The schema, saying what the rows are."""
    name = mock.dataset.metadata.name
    told = f"invented from the Dataset document of {name}, seed {mock.seed}; they resemble nobody"
    return schema.with_metadata({"dpgate.mock": told})


@contextmanager
def _whole(path: Path) -> Iterator[IO[bytes]]:
    """A file that is there in the end as a whole, or not."""
    part = path.with_name(f".{path.name}.part")
    handle = part.open("xb")  # outside `try`: a part of another run must not be removed below
    try:
        with handle:
            yield handle
        part.rename(path)
    except BaseException:
        part.unlink(missing_ok=True)
        raise
