"""Opening a source by its address: a look at the schema first, rows only when counted."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from dpgate.errors import MissingExtraError, SourceError
from dpgate.model.dataset import Dataset
from dpgate.model.domain import domain_of

if TYPE_CHECKING:
    from dpgate.sources.interface import MarginalSource
    from dpgate.sources.rows import Rows

_DATABASE_FILE = re.compile(r"(.+\.duckdb)(?:\?(?:table=(.*))?)?", re.DOTALL | re.IGNORECASE)


def describe(uri: str, dataset: Dataset, columns: Sequence[str]) -> None:
    """Checks that a source can be counted, by its schema alone.

    Args:
        uri: see `docs/sources.md`.
        dataset: says what the columns hold, and which one names persons.
        columns: the columns that a release needs.

    Raises:
        SourceError: the source is missing, unreadable or of another schema. Names columns of the
            document alone.
        MissingExtraError: a library that it takes is not installed.

    Privacy:
        Reads the footer of Parquet files, the header line of CSV files, the schema of a table; no
        row.
    """
    from dpgate.sources import rows

    rows.check(_rows(uri), domain_of(dataset, tuple(columns)), dataset.spec.unit)


def open_source(
    uri: str, dataset: Dataset, columns: Sequence[str], folder: Path | None = None
) -> MarginalSource:
    """A source over the named columns, after `describe`.

    Args:
        uri: see `describe`.
        dataset: says what the columns hold.
        columns: the columns that a release needs.
        folder: private to the user, such as an attempt's; encoded rows that are too many for
            memory are kept there between counts, see `dpgate.sources.encoded.Encoded`.

    Raises:
        SourceError: see `describe`.
        MissingExtraError: see `describe`.

    Privacy:
        Rows are read when something is counted, not before. Where the dataset names the column of
        persons, no more rows of one person are counted than its bound.
    """
    describe(uri, dataset, columns)
    from dpgate.sources import rows

    domain = domain_of(dataset, tuple(columns))
    return rows.streamed(_rows(uri), domain, dataset.spec.unit, folder)


def _rows(uri: str) -> Rows:
    """What an address leads to; messages leave the address out, since logs may be public."""
    try:
        parts = urlsplit(uri)
    except ValueError:
        parts = None
    if parts is None or parts.scheme not in ("", "file") or parts.netloc not in ("", "localhost"):
        raise SourceError("the source must be a path or a file: address")
    _need_arrow()
    query = f"?{parts.query}" if parts.query else ""
    place = unquote(parts.path) + query if parts.scheme == "file" else uri
    database = _DATABASE_FILE.fullmatch(place)
    if database:
        from dpgate.sources.duck import DuckTable, table_name

        return DuckTable(Path(database[1]), table_name(database[2] or ""))
    from dpgate.sources.files import find

    return find(place)


def _need_arrow() -> None:
    try:
        import duckdb  # noqa: F401 - only whether it is there
        import pyarrow  # noqa: F401 - likewise
    except ImportError:
        raise MissingExtraError(extra="synth", what="reading a source") from None
