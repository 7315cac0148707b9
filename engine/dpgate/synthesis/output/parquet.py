"""Apache Parquet: schema and facts in the footer."""

from __future__ import annotations

from typing import IO

from pyarrow import parquet

from dpgate.synthesis.output.rows import Rows

_ROWS_PER_GROUP = 2**17


class Parquet:
    """Version 2.6, zstd, dictionaries, statistics, groups of 131,072 rows."""

    name: str = "parquet"
    described: bool = False

    def write(self, rows: Rows, handle: IO[bytes]) -> None:
        """See `Format.write`."""
        with parquet.ParquetWriter(
            handle, rows.table.schema, version="2.6", compression="zstd", compression_level=3,
            use_dictionary=True, write_statistics=True,
            # Parquet's own types say everything; Arrow's would tell how memory was laid out.
            store_schema=False,
        ) as writer:  # fmt: skip
            writer.add_key_value_metadata(dict(rows.facts))
            for piece in rows.pieces(_ROWS_PER_GROUP):
                writer.write_table(piece, row_group_size=_ROWS_PER_GROUP)
