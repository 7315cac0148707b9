"""Members and holdout: a coin decides for each row, or each person, whether a model may learn from it.

Attacks compare rows that a model learned from with rows that it never saw. Nothing about privacy rests
on the coin: a row is counted on one side or on the other, so it moves the counts of both together by
what it would move those of all rows.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from dpgate.sources.persons import persons

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from dpgate.sources.arrow import ArrowSource, Read

    Coins = NDArray[np.bool_]

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


def split(read: Read, share: Decimal, column: str | None) -> tuple[Read, Read]:
    """The members and the holdout of rows that are always read in the same order.

    Args:
        read: starts over and yields every batch.
        share: probability of being held out, in (0, 1).
        column: names the person, so that all rows of one are on one side; None: each row by itself.

    Privacy:
        The coins come from the operating system's entropy, are drawn once for both sides, and
        depend on no other row than the row's own (its person's).
    """
    key = secrets.token_bytes(32)
    bound = round(share * _RANGE)

    def coins() -> Callable[[pa.RecordBatch], Coins]:
        return _by_row(key, bound) if column is None else _by_person(key, bound, column)

    def side(*, held: bool) -> Iterator[pa.RecordBatch]:
        out = coins()
        for batch in read():
            yield batch.filter(pa.array(out(batch) == held))

    return lambda: side(held=False), lambda: side(held=True)


def _by_row(key: bytes, bound: int) -> Callable[[pa.RecordBatch], Coins]:
    """A coin for each place in the order of rows."""
    stream = np.random.Philox(key=np.frombuffer(key[:16], dtype=np.uint64))

    def out(batch: pa.RecordBatch) -> Coins:
        drawn = np.asarray(stream.random_raw(len(batch)), dtype=np.uint64)
        return drawn < np.uint64(bound)

    return out


def _by_person(key: bytes, bound: int, column: str) -> Callable[[pa.RecordBatch], Coins]:
    """A coin for each identifier; rows that name nobody are on no side that anything rests on."""

    def coin(person: bytes | None) -> bool:
        digest = hashlib.blake2b(person or b"", digest_size=8, key=key).digest()
        return int.from_bytes(digest) < bound

    def out(batch: pa.RecordBatch) -> Coins:
        named = persons(batch.column(column)).to_pylist()
        return np.fromiter(map(coin, named), dtype=np.bool_, count=len(named))

    return out
