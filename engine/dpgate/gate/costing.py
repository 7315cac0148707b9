"""What a release costs: its events, planned from public documents alone, and their composition."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

from dpgate.accounting import calibrate, compose, curves, groups
from dpgate.accounting import filter as budget
from dpgate.accounting.filter import Spend
from dpgate.errors import AccountingError
from dpgate.gate.product import Product
from dpgate.gate.resuming import training_of
from dpgate.gate.statistical import Statistical
from dpgate.gate.synthetic import Synthetic
from dpgate.gate.two_tables import TwoTables
from dpgate.model import record
from dpgate.model.event import Event
from dpgate.model.policy import PrivacyPolicy
from dpgate.synthesis.interface import PlansWithin

if TYPE_CHECKING:
    from dpgate.gate.workspace import Case


@dataclass(frozen=True)
class Cost:
    """A planned release."""

    product: Product
    events: tuple[Event, ...]
    spend: Spend
    """At the policy's orders."""
    claim: record.Claim
    resumed: tuple[Event, ...] = ()
    """Events of the attempt that began the training, if this one resumes it."""

    @property
    def whole(self) -> tuple[Event, ...]:
        """Everything that the released data follows from: of a resumed training, its first part too."""
        return self.resumed or self.events

    @property
    def training(self) -> str:
        """The numbers of a training, if one is planned."""
        made = self.product
        told = made.training(self.whole) if isinstance(made, Synthetic) else ""
        if self.resumed:
            steps = training_of(self.events).times
            told += f"; the last {steps} steps of it are left, and charged here"
        return told


def product_of(case: Case) -> Product:
    """What a manifest asks for."""
    spec = case.release.spec
    if spec.statistics is not None:
        return Statistical.of(case, spec.statistics)
    assert spec.synthesize is not None  # noqa: S101 - the document has one of the two
    if case.dataset.spec.joined is not None:
        return TwoTables.of(case, spec.synthesize)
    return Synthetic.of(case, spec.synthesize)


def cost_of(policy: PrivacyPolicy, case: Case) -> Cost:
    """Plan a release: calibrate, split, and compose.

    Privacy:
        Reads no private data. With δ above 0, ρ is the largest for which the conversion of
        ρ-zCDP stays within the manifest's (ε, δ); with δ = 0, ε is divided as it is. Where the
        dataset protects persons, everything is planned for a row and then accounted for all their
        rows. An attempt that resumes another spends what is left of it, and claims what that one did.
    """
    accounting, resumes = policy.spec.accounting, case.resumes
    if resumes is not None:
        spend = Spend.of(resumes.events, accounting.orders)
        entry = resumes.entry
        return Cost(product_of(case), resumes.events, spend, entry.claim, resumes.whole)
    privacy, unit = case.release.spec.privacy, case.dataset.spec.unit
    events = planned_events(case)
    spend = Spend.of(events, accounting.orders)
    person = person_spend(events, unit.units_per_person, accounting.orders)
    claim = record.Claim(
        epsilon=compose.release_epsilon(events, privacy.delta),
        delta=privacy.delta,
        relation=case.dataset.spec.neighboring,
        unit=unit.protected,
        rows_per_person=unit.max_rows_per_person,
        person_epsilon=budget.epsilon(person, accounting.delta),
        unprotected_bits=case.release.spec.unprotected_bits,
    )
    return Cost(product_of(case), events, spend, claim)


def _events(case: Case, allowed: calibrate.Budget) -> tuple[Event, ...]:
    """What the product of a manifest runs, accounted for what the dataset protects."""
    dataset, product = case.dataset.spec, product_of(case)
    events = product.plan(row_budget(case, allowed))
    if dataset.unit.column is not None and any(event.mechanism == "foreign" for event in events):
        raise AccountingError(
            f"{product.maker} takes the number of rows as known, but rows that name nobody in "
            f"{dataset.unit.column} are left out: one of them would show",
            fix="use another synthesizer, or a dataset without unit.column",
        )
    return events


def row_budget(case: Case, allowed: calibrate.Budget) -> calibrate.Budget:
    """What one row may cost, where a release may cost so much for all that its dataset protects."""
    dataset = case.dataset.spec
    return groups.row_budget(allowed, dataset.unit.rows_together, dataset.neighboring)


def planned_events(case: Case) -> tuple[Event, ...]:
    """The events that a manifest plans, accounted for what its dataset protects."""
    privacy = case.release.spec.privacy
    return _events(case, calibrate.budget_for(privacy.epsilon, privacy.delta))


def spend_at(policy: PrivacyPolicy, case: Case, epsilon: Decimal) -> Spend:
    """What a release would spend at another ε, its δ unchanged.

    Zero-concentrated releases spend ρ·α at order α at most; others are planned again.

    Raises:
        AccountingError: ε is too small for what the manifest trains.
    """
    orders = policy.spec.accounting.orders
    allowed = calibrate.budget_for(epsilon, case.release.spec.privacy.delta)
    if allowed.measure == "rho" and zero_concentrated(case):
        return Spend({order: allowed.amount * order for order in orders}, Decimal(0))
    return Spend.of(_events(case, allowed), orders)


def zero_concentrated(case: Case) -> bool:
    """Whether all that a manifest runs has a ρ: statistics, and all synthesizers but trained ones."""
    product = product_of(case)
    return not (isinstance(product, Synthetic) and isinstance(product.synthesizer, PlansWithin))


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
