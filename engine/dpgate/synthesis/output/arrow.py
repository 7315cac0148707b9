"""Apache Arrow IPC, the file format: schema and facts in the footer."""

from __future__ import annotations

from typing import IO

import pyarrow as pa
import pyarrow.compute as pc

from dpgate.synthesis.output.rows import Rows

_ROWS = 2**17


class Arrow:
    """Not compressed, so that it can be mapped into memory; batches of 131,072 rows."""

    name: str = "arrow"
    described: bool = False

    def write(self, rows: Rows, handle: IO[bytes]) -> None:
        """See `Format.write`."""
        with pa.ipc.new_file(handle, rows.schema) as writer:
            for batch in rows.batches(_ROWS):
                writer.write_batch(_clean(batch))


def _clean(batch: pa.RecordBatch) -> pa.RecordBatch:
    """Memory behind missing values is written too: it must hold nothing, and always the same."""
    row = pa.array(range(batch.num_rows), pa.int32())
    arrays = [pc.take(a, row) if a.null_count else pa.concat_arrays([a]) for a in batch.columns]
    return pa.RecordBatch.from_arrays(arrays, schema=batch.schema)
