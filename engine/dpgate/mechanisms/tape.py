"""Tapes: what passed through a session's mechanisms, for audits.

An audit records the calls of one run, then feeds the recorded outputs to a run on a
neighboring dataset and compares the calls (see `tests/unit/synthesis/test_replay.py`). A tape
holds private inputs in the clear, and a replayed output has no noise of its own, so everything
that can hold one is named unsafe and no command of the program makes one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Protocol, TypeAlias, cast

from dpgate.errors import AccountingError
from dpgate.model.event import Event

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Counts: TypeAlias = NDArray[np.int64]
    Sums: TypeAlias = NDArray[np.float64]
    Output: TypeAlias = Counts | Sums | int


@dataclass(frozen=True, kw_only=True)
class Call:
    """One run of a mechanism.

    Attributes:
        event: the event that paid for it (all `times` of it).
        scale: of the noise of this run.
        inputs: the private vector that went in; of a sampled Gaussian a sum of clipped vectors.
        output: what came out: a noisy vector, or the index that was selected.
    """

    event: Event
    scale: Decimal
    inputs: Counts | Sums
    output: Output


class UnsafeTape(Protocol):
    """Sees every input, and may answer in the mechanism's place."""

    def answer(self, event: Event, inputs: Counts | Sums) -> Output | None:
        """An output to use instead of running the mechanism, or None to run it."""

    def record(self, call: Call) -> None:
        """Takes note of a run after it happened."""


@dataclass(frozen=True, kw_only=True)
class Step:
    """One step of a sampled Gaussian that was paid for.

    Attributes:
        event: what paid.
        tape: of the session, for audits.
    """

    event: Event
    tape: UnsafeTape | None

    def taped(self, inputs: Sums, run: Callable[[], Sums]) -> Sums:
        """What `run` gives for these inputs, or what the tape answers in its place."""
        answer = self.tape.answer(self.event, inputs) if self.tape else None
        output = run() if answer is None else cast("Sums", answer)
        if self.tape:
            call = Call(event=self.event, scale=self.event.scale, inputs=inputs, output=output)
            self.tape.record(call)
        return output


@dataclass(kw_only=True)
class UnsafeRecorder:
    """Keeps every call; mechanisms run as usual."""

    calls: list[Call] = field(default_factory=list)

    def answer(self, event: Event, inputs: Counts | Sums) -> Output | None:  # noqa: ARG002 - protocol
        """Lets the mechanism run."""
        return None

    def record(self, call: Call) -> None:
        """Keeps the call."""
        self.calls.append(call)


@dataclass(kw_only=True)
class UnsafePlayer(UnsafeRecorder):
    """Answers the n-th call with the n-th output of an earlier run, and keeps the calls too."""

    outputs: Sequence[Output]

    def answer(self, event: Event, inputs: Counts | Sums) -> Output | None:  # noqa: ARG002 - protocol
        """The recorded output of this call.

        Raises:
            AccountingError: there are more calls than recorded outputs.
        """
        if len(self.calls) >= len(self.outputs):
            raise AccountingError(f"{event.name}: the tape ends after {len(self.outputs)} calls")
        return self.outputs[len(self.calls)]
