"""Whole rows as tables of cells, a block at a time."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from dpgate.sources.interface import RowSource

    Cells = NDArray[np.uint16]

BLOCK = 8_192
"""Most rows of a block."""


def blocks(source: RowSource, share: float = 1.0) -> Iterator[Cells]:
    """The cells of all columns, one row each, in blocks of at most `BLOCK` rows.

    Args:
        source: private or public rows.
        share: probability with which a row is looked at, from public values alone, in (0, 1].

    Raises:
        SourceError: the data became unreadable.

    Privacy:
        Private if the source is. Whether a row is looked at is a coin of its own, from the operating
        system's entropy, so that any number of bits that each row adds stays what it is.
    """
    columns = range(len(source.domain))
    coins = np.random.Generator(np.random.Philox(key=secrets.randbits(128)))
    for batch in source.rows(columns):
        table = np.stack([batch[column].astype(np.uint16) for column in columns], axis=1)
        if share < 1:
            table = table[coins.random(len(table)) < share]
        for start in range(0, len(table), BLOCK):
            yield table[start : start + BLOCK]
