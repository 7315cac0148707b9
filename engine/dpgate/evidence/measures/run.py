"""Running measures: each vector through its mechanism, or exactly for stewards and stand-ins."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal
from fractions import Fraction
from typing import TYPE_CHECKING

from dpgate.accounting.rounding import down, up
from dpgate.errors import EvidenceError
from dpgate.evidence.disclosure import DpResult, Subresult
from dpgate.evidence.measures.interface import Figure, Figures, Measure
from dpgate.evidence.measures.plan import event_name
from dpgate.model.event import Event

if TYPE_CHECKING:
    from dpgate.evidence.measures.interface import Ints
    from dpgate.evidence.measures.subject import Subject
    from dpgate.mechanisms.session import Mechanisms

PLACES = 6
"""Decimal places of reported values."""
CONFIDENCE = Decimal("0.95")
PARTS = 200
"""Most parts of one result."""


def measure(
    measures: Sequence[Measure],
    events: Sequence[Event],
    subject: Subject,
    mechanisms: Mechanisms,
) -> tuple[DpResult, ...]:
    """Measures everything once.

    Args:
        measures: as planned.
        events: of the release, those of the measures among them.
        subject: what is looked at.
        mechanisms: the session that the events were reserved in.

    Returns:
        One result for each measure, in their order. Thresholds judge the bad end of its interval.

    Raises:
        EvidenceError: there are no released rows, or an event was not planned.
        SourceError: the data became unreadable.
        InsufficientBudgetError: an event is used up.

    Privacy:
        Reads private data through `mechanisms` alone: one `gaussian` event for each vector.
    """
    if not subject.released.num_rows:
        raise EvidenceError("there are no synthetic rows to compare with")
    planned = {event.name: event for event in events}
    return tuple(_measured(each, planned, subject, mechanisms) for each in measures)


def _measured(
    each: Measure, planned: dict[str, Event], subject: Subject, mechanisms: Mechanisms
) -> DpResult:
    names = tuple(event_name(each, vector) for vector in each.vectors())
    noisy: list[Ints] = []
    for place, name in enumerate(names):
        if name not in planned:
            raise EvidenceError(f"event {name} was not planned")
        noisy.append(mechanisms.gaussian(name, each.exact(place, subject, tuple(noisy))))
    scales = tuple(planned[name].scale for name in names)
    return _result(each, names, each.figures(subject, noisy, scales))


def _result(each: Measure, names: tuple[str, ...], found: Figures) -> DpResult:
    key, main = each.key, found.main
    return DpResult(
        disclosure="dp",
        metric=key.metric,
        events=names,
        value=up(main.value, PLACES),
        low=down(main.low, PLACES),
        high=up(main.high, PLACES),
        confidence=CONFIDENCE,
        conditional_on=found.given,
        order=key.order,
        marginals=found.marginals,
        about=key.about,
        table=key.table,
        parts=tuple(_part(part) for part in found.parts[:PARTS]),
    )


def _part(part: Figure) -> Subresult:
    return Subresult(
        label=part.label[:200],
        value=up(part.value, PLACES),
        low=down(part.low, PLACES),
        high=up(part.high, PLACES),
    )


def exactly(measures: Sequence[Measure], subject: Subject) -> Iterator[tuple[Measure, Figures]]:
    """What each measure comes to without noise.

    Privacy:
        Exact private numbers: for a document that is encrypted to stewards, or where the rows of
        `subject` are a stand-in for private ones.
    """
    for each in measures:
        exact: list[Ints] = []
        for place in range(len(each.vectors())):
            exact.append(each.exact(place, subject, tuple(exact)))
        yield each, each.figures(subject, exact, (Decimal(0),) * len(exact))


def as_number(value: Fraction) -> str:
    """A value of an exact figure: nine decimal places, so that its length tells nothing."""
    return f"{float(value):.9f}"
