"""A script in standard SQL: comments with the facts, CREATE TABLE, INSERTs of many rows.

One text for PostgreSQL, DuckDB and others that keep to the standard: names in double quotes,
text in single quotes with nothing but the quote doubled (PostgreSQL: `standard_conforming_strings`
is on, its default), floats with an exponent, decimals without one, moments in UTC. MySQL wants
`ANSI_QUOTES` and `NO_BACKSLASH_ESCAPES`. Everything happens in one transaction or not at all.
"""

from __future__ import annotations

import json
from typing import IO

import pyarrow as pa
import pyarrow.compute as pc

from dpgate.synthesis.output.rows import Rows
from dpgate.synthesis.output.texts import digits, floats, moments, written

_ROWS = 2**10
"""Rows of one INSERT."""

_TYPES = {
    "int64": "BIGINT",
    "double": "DOUBLE PRECISION",
    "bool": "BOOLEAN",
    "string": "VARCHAR",
    "date32[day]": "DATE",
}


class Sql:
    """A table named `data`, or as the rows are."""

    name: str = "sql"
    described: bool = False

    def write(self, rows: Rows, handle: IO[bytes]) -> None:
        """See `Format.write`."""
        rows.require_plain(self.name)
        facts = "".join(f"-- {key}: {json.dumps(value)}\n" for key, value in rows.facts.items())
        columns = ",\n".join(f"  {_column(field)}" for field in rows.schema)
        head = f"{facts}START TRANSACTION;\nCREATE TABLE {_name(rows.name)} (\n{columns}\n);\n"
        handle.write(head.encode())
        for batch in rows.batches(_ROWS):
            handle.write(f"INSERT INTO {_name(rows.name)} VALUES\n".encode())
            parts: list[object] = []
            for values in batch.columns:
                parts += ["," if parts else "(", pc.fill_null(_literals(values), "NULL")]
            handle.write(written([*parts, "),\n"])[:-2])
            handle.write(b";\n")
        handle.write(b"COMMIT;\n")


def _column(field: pa.Field) -> str:
    return f"{_name(field.name)} {_type(field.type)}{'' if field.nullable else ' NOT NULL'}"


def _name(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _type(kind: pa.DataType) -> str:
    if pa.types.is_decimal(kind):
        return f"DECIMAL({kind.precision}, {kind.scale})"
    if pa.types.is_timestamp(kind):
        return f"TIMESTAMP{' WITH TIME ZONE' if kind.tz else ''}"
    return _TYPES[str(kind)]


def _literals(values: pa.Array) -> pa.Array:
    kinds = pa.types
    if kinds.is_string(values.type):
        return pc.binary_join_element_wise("'", pc.replace_substring(values, "'", "''"), "'", "")
    if kinds.is_date32(values.type):
        return pc.binary_join_element_wise("DATE '", values.cast(pa.string()), "'", "")
    if kinds.is_timestamp(values.type):
        opening = f"{_type(values.type)} '"
        return pc.binary_join_element_wise(opening, moments(values, " ", "+00:00"), "'", "")
    if kinds.is_floating(values.type):  # without an exponent it would be read as a decimal
        return floats(values, "e", "e0")
    return digits(values)
