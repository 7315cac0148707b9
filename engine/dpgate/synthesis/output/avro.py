"""Apache Avro, an object container file: schema and facts in the header."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from typing import IO, Any

import fastavro
import pyarrow as pa

from dpgate.synthesis.output.rows import Rows

_ROWS = 2**14

_TYPES: dict[str, Any] = {
    "int64": "long",
    "double": "double",
    "bool": "boolean",
    "string": "string",
    "date32[day]": {"type": "int", "logicalType": "date"},
}


class Avro:
    """Deflated blocks; a column that may be missing is a union with null."""

    name: str = "avro"
    described: bool = False

    def write(self, rows: Rows, handle: IO[bytes]) -> None:
        """See `Format.write`."""
        rows.require_plain(self.name)
        fields = [_field(field) for field in rows.schema]
        schema = {"type": "record", "name": "row", "namespace": "dpgate", "fields": fields}
        # Sixteen bytes between blocks, at random by default.
        marker = hashlib.sha256(json.dumps([schema, dict(rows.facts)]).encode()).digest()[:16]
        fastavro.writer(
            handle, schema, _records(rows), codec="deflate", metadata=dict(rows.facts),
            sync_marker=marker,
        )  # fmt: skip


def _field(field: pa.Field) -> dict[str, Any]:
    kind = _type(field.type)
    return {"name": field.name, "type": ["null", kind] if field.nullable else kind}


def _type(kind: pa.DataType) -> Any:
    if pa.types.is_decimal(kind):
        size = {"precision": kind.precision, "scale": kind.scale}
        return {"type": "bytes", "logicalType": "decimal", **size}
    if pa.types.is_timestamp(kind):
        return {"type": "long", "logicalType": f"{'' if kind.tz else 'local-'}timestamp-micros"}
    return _TYPES[str(kind)]


def _records(rows: Rows) -> Iterator[dict[str, Any]]:
    names = rows.schema.names
    for batch in rows.batches(_ROWS):
        for values in zip(*(column.to_pylist() for column in batch.columns), strict=True):
            yield dict(zip(names, values, strict=True))
