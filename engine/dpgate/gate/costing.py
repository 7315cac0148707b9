"""What a release costs: its events, planned from public documents alone, and their composition."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

from dpgate.accounting import calibrate, compose, curves, groups
from dpgate.accounting import filter as budget
from dpgate.accounting.filter import Spend
from dpgate.evidence import utility
from dpgate.model import record
from dpgate.model.domain import domain_of
from dpgate.model.event import Event
from dpgate.model.policy import PrivacyPolicy
from dpgate.synthesis import registry
from dpgate.synthesis.interface import Synthesizer, Task

if TYPE_CHECKING:
    from dpgate.gate.workspace import Case


@dataclass(frozen=True)
class Cost:
    """A planned release."""

    task: Task
    synthesizer: Synthesizer
    events: tuple[Event, ...]
    """Events of synthesis, then of evidence."""
    spend: Spend
    """At the policy's orders."""
    claim: record.Claim
    evidence_orders: tuple[int, ...]


def task_of(case: Case) -> Task:
    """The synthesis task of a manifest."""
    spec = case.release.spec
    return Task(
        domain=domain_of(case.dataset, spec.columns),
        relation=case.dataset.spec.neighboring,
        rows=spec.synthesize.rows,
    )


def cost_of(policy: PrivacyPolicy, case: Case) -> Cost:
    """Plan a release: calibrate, split, and compose.

    Privacy:
        Reads no private data. ρ is the largest for which OpenDP's conversion of ρ-zCDP stays
        within the manifest's (ε, δ); `evidence_share` of it pays for evidence. Where the dataset
        protects persons, everything is planned for a row and then accounted for all their rows.
    """
    spec = case.release.spec
    unit = case.dataset.spec.unit
    task = task_of(case)
    synthesizer = registry.get(spec.synthesize.with_)
    whole = calibrate.rho_for(spec.privacy.epsilon, spec.privacy.delta)
    rho = groups.row_share(whole, unit.rows_together, task.relation)
    for_evidence = rho * spec.privacy.evidence_share
    orders = evidence_orders(case)
    events = synthesizer.plan(task, rho - for_evidence)
    if orders:
        events += utility.plan(task, orders, for_evidence, task.relation)
    events = groups.for_persons(events, unit.rows_together)
    accounting = policy.spec.accounting
    spend = Spend.of(events, accounting.orders)
    person = person_spend(events, unit.units_per_person, accounting.orders)
    claim = record.Claim(
        epsilon=compose.release_epsilon(events, spec.privacy.delta),
        delta=spec.privacy.delta,
        relation=task.relation,
        unit=unit.protected,
        rows_per_person=unit.max_rows_per_person,
        person_epsilon=budget.epsilon(person, accounting.delta),
    )
    return Cost(task, synthesizer, events, spend, claim, orders)


def evidence_orders(case: Case) -> tuple[int, ...]:
    """Orders of marginals whose total variation distance is measured, at a cost."""
    if not case.release.spec.privacy.evidence_share:
        return ()
    named = sorted({threshold.order for threshold in case.release.spec.utility})
    return tuple(named) or (1, 2)


def person_spend(events: tuple[Event, ...], units: int, orders: tuple[int, ...]) -> Spend:
    """What the events spend on somebody with so many protected units, by group privacy."""
    total = Spend.zero(orders)
    for event in events:
        total += Spend(curves.group(event, units, orders), event.delta0)
    return total


def claimed_epsilon(events: tuple[Event, ...], delta: Decimal) -> Decimal | None:
    """ε of the release if foreign programs cost what they say of themselves; None without any."""
    if all(event.mechanism != "foreign" for event in events):
        return None
    return compose.release_epsilon([_as_claimed(event) for event in events], delta)


def _as_claimed(event: Event) -> Event:
    if event.mechanism != "foreign":
        return event
    part = event.model_copy(update={"sensitivity_squared": Decimal(1)})
    return part.model_copy(update={"loss": curves.loss(part)})


def to_record(spend: Spend) -> record.Spend:
    """A spend as records hold it."""
    return record.Spend(
        curve={str(order): value for order, value in spend.orders.items()}, delta0=spend.delta0
    )


def from_record(spend: record.Spend) -> Spend:
    """A spend read from a record."""
    return Spend({int(order): value for order, value in spend.curve.items()}, spend.delta0)
