"""Opening a source by its address: a look at the schema first, rows only when counted."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Protocol
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

from dpgate.errors import MissingExtraError, SourceError
from dpgate.model.dataset import Dataset
from dpgate.model.domain import domain_of
from dpgate.model.tables import tables_of

if TYPE_CHECKING:
    from decimal import Decimal

    from dpgate.model.dataset import Unit
    from dpgate.model.domain import Domain
    from dpgate.sources.interface import MarginalSource
    from dpgate.sources.linked import Pair
    from dpgate.sources.rows import Streamed
    from dpgate.sources.split import Halves

_DATABASES = frozenset({"postgresql", "postgres", "snowflake", "bigquery"})
_PART = r"[A-Za-z_][A-Za-z0-9_$]*"
_TABLE = re.compile(rf"{_PART}(\.{_PART}){{0,2}}")
_DATABASE_FILE = re.compile(r"(.+\.duckdb)(?:\?(?:table=(.*))?)?", re.DOTALL | re.IGNORECASE)


def describe(
    uri: str, dataset: Dataset, columns: Sequence[str], *, whole_rows: bool = False
) -> None:
    """Checks that a source can be counted, by its schema alone.

    Args:
        uri: see `docs/sources.md`.
        dataset: says what the columns hold, and which one names persons.
        columns: the columns that a release needs.
        whole_rows: whether rows must pass through this machine, as for attacks.

    Raises:
        SourceError: the source is missing, unreadable or of another schema. Names columns of the
            document alone.
        MissingExtraError: a library that it takes is not installed.

    Privacy:
        Reads the footer of Parquet files, the header line of CSV files, the schema of a table; no
        row.
    """
    tables = tables_of(dataset, columns)
    if tables is None:
        place = _place(uri)
        if whole_rows:
            _streamed(place)
        place.check(domain_of(dataset, tuple(columns)), dataset.spec.unit)
        return
    _need_arrow()
    from dpgate.sources.pair import check

    check(_path(uri), tables)


def open_tables(
    uri: str,
    dataset: Dataset,
    columns: Sequence[str],
    context: Sequence[str],
    folder: Path | None = None,
) -> Pair:
    """Both tables of a dataset that has two, after `describe`.

    Args:
        uri: a folder or a DuckDB file that holds both, see `docs/tables.md`.
        dataset: says what the columns hold, and whose they are.
        columns: the columns that a release needs.
        context: columns that the second table's rows depend on.
        folder: see `open_source`.

    Raises:
        SourceError: see `describe`.

    Privacy:
        Rows are read when something is counted, not before; one of each person, and at most k of
        the second table. See `dpgate.sources.linked.linked`.
    """
    describe(uri, dataset, columns)
    from dpgate.sources.linked import linked
    from dpgate.sources.pair import find_two

    tables = tables_of(dataset, columns, context)
    assert tables is not None  # noqa: S101 - the dataset has two
    return linked(*find_two(_path(uri), tables.names), tables, folder)


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
    return _place(uri).source(domain_of(dataset, tuple(columns)), dataset.spec.unit, folder)


def open_halves(
    uri: str,
    dataset: Dataset,
    columns: Sequence[str],
    share: Decimal,
    folder: Path | None = None,
    key: bytes | None = None,
) -> Halves:
    """The same rows in two sources: those that a model may learn from, and a random holdout.

    Args:
        uri: see `describe`.
        dataset: says what the columns hold; it has one table.
        columns: the columns that a release needs.
        share: probability with which a row, or a person, is held out; in (0, 1).
        folder: see `open_source`.
        key: that the coins follow from; a fresh one of the operating system's if None.

    Raises:
        SourceError: see `describe`; or the source counts where the data lies.

    Privacy:
        See `dpgate.sources.split`. Rows are read when something is counted, not before.
    """
    describe(uri, dataset, columns, whole_rows=True)
    domain, unit = domain_of(dataset, tuple(columns)), dataset.spec.unit
    return _streamed(_place(uri)).halves(domain, unit, share, folder, key)


def _streamed(place: _Place) -> Streamed:
    """A place whose rows pass through this machine."""
    from dpgate.sources.rows import Streamed

    if not isinstance(place, Streamed):
        raise SourceError(
            "attacks and models look at whole rows, and this source counts where the data lies",
            fix="export the table to Parquet or DuckDB near the runner, or name no attacks and no "
            "models in the manifest",
        )
    return place


class _Place(Protocol):
    """What an address leads to."""

    def check(self, domain: Domain, unit: Unit) -> None:
        """Holds the schema against the dataset; raises SourceError."""

    def source(self, domain: Domain, unit: Unit, folder: Path | None) -> MarginalSource:
        """A source, after `check`; `folder` is where rows may be kept between counts."""


def _place(uri: str) -> _Place:
    """What an address leads to; messages leave the address out, since logs may be public."""
    try:
        parts = urlsplit(uri)
        options = dict(parse_qsl(parts.query))
    except ValueError:
        raise _unknown() from None
    _need_arrow()
    if parts.scheme in _DATABASES:
        from dpgate.sources.databases import connect_to

        return connect_to(parts, table_name(options.get("table", "")))
    if parts.scheme == "spark":
        from dpgate.sources.spark import SparkTable

        table = () if parts.path else table_name(options.get("table", ""))
        path = f"//{parts.netloc}{parts.path}" if parts.netloc else parts.path
        return SparkTable(path, table, options)
    local = _local_path(uri, parts)
    if local is None:
        raise _unknown()
    return _local(local)


def _local_path(uri: str, parts: SplitResult) -> str | None:
    """The path that a path or a `file:` address means; None for any other address."""
    if parts.scheme not in ("", "file") or parts.netloc not in ("", "localhost"):
        return None
    if not parts.scheme:
        return uri
    return unquote(parts.path) + ("?" if parts.query else "") + parts.query


def _path(uri: str) -> str:
    """Where both tables of a source lie."""
    with contextlib.suppress(ValueError):
        found = _local_path(uri, urlsplit(uri))
        if found is not None:
            return found
    raise SourceError(
        "two tables are read from a folder of files or from a DuckDB file",
        fix="export both tables there, or let views of a DuckDB file show them",
    )


def _local(place: str) -> _Place:
    from dpgate.sources.rows import Streamed

    database = _DATABASE_FILE.fullmatch(place)
    if database:
        from dpgate.sources.duck import DuckTable

        return Streamed(DuckTable(Path(database[1]), table_name(database[2] or "")))
    from dpgate.sources.files import find

    return Streamed(find(place))


def table_name(text: str) -> tuple[str, ...]:
    """The parts of `table`, `schema.table` or `catalog.schema.table`.

    Raises:
        SourceError: it is none of these.
    """
    if not _TABLE.fullmatch(text):
        raise SourceError(
            "the source names no table",
            fix="end its address with ?table=NAME or ?table=SCHEMA.NAME",
        )
    return tuple(text.split("."))


def _unknown() -> SourceError:
    return SourceError(
        "the source must be a path or a file: address, or that of a database",
        fix="docs/sources.md has the addresses: postgresql:, snowflake:, bigquery:, spark:",
    )


def _need_arrow() -> None:
    try:
        import duckdb  # noqa: F401 - only whether it is there
        import pyarrow  # noqa: F401 - likewise
    except ImportError:
        raise MissingExtraError(extra="synth", what="reading a source") from None
