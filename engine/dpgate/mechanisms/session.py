"""A session: the mechanisms that a release may run, and how often.

Each run is debited before it happens, so that a crash inside it never leaves it unpaid.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import TYPE_CHECKING

from dpgate.accounting.curves import loss
from dpgate.errors import AccountingError, InsufficientBudgetError
from dpgate.mechanisms.measurement import measurement
from dpgate.mechanisms.tape import Call, UnsafeTape
from dpgate.model.event import Event, Mechanism
from dpgate.model.values import Relation

if TYPE_CHECKING:
    from dpgate.mechanisms.tape import Counts


class Mechanisms:
    """The only way from private numbers to public ones.

    Args:
        events: what was reserved; names differ from each other.
        relation: neighboring relation of the population; every event must state it.
        tape: for audits only, see `dpgate.mechanisms.tape`.

    Raises:
        AccountingError: an event cannot be run here, states another relation, shares its name
            with another, or records less than OpenDP charges for it.

    Privacy:
        Emits the given events and nothing else. A caller vouches for the distance between its
        inputs on neighboring datasets; the record-and-replay audit checks that it is kept.
    """

    def __init__(
        self, events: Sequence[Event], relation: Relation, *, tape: UnsafeTape | None = None
    ) -> None:
        self._events = {event.name: event for event in events}
        if len(self._events) != len(events):
            raise AccountingError("two events of a session share a name")
        for event in events:
            if event.relation != relation:
                raise AccountingError(
                    f"{event.name} is accounted under {event.relation}, not under {relation}"
                )
        self._measurements = {
            event.name: measurement(event) for event in events if event.mechanism != "foreign"
        }
        self._used = dict.fromkeys(self._events, 0)
        self._tape = tape

    def gaussian(self, name: str, counts: Counts) -> Counts:
        """Integer Gaussian noise on each number of a vector.

        Args:
            name: the event that pays.
            counts: int64, in records (or the caller's own integer unit); any shape.

        Returns:
            Noisy int64 numbers of the same shape.

        Raises:
            InsufficientBudgetError: the event is not reserved or used up.

        Privacy:
            Reads private numbers; spends one of the event's `times`. ρ = Δ₂²/2σ² (discrete
            Gaussian, Canonne, Kamath, Steinke 2020).
        """
        return self._noisy(name, "gaussian", counts)

    def laplace(self, name: str, counts: Counts) -> Counts:
        """Integer Laplace noise on each number of a vector.

        Args:
            name: the event that pays.
            counts: int64, in records (or the caller's own integer unit); any shape.

        Returns:
            Noisy int64 numbers of the same shape.

        Raises:
            InsufficientBudgetError: the event is not reserved or used up.

        Privacy:
            Reads private numbers; spends one of the event's `times`. ε = Δ₁/scale (discrete
            Laplace; Ghosh, Roughgarden, Sundararajan 2009).
        """
        return self._noisy(name, "laplace", counts)

    def select(self, name: str, scores: Counts) -> int:
        """The index of a high score, by report-noisy-max.

        Args:
            name: the event that pays.
            scores: int64 vector, not empty.

        Returns:
            An index into `scores`.

        Raises:
            InsufficientBudgetError: the event is not reserved or used up.

        Privacy:
            Reads private numbers; spends one of the event's `times`. ρ = Δ∞²/2·scale² (bounded
            range, Cesar and Rogers 2021).
        """
        self._debit(name, "noisy-max")
        run = self._measurements[name].run
        event = self._events[name]
        answer = self._tape.answer(event, scores) if self._tape else None
        index = int(run(scores) if answer is None else answer)
        if self._tape:
            self._tape.record(Call(event=event, inputs=scores.copy(), output=index))
        return index

    def foreign(self, name: str) -> None:
        """Pays for a run of another program, which the caller starts after this.

        Args:
            name: the event that pays.

        Raises:
            InsufficientBudgetError: the event is not reserved or used up.

        Privacy:
            Reads nothing. What the program reads, and with what noise, is outside this session;
            the caller vouches that it costs what the event says.
        """
        self._debit(name, "foreign")

    def _noisy(self, name: str, mechanism: Mechanism, counts: Counts) -> Counts:
        import numpy as np

        self._debit(name, mechanism)
        run = self._measurements[name].run
        event = self._events[name]
        answer = self._tape.answer(event, counts) if self._tape else None
        if answer is None:
            noisy = np.array(run(counts.ravel()), dtype=np.int64).reshape(counts.shape)
        else:
            noisy = np.asarray(answer, dtype=np.int64)
        if self._tape:
            self._tape.record(Call(event=event, inputs=counts.copy(), output=noisy.copy()))
        return noisy

    @property
    def spent(self) -> tuple[Event, ...]:
        """The events with the times they were used, unused ones left out."""
        return tuple(
            self._charged(event, used)
            for event, used in zip(self._events.values(), self._used.values(), strict=True)
            if used
        )

    def _debit(self, name: str, mechanism: Mechanism) -> None:
        event = self._events.get(name)
        if event is None:
            raise InsufficientBudgetError(what=name, remaining=0, requested=1)
        if event.mechanism != mechanism:
            raise AccountingError(f"{name} was reserved for {event.mechanism}, not {mechanism}")
        if self._used[name] >= event.times:
            raise InsufficientBudgetError(what=name, remaining=0, requested=1)
        self._used[name] += 1

    @staticmethod
    def _charged(event: Event, used: int) -> Event:
        if used == event.times:
            return event
        part = event.model_copy(update={"times": used, "loss": Decimal(0)})
        return part.model_copy(update={"loss": loss(part)})
