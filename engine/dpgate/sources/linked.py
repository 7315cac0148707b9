"""Persons and their rows of a second table, as two sources over one link between them.

Of each person one row of the first table is read and at most k of the second, both chosen as in
`dpgate.sources.persons`, before anything else. Rows of the second table that name nobody, or nobody of
the first, are left out. What is counted for a person is then a function of the rows that name
that person alone: one row of the persons with how many rows they have, and those at most k rows with the
person's own cells beside them. Nobody's rows move those of anybody else.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from dpgate.model.tables import Tables
from dpgate.sources.arrow import ArrowSource
from dpgate.sources.lookup import Lookup
from dpgate.sources.persons import SETTINGS, Truncated, persons

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from dpgate.sources.count import Codes
    from dpgate.sources.interface import MarginalSource
    from dpgate.sources.rows import Rows

_BATCH = 65_536
_NOBODY = -1
_NAMED = pa.schema([("place", pa.int64()), ("person", pa.binary())])
_JOINED = "SELECT r.place, p.place FROM second AS r JOIN first AS p ON r.person = p.person"


@dataclass(frozen=True, kw_only=True)
class Pair:
    """Both tables, ready to be counted.

    Attributes:
        persons: over `Tables.persons_domain`.
        rows: over `Tables.rows_domain`.
    """

    persons: MarginalSource
    rows: MarginalSource


def linked(first: Rows, second: Rows, tables: Tables, folder: Path | None = None) -> Pair:
    """Two sources over rows whose schemas were checked.

    Args:
        first: the persons.
        second: their rows.
        tables: which columns are whose; the context, too.
        folder: see `dpgate.sources.arrow.ArrowSource`.

    Privacy:
        One person more or less, with any rows in both tables, moves at most one row of `persons`
        and at most k rows of `rows`.
    """
    link = _Link(first, second, tables)
    return Pair(
        persons=ArrowSource(tables.persons_domain, link.persons, folder),
        rows=ArrowSource(tables.rows_domain, link.rows, folder, coded=tables.context),
    )


@dataclass(frozen=True, kw_only=True)
class _Owners:
    """Whose rows are whose.

    Attributes:
        of: for each kept row of the second table the number of its person, or `_NOBODY`.
        counts: for each kept person how many rows are theirs.
        context: for each kept person the cells of the context, by column.
    """

    of: NDArray[np.int32]
    counts: NDArray[np.uint16]
    context: dict[str, Codes]


class _Link:
    """Reads both tables, truncated and joined."""

    def __init__(self, first: Rows, second: Rows, tables: Tables) -> None:
        self._tables = tables
        self._known = tables.persons_domain.columns[:-1]
        own = tables.rows_domain.names[len(tables.context) :]
        key, bound = tables.key, tables.joined.max_rows_per_person
        names = [*(column.name for column in self._known), key]
        self._first = Truncated(lambda: first.read(names), key, 1)
        self._second = Truncated(lambda: second.read([*own, key]), key, bound)

    def persons(self) -> Iterator[pa.RecordBatch]:
        """Each person once, with the number of their rows."""
        owners, place = self._owners, 0
        for batch in self._first():
            counts = owners.counts[place : place + len(batch)]
            place += len(batch)
            columns = [*batch.columns, pa.array(counts)]
            yield pa.record_batch(columns, names=[*batch.schema.names, self._tables.joined.table])

    def rows(self) -> Iterator[pa.RecordBatch]:
        """Each person's rows, with the context's cells beside them."""
        owners, place = self._owners, 0
        for batch in self._second():
            own = owners.of[place : place + len(batch)]
            place += len(batch)
            there = own != _NOBODY
            kept = batch.filter(pa.array(there))
            beside = [pa.array(cells[own[there]]) for cells in owners.context.values()]
            names = [*kept.schema.names, *owners.context]
            yield pa.record_batch([*kept.columns, *beside], names=names)

    @cached_property
    def _owners(self) -> _Owners:
        import duckdb

        # Choosing opens an engine of its own, which must not happen while another one reads.
        people = int(self._first.choose().sum())
        of = np.full(int(self._second.choose().sum()), _NOBODY, dtype=np.int32)
        with (
            tempfile.TemporaryDirectory() as folder,
            duckdb.connect(config={**SETTINGS, "temp_directory": folder}) as engine,
        ):
            engine.sql("SET enable_progress_bar = false")  # it would print, and tell the time
            for name, read in (("first", self._first), ("second", self._second)):
                named = pa.RecordBatchReader.from_batches(_NAMED, self._named(read))
                engine.register("read", named)
                engine.sql(f"CREATE TABLE {name} AS SELECT * FROM read")  # noqa: S608 - ours
                engine.unregister("read")
            for batch in engine.sql(_JOINED).to_arrow_reader(_BATCH):
                of[batch.column(0).to_numpy()] = batch.column(1).to_numpy()
        counts = np.bincount(of[of != _NOBODY], minlength=people).astype(np.uint16)
        return _Owners(of=of, counts=counts, context=self._context(counts))

    def _named(self, read: Truncated) -> Iterator[pa.RecordBatch]:
        """Who stands in which kept row."""
        place = 0
        for batch in read():
            places = pa.array(np.arange(place, place + len(batch)))
            place += len(batch)
            who = persons(batch.column(self._tables.key))
            yield pa.record_batch([places, who], schema=_NAMED)

    def _context(self, counts: NDArray[np.uint16]) -> dict[str, Codes]:
        """The context's cells of each kept person."""
        wanted = [column for column in self._known if column.name in self._tables.context]
        lookups = {column.name: Lookup(column) for column in wanted}
        # Nobody has no cells; whatever is joined to them keeps its own type.
        nobody: Codes = np.zeros(0, dtype=np.uint8)
        found = {column.name: [nobody] for column in wanted}
        for batch in self._first() if wanted else ():
            for name, lookup in lookups.items():
                found[name].append(lookup.cells(batch.column(name)))
        cells: dict[str, Codes] = {name: np.concatenate(parts) for name, parts in found.items()}
        number = self._tables.number
        if number.name in self._tables.context:
            cells[number.name] = counts.astype(np.uint8 if number.size <= 2**8 else np.uint16)
        return cells
