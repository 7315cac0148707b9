"""JSON Lines: an object a row, UTF-8, LF.

A missing value is `null`. Whole numbers and decimals are written with all their digits, beyond
what a reader that knows only doubles keeps. Dates and times are text in ISO 8601.
"""

from __future__ import annotations

import json
from typing import IO

import pyarrow as pa
import pyarrow.compute as pc

from dpgate.synthesis.output.rows import Rows
from dpgate.synthesis.output.texts import digits, floats, moments, written

_ROWS = 2**14


class Jsonl:
    """Schema and facts go to a file beside it."""

    name: str = "jsonl"
    described: bool = True

    def write(self, rows: Rows, handle: IO[bytes]) -> None:
        """See `Format.write`."""
        keys = [f"{json.dumps(name)}:" for name in rows.schema.names]
        for batch in rows.batches(_ROWS):
            parts: list[object] = []
            for key, values in zip(keys, batch.columns, strict=True):
                parts += [f"{',' if parts else '{'}{key}", pc.fill_null(_literals(values), "null")]
            handle.write(written([*parts, "}\n"]))


def _literals(values: pa.Array) -> pa.Array:
    kinds = pa.types
    if kinds.is_string(values.type):
        encoded = values.dictionary_encode()
        quoted = [json.dumps(text, ensure_ascii=False) for text in encoded.dictionary.to_pylist()]
        return pa.array(quoted, pa.string()).take(encoded.indices)
    if kinds.is_date32(values.type):
        return pc.binary_join_element_wise('"', values.cast(pa.string()), '"', "")
    if kinds.is_timestamp(values.type):
        return pc.binary_join_element_wise('"', moments(values, "T", "Z"), '"', "")
    if kinds.is_floating(values.type):
        return floats(values, "[.e]", ".0")
    return digits(values)
