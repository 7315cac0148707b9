"""From batches of learned columns to batches as they are released.

In this turn: columns that follow a public table, values that must be missing, columns in order,
derived columns, made-up identifiers; then the order of the manifest. All of it is
post-processing by public rules.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from dpgate.model.columns import IdentifierColumn
from dpgate.model.constraints import (
    Constraint,
    Follows,
    Missing,
    order_of,
    sorted_by,
    wanted,
    words,
)
from dpgate.model.dataset import Dataset
from dpgate.model.derive import Derived, inputs
from dpgate.model.domain import Domain, domain_of
from dpgate.synthesis.finish.derived import derive, look_up
from dpgate.synthesis.finish.identifiers import identifiers
from dpgate.synthesis.finish.keys import Keyed
from dpgate.synthesis.finish.orders import Order, broken, keep_ordered
from dpgate.synthesis.sampling.decode import schema

if TYPE_CHECKING:
    from numpy.typing import NDArray

Columns = dict[str, pa.Array]


def finisher(dataset: Dataset, names: Sequence[str]) -> Finisher:
    """How rows of a release are finished.

    Args:
        dataset: its public description.
        names: columns of the manifest, in order. Free text is left out, and a derived column
            whose inputs are not among them.
    """
    spec = dataset.spec
    domain = domain_of(dataset, names)
    learned = set(domain.names)
    return Finisher(
        names=tuple(names),
        domain=domain,
        constraints=spec.kept(names),
        derived={
            name: spec.derive[name]
            for name in names
            if name in spec.derive and learned.issuperset(inputs(spec.derive[name]))
        },
        made_up={
            name: column
            for name in names
            if isinstance(column := spec.columns.get(name), IdentifierColumn)
        },
    )


@dataclass(frozen=True, kw_only=True)
class Finisher:
    """Finishes batches of rows.

    Attributes:
        names: columns as the manifest lists them.
        domain: the learned ones.
        constraints: those about learned columns alone.
        derived: derived columns to compute.
        made_up: identifiers to make up.
    """

    names: tuple[str, ...]
    domain: Domain
    constraints: tuple[Constraint, ...]
    derived: Mapping[str, Derived]
    made_up: Mapping[str, IdentifierColumn]

    @functools.cached_property
    def schema(self) -> pa.Schema:
        """Columns of the release, in order."""
        learned = schema(self.domain)
        nothing: list[pa.Array] = [pa.array([], field.type) for field in learned]
        made = self._columns(
            dict(zip(learned.names, nothing, strict=True)), 0, 0, np.random.default_rng()
        )
        nullable = {field.name for field in learned if field.nullable}
        nullable |= {n for n, form in self.derived.items() if nullable.intersection(inputs(form))}
        return pa.schema(
            [pa.field(n, made[n].type, n in nullable) for n in self.names if n in made]
        )

    @functools.cached_property
    def changed(self) -> frozenset[str]:
        """Learned columns whose values constraints may change."""
        orders = [name for c in self.constraints if isinstance(c, str) for name in order_of(c)]
        return frozenset([*orders, *(c.column for c in self.constraints if not isinstance(c, str))])

    @functools.cached_property
    def constrained(self) -> Finisher:
        """Only what changes learned columns; doing the rest after it changes them no more."""
        return replace(self, names=self.domain.names, derived={}, made_up={})

    def __call__(
        self, batch: pa.RecordBatch, first_row: int, rng: np.random.Generator
    ) -> pa.RecordBatch:
        """One batch as it is released.

        Args:
            batch: the learned columns of consecutive rows, as `decode` makes them.
            first_row: number of its first row in the release, from 0.
            rng: source of randomness.

        Privacy:
            Post-processing.
        """
        learned = dict(zip(batch.schema.names, batch.columns, strict=True))
        made = self._columns(learned, first_row, batch.num_rows, rng)
        wanted = self.schema
        return pa.RecordBatch.from_arrays([made[name] for name in wanted.names], schema=wanted)

    def stream(self, batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """All batches of a release, one after the other."""
        rng = np.random.default_rng()  # seeded by the operating system's entropy
        first_row = 0
        for batch in batches:
            yield self(batch, first_row, rng)
            first_row += batch.num_rows

    def broken(self, batch: pa.RecordBatch) -> Iterator[tuple[str, int]]:
        """Each constraint in words, with the number of rows in which it does not hold."""
        columns = dict(zip(batch.schema.names, batch.columns, strict=True))
        for constraint in self.constraints:
            if isinstance(constraint, str):
                order = order_of(constraint)
                yield words(constraint), int(broken(self._keyed(columns, [order]), [order]).sum())
            elif isinstance(constraint, Follows):
                right = _followed(constraint, columns)
                odd = pc.not_equal(columns[constraint.column], right)
                yield words(constraint), pc.sum(odd).as_py() or 0
            else:
                there = _where(constraint, columns) & ~_flags(
                    pc.is_null(columns[constraint.column])
                )
                yield words(constraint), int(there.sum())

    def _columns(
        self, columns: Columns, first_row: int, rows: int, rng: np.random.Generator
    ) -> Columns:
        follows = {c.column: c for c in self.constraints if isinstance(c, Follows)}
        for name in sorted_by((c.column, c.of) for c in follows.values()):
            if name in follows:
                columns[name] = _followed(follows[name], columns)
        for constraint in self.constraints:
            if isinstance(constraint, Missing):
                values = columns[constraint.column]
                where = pa.array(_where(constraint, columns))
                columns[constraint.column] = pc.if_else(where, pa.scalar(None, values.type), values)
        orders = [order_of(c) for c in self.constraints if isinstance(c, str)]
        keyed = self._keyed(columns, orders)
        if orders:
            keep_ordered(keyed, orders, rng)
        columns |= {name: column.array() for name, column in keyed.items()}
        columns |= {name: derive(form, columns) for name, form in self.derived.items()}
        for name, column in self.made_up.items():
            columns[name] = identifiers(column, first_row, rows, rng)
        return columns

    def _keyed(self, columns: Columns, orders: Sequence[Order]) -> dict[str, Keyed]:
        named = {name for order in orders for name in order}
        return {
            column.name: Keyed.of(columns[column.name], column)
            for column in self.domain.columns
            if column.name in named
        }


def _followed(constraint: Follows, columns: Columns) -> pa.Array:
    """The column as its table says; as it was where the other one is missing."""
    old = columns[constraint.column]
    made = look_up(constraint.table, columns[constraint.of], old.type)
    return pc.if_else(pc.is_valid(made), made, old)


def _where(constraint: Missing, columns: Columns) -> NDArray[np.bool_]:
    """Rows in which all conditions hold."""
    found = np.ones(len(columns[constraint.column]), dtype=np.bool_)
    for name, values in wanted(constraint).items():
        texts = columns[name].cast(pa.string())
        found &= _flags(pc.is_in(texts, value_set=pa.array(values, pa.string())))
    return found


def _flags(values: pa.Array) -> NDArray[np.bool_]:
    return np.asarray(values.to_numpy(zero_copy_only=False), dtype=np.bool_)
