"""Rows to be streamed and counted here, wherever they lie: what a file or a database offers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Protocol

from dpgate.sources.arrow import ArrowSource, check_schema
from dpgate.sources.files import Files
from dpgate.sources.parquet import batches

if TYPE_CHECKING:
    from decimal import Decimal
    from pathlib import Path

    import pyarrow as pa

    from dpgate.model.dataset import Unit
    from dpgate.model.domain import Domain
    from dpgate.sources.arrow import Read
    from dpgate.sources.split import Halves


class Rows(Protocol):
    """Rows with named columns."""

    @property
    def typed(self) -> bool:
        """Whether columns have types of their own; else all values are text."""

    def schema(self) -> pa.Schema:
        """Columns and types, without reading a row.

        Raises:
            SourceError: there is nothing readable.
        """

    def read(self, names: Sequence[str]) -> Iterator[pa.RecordBatch]:
        """Starts over and yields all rows, always in the same order, with the named columns."""


class Streamed:
    """Rows that are streamed and counted here."""

    def __init__(self, rows: Rows) -> None:
        self._rows = rows

    def check(self, domain: Domain, unit: Unit) -> None:
        """Holds the schema against the dataset.

        Raises:
            SourceError: a column is missing or of a type that cannot be counted.
        """
        schema = self._rows.schema()
        check_schema(schema, domain, typed=self._rows.typed)
        if unit.column is not None:
            from dpgate.sources.persons import check_persons

            check_persons(schema, unit.column, typed=self._rows.typed)

    def source(self, domain: Domain, unit: Unit, folder: Path | None = None) -> ArrowSource:
        """A source over rows that were checked.

        Of each person at most the bound's rows are counted, if it is enforced. For `folder` see
        `ArrowSource`.
        """
        return ArrowSource(domain, self._read(domain, unit), folder, person=unit.column)

    def halves(
        self,
        domain: Domain,
        unit: Unit,
        share: Decimal,
        folder: Path | None = None,
        key: bytes | None = None,
    ) -> Halves:
        """The same rows in two sources: members, and those that are held out with this probability."""
        from dpgate.sources.split import Halves, split

        members, holdout = split(self._read(domain, unit), share, unit.column, key)
        return Halves(
            members=ArrowSource(domain, members, folder, person=unit.column),
            holdout=ArrowSource(domain, holdout, folder, person=unit.column),
            share=share,
        )

    def _read(self, domain: Domain, unit: Unit) -> Read:
        rows, names = self._rows, list(domain.names)
        if unit.column is None and isinstance(rows, Files) and rows.alone:
            path = rows.alone
            return lambda: batches(path, domain.names)
        if unit.column is None:
            return lambda: rows.read(names)
        from dpgate.sources.persons import Truncated

        column = unit.column
        return Truncated(lambda: rows.read([*names, column]), column, unit.max_rows_per_person)
