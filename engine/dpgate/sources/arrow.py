"""A source over Arrow record batches, wherever they come from."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

import pyarrow as pa

from dpgate.errors import SourceError
from dpgate.model.domain import Domain
from dpgate.sources.count import tables, used_by
from dpgate.sources.encode import readable
from dpgate.sources.encoded import Encoded
from dpgate.sources.lookup import Given, Lookup
from dpgate.sources.temporal import known_zone
from dpgate.sources.total import totals, units

if TYPE_CHECKING:
    from pathlib import Path

    from dpgate.sources.count import Codes
    from dpgate.sources.interface import Cells, Counts, Sum
    from dpgate.sources.persons import Numbers
    from dpgate.sources.total import Addend

Read = Callable[[], Iterator[pa.RecordBatch]]


class ArrowSource:
    """Counts over record batches.

    Args:
        domain: the cells; column names are looked up in each batch.
        read: starts over and yields every batch, with types that `readable` accepts.
        folder: where encoded rows may be kept between counts, see `Encoded`; without it, data
            that is too large for memory is read again for each count.
        coded: columns whose batches hold cells already, uint8 or uint16; no sums are taken of them.
        person: column of the batches that names persons, in every row; None: nothing does.

    Privacy:
        Holds private data, in the clear, in memory and in that folder.
    """

    def __init__(
        self,
        domain: Domain,
        read: Read,
        folder: Path | None = None,
        *,
        coded: Sequence[str] = (),
        person: str | None = None,
    ) -> None:
        self._domain = domain
        self._read = read
        self._folder = folder
        self._person = person
        self._lookups: list[Lookup | Given] = [
            Given() if column.name in coded else Lookup(column) for column in domain.columns
        ]
        self._kept: Encoded | None = None

    @property
    def domain(self) -> Domain:
        """The cells of every column."""
        return self._domain

    def count(
        self, cliques: Sequence[tuple[int, ...]], *, merged: Sequence[Cells] | None = None
    ) -> list[Counts]:
        """Contingency tables, see `MarginalSource.count`."""
        if not cliques:
            return []
        # Whatever Arrow says may quote the data; nothing of it is kept.
        with contextlib.suppress(Exception):
            return tables(self._batches(used_by(cliques)), cliques, self._domain.sizes, merged)
        raise unreadable()

    def sums(self, wanted: Sequence[Sum]) -> list[Counts]:
        """Totals of clamped values, see `MarginalSource.sums`."""
        if not wanted:
            return []
        with contextlib.suppress(Exception):
            return totals(self._addends(wanted), wanted, self._domain.sizes)
        raise unreadable()

    def rows(self, columns: Sequence[int]) -> Iterator[Mapping[int, Codes]]:
        """The cells of every row, see `RowSource.rows`."""
        batches = self._batches(columns)
        while True:
            # Whatever Arrow says may quote the data; nothing of it is kept.
            batch, ended = None, False
            with contextlib.suppress(Exception):
                batch = next(batches, None)
                ended = batch is None
            if ended:
                return
            if batch is None:
                raise unreadable()
            yield batch

    def persons(self) -> Numbers:
        """Whom each row is about, see `PersonSource.persons`."""
        column = self._person
        if column is None:
            raise SourceError("nothing says whose a row of this source is")
        from dpgate.sources.persons import numbers

        with contextlib.suppress(Exception):
            return numbers(batch.column(column) for batch in self._read())
        raise unreadable()

    def _addends(self, wanted: Sequence[Sum]) -> Iterator[list[Addend]]:
        """For each batch, what its rows add to each table, and to which cell."""
        columns = self._domain.columns
        used = sorted({column for each in wanted for column in each.by})
        for batch in self._read():
            codes = {c: self._lookups[c].cells(batch.column(columns[c].name)) for c in used}
            yield [
                (
                    units(batch.column(columns[each.column].name), columns[each.column], each),
                    [codes[column] for column in each.by],
                )
                for each in wanted
            ]

    def _batches(self, columns: Sequence[int]) -> Iterator[Mapping[int, Codes]]:
        """Codes of the wanted columns; those of all columns are kept on the first round."""
        if self._kept is not None and self._kept.whole:
            yield from self._kept.batches(columns)
            return
        keep = Encoded(self._folder) if self._kept is None else None
        for batch in self._read():
            wanted = range(len(self._domain)) if keep is not None else columns
            codes = {c: self._lookups[c].cells(batch.column(self._domain.names[c])) for c in wanted}
            if keep is not None:
                keep.add(tuple(codes.values()))
            yield codes
        self._kept = self._kept or keep


def unreadable() -> SourceError:
    """All that is said when rows cannot be read to the end."""
    return SourceError(
        "the source became unreadable while it was being counted",
        fix="check that the file is whole and was not changed meanwhile",
    )


def check_schema(schema: pa.Schema, domain: Domain, *, typed: bool = True) -> None:
    """Every column is there once, with a type that can be read.

    Raises:
        SourceError: names columns of the Dataset document alone, nothing of the file.
    """
    names = list(schema.names)
    lost = [name for name in domain.names if names.count(name) != 1]
    if lost:
        raise SourceError(
            f"the source must hold these columns exactly once each: {', '.join(lost)}",
            fix="make the column names of the dataset document and of the source agree",
        )
    odd = [c.name for c in domain.columns if typed and not readable(schema.field(c.name).type, c)]
    if odd:
        raise SourceError(
            f"columns of a type that cannot be counted: {', '.join(odd)}",
            fix="store dates as dates, timestamps or text, the others as numbers, booleans or text",
        )
    lost = sorted({c.zone for c in domain.columns if not known_zone(c.zone)})
    if lost:
        raise SourceError(
            f"this machine does not know the time zone {', '.join(lost)}",
            fix="correct timezone in the dataset document, or install tzdata",
        )


def table_source(table: pa.Table, domain: Domain, folder: Path | None = None) -> ArrowSource:
    """A source over a table in memory, or mapped into it. For `folder` see `ArrowSource`.

    Raises:
        SourceError: a column is missing or of a type that cannot be counted.
    """
    check_schema(table.schema, domain)
    selected = table.select(list(domain.names))
    return ArrowSource(domain, lambda: iter(selected.to_batches(65_536)), folder)
