"""Persons with many rows: at most k rows of each person are read, whatever the data holds.

Which rows of a person are kept depends on what that person's rows hold and on one key from the
operating system's entropy: rows are ranked by the MD5 digest of person, content and key (equal rows
by a number of their own, too). Nobody else's rows matter, nor the order in which rows come; so a
person who comes or goes moves at most k rows, for any key, and the key only makes the choice a fair
one. It is drawn once for a source, so every table of an attempt counts the same rows. A row that
names nobody (a missing or blank identifier) is left out: to take such rows for one person would let
one row displace another.
"""

from __future__ import annotations

import hashlib
import secrets
import tempfile
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from dpgate.errors import SourceError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from dpgate.sources.arrow import Read

    Kept = NDArray[np.bool_]
    Numbers = NDArray[np.int64]

_BATCH = 65_536
_ROWS = pa.schema([("place", pa.int64()), ("person", pa.binary()), ("content", pa.binary())])

_RANKED = """
SELECT place FROM (
  SELECT place, row_number() OVER (PARTITION BY person ORDER BY drawn) AS rank
  FROM (
    SELECT place, person,
      md5(person || content::BLOB || turn::VARCHAR::BLOB || $key::VARCHAR::BLOB) AS drawn
    FROM (
      SELECT place, person, content, row_number() OVER (PARTITION BY person, content) AS turn
      FROM (SELECT place, person, md5(content) AS content FROM identified))))
WHERE rank <= $rows
"""

SETTINGS: dict[str, str | bool | int | float | list[str]] = {
    "memory_limit": "1GB",
    "autoinstall_known_extensions": False,
}
"""Of an engine that sorts or joins identifiers; what exceeds its memory is spilled."""


class Truncated:
    """Reads the rows that are kept, again and again the same.

    Args:
        read: starts over and yields every batch, always in the same order.
        column: the identifier column, among the batches' columns.
        rows: how many rows of one person are kept at most, ≥ 1.

    Privacy:
        Under add-remove of persons its output differs by at most `rows` rows. Identifiers are read
        here and nowhere else; what does not fit into memory is spilled to a folder that only this
        user can read, and that is deleted.
    """

    def __init__(self, read: Read, column: str, rows: int) -> None:
        self._read = read
        self._column = column
        self._rows = rows
        self._key = secrets.token_hex(32)
        self._kept: Kept | None = None
        self._order = b""

    def __call__(self) -> Iterator[pa.RecordBatch]:
        """Every batch, without the rows that are left out."""
        chosen = self.choose()
        place, order = 0, _Order()
        for batch in self._read():
            kept = chosen[place : place + len(batch)]
            place += len(batch)
            order.add(persons(batch.column(self._column)))
            yield batch.filter(pa.array(kept))
        if order.digest() != self._order:
            raise SourceError("the source changed while it was being counted")

    def choose(self) -> Kept:
        """Whether each row is kept: decided once."""
        if self._kept is None:
            self._kept = self._choose()
        return self._kept

    def _choose(self) -> Kept:
        import duckdb

        seen, order = [0], _Order()

        def identified() -> Iterator[pa.RecordBatch]:
            for batch in self._read():
                names = persons(batch.column(self._column))
                order.add(names)
                places = pa.array(np.arange(seen[0], seen[0] + len(batch)))
                seen[0] += len(batch)
                made = {"place": places, "person": names, "content": content(batch)}
                yield pa.record_batch(made).filter(names.is_valid())

        kept = []
        with (
            tempfile.TemporaryDirectory() as folder,
            duckdb.connect(config={**SETTINGS, "temp_directory": folder}) as engine,
        ):
            engine.sql("SET enable_progress_bar = false")  # it would print, and tell the time
            engine.register("identified", pa.RecordBatchReader.from_batches(_ROWS, identified()))
            ranked = engine.sql(_RANKED, params={"key": self._key, "rows": self._rows})
            kept = [batch.column(0).to_numpy() for batch in ranked.to_arrow_reader(_BATCH)]
        chosen = np.zeros(seen[0], dtype=np.bool_)
        for places in kept:
            chosen[places] = True
        self._order = order.digest()
        return chosen


def content(batch: pa.RecordBatch) -> pa.Array:
    """What each row holds, in bytes; first all lengths, so that no two rows read the same."""
    texts, lengths = [], []
    for values in batch.columns:
        plain = values.dictionary_decode() if pa.types.is_dictionary(values.type) else values
        in_bytes = pa.types.is_binary(plain.type) or pa.types.is_large_binary(plain.type)
        text = (plain if in_bytes else plain.cast(pa.string())).cast(pa.binary())
        texts.append(text)
        lengths.append(pc.binary_length(text).cast(pa.string()).cast(pa.binary()))
    return pc.binary_join_element_wise(
        *lengths, *texts, b"\x1f", null_handling="replace", null_replacement=b"\x1e"
    )


class _Order:
    """A digest of who stands in which row: rows are kept by their places, so these must not change.

    It holds private data and is compared here, nowhere else.
    """

    def __init__(self) -> None:
        self._parts = hashlib.blake2b(), hashlib.blake2b()

    def add(self, names: pa.Array) -> None:
        """Further rows; how they fall into batches makes no difference."""
        lengths, joined = self._parts
        lengths.update(pc.fill_null(pc.binary_length(names), -1).to_numpy().astype(np.int64))
        joined.update(b"".join(names.drop_null().to_pylist()))

    def digest(self) -> bytes:
        """The digest of all rows so far."""
        return b"".join(part.digest() for part in self._parts)


def persons(values: pa.Array) -> pa.Array:
    """Identifiers as bytes without blanks around them; null where nobody is named."""
    if pa.types.is_dictionary(values.type):
        values = values.dictionary_decode()
    if pa.types.is_integer(values.type) or pa.types.is_null(values.type):
        return values.cast(pa.string()).cast(pa.binary())
    # Seen as text without a check: identifiers of a file need not be UTF-8.
    text = values.cast(pa.binary()).view(pa.string())
    bare = pc.ascii_trim_whitespace(text).view(pa.binary())
    return pc.if_else(pc.greater(pc.binary_length(bare), 0), bare, pa.scalar(None, pa.binary()))


def numbers(columns: Iterable[pa.Array]) -> Numbers:
    """Identifiers as numbers from 0 up, in the order in which they first come.

    Args:
        columns: the identifiers, batch by batch; none of them is missing.

    Privacy:
        Identifiers are in memory until it returns; a number says nothing but which rows are alike.
    """
    named = pa.chunked_array([persons(column) for column in columns], pa.binary())
    parts = [part.indices.to_numpy() for part in named.dictionary_encode().chunks]
    return np.concatenate([np.empty(0, dtype=np.int64), *parts]).astype(np.int64)


def check_persons(schema: pa.Schema, column: str, *, typed: bool = True) -> None:
    """The identifier column is there once, with a type that can tell persons apart.

    Raises:
        SourceError: names the column of the Dataset document alone.
    """
    if schema.names.count(column) != 1:
        raise SourceError(
            f"the source must hold the column that names persons exactly once: {column}",
            fix="make unit.column of the dataset document and the source agree",
        )
    kind = schema.field(column).type
    kind = kind.value_type if pa.types.is_dictionary(kind) else kind
    tests = (
        pa.types.is_integer, pa.types.is_string, pa.types.is_large_string, pa.types.is_null,
    )  # fmt: skip
    if typed and not any(test(kind) for test in tests):
        raise SourceError(
            f"the column that names persons is of another type than integers or text: {column}",
            fix="store identifiers as integers or text, so that one person has one spelling",
        )
