"""What a step of DP-SGD samples: single rows, or persons with all their rows.

A record is what is in a step or not, whose gradient is clipped, and that a promise is made to. Where
a person has several rows, that is the person: all rows come together, and their losses add up to
one gradient.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from dpgate.synthesis.gan.rows import read

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from dpgate.sources.interface import PersonSource
    from dpgate.synthesis.gan.rows import Codes

    Places = NDArray[np.int64]


@dataclass(frozen=True, kw_only=True)
class Part:
    """Some of the records of a step.

    Attributes:
        codes: their rows, those of one record side by side.
        sizes: how many rows each record has, ≥ 1; None: one each.
    """

    codes: Codes
    sizes: Places | None = None


@dataclass(frozen=True)
class Records:
    """Private records in memory.

    Attributes:
        codes: rows of cells, those of one record side by side.
        starts: where the rows of each record begin, and at last where those of the last one end;
            None: each row is a record.

    Privacy:
        Private data in the clear. How many there are is private as well.
    """

    codes: Codes
    starts: Places | None = None

    def __len__(self) -> int:
        """How many there are."""
        return len(self.codes) if self.starts is None else len(self.starts) - 1

    def parts(self, chosen: Places, at_once: int) -> Iterator[Part]:
        """The chosen records, few enough at a time.

        Args:
            chosen: their places.
            at_once: rows of a part at most, if the shorter records were filled up to the longest
                one; a record that is longer by itself is a part of its own.
        """
        if self.starts is None:
            for first in range(0, len(chosen), at_once):
                yield Part(codes=self.codes[chosen[first : first + at_once]])
            return
        sizes = self._sizes[chosen]
        for first, end in _runs(sizes, at_once):
            own = sizes[first:end]
            begun = np.cumsum(own) - own
            places = np.repeat(self.starts[chosen[first:end]] - begun, own) + np.arange(own.sum())
            yield Part(codes=self.codes[places], sizes=own)

    @cached_property
    def _sizes(self) -> Places:
        assert self.starts is not None  # noqa: S101 - asked for where it is there
        return np.diff(self.starts)


def _runs(sizes: Places, at_once: int) -> Iterator[tuple[int, int]]:
    """Runs of records whose number times the largest size is within a bound."""
    first, most = 0, 0
    for place, size in enumerate(sizes.tolist()):
        most = max(most, size)
        if place > first and (place - first + 1) * most > at_once:
            yield first, place
            first, most = place, size
    if first < len(sizes):
        yield first, len(sizes)


def read_persons(source: PersonSource, columns: int) -> Records:
    """Every person with all rows, in the order in which persons first come.

    Privacy:
        Private data in the clear, in memory: two bytes a cell. Identifiers are not kept.
    """
    codes, numbers = read(source, columns), source.persons()
    sizes = np.bincount(numbers)
    order = np.argsort(numbers, kind="stable")
    starts = np.concatenate([np.zeros(1, dtype=np.int64), np.cumsum(sizes)])
    return Records(codes[order], starts)
