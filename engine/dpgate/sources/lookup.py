"""Cells of whole batches by table: `encode` is asked about each distinct value, not each row."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from dpgate.model.domain import ColumnDomain
from dpgate.sources.encode import encode

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from dpgate.sources.count import Codes

_SPAN = 2**16
"""Whole numbers of a column are looked up if so few lie between its lowest and its highest."""


class Lookup:
    """The cells of one column, always those of `encode`.

    Args:
        column: the public cells.

    Privacy:
        Keeps the distinct values of a batch, in the clear, in memory.
    """

    def __init__(self, column: ColumnDomain) -> None:
        self._column = column
        self._type = np.uint8 if column.size <= 2**8 else np.uint16
        self._dictionary: pa.Array | None = None
        self._cells: Codes = np.zeros(0, dtype=np.uint8)
        self._first, self._span = _span(column)
        self._whole: Codes | None = None

    def cells(self, values: pa.Array) -> Codes:
        """The cell of each value: uint8 if the column has at most 256, else uint16."""
        if pa.types.is_dictionary(values.type):
            return self._listed(values)
        if pa.types.is_integer(values.type) and self._span:
            return self._numbered(values)
        return encode(values, self._column).astype(self._type)

    def _listed(self, values: pa.Array) -> Codes:
        # Batches of a file mostly share their dictionary.
        if self._dictionary is None or not self._dictionary.equals(values.dictionary):
            self._dictionary = values.dictionary
            cells = encode(values.dictionary, self._column)
            # The last is for missing values, which a dictionary may hold or not.
            self._cells = np.append(cells, np.uint16(self._column.fallback)).astype(self._type)
        indices = values.indices
        if indices.null_count:
            indices = pc.fill_null(indices.cast(pa.int64()), len(self._cells) - 1)
        return taken(self._cells, indices.to_numpy(zero_copy_only=False))

    def _numbered(self, values: pa.Array) -> Codes:
        """Beyond the lowest and the highest number of the document every number has one cell."""
        if self._whole is None:
            # In whole numbers of Python, since the ends may lie beyond 64 bits.
            known = range(self._first, self._first + self._span)
            asked = pa.array([*known, None], pa.int64())
            self._whole = encode(asked, self._column).astype(self._type)
        last = self._first + self._span - 1
        bounded = values.cast(pa.int64()) if values.type != pa.uint64() else _signed(values)
        numbers = np.clip(pc.fill_null(bounded, 0).to_numpy(), self._first, last) - self._first
        if values.null_count:
            missing = values.is_null().to_numpy(zero_copy_only=False)
            numbers = np.where(missing, self._span, numbers)
        return taken(self._whole, numbers)


class Given:
    """Cells that a batch holds already."""

    def cells(self, values: pa.Array) -> Codes:
        """Those cells."""
        return cast("Codes", values.to_numpy())


def taken(table: Codes, places: NDArray[np.integer]) -> Codes:
    """``table[places]``; `bytes.translate` is five times as fast where it can be used."""
    if len(table) > 2**8 or table.dtype != np.uint8:
        return np.asarray(table[places])
    padded = np.zeros(2**8, dtype=np.uint8)
    padded[: len(table)] = table
    narrow = places.astype(np.uint8, copy=False)
    return np.frombuffer(narrow.tobytes().translate(padded.tobytes()), dtype=np.uint8)


def _signed(values: pa.Array) -> pa.Array:
    """Numbers beyond 63 bits lie above every domain that is looked up."""
    return pc.min_element_wise(values, pa.scalar(2**62, pa.uint64()), skip_nulls=False).cast(
        pa.int64()
    )


def _span(column: ColumnDomain) -> tuple[int, int]:
    """One below the lowest number of a column, and how many there are to one above the highest.

    The span is 0 if numbers are not looked up.
    """
    if column.kind == "integer":
        ends = [int(column.lows[0]), int(column.highs[-1])]
    elif column.kind == "whole":
        whole = [value for value in column.values if isinstance(value, int)]
        ends = [min(whole), max(whole)]
    else:
        return 0, 0
    span = ends[1] - ends[0] + 3
    inside = ends[0] > -(2**62) and ends[1] < 2**62
    return (ends[0] - 1, span) if inside and span <= _SPAN else (0, 0)
