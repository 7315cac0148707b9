"""Members and holdout: a coin decides for each row, or each person, whether a model may learn from it.

Attacks compare rows that a model learned from with rows that it never saw. The coin of a row follows
from one key of the operating system's entropy, from what the row holds, and from a number among rows that
hold the very same; that of a person from the key and the identifier. So for any key, one row more or
less (or one person) changes one side by that row (by theirs) and leaves the other side as it was, in
whatever order rows come: nothing about privacy rests on the coin.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property, partial
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from dpgate.sources.persons import content, persons

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from dpgate.sources.arrow import ArrowSource, Read

    Coins = NDArray[np.bool_]
    Digests = NDArray[np.uint64]

_RANGE = 2**64


@dataclass(frozen=True, kw_only=True)
class Halves:
    """Both sides of a split, as sources of their own.

    Attributes:
        members: rows that a model may learn from.
        holdout: rows that it never sees.
        share: probability with which a row, or a person, is held out.
    """

    members: ArrowSource
    holdout: ArrowSource
    share: Decimal


def split(
    read: Read, share: Decimal, column: str | None, key: bytes | None = None
) -> tuple[Read, Read]:
    """The members and the holdout of rows that are always read in the same order.

    Args:
        read: starts over and yields every batch.
        share: probability of being held out, in (0, 1).
        column: names the person, so that all rows of one are on one side; None: each row by itself.
        key: 32 bytes that coins follow from, those of an attempt that is resumed; None: fresh ones.

    Privacy:
        Coins are tossed once, for both sides and every pass. See above for what one row moves.
    """
    key = key or secrets.token_bytes(32)
    bound = np.uint64(round(share * _RANGE))
    coins = _Coins(read, key, bound, column)
    return lambda: coins.side(held=False), lambda: coins.side(held=True)


class _Coins:
    """Which rows are held out, decided once."""

    def __init__(self, read: Read, key: bytes, bound: np.uint64, column: str | None) -> None:
        self._read = read
        self._key = key
        self._bound = bound
        self._column = column

    def side(self, *, held: bool) -> Iterator[pa.RecordBatch]:
        """The batches, with the rows of one side alone."""
        out, place = self._out, 0
        for batch in self._read():
            own = out[place : place + len(batch)]
            place += len(batch)
            yield batch.filter(pa.array(own == held))

    @cached_property
    def _out(self) -> Coins:
        found = [self._digests(batch) for batch in self._read()]
        digests = np.concatenate(found) if found else np.zeros(0, dtype=np.uint64)
        if self._column is None:
            digests = _mixed(digests, _turns(digests))
        return digests < self._bound

    def _digests(self, batch: pa.RecordBatch) -> Digests:
        """A keyed digest of each row, or of whom it names."""
        named = content(batch) if self._column is None else persons(batch.column(self._column))
        digest = partial(hashlib.blake2b, digest_size=8, key=self._key)
        whole = b"".join(digest(value or b"").digest() for value in named.to_pylist())
        return np.frombuffer(whole, dtype=np.uint64)


def _turns(digests: Digests) -> Digests:
    """The number of each row among those of the same digest, from 0 up."""
    order = np.argsort(digests, kind="stable")
    ranked = digests[order]
    starts = np.flatnonzero(np.r_[True, ranked[1:] != ranked[:-1]]) if len(ranked) else order
    turns = np.empty(len(digests), dtype=np.uint64)
    turns[order] = np.arange(len(digests)) - np.repeat(starts, np.diff(np.r_[starts, len(ranked)]))
    return turns


def _mixed(digests: Digests, turns: Digests) -> Digests:
    """Numbers that look independent for each digest and turn (SplitMix64; Steele and others 2014)."""
    mixed: Digests = digests + turns * np.uint64(0x9E3779B97F4A7C15)
    mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    mixed ^= mixed >> np.uint64(31)
    return mixed
