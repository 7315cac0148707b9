"""A table of a database that counts itself: only counts and totals leave it.

All tables of a round are one query, so one scan: each row becomes one number for each table (the
cell that it falls into, numbered through all tables), and numbers are counted.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from math import prod
from typing import TYPE_CHECKING, Any

import ibis
import numpy as np

from dpgate.errors import SourceError
from dpgate.model.dataset import Unit
from dpgate.model.domain import Domain
from dpgate.sources.arrow import unreadable
from dpgate.sources.count import part
from dpgate.sources.cover import Clique, cover
from dpgate.sources.expressions import cell, countable, text, units
from dpgate.sources.interface import TOTAL_AT_MOST
from dpgate.sources.silence import silence

if TYPE_CHECKING:
    from pathlib import Path

    from dpgate.sources.interface import Cells, Counts, Sum

Table = Any
"""An Ibis table."""
Connect = Callable[[], AbstractContextManager[Table]]
"""The table, for as long as its connection is open."""

_TABLES = 200
"""Tables of one query; engines have limits on the length of one."""


@ibis.udf.scalar.builtin  # type: ignore[untyped-decorator]
def md5(text: str) -> str:  # type: ignore[empty-body]
    """The engine's own digest, as hexadecimal digits."""


class SqlTable:
    """A table to be counted where it lies.

    Args:
        connect: opens a connection and closes it; what it raises is not shown.
    """

    def __init__(self, connect: Connect) -> None:
        self._connect = connect

    def check(self, domain: Domain, unit: Unit) -> None:
        """Holds the schema against the dataset.

        Raises:
            SourceError: the database cannot be reached, the table is not there, a column is missing
                or of a type that cannot be counted.
        """
        kinds = None
        with silence(), self._connect() as table:
            kinds = dict(table.schema().items())
        if kinds is None:
            raise SourceError(
                "the database cannot be reached, or has no such table",
                fix="check the address, the credentials in it or in the environment, and ?table=",
            )
        person = () if unit.column is None else (unit.column,)
        lost = [name for name in (*domain.names, *person) if name not in kinds]
        if lost:
            raise SourceError(
                f"the source must hold these columns exactly once each: {', '.join(lost)}",
                fix="make the column names of the dataset document and of the source agree",
            )
        odd = [
            column.name for column in domain.columns if not countable(kinds[column.name], column)
        ]
        odd += [
            name for name in person if not (kinds[name].is_integer() or kinds[name].is_string())
        ]
        if odd:
            raise SourceError(
                f"columns of a type that cannot be counted: {', '.join(odd)}",
                fix="cast them in a view: numbers to numeric types, dates to dates, persons to text",
            )

    def source(self, domain: Domain, unit: Unit, folder: Path | None = None) -> SqlSource:  # noqa: ARG002 - nothing is kept here
        """A source over the table, which was checked."""
        return SqlSource(self._connect, domain, unit)


class SqlSource:
    """Counts that a database makes; see `MarginalSource`.

    Args:
        connect: opens a connection and closes it.
        domain: the cells.
        unit: says whether rows of persons are to be left out.

    Privacy:
        Of each person at most the bound's rows are counted, chosen as in
        `dpgate.sources.persons`; a table has no order, so a row's place is that among the rows of
        its person that fall into the same cells.
    """

    def __init__(self, connect: Connect, domain: Domain, unit: Unit) -> None:
        self._connect = connect
        self._domain = domain
        self._unit = unit
        self._key = secrets.token_hex(16)

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
        with silence(), self._connect() as table:
            rows = self._encoded(table, ())
            groups = cover(cliques, self._domain.sizes)
            wholes = [
                whole
                for first in range(0, len(groups), _TABLES)
                for whole in self._counted(rows, groups[first : first + _TABLES])
            ]
            return [_coarser(part(c, groups, wholes), c, merged) for c in cliques]
        raise unreadable()

    def sums(self, wanted: Sequence[Sum]) -> list[Counts]:
        """Totals of clamped values, see `MarginalSource.sums`."""
        if not wanted:
            return []
        with silence(), self._connect() as table:
            rows = self._encoded(table, wanted)
            return [self._totalled(rows, place, each) for place, each in enumerate(wanted)]
        raise unreadable()

    def _encoded(self, table: Table, wanted: Sequence[Sum]) -> Table:
        """The cells of each row that counts, and what it adds to each total."""
        columns = self._domain.columns
        made = {f"c{place}": cell(table[c.name], c) for place, c in enumerate(columns)}
        for place, each in enumerate(wanted):
            column = columns[each.column]
            made[f"v{place}"] = units(table[column.name], column, each)
        if self._unit.column is None:
            return table.select(**made)
        made |= {
            f"o{place}": table[c.name] for place, c in enumerate(columns) if c.lows
        }  # rows of the same cells are told apart by their values, where those can be added up
        person = text(table[self._unit.column]).strip()
        named = table.select(**made, person=person).filter(lambda row: row.person != "")
        return self._kept(named)

    def _kept(self, named: Table) -> Table:
        cells = [f"c{place}" for place in range(len(self._domain))]
        values = [name for name in named.columns if name.startswith("o")]
        alike = ibis.window(group_by=["person", *cells], order_by=values or cells)
        turned = named.mutate(turn=ibis.row_number().over(alike))
        said = ibis.literal(self._key) + "|" + turned.person
        for name in (*cells, "turn"):
            said = said + "|" + turned[name].cast("string")
        drawn = turned.mutate(drawn=md5(said))
        ranks = ibis.window(group_by="person", order_by="drawn")
        ranked = drawn.mutate(rank=ibis.row_number().over(ranks))
        return ranked.filter(ranked["rank"] < self._unit.max_rows_per_person)

    def _counted(self, rows: Table, cliques: Sequence[Clique]) -> Iterator[Counts]:
        sizes = [prod(self._shape(clique)) for clique in cliques]
        firsts = np.concatenate([[0], np.cumsum(sizes)])
        places = [
            self._place(rows, clique) + int(first)
            for clique, first in zip(cliques, firsts, strict=False)
        ]
        spread = rows.select(place=ibis.array(places).unnest())
        found = spread.group_by("place").aggregate(number=spread.count()).to_pyarrow()
        place, number = (column.to_numpy().astype(np.int64) for column in found.columns)
        for first, size, clique in zip(firsts, sizes, cliques, strict=False):
            mine = (place >= first) & (place < first + size)
            table = np.zeros(size, dtype=np.int64)
            table[place[mine] - first] = number[mine]
            yield table.reshape(self._shape(clique))

    def _totalled(self, rows: Table, place: int, wanted: Sum) -> Counts:
        shape = self._shape(wanted.by)
        index = self._place(rows, wanted.by)
        # As decimals, since 64 bits might not hold a total.
        added = rows.select(place=index, added=rows[f"v{place}"].cast("decimal(38, 0)"))
        found = added.group_by("place").aggregate(total=added.added.sum()).to_pyarrow()
        table = np.zeros(prod(shape), dtype=np.int64)
        for cell_, total in zip(*(column.to_pylist() for column in found.columns), strict=True):
            table[int(cell_)] = min(max(int(total), -TOTAL_AT_MOST), TOTAL_AT_MOST)
        return table.reshape(shape)

    def _place(self, rows: Table, clique: Sequence[int]) -> Any:
        """The number of a row's cell in one table."""
        index: Any = ibis.literal(0, "int64")
        for column in clique:
            index = index * self._domain.sizes[column] + rows[f"c{column}"]
        return index

    def _shape(self, clique: Sequence[int]) -> tuple[int, ...]:
        return tuple(self._domain.sizes[column] for column in clique)


def _coarser(counts: Counts, clique: Clique, merged: Sequence[Cells] | None) -> Counts:
    """A table of coarser cells."""
    if merged is None:
        return counts
    for axis, column in enumerate(clique):
        sums = np.zeros((int(merged[column].max()) + 1, *np.delete(counts.shape, axis)), np.int64)
        np.add.at(sums, merged[column], np.moveaxis(counts, axis, 0))
        counts = np.moveaxis(sums, 0, axis)
    return np.ascontiguousarray(counts)
