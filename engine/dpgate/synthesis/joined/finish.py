"""How both tables of a release are finished: rules kept, columns derived, keys made up."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import pyarrow as pa

from dpgate.model.constraints import columns_of
from dpgate.model.derive import inputs
from dpgate.model.domain import Domain
from dpgate.model.tables import Tables
from dpgate.synthesis.finish.finisher import Finisher, finisher


@dataclass(frozen=True, kw_only=True)
class Finish:
    """Finishers of both tables.

    Attributes:
        tables: which columns are whose.
    """

    tables: Tables

    @cached_property
    def persons(self) -> Finisher:
        """Of persons: their columns, and the number of their rows, which nothing changes."""
        made = finisher(self.tables.dataset, self.tables.persons)
        return replace(
            made,
            names=(*made.names, self.tables.joined.table),
            domain=self.tables.persons_domain,
        )

    @cached_property
    def rows(self) -> Finisher:
        """Of the second table's own columns; derived ones may need columns of the person."""
        own = tuple(name for name in self.tables.rows if name != self.tables.key)
        whole = finisher(self.tables.dataset, (*self.needed, *own))
        kept = tuple(c for c in whole.constraints if set(columns_of(c)).issubset(own))
        return replace(whole, names=own, constraints=kept)

    @cached_property
    def needed(self) -> tuple[str, ...]:
        """Columns of the person that derived columns of the second table are computed from."""
        spec = self.tables.dataset.spec
        used = {
            name
            for each in self.tables.rows
            if each in spec.derive
            for name in inputs(spec.derive[each])
        }
        return tuple(name for name in spec.learned(self.tables.persons) if name in used)

    @cached_property
    def own(self) -> Domain:
        """Learned columns of the second table, without the context."""
        return Domain(columns=self.tables.rows_domain.columns[len(self.tables.context) :])

    @cached_property
    def joined(self) -> pa.Schema:
        """The second table with the context beside it, as it is compared with the data."""
        persons, rows = self.persons.schema, self.rows.schema
        beside = [persons.field(name) for name in (self.tables.key, *self.tables.context)]
        return pa.schema([*beside, *rows])

    @property
    def released(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Columns of both files, in the order of the manifest."""
        persons = set(self.persons.schema.names)
        rows = {self.tables.key, *self.rows.schema.names}
        return (
            tuple(name for name in self.tables.persons if name in persons),
            tuple(name for name in self.tables.rows if name in rows),
        )
