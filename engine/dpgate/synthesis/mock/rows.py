"""Invented rows of a whole dataset, one table or two, a batch at a time and always the same ones."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from dpgate.errors import SynthesisError
from dpgate.model.columns import IdentifierColumn, Numbering, OrdinalColumn, TextColumn, ZipColumn
from dpgate.model.dataset import Dataset
from dpgate.model.domain import Domain
from dpgate.model.tables import Tables, tables_of
from dpgate.synthesis.finish.finisher import Finisher, finisher
from dpgate.synthesis.finish.identifiers import identifiers
from dpgate.synthesis.joined.finish import Finish
from dpgate.synthesis.mock.model import MockModel
from dpgate.synthesis.sampling.decode import decode, schema

if TYPE_CHECKING:
    from dpgate.synthesis.mock.model import Cells

ROWS_AT_ONCE = 2**16
_CLASSES = 4
"""Kinds of persons, so that rows of one person are alike."""
_MORE = 0.4
"""Chance that a row is a person's last one."""


def seed_of(name: str) -> int:
    """The seed of a dataset's own mock rows."""
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:8])


@dataclass(frozen=True, kw_only=True)
class Mock:
    """Invented rows of a dataset.

    Attributes:
        dataset: its public description; nothing else is read.
        rows: how many, ≥ 1; of persons, where there are two tables.
        seed: rows are the same for the same dataset, rows and seed (and release of NumPy).

    Raises:
        SynthesisError: the dataset has no column with a domain.
    """

    dataset: Dataset
    rows: int
    seed: int

    def __post_init__(self) -> None:
        if not self.dataset.spec.learned(self.dataset.spec.columns):
            raise SynthesisError(
                f"{self.dataset.metadata.name} has no column with a domain, so there is nothing to invent"
            )

    @cached_property
    def described(self) -> Dataset:
        """The dataset, with a rule for every identifier: here all of them are made up."""
        spec = self.dataset.spec
        rule = {"regenerate": Numbering(prefix="mock-")}
        columns = {
            name: column.model_copy(update=rule)
            if isinstance(column, IdentifierColumn) and column.regenerate is None
            else column
            for name, column in spec.columns.items()
        }
        return self.dataset.model_copy(
            update={"spec": spec.model_copy(update={"columns": columns})}
        )

    @property
    def names(self) -> tuple[str, ...]:
        """Columns that are invented or computed: all but free text."""
        spec = self.dataset.spec
        told = (n for n, column in spec.columns.items() if not isinstance(column, TextColumn))
        return (*told, *spec.derive)

    @cached_property
    def tables(self) -> Tables | None:
        """Which columns are whose, where there are two tables."""
        return tables_of(self.described, self.names)

    @cached_property
    def finish(self) -> Finisher:
        """How rows of the only table are finished."""
        return finisher(self.described, self.names)

    @cached_property
    def both(self) -> Finish:
        """How rows of two tables are finished."""
        assert self.tables is not None  # noqa: S101 - there are two
        return Finish(tables=self.tables)

    @property
    def schemas(self) -> dict[str, pa.Schema]:
        """Columns of each table, by its name; the only one is called `data`."""
        if self.tables is None:
            return {"data": self.finish.schema}
        made = (self.both.persons.schema, self.both.joined)
        return {
            name: pa.schema([table.field(column) for column in columns])
            for name, table, columns in zip(
                self.tables.names, made, self.both.released, strict=True
            )
        }

    def batches(self) -> Iterator[tuple[pa.RecordBatch, ...]]:
        """The rows: of each table a batch, again and again."""
        rng = np.random.default_rng(self.seed)
        return self._one(rng) if self.tables is None else self._two(self.tables, rng)

    def _one(self, rng: np.random.Generator) -> Iterator[tuple[pa.RecordBatch]]:
        domain, unit = self.finish.domain, self.dataset.spec.unit
        kinds = [] if unit.column is None else [np.arange(_CLASSES)]
        model = MockModel.invented(domain, self._ordered(domain), rng, kinds)
        people = 0
        for start in range(0, self.rows, ROWS_AT_ONCE):
            rows = min(ROWS_AT_ONCE, self.rows - start)
            owner = _owners(rows, unit.max_rows_per_person, rng)
            given = [] if unit.column is None else [rng.integers(0, _CLASSES, rows)[owner]]
            batch = self.finish(_decoded(model.cells(rows, rng, given), domain, rng), start, rng)
            if unit.column is not None:
                batch = self._owned(batch, unit.column, people, owner, rng)
            people += int(owner[-1]) + 1
            yield (batch,)

    def _owned(
        self, batch: pa.RecordBatch, name: str, first: int, owner: Cells, rng: np.random.Generator
    ) -> pa.RecordBatch:
        """The batch with the identifiers of its rows' persons."""
        column = self.described.spec.columns[name]
        assert isinstance(column, IdentifierColumn)  # noqa: S101 - the document says so
        made = identifiers(column, first, int(owner[-1]) + 1, rng).take(pa.array(owner))
        columns = [made if n == name else batch.column(n) for n in batch.schema.names]
        return pa.RecordBatch.from_arrays(columns, schema=batch.schema)

    def _two(
        self, tables: Tables, rng: np.random.Generator
    ) -> Iterator[tuple[pa.RecordBatch, pa.RecordBatch]]:
        both, number = self.both, tables.joined.table
        people, own = both.persons.domain, both.own
        first = MockModel.invented(people, self._ordered(people), rng)
        second = MockModel.invented(own, self._ordered(own), rng, first.levels)
        at_once = max(1, ROWS_AT_ONCE // tables.joined.max_rows_per_person)
        done = 0
        for start in range(0, self.rows, at_once):
            count = min(at_once, self.rows - start)
            cells = first.cells(count, rng)
            persons = both.persons(_decoded(cells, people, rng), start, rng)
            owner = np.repeat(np.arange(count), persons.column(number).to_numpy())
            given = [column[owner] for column in cells]
            drawn = _decoded(second.cells(len(owner), rng, given), own, rng)
            beside = persons.take(pa.array(owner))
            rows = both.rows(_with(drawn, beside, both.needed), done, rng)
            done += len(owner)
            told, owned = both.released
            yield _chosen(told, persons, persons), _chosen(owned, rows, beside)

    def _ordered(self, domain: Domain) -> frozenset[str]:
        """Columns whose neighbouring cells are alike."""
        alike = (OrdinalColumn, ZipColumn)
        columns = self.dataset.spec.columns
        return frozenset(
            c.name for c in domain.columns if c.lows or isinstance(columns.get(c.name), alike)
        )


def _owners(rows: int, most: int, rng: np.random.Generator) -> Cells:
    """The person of each row, numbered from 0: rows of one stand together."""
    counts = np.minimum(rng.geometric(_MORE, rows), most)
    return np.repeat(np.arange(rows), counts)[:rows]


def _decoded(cells: list[Cells], domain: Domain, rng: np.random.Generator) -> pa.RecordBatch:
    """Values for cells, drawn by public rules."""
    arrays = [decode(own, column, rng) for own, column in zip(cells, domain.columns, strict=True)]
    return pa.RecordBatch.from_arrays(arrays, schema=schema(domain))


def _with(batch: pa.RecordBatch, beside: pa.RecordBatch, names: tuple[str, ...]) -> pa.RecordBatch:
    """The batch, and some columns of another one of the same rows."""
    columns = {n: batch.column(n) for n in batch.schema.names} | {
        n: beside.column(n) for n in names
    }
    return pa.record_batch(list(columns.values()), names=list(columns))


def _chosen(names: tuple[str, ...], made: pa.RecordBatch, beside: pa.RecordBatch) -> pa.RecordBatch:
    """Columns of a table; the key is the person's."""
    sources = {n: made if n in made.schema.names else beside for n in names}
    fields = [source.schema.field(n) for n, source in sources.items()]
    columns = [source.column(n) for n, source in sources.items()]
    return pa.RecordBatch.from_arrays(columns, schema=pa.schema(fields))
