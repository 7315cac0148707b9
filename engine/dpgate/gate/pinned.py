"""Events of a reservation held against those that its documents plan, by name.

What a mechanism reads, and how far its inputs are apart on neighboring datasets, follows from the
synthesizer, the domain and the unit: from documents. So a reservation cannot state a smaller
distance, leave a mechanism out, or call it something else. Scales and how often a mechanism runs are
judged by their cost.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from dpgate.accounting import curves
from dpgate.errors import ChainError, DpgateError
from dpgate.gate.costing import planned_events
from dpgate.gate.rederive import Judged
from dpgate.model.event import Event
from dpgate.synthesis import registry


@dataclass
class Pins:
    """Plans of the manifests that were seen, each made once."""

    plans: dict[tuple[str, str], Mapping[str, Event] | None] = field(default_factory=dict)

    def judge(self, each: Judged) -> bool:
        """Whether a reservation's events could be held against a plan.

        Returns:
            False where a third party's synthesizer is not installed here; then each event's distance
            is only held against the rows of a person.

        Raises:
            ChainError: an event is missing, unknown, or accounted at less than its documents say.
        """
        case = each.case
        key = (case.release_file.digest, case.dataset_file.digest)
        if key not in self.plans:
            self.plans[key] = _plan(each)
        plan = self.plans[key]
        if plan is None:
            _rows_of_a_person(each)
            return False
        for event in each.events:
            planned = plan.get(event.name)
            if planned is None or planned.mechanism != event.mechanism:
                raise ChainError(f"{each.link.path}: its documents plan no event {event.name}")
            if event.sensitivity_squared < planned.sensitivity_squared:
                raise ChainError(
                    f"{each.link.path}: event {event.name} is accounted at a smaller distance than "
                    "its synthesizer and the rows of a person make it"
                )
        if len(plan) != len(each.events):
            raise ChainError(f"{each.link.path}: events that its documents plan are left out")
        return True


def _plan(each: Judged) -> Mapping[str, Event] | None:
    made = each.case.release.spec.synthesize
    if made is not None and made.with_ not in registry.names():
        return None
    try:
        return {event.name: event for event in planned_events(each.case)}
    except DpgateError as error:
        raise ChainError(
            f"{each.link.path}: its documents plan no release: {error.message}"
        ) from None


def _rows_of_a_person(each: Judged) -> None:
    dataset = each.case.dataset.spec
    joined = dataset.joined

    def far(event: Event) -> int:
        if event.mechanism == "sampled-gaussian" and dataset.unit.column and joined is None:
            return 1  # it samples whole persons, or it could not have been planned
        second = joined is not None and event.name.startswith(f"{joined.table}.")
        rows = joined.max_rows_per_person if joined and second else dataset.unit.rows_together
        return curves.distance(rows, dataset.neighboring)

    if any(event.sensitivity_squared < far(event) ** 2 for event in each.events):
        raise ChainError(
            f"{each.link.path}: an event is accounted for less than the rows of a person"
        )
