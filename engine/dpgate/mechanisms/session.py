"""A session: the mechanisms that a release may run, and how often.

Each run is debited before it happens, so that a crash inside it never leaves it unpaid.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction
from typing import TYPE_CHECKING, Literal

from dpgate.accounting.curves import loss
from dpgate.accounting.rounding import down, up
from dpgate.errors import AccountingError, InsufficientBudgetError
from dpgate.mechanisms.measurement import Measurement, measurement, measurement_at
from dpgate.mechanisms.tape import Call, Step, UnsafeTape
from dpgate.model.event import ADAPTIVE, Event
from dpgate.model.values import Relation

if TYPE_CHECKING:
    from dpgate.mechanisms.tape import Counts


_Runs = Literal["gaussian", "laplace", "noisy-max"]

_OUTSIDE = ("foreign", "sampled-gaussian")
"""Mechanisms that are paid for here and run elsewhere, by real arithmetic."""


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
            event.name: measurement(event) for event in events if event.mechanism not in _OUTSIDE
        }
        self._used = dict.fromkeys(self._events, 0)
        self._left = {
            event.name: Fraction(event.loss) for event in events if event.mechanism in ADAPTIVE
        }
        self._tape = tape
        self._prefix = ""

    def part(self, prefix: str) -> Mechanisms:
        """The same session for the events whose names begin so, called by the rest of their names.

        What one spends the other has spent: two tables of a release, fitted by one synthesizer each,
        stay in one session.
        """
        made = copy.copy(self)  # shares what was used and what is left
        made._prefix = self._prefix + prefix  # noqa: SLF001 - a copy of this very object
        return made

    def gaussian(self, name: str, counts: Counts, *, scale: Decimal | None = None) -> Counts:
        """Integer Gaussian noise on each number of a vector.

        Args:
            name: the event that pays.
            counts: int64, in records (or the caller's own integer unit); any shape.
            scale: σ of this run, of an adaptive event alone; it must follow from public values
                and earlier outputs.

        Returns:
            Noisy int64 numbers of the same shape.

        Raises:
            InsufficientBudgetError: the event is not reserved or used up.

        Privacy:
            Reads private numbers; spends one of the event's `times`, and ρ of an adaptive one.
            ρ = Δ₂²/2σ² (discrete Gaussian, Canonne, Kamath, Steinke 2020).
        """
        return self._noisy(name, "gaussian", counts, scale)

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

    def select(self, name: str, scores: Counts, *, scale: Decimal | None = None) -> int:
        """The index of a high score, by report-noisy-max.

        Args:
            name: the event that pays.
            scores: int64 vector, not empty.
            scale: of this run, of an adaptive event alone, as for `gaussian`.

        Returns:
            An index into `scores`.

        Raises:
            InsufficientBudgetError: the event is not reserved or used up.

        Privacy:
            Reads private numbers; spends one of the event's `times`, and ρ of an adaptive one.
            ρ = Δ∞²/2·scale² (bounded range, Cesar and Rogers 2021).
        """
        event, paid = self._debit(name, "noisy-max", scale)
        answer = self._tape.answer(event, scores) if self._tape else None
        index = int(paid.run(scores) if answer is None else answer)
        if self._tape:
            self._tape.record(
                Call(event=event, scale=paid.scale, inputs=scores.copy(), output=index)
            )
        return index

    def foreign(self, name: str) -> None:
        """Pays for a run of another program, which the caller starts after this.

        Args:
            name: the event that pays.

        Raises:
            InsufficientBudgetError: the event is not reserved or used up.

        Privacy:
            Reads nothing. What the program reads, and with what noise, is its own;
            the caller vouches that it costs what the event says.
        """
        self._used[self._reserved(name, "foreign").name] += 1

    def sampled(self, name: str) -> Step:
        """Pays for one step of a sampled Gaussian, which `mechanisms.sampled` runs after this.

        Args:
            name: the event that pays.

        Raises:
            InsufficientBudgetError: the event is not reserved or used up.

        Privacy:
            Reads nothing; spends one of the event's `times`, whether the step then runs or not.
        """
        event = self._reserved(name, "sampled-gaussian")
        self._used[event.name] += 1
        return Step(event=event, tape=self._tape)

    def _noisy(
        self, name: str, mechanism: _Runs, counts: Counts, scale: Decimal | None = None
    ) -> Counts:
        import numpy as np

        event, paid = self._debit(name, mechanism, scale)
        answer = self._tape.answer(event, counts) if self._tape else None
        if answer is None:
            noisy = np.array(paid.run(counts.ravel()), dtype=np.int64).reshape(counts.shape)
        else:
            noisy = np.asarray(answer, dtype=np.int64)
        if self._tape:
            self._tape.record(
                Call(event=event, scale=paid.scale, inputs=counts.copy(), output=noisy.copy())
            )
        return noisy

    @property
    def spent(self) -> tuple[Event, ...]:
        """The events with the times they were used, unused ones left out.

        An adaptive event was reserved for whatever its runs come to, and counts in full.
        """
        return tuple(
            self._charged(event, used)
            for event, used in zip(self._events.values(), self._used.values(), strict=True)
            if used
        )

    def left(self, name: str) -> Fraction:
        """ρ that the runs of an adaptive event may still cost; it follows from their scales."""
        return self._left[self._prefix + name]

    def _debit(
        self, name: str, mechanism: _Runs, scale: Decimal | None
    ) -> tuple[Event, Measurement]:
        expected = mechanism if scale is None else f"adaptive-{mechanism}"
        event = self._reserved(name, expected)
        if scale is None:
            self._used[event.name] += 1
            return event, self._measurements[event.name]
        paid = measurement_at(event, scale)
        left = self._left[event.name] - Fraction(paid.loss)
        if left < 0:
            remaining = down(self._left[event.name], 12)
            raise InsufficientBudgetError(
                what=event.name, remaining=remaining, requested=up(paid.loss, 12)
            )
        self._used[event.name] += 1
        self._left[event.name] = left
        return event, paid

    def _reserved(self, name: str, mechanism: str) -> Event:
        """The event, if it may run once more.

        Raises:
            InsufficientBudgetError: it is not reserved or used up.
        """
        name = self._prefix + name
        event = self._events.get(name)
        if event is None:
            raise InsufficientBudgetError(what=name, remaining=0, requested=1)
        if event.mechanism != mechanism:
            raise AccountingError(f"{name} was reserved for {event.mechanism}, not {mechanism}")
        if self._used[name] >= event.times:
            raise InsufficientBudgetError(what=name, remaining=0, requested=1)
        return event

    @staticmethod
    def _charged(event: Event, used: int) -> Event:
        if used == event.times or event.mechanism in ADAPTIVE:
            return event
        part = event.model_copy(update={"times": used, "loss": Decimal(0)})
        return part.model_copy(update={"loss": loss(part)})
