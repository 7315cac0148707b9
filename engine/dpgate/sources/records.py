"""Splitting CSV bytes into records, in bounded memory, whatever they hold.

A record ends at a line feed outside quotes (RFC 4180). A value may hold line feeds, quoted, so
that nobody can turn one row into several by what they write into a field. Malformed records are
dropped and leave their neighbors alone. (A writer that leaves quotes unescaped produces no CSV; a
stray quote then hides what follows up to the next.)
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

_QUOTE, _COMMA, _FEED, _RETURN = b'",\n\r'


def blocks(file: BinaryIO, *, size: int = BLOCK_BYTES) -> Iterator[bytes]:
    """Well-formed records of a file, block by block.

    Args:
        file: open for reading bytes, after the header.
        size: bytes of a block, and of the longest record.

    Yields:
        Records joined, each with its line feed. Their quotes are as RFC 4180 wants them; how
        many fields they have is not looked at.
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
        yield _well_formed(data[first:last], ends - first)
        rest = data[last:]
    closed = rest.count(b'"') % 2 == 0
    if rest and closed and not over_long and len(rest) < size:
        data = rest + b"\n"
        yield _well_formed(data, _ends(data))


def _ends(data: bytes) -> Places:
    """Places of the line feeds outside quotes."""
    codes = np.frombuffer(data, dtype=np.uint8)
    feeds: Places = np.flatnonzero(codes == _FEED)
    return feeds if b'"' not in data else _outside(feeds, np.flatnonzero(codes == _QUOTE))


def _outside(places: Places, quotes: Places) -> Places:
    """The places that an even number of quotes precedes."""
    even = np.searchsorted(quotes, places) % 2 == 0
    return np.asarray(places[even], dtype=np.int64)


def _well_formed(data: bytes, ends: Places) -> bytes:
    """Leaves out the records that break a rule; data ends with the end of a record."""
    broken = _violations(data)
    if not len(broken):
        return data
    ends = ends[ends >= 0]
    bad = set(np.searchsorted(ends, broken).tolist())
    cuts = [0, *(ends + 1).tolist()]
    return b"".join(data[a:b] for turn, (a, b) in enumerate(pairwise(cuts)) if turn not in bad)


def _violations(data: bytes) -> Places:
    """Places of characters that a well-formed record has not.

    Quotes open a field, close one, or come in pairs inside one; outside quotes a carriage return
    comes before a line feed alone.
    """
    if b'"' not in data and data.count(b"\r") == data.count(b"\r\n"):
        return np.empty(0, dtype=np.int64)
    codes = np.frombuffer(data, dtype=np.uint8)
    quotes: Places = np.flatnonzero(codes == _QUOTE)
    opening, closing = quotes[::2], quotes[1::2]
    before = np.where(opening > 0, codes[opening - 1], _FEED)
    odd_opening = opening[~np.isin(before, (_COMMA, _FEED, _QUOTE))]
    odd_closing = closing[~np.isin(codes[closing + 1], (_COMMA, _FEED, _RETURN, _QUOTE))]
    returns = _outside(np.flatnonzero(codes == _RETURN), quotes)
    odd_returns = returns[codes[returns + 1] != _FEED]
    return np.concatenate([odd_opening, odd_closing, odd_returns])
