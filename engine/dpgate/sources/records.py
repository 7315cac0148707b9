"""Splitting CSV bytes into records, in bounded memory, whatever they hold.

A record ends at a line feed outside quotes (RFC 4180). A value may hold line feeds, quoted, so
that nobody can turn one row into several by what they write into a field. Each record is then
parsed on its own: a malformed one is dropped and leaves its neighbors alone. (A writer that
leaves quotes unescaped produces no CSV; a stray quote then hides what follows up to the next.)
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import TYPE_CHECKING, BinaryIO

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Places = NDArray[np.int64]

BLOCK_BYTES = 8 * 2**20
"""Read at a time; a record that is longer is dropped."""

_QUOTE, _FEED = 0x22, 0x0A


def blocks(file: BinaryIO, *, size: int = BLOCK_BYTES) -> Iterator[tuple[bytes, list[bytes]]]:
    """Whole records of a file, block by block.

    Args:
        file: open for reading bytes, after the header.
        size: bytes of a block, and of the longest record.

    Yields:
        Records without any quote or carriage return, joined, each with its line feed; and the
        other records of the block one by one.
    """
    rest = b""
    over_long = False  # `rest` then holds only as many quotes as the parity needs
    while block := file.read(size):
        data = rest + block
        ends = _ends(data)
        if not len(ends):
            over_long = over_long or len(data) > size
            rest = b'"' * (data.count(b'"') % 2) if over_long else data
            continue
        # By length alone, never by where blocks happen to end: one row must not decide
        # whether another one counts.
        first = int(ends[0]) + 1 if over_long or ends[0] >= size else 0
        over_long = False
        last = int(ends[-1]) + 1
        yield _sorted_out(data[first:last], ends - first)
        rest = data[last:]
    if rest and not over_long and len(rest) < size:
        yield _sorted_out(rest + b"\n", _ends(rest + b"\n"))


def _ends(data: bytes) -> Places:
    """Places of the line feeds outside quotes."""
    codes = np.frombuffer(data, dtype=np.uint8)
    feeds: Places = np.flatnonzero(codes == _FEED)
    if b'"' not in data:
        return feeds
    quotes = np.flatnonzero(codes == _QUOTE)
    outside = np.searchsorted(quotes, feeds) % 2 == 0
    return np.asarray(feeds[outside], dtype=np.int64)


def _sorted_out(data: bytes, ends: Places) -> tuple[bytes, list[bytes]]:
    if b'"' not in data:
        data = data.replace(b"\r\n", b"\n")
        if b"\r" not in data:
            return data, []
        lines = data.split(b"\n")[:-1]
    else:
        cuts = [0, *(int(end) + 1 for end in ends if end >= 0)]
        lines = [data[a:b].rstrip(b"\r\n") for a, b in pairwise(cuts)]
    odd = [line for line in lines if b'"' in line or b"\r" in line]
    plain = [line for line in lines if b'"' not in line and b"\r" not in line]
    return b"".join(line + b"\n" for line in plain), odd
