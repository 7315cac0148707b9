"""Rank 0's side of a team: parts go out, clipped sums come back."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent import futures
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
from torch import Tensor

from dpgate.errors import SynthesisError
from dpgate.synthesis.gan import trainer
from dpgate.synthesis.gan.clip import parameters
from dpgate.synthesis.gan.team import messages
from dpgate.synthesis.gan.team.waiting import begun

if TYPE_CHECKING:
    from dpgate.synthesis.gan.records import Records
    from dpgate.synthesis.gan.team.channel import Channel
    from dpgate.synthesis.gan.trainer import Clipped, Ones

FAULTS = (RuntimeError, OSError, ValueError, MemoryError)
"""How a lost, silent or faulty process shows."""
_SECONDS = 10.0


def lost() -> SynthesisError:
    """The one thing that is said of whatever went wrong in another process."""
    return SynthesisError(
        "a process of the training was lost, or computed no number; the training's cost is spent",
        fix="see that every process has memory and stays up, or lower "
        "synthesize.training.processes; a further run is a new attempt",
    )


class Many:
    """This process and its workers; see `dpgate.synthesis.gan.trainer.Team`.

    Args:
        lines: to the workers, by rank from 1.
        room: records that a part has room for; see `lengths.room`.
        person_rows: most rows of a record, where it is a person; None: it is a row.

    Privacy:
        Workers get rows and unprotected sums, over TLS, and nothing else that is private. How a
        sample is cut into parts changes no sum. Noise is added by whoever asked for the sum, once.
    """

    def __init__(self, lines: Sequence[Channel], room: int, person_rows: int | None = None) -> None:
        self._lines = tuple(lines)
        self._room = room
        self._person_rows = person_rows

    def summed(self, work: Clipped, records: Records, ones: Ones) -> list[Tensor]:
        """See `trainer.summed`: every part has each n-th record.

        Raises:
            SynthesisError: a worker died, was silent for too long, or sent no finite numbers.
        """
        processes, places = 1 + len(self._lines), np.arange(len(records))
        wanted = parameters(work.layers)
        weights = messages.flat(wanted)
        asked = [
            begun(
                partial(_answer, line, self._step(weights, records.chosen(places[rank::processes])))
            )
            for rank, line in enumerate(self._lines, start=1)
        ]
        total = trainer.summed(work, records.chosen(places[::processes]), ones)
        for answer in asked:
            try:
                part = messages.shaped(answer.result(), wanted)
            except FAULTS:
                raise lost() from None
            total = [so_far + more for so_far, more in zip(total, part, strict=True)]
        return total

    def _step(self, weights: bytes, part: Records) -> bytes:
        return messages.step(weights, part.filled(self._person_rows), self._room)

    def dismiss(self) -> None:
        """Tells the workers that they are done; one that is gone already needs not be told."""
        told = [begun(partial(line.send, messages.DISMISSED)) for line in self._lines]
        futures.wait(told, _SECONDS)  # not for one that hangs: the training is done


def _answer(line: Channel, message: bytes) -> bytes:
    """What a worker answers; this process computes its own part meanwhile."""
    line.send(message)
    return line.receive()
