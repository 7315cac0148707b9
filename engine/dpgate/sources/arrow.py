"""A source over Arrow record batches, wherever they come from."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

import pyarrow as pa

from dpgate.errors import SourceError
from dpgate.model.domain import Domain
from dpgate.sources.count import tables
from dpgate.sources.encode import encode, readable
from dpgate.sources.temporal import known_zone
from dpgate.sources.total import totals, units

if TYPE_CHECKING:
    from dpgate.sources.count import Codes
    from dpgate.sources.interface import Cells, Counts, Sum
    from dpgate.sources.total import Addend

_KEPT_BYTES = 256 * 2**20
"""Encoded rows are kept in memory up to this size; larger data is read again for each count."""

Read = Callable[[], Iterator[pa.RecordBatch]]


class ArrowSource:
    """Counts over record batches.

    Args:
        domain: the cells; column names are looked up in each batch.
        read: starts over and yields every batch, with types that `readable` accepts.

    Privacy:
        Holds private data, in the clear, in memory.
    """

    def __init__(self, domain: Domain, read: Read) -> None:
        self._domain = domain
        self._read = read
        self._kept: list[tuple[Codes, ...]] | None = None

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
            return tables(self._batches(), cliques, self._domain.sizes, merged)
        raise _unreadable()

    def sums(self, wanted: Sequence[Sum]) -> list[Counts]:
        """Totals of clamped values, see `MarginalSource.sums`."""
        if not wanted:
            return []
        with contextlib.suppress(Exception):
            return totals(self._addends(wanted), wanted, self._domain.sizes)
        raise _unreadable()

    def _addends(self, wanted: Sequence[Sum]) -> Iterator[list[Addend]]:
        """For each batch, what its rows add to each table, and to which cell."""
        columns = self._domain.columns
        used = sorted({column for each in wanted for column in each.by})
        for batch in self._read():
            codes = {c: encode(batch.column(columns[c].name), columns[c]) for c in used}
            yield [
                (
                    units(batch.column(columns[each.column].name), columns[each.column], each),
                    [codes[column] for column in each.by],
                )
                for each in wanted
            ]

    def _batches(self) -> Iterator[Sequence[Codes]]:
        if self._kept is not None:
            yield from self._kept
            return
        kept: list[tuple[Codes, ...]] = []
        size = 0
        for batch in self._read():
            codes = tuple(encode(batch.column(c.name), c) for c in self._domain.columns)
            size += sum(column.nbytes for column in codes)
            if size <= _KEPT_BYTES:
                kept.append(codes)
            else:
                kept.clear()
            yield codes
        if size <= _KEPT_BYTES:
            self._kept = kept


def _unreadable() -> SourceError:
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


def table_source(table: pa.Table, domain: Domain) -> ArrowSource:
    """A source over a table in memory.

    Raises:
        SourceError: a column is missing or of a type that cannot be counted.
    """
    check_schema(table.schema, domain)
    return ArrowSource(domain, lambda: iter(table.select(list(domain.names)).to_batches(65_536)))
