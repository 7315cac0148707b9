"""A table of a DuckDB database file, streamed: DuckDB reads, the counting is ours."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from dpgate.errors import SourceError

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

_BATCH = 131_072

_SETTINGS: dict[str, str | bool | int | float | list[str]] = {
    # A view of the database must not reach for files or the network.
    "enable_external_access": False,
    # Joins of a view would come in another order each time, and persons are cut by place.
    "threads": 1,
}


class DuckTable:
    """Rows of one table or view of a database file.

    Args:
        path: the database file; it is opened for reading only.
        table: parts of the table's name.
    """

    typed = True

    def __init__(self, path: Path, table: Sequence[str]) -> None:
        self._path = path
        self._table = ".".join(f'"{part}"' for part in table)

    def schema(self) -> pa.Schema:
        """Columns and types.

        Raises:
            SourceError: the file is no DuckDB database, or has no such table.
        """
        found = None
        with contextlib.suppress(Exception), self._connected() as engine:  # DuckDB quotes the path
            query = engine.sql(f"SELECT * FROM {self._table} LIMIT 0")  # noqa: S608 - checked
            found = query.to_arrow_reader().schema
        if found is None:
            raise SourceError(
                "the source is not a readable DuckDB database with that table",
                fix="check the file, and the table that its address names",
            )
        return found

    def read(self, names: Sequence[str]) -> Iterator[pa.RecordBatch]:
        """All rows, in the order in which they were inserted."""
        columns = ", ".join(f'"{name}"' for name in names)
        with self._connected() as engine:
            query = engine.sql(f"SELECT {columns} FROM {self._table}")  # noqa: S608 - checked
            yield from query.to_arrow_reader(_BATCH)

    def _connected(self) -> duckdb.DuckDBPyConnection:
        import duckdb

        engine = duckdb.connect(str(self._path), read_only=True, config=_SETTINGS)
        engine.sql("SET enable_progress_bar = false")  # it would print, and tell the time
        return engine
