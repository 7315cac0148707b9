"""Rows on their way from a model to evidence and files: written once, mapped, never all in memory."""

from __future__ import annotations

import mmap
import shutil
import tempfile
from collections.abc import Iterable
from pathlib import Path

import pyarrow as pa

from dpgate.errors import SynthesisError
from dpgate.synthesis.output.files import refusal


def require_room(schema: pa.Schema, rows: int, folder: Path) -> None:
    """Raises if a folder has no room for so many rows, to be found out before anything is spent.

    Args:
        schema: of the rows.
        rows: how many.
        folder: where they will be spooled.

    Raises:
        SynthesisError: not even the least that they take is free.
    """
    bits = sum(32 if pa.types.is_string(f.type) else f.type.bit_width for f in schema)
    least, free = rows * bits // 8, shutil.disk_usage(folder).free
    if free < least:
        raise SynthesisError(
            f"{rows:,} rows take at least {least / 1e9:,.1f} GB, and {folder} has room for "
            f"{free / 1e9:,.1f} GB",
            fix="free space there, or release fewer rows",
        )


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
