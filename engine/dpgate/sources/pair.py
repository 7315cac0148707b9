"""Two tables in one place: files of a folder, or tables of a DuckDB file, called as documents do."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import TYPE_CHECKING

from dpgate.errors import SourceError
from dpgate.model.domain import Domain
from dpgate.model.tables import Tables
from dpgate.sources.arrow import check_schema
from dpgate.sources.duck import DuckTable
from dpgate.sources.files import CSV, PARQUET, find
from dpgate.sources.persons import check_persons

if TYPE_CHECKING:
    from dpgate.sources.rows import Rows


def check(place: str, tables: Tables) -> None:
    """Holds the schemas of both tables against the dataset; reads no row.

    Args:
        place: a path.
        tables: which columns are whose.

    Raises:
        SourceError: a table or a column is missing, or of a type that cannot be counted. Names
            tables and columns of the document alone.
    """
    domains = (tables.persons_domain.columns[:-1], tables.rows_domain.columns)
    for name, rows, columns in zip(
        tables.names, find_two(place, tables.names), domains, strict=True
    ):
        try:
            schema = rows.schema()
            check_schema(schema, Domain(columns=columns), typed=rows.typed)
            check_persons(schema, tables.key, typed=rows.typed)
        except SourceError as error:
            raise SourceError(f"table {name}: {error.message}", fix=error.fix) from None


def find_two(place: str, names: tuple[str, str]) -> tuple[Rows, Rows]:
    """Both tables of a place.

    Args:
        place: a DuckDB file; or a folder with `persons.parquet`, `persons.pq`, `persons.csv` or a
            folder `persons` of such files, and the same for the second table.
        names: of the tables.

    Raises:
        SourceError: they are not there, or not once each.
    """
    path = Path(place)
    if path.suffix.lower() == ".duckdb":
        return DuckTable(path, names[:1]), DuckTable(path, names[1:])
    return _of_folder(path, names[0]), _of_folder(path, names[1])


def _of_folder(folder: Path, name: str) -> Rows:
    found: list[Path] = []
    with contextlib.suppress(OSError, ValueError):
        named = (folder / name, *(folder / f"{name}{kind}" for kind in sorted(PARQUET | CSV)))
        found = [path for path in named if path.exists()]
    if len(found) != 1:
        raise SourceError(
            f"the source does not hold table {name} exactly once",
            fix=f"name a folder that holds {name}.parquet, {name}.csv or a folder {name} of such files, or "
            f"a .duckdb file with a table {name}",
        )
    return find(str(found[0]))
