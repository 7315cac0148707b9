"""The two tables of a release: which columns are whose, and the cells that they are counted in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from dpgate.model.dataset import Dataset
from dpgate.model.domain import ColumnDomain, Domain, domain_of
from dpgate.model.joined import PERSONS, Joined


@dataclass(frozen=True, kw_only=True)
class Tables:
    """How the columns of a manifest fall into two tables.

    Attributes:
        dataset: its public description, with a second table.
        joined: that table.
        key: the column that joins them.
        persons: columns of the persons that the manifest lists, in its order, the key among them.
        rows: likewise of the second table.
        context: columns that the second table's rows depend on; the table's own name stands for
            the number of a person's rows.
    """

    dataset: Dataset
    joined: Joined
    key: str
    persons: tuple[str, ...]
    rows: tuple[str, ...]
    context: tuple[str, ...] = ()

    @property
    def names(self) -> tuple[str, str]:
        """Names of both tables."""
        return PERSONS, self.joined.table

    @property
    def number(self) -> ColumnDomain:
        """How many rows a person has, 0 to the bound: a column of the persons."""
        counts = tuple(range(self.joined.max_rows_per_person + 1))
        return ColumnDomain(name=self.joined.table, kind="integer", lows=counts, highs=counts)

    @property
    def persons_domain(self) -> Domain:
        """What is learned of persons: their columns, and how many rows they have."""
        learned = domain_of(self.dataset, self.persons)
        return Domain(columns=(*learned.columns, self.number))

    @property
    def rows_domain(self) -> Domain:
        """What is learned of the second table: the context first, then its own columns."""
        known = {column.name: column for column in self.persons_domain.columns}
        context = tuple(known[name] for name in self.context)
        return Domain(columns=(*context, *domain_of(self.dataset, self.rows).columns))


def tables_of(dataset: Dataset, names: Sequence[str], context: Sequence[str] = ()) -> Tables | None:
    """The two tables of a release; None where its dataset has one.

    Args:
        dataset: its public description.
        names: columns of the manifest, in order.
        context: of the manifest.
    """
    joined, key = dataset.spec.joined, dataset.spec.unit.column
    if joined is None or key is None:
        return None
    return Tables(
        dataset=dataset,
        joined=joined,
        key=key,
        persons=tuple(name for name in names if name not in joined.columns),
        rows=tuple(name for name in names if name in joined.columns or name == key),
        context=tuple(context),
    )
