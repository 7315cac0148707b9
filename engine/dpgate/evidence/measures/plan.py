"""Events of measures, from public documents; and which measures a manifest asks for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from fractions import Fraction

from dpgate.accounting.calibrate import gaussian_event
from dpgate.accounting.rounding import significant_down
from dpgate.errors import EvidenceError
from dpgate.evidence.measures.interface import Measure, Vector
from dpgate.model.event import Event
from dpgate.model.values import Relation


def plan(measures: Sequence[Measure], rho: Decimal, relation: Relation) -> tuple[Event, ...]:
    """The events of measures: one for each vector, Gaussian.

    Args:
        measures: what is measured; none: nothing is.
        rho: zCDP budget for all of them together, > 0 unless there are none.
        relation: neighboring relation of the population.

    Returns:
        Events in the order of the measures and their vectors, parts of `rho` by weight.

    Raises:
        EvidenceError: a measure is not for this domain, or rho is not above 0.

    Privacy:
        Data-independent, and free of NumPy.
    """
    if not measures:
        return ()
    if rho <= 0:
        raise EvidenceError(
            "no budget to measure utility with", fix="raise evidence_share of the release above 0"
        )
    whole = sum(Fraction(measure.weight) for measure in measures)
    return tuple(
        gaussian_event(
            name=event_name(measure, vector),
            rho=significant_down(
                Fraction(rho) * Fraction(measure.weight) / whole * vector.share, 9
            ),
            times=1,
            sensitivity_squared=vector.distance_squared,
            relation=relation,
        )
        for measure in measures
        for vector in measure.vectors()
    )


def event_name(measure: Measure, vector: Vector) -> str:
    """Name of the event that pays for a vector."""
    return f"{measure.event}.{vector.suffix}" if vector.suffix else measure.event


def scales(measure: Measure, events: Mapping[str, Event]) -> tuple[Decimal, ...] | None:
    """σ of each vector of a measure; None where it was not planned."""
    found = [events.get(event_name(measure, vector)) for vector in measure.vectors()]
    return None if None in found else tuple(event.scale for event in found if event)
