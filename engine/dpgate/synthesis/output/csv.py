r"""Comma-separated values, as RFC 4180 has them but for line ends: UTF-8, a header, LF.

Text stands in double quotes; a missing value is an empty field, an empty text is `""`. Values are
never altered: a text that begins with `=`, `+`, `-` or `@` is written so, and a spreadsheet may
take it for a formula. Texts of a release come from its public document alone, not from data.
"""

from __future__ import annotations

from typing import IO

from pyarrow import csv

from dpgate.synthesis.output.rows import Rows

_ROWS = 2**16


class Csv:
    """Schema and facts go to a file beside it."""

    name: str = "csv"
    described: bool = True

    def write(self, rows: Rows, handle: IO[bytes]) -> None:
        """See `Format.write`."""
        options = csv.WriteOptions(include_header=True, quoting_style="needed")
        with csv.CSVWriter(handle, rows.schema, write_options=options) as writer:
            for batch in rows.batches(_ROWS):
                writer.write_batch(batch)
