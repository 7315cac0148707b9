"""A description beside a file whose format has no place for one.

`data.csv-metadata.json` is named and written as the W3C's "Metadata Vocabulary for Tabular Data"
(CSV on the Web) wants it, so that its readers find it by themselves. JSON Lines gets the same.
"""

from __future__ import annotations

import json
from typing import Any

import pyarrow as pa

from dpgate.synthesis.output.rows import Rows

SUFFIX = "-metadata.json"

_BETWEEN = {"csv": " ", "jsonl": "T"}
_FRACTION = {"s": "", "ms": ".SSS", "us": ".SSSSSS"}
_TYPES: dict[str, Any] = {
    "int64": "long",
    "double": "double",
    "bool": "boolean",
    "string": "string",
    "date32[day]": "date",
}
_DIALECT = {
    "encoding": "utf-8",
    "header": True,
    "delimiter": ",",
    "quoteChar": '"',
    "doubleQuote": True,
    "lineTerminators": ["\n"],
}


def described(rows: Rows, format_: str) -> bytes:
    """Schema and facts of `data.csv` or `data.jsonl`.

    Raises:
        SynthesisError: a column is of a type that the format cannot hold.

    Privacy:
        Reads no row.
    """
    rows.require_plain(format_)
    body: dict[str, Any] = {"url": f"{rows.name}.{format_}"}
    if format_ == "csv":
        body = {"@context": "http://www.w3.org/ns/csvw", **body, "dialect": _DIALECT}
    columns = [_column(field, format_) for field in rows.schema]
    body["tableSchema"] = {"columns": columns}
    body["notes"] = [dict(rows.facts)]
    return (json.dumps(body, indent=2, ensure_ascii=False) + "\n").encode()


def _column(field: pa.Field, format_: str) -> dict[str, Any]:
    body = {"name": field.name, "datatype": _type(field.type, format_)}
    return body if field.nullable else {**body, "required": True}


def _type(kind: pa.DataType, format_: str) -> Any:
    if pa.types.is_decimal(kind):
        return "decimal"
    if pa.types.is_timestamp(kind):
        time = f"HH:mm:ss{_FRACTION[kind.unit]}{'X' if kind.tz else ''}"
        return {"base": "datetime", "format": f"yyyy-MM-dd{_BETWEEN[format_]}{time}"}
    return _TYPES[str(kind)]
