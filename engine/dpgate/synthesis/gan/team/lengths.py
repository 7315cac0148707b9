"""How long messages to a worker are, from public values alone; neither NumPy nor torch is needed."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from dpgate.errors import SynthesisError

if TYPE_CHECKING:
    from dpgate.synthesis.gan.plan import Recipe

MOST = 2**31
"""Bytes of a message from a member, more of which is a fault."""
_TLS = 1.01
"""What TLS adds to it at most: 22 bytes to each 16 KiB."""


def room(batch: int, processes: int) -> int:
    """Records that a part of a step has room for, almost always: a public number.

    A Poisson sample of mean `batch` is larger than that, 8 standard deviations and 8 less often than
    once in 10¹⁴ steps.
    """
    return math.ceil((batch + 8 * math.sqrt(batch) + 8) / processes) + 1


def require_sendable(made: Recipe, columns: int, trained: int) -> None:
    """Refuses a training whose steps are too long for messages.

    Args:
        made: by several processes.
        columns: of a row, two bytes each.
        trained: weights, four bytes each.

    Raises:
        SynthesisError: with the numbers, and what to change.
    """
    rows = room(made.batch, made.processes) * (made.person_rows or 1)
    size = math.ceil((2 * rows * columns + 4 * trained + 2**10) * _TLS)
    if size > MOST:
        each = f" of up to {made.person_rows} rows" if made.person_rows else ""
        raise SynthesisError(
            f"a step sends each worker {size} bytes, and {MOST} is the most: batch {made.batch} "
            f"{made.records}{each}, {columns} columns, {made.processes} processes",
            fix="training.processes: 1, or more of them; or a smaller training.batch"
            + ("; or a lower max_rows_per_person" if made.person_rows else ""),
        )
