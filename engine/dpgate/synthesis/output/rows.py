"""The rows of a release, in pieces of one size and with nothing but their values."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import pyarrow as pa

from dpgate.errors import SynthesisError

_TYPES = frozenset({"int64", "double", "bool", "string", "date32[day]"})


@dataclass(frozen=True, kw_only=True)
class Rows:
    """Synthetic rows, and the facts that every file states about them.

    Attributes:
        table: columns alone. It may be mapped from a file: it is read piece by piece.
        facts: `dpgate.release`, `dpgate.epsilon` and so on.
        name: of the table.
    """

    table: pa.Table
    facts: Mapping[str, str]
    name: str = "data"

    @classmethod
    def of(cls, table: pa.Table, stamp: Mapping[str, str], name: str = "data") -> Rows:
        """Drops the metadata of a table and of its fields, which could hold anything."""
        bare = pa.schema([pa.field(f.name, f.type, f.nullable) for f in table.schema])
        facts = {f"dpgate.{key}": value for key, value in stamp.items()}
        return cls(table=pa.table(table.columns, schema=bare), facts=facts, name=name)

    @property
    def schema(self) -> pa.Schema:
        """Names, types and nullability, with text as plain text; and the facts."""
        fields = [pa.field(f.name, plain(f.type), f.nullable) for f in self.table.schema]
        return pa.schema(fields, metadata=dict(self.facts))

    def pieces(self, size: int) -> Iterator[pa.Table]:
        """The rows, so many at a time, each column in one piece, however the table was made.

        Files follow from rows alone only if the pieces that a writer sees do.
        """
        for start in range(0, self.table.num_rows, size):
            yield self.table.slice(start, size).combine_chunks()

    def batches(self, size: int) -> Iterator[pa.RecordBatch]:
        """`pieces` with the types of `schema`."""
        for piece in self.pieces(size):
            yield from piece.cast(self.schema).to_batches()

    def require_plain(self, format_: str) -> None:
        """Raises unless every column is of a type that releases have; formats state no others.

        Raises:
            SynthesisError: names columns of the document.
        """
        kinds = {field.name: field.type for field in self.schema}
        odd = [name for name, kind in kinds.items() if not _held(kind)]
        if odd:
            raise SynthesisError(f"{format_} cannot hold columns: {', '.join(odd)}")


def _held(kind: pa.DataType) -> bool:
    if pa.types.is_timestamp(kind):
        return kind.tz in (None, "UTC") and kind.unit != "ns"
    return str(kind) in _TYPES or pa.types.is_decimal128(kind)


def plain(kind: pa.DataType) -> pa.DataType:
    """The type of the values, however they are encoded in memory."""
    return kind.value_type if pa.types.is_dictionary(kind) else kind
