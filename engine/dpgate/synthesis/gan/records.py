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


_NOTHING = 2**16 - 1
"""No cell: columns have fewer (`dpgate.synthesis.gan.plan.MAX_CELLS`)."""


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

    def chosen(self, places: Places) -> Records:
        """The records at these places, in this order."""
        if self.starts is None:
            return Records(self.codes[places])
        own = self._sizes[places]
        ends = np.cumsum(own)
        rows = np.repeat(self.starts[places] - (ends - own), own) + np.arange(own.sum())
        return Records(self.codes[rows], np.concatenate([np.zeros(1, dtype=np.int64), ends]))

    def parts(self, at_once: int) -> Iterator[Part]:
        """All of them, few enough at a time.

        Args:
            at_once: rows of a part at most, if the shorter records were filled up to the longest
                one; a record that is longer by itself is a part of its own.
        """
        if self.starts is None:
            for first in range(0, len(self), at_once):
                yield Part(codes=self.codes[first : first + at_once])
            return
        for first, end in _runs(self._sizes, at_once):
            own = self.codes[self.starts[first] : self.starts[end]]
            yield Part(codes=own, sizes=self._sizes[first:end])

    def filled(self, rows: int | None) -> Codes:
        """As one array, in which every record has the same shape.

        Args:
            rows: public bound on the rows of a record, up to which shorter ones are filled with what
                is no cell; None: each row is a record, and nothing is filled.
        """
        if rows is None or self.starts is None:
            return self.codes
        made = np.full((len(self), rows, self.codes.shape[1]), _NOTHING, dtype=np.uint16)
        made[np.arange(rows) < self._sizes[:, None]] = self.codes
        return made

    @classmethod
    def emptied(cls, filled: Codes) -> Records:
        """From such an array."""
        if filled.ndim == 2:
            return cls(filled)
        there = filled[:, :, 0] != _NOTHING
        starts = np.concatenate([np.zeros(1, dtype=np.int64), np.cumsum(there.sum(axis=1))])
        return cls(filled[there], starts)

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
