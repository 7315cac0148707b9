"""Tapes: what passed through a session's mechanisms, for audits.

An audit records the calls of one run, then feeds the recorded outputs to a run on a
neighboring dataset and compares the calls (see `tests/unit/synthesis/test_replay.py`). A tape
holds private inputs in the clear, and a replayed output has no noise of its own, so everything
that can hold one is named unsafe and no command of the program makes one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Protocol, TypeAlias

from dpgate.errors import AccountingError
from dpgate.model.event import Event

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Counts: TypeAlias = NDArray[np.int64]
    Output: TypeAlias = Counts | int


@dataclass(frozen=True, kw_only=True)
class Call:
    """One run of a mechanism.

    Attributes:
        event: the event that paid for it (all `times` of it).
        scale: of the noise of this run.
        inputs: the private vector that went in.
        output: what came out: a noisy vector, or the index that was selected.
    """

    event: Event
    scale: Decimal
    inputs: Counts
    output: Output


class UnsafeTape(Protocol):
    """Sees every input, and may answer in the mechanism's place."""

    def answer(self, event: Event, inputs: Counts) -> Output | None:
        """An output to use instead of running the mechanism, or None to run it."""

    def record(self, call: Call) -> None:
        """Takes note of a run after it happened."""


@dataclass(kw_only=True)
class UnsafeRecorder:
    """Keeps every call; mechanisms run as usual."""

    calls: list[Call] = field(default_factory=list)

    def answer(self, event: Event, inputs: Counts) -> Output | None:  # noqa: ARG002 - protocol
        """Lets the mechanism run."""
        return None

    def record(self, call: Call) -> None:
        """Keeps the call."""
        self.calls.append(call)


@dataclass(kw_only=True)
class UnsafePlayer(UnsafeRecorder):
    """Answers the n-th call with the n-th output of an earlier run, and keeps the calls too."""

    outputs: Sequence[Output]

    def answer(self, event: Event, inputs: Counts) -> Output | None:  # noqa: ARG002 - protocol
        """The recorded output of this call.

        Raises:
            AccountingError: there are more calls than recorded outputs.
        """
        if len(self.calls) >= len(self.outputs):
            raise AccountingError(f"{event.name}: the tape ends after {len(self.outputs)} calls")
        return self.outputs[len(self.calls)]
