"""Opening a source by its address: a look at the schema first, rows only when counted."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from dpgate.errors import MissingExtraError, SourceError
from dpgate.model.dataset import Dataset
from dpgate.model.domain import domain_of

if TYPE_CHECKING:
    from dpgate.sources.interface import MarginalSource

_PARQUET = frozenset({".parquet", ".pq"})
_CSV = frozenset({".csv"})


def describe(uri: str, dataset: Dataset, columns: Sequence[str]) -> None:
    """Checks that a source can be counted, by its schema alone.

    Args:
        uri: a path or a `file:` address of a `.parquet`, `.pq` or `.csv` file.
        dataset: says what the columns hold.
        columns: the columns that a release needs.

    Raises:
        SourceError: the file is missing, unreadable or of another schema. Names columns of the
            document alone.
        MissingExtraError: pyarrow is not installed.

    Privacy:
        Reads the footer of a Parquet file or the header line of a CSV file, no row.
    """
    path = _path(uri)
    domain = domain_of(dataset, tuple(columns))
    _need_arrow()
    if path.suffix.lower() in _PARQUET:
        from dpgate.sources.parquet import describe_parquet

        describe_parquet(path, domain)
    else:
        from dpgate.sources.delimited import describe_csv

        describe_csv(path, domain)


def open_source(uri: str, dataset: Dataset, columns: Sequence[str]) -> MarginalSource:
    """A source over the named columns, after `describe`.

    Raises:
        SourceError: see `describe`.
        MissingExtraError: pyarrow is not installed.

    Privacy:
        Rows are read when something is counted, not before.
    """
    describe(uri, dataset, columns)
    path = _path(uri)
    domain = domain_of(dataset, tuple(columns))
    if path.suffix.lower() in _PARQUET:
        from dpgate.sources.parquet import parquet_source

        return parquet_source(path, domain)
    from dpgate.sources.delimited import csv_source

    return csv_source(path, domain)


def _path(uri: str) -> Path:
    """The file of an address; messages leave the address out, since logs may be public."""
    try:
        parts = urlsplit(uri)
    except ValueError:
        parts = None
    if parts is None or parts.scheme not in ("", "file") or parts.netloc not in ("", "localhost"):
        raise SourceError("the source must be a path or a file: address")
    path = Path(unquote(parts.path) if parts.scheme == "file" else uri)
    if path.suffix.lower() not in _PARQUET | _CSV:
        raise SourceError(
            "the source is of an unknown kind", fix="name a .parquet, .pq or .csv file"
        )
    try:
        regular = path.is_file()
    except (OSError, ValueError):
        regular = False
    if not regular:
        raise SourceError("the source is not a file", fix="check the path of the source")
    return path


def _need_arrow() -> None:
    try:
        import pyarrow  # noqa: F401 - only whether it is there
    except ImportError:
        raise MissingExtraError(extra="synth", what="reading a source") from None
