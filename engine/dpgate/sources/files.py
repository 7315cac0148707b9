"""Files of rows: one, those that a pattern names, or all below a folder, partitioned or not."""

from __future__ import annotations

import contextlib
import glob
import itertools
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from urllib.parse import unquote

import pyarrow as pa

from dpgate.errors import SourceError
from dpgate.sources import delimited, parquet

PARQUET = frozenset({".parquet", ".pq"})
CSV = frozenset({".csv"})

_NOTHING = "__HIVE_DEFAULT_PARTITION__"

Parts = Mapping[str, str | None]
"""Columns that a file's folders name: `year=2024/`."""


def find(place: str) -> Files:
    """The files of a path, a pattern or a folder, in order of their names.

    Raises:
        SourceError: there is none, or they are of several kinds.
    """
    root, paths = Path(), list[Path]()
    with contextlib.suppress(OSError, ValueError):
        path = Path(place)
        if path.is_dir():
            root = path
            paths = [p for p in path.rglob("*") if not _hidden(p.relative_to(path))]
        elif path.is_file() or not glob.has_magic(place):
            root, paths = path.parent, [path]
        else:
            root = Path(*itertools.takewhile(lambda part: not glob.has_magic(part), path.parts))
            paths = list(root.glob(path.relative_to(root).as_posix()))
    kinds = {p.suffix.lower() for p in paths if p.suffix.lower() in PARQUET | CSV}
    if paths and (not kinds or (kinds & PARQUET and kinds & CSV)):
        raise SourceError(
            "the source is of an unknown kind",
            fix="name .parquet, .pq or .csv files, all of one kind, or a .duckdb file with ?table=",
        )
    paths = [p for p in paths if p.suffix.lower() in kinds and _regular(p)]
    if not paths:
        if root == Path(place):
            raise SourceError(
                "the source is a folder without Parquet or CSV files",
                fix="name a folder that holds .parquet, .pq or .csv files, or one such file",
            )
        raise SourceError("the source is not a file", fix="check the path of the source")
    return Files(sorted(paths), root)


def _regular(path: Path) -> bool:
    try:
        return path.is_file()
    except (OSError, ValueError):
        return False


def _hidden(path: Path) -> bool:
    """Markers that programs leave among their files: `_SUCCESS`, `.part-0.crc`."""
    return any(part.startswith((".", "_")) for part in path.parts)


class Files:
    """Rows of Parquet or of CSV files, one file after the other.

    Args:
        paths: files of one kind, at least one.
        root: folders below it that are named `column=value` say so of all rows in them.
    """

    def __init__(self, paths: Sequence[Path], root: Path) -> None:
        self.paths = paths
        self._root = root
        self.typed = paths[0].suffix.lower() in PARQUET

    @property
    def alone(self) -> Path | None:
        """The one Parquet file that holds everything, if there is such a file."""
        whole = self.typed and len(self.paths) == 1 and not self._parts(self.paths[0])
        return self.paths[0] if whole else None

    def schema(self) -> pa.Schema:
        """Columns of the first file, which all others must have too.

        Raises:
            SourceError: a file is not readable, or they differ in their columns.
        """
        schemas = [self._schema(path) for path in self.paths]
        if any(_types(schema) != _types(schemas[0]) for schema in schemas):
            raise SourceError(
                "the files of the source differ in their columns",
                fix="store every file with the same columns and types",
            )
        return schemas[0]

    def _schema(self, path: Path) -> pa.Schema:
        schema = parquet.schema(path) if self.typed else delimited.schema(path)
        for name in self._parts(path):
            schema = schema.append(pa.field(name, pa.string()))
        return schema

    def read(self, names: Sequence[str]) -> Iterator[pa.RecordBatch]:
        """All rows, file by file."""
        read = parquet.batches if self.typed else delimited.batches
        for path in self.paths:
            known = self._parts(path)
            stored = [name for name in names if name not in known]
            for batch in read(path, stored):
                yield _with(batch, names, known)

    def _parts(self, path: Path) -> Parts:
        """What the folders above a file say about all its rows."""
        found: dict[str, str | None] = {}
        for folder in path.relative_to(self._root).parts[:-1]:
            name, equal, value = folder.partition("=")
            if equal and name:
                found[unquote(name)] = None if value == _NOTHING else unquote(value)
        return found


def _types(schema: pa.Schema) -> list[tuple[str, str]]:
    """Names and types; in which order columns stand does not matter."""
    return sorted((field.name, str(field.type)) for field in schema)


def _with(batch: pa.RecordBatch, names: Sequence[str], known: Parts) -> pa.RecordBatch:
    if not known:
        return batch
    columns = [
        pa.repeat(pa.scalar(known[name], pa.string()), len(batch))
        if name in known
        else batch.column(name)
        for name in names
    ]
    return pa.record_batch(columns, names=list(names))
