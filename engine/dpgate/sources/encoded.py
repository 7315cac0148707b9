"""Encoded rows between two counts: in memory while they are few, else in a file without a name."""

from __future__ import annotations

import os
import tempfile
import weakref
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, cast

import numpy as np

if TYPE_CHECKING:
    from dpgate.sources.count import Codes

KEPT_BYTES = 256 * 2**20
"""Encoded rows stay in memory up to this size."""


class Encoded:
    """Batches of codes.

    Args:
        folder: private to the user; where a file may grow to the number of rows times columns,
            in bytes (twice that for columns of more than 256 cells). None: no file.

    Privacy:
        Holds private data in the clear. The file is readable by its owner alone and has no name:
        it is gone when the process ends, however it ends.
    """

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder
        self._kept: list[tuple[Codes, ...]] = []
        self._size = 0
        self._file: BinaryIO | None = None
        self._places: list[tuple[int, int, tuple[np.dtype[np.unsignedinteger], ...]]] = []
        self.whole = True
        """Whether everything that was added is here: there may be no room for it."""

    def add(self, codes: Sequence[Codes]) -> None:
        """Keeps one more batch, if there is room."""
        if not self.whole:
            return
        self._size += sum(column.nbytes for column in codes)
        if self._size <= KEPT_BYTES:
            self._kept.append(tuple(codes))
            return
        try:
            for batch in (*self._kept, codes):
                self._write(batch)
        except OSError:
            self.whole = False
            self._places.clear()
            if self._file is not None:
                self._file.close()  # what others need must not be full of it
        self._kept.clear()

    def batches(self, columns: Iterable[int]) -> Iterator[Mapping[int, Codes]]:
        """The batches again, in order; of each the wanted columns."""
        wanted = tuple(columns)
        for batch in self._kept:
            yield {column: batch[column] for column in wanted}
        for start, rows, types in self._places:
            widths = [rows * kind.itemsize for kind in types]
            yield {
                column: self._read(start + sum(widths[:column]), widths[column], types[column])
                for column in wanted
            }

    def _write(self, codes: Sequence[Codes]) -> None:
        if self._folder is None:
            raise OSError("there is no folder for it")
        if self._file is None:
            # The file object's own type depends on the platform; a finalizer closes it.
            made = tempfile.TemporaryFile(buffering=0, dir=self._folder)  # noqa: SIM115
            self._file = cast("BinaryIO", made)
            weakref.finalize(self, self._file.close)
        start = self._file.tell()
        for column in codes:
            left = memoryview(column.tobytes())
            while left:
                left = left[self._file.write(left) :]
        self._places.append((start, len(codes[0]), tuple(column.dtype for column in codes)))

    def _read(self, start: int, size: int, kind: np.dtype[np.unsignedinteger]) -> Codes:
        assert self._file is not None  # noqa: S101 - there are places in it
        found = os.pread(self._file.fileno(), size, start)
        if len(found) != size:
            raise OSError("the file was cut short")
        return cast("Codes", np.frombuffer(found, dtype=kind))
