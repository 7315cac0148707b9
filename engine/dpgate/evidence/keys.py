"""Whether two released tables fit together: keys that match, and no more rows a person than may be."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pyarrow as pa


def faults(persons: pa.Table, rows: pa.Table, key: str, at_most: int) -> Iterator[str]:
    """Departures in words, none if the tables fit.

    Args:
        persons: one row a person.
        rows: of the second table.
        key: the column of both that joins them.
        at_most: rows of one person.

    Privacy:
        Reads synthetic tables alone.
    """
    import duckdb

    with duckdb.connect() as engine:
        engine.sql("SET enable_progress_bar = false")
        engine.register("persons", persons.select([key]))
        engine.register("rows", rows.select([key]))
        for words, query in _QUERIES.items():
            ((found,),) = engine.sql(query.format(key=f'"{key}"', at_most=at_most)).fetchall()
            if found:
                yield f"{words.format(at_most=at_most)}: {found}"


_QUERIES = {
    "keys that name several persons": "SELECT count(*) - count(DISTINCT {key}) FROM persons",
    "rows whose key names no person": "SELECT count(*) FROM rows ANTI JOIN persons USING ({key})",
    "persons with more than {at_most} rows": "SELECT count(*) FROM (SELECT 1 FROM rows GROUP BY {key} "
    "HAVING count(*) > {at_most})",
}
