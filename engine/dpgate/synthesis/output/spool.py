"""Rows on their way from a model to evidence and files: written once, mapped, never all in memory."""

from __future__ import annotations

import mmap
import tempfile
from collections.abc import Iterable
from pathlib import Path

import pyarrow as pa

from dpgate.synthesis.output.files import refusal


def spooled(batches: Iterable[pa.RecordBatch], schema: pa.Schema, folder: Path) -> pa.Table:
    """Rows as a table whose memory is a file.

    Args:
        batches: rows of one schema; each is dropped once it is written.
        schema: theirs.
        folder: private to the user; must have room for all rows, uncompressed.

    Returns:
        A table that is read from the file as it is looked at. The file is readable by its owner
        alone and has no name: it is gone when the table is, or the process, however it ends.

    Raises:
        SynthesisError: there is no room for it.

    Privacy:
        Reads synthetic rows alone.
    """
    try:
        with tempfile.TemporaryFile(dir=folder) as file:
            with pa.ipc.new_file(file, schema) as writer:
                for batch in batches:
                    writer.write_batch(batch)
            file.flush()
            mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    except OSError as error:
        raise refusal(error, folder) from None
    return pa.ipc.open_file(pa.py_buffer(mapped)).read_all()
