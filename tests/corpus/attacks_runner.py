"""Attacks by a dishonest runner: it holds the key that signs the ledger, and signs what suits it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from dpgate.accounting import compose, curves
from dpgate.accounting.filter import Spend as Exact
from dpgate.accounting.filter import epsilon
from dpgate.accounting.rounding import EXACT
from dpgate.gate import budgets
from dpgate.gate.costing import from_record, person_spend, to_record
from dpgate.gate.opening import loaded_document
from dpgate.gate.workspace import policy_of
from dpgate.model.record import Entry, Reserve, Spend
from tests.corpus import forging
from tests.corpus.consenting import (
    consent,
)
from tests.corpus.scene import Found, Scene
from tests.team import DATASET, POLICY

RESERVE, SETTLE = 5, 6


def _changed(scene: Scene, number: int, **update: Any) -> Found:
    """One field of one entry changed, and everything after it signed again."""
    scene.rewrite(number, lambda entry: entry.model_copy(update=update))
    return scene.verify()


def _edited(scene: Scene, number: int, edit: Callable[[Any], Entry]) -> Found:
    scene.rewrite(number, edit)
    return scene.verify()


def _halved(spend: Spend) -> Spend:
    return spend.model_copy(update={"curve": {k: v / 2 for k, v in spend.curve.items()}})


# ── what was spent ───────────────────────────────────────────────────────────────────────────


def sums_lowered(scene: Scene) -> Found:
    def edit(entry: Reserve) -> Reserve:
        sums = {key: _halved(spend) for key, spend in entry.sums.items()}
        return entry.model_copy(update={"sums": sums})

    return _edited(scene, RESERVE, edit)


def sum_of_one_scope_left_out(scene: Scene) -> Found:
    def edit(entry: Reserve) -> Reserve:
        key = max(entry.sums)
        return entry.model_copy(update={"sums": {k: v for k, v in entry.sums.items() if k != key}})

    return _edited(scene, RESERVE, edit)


def spend_lowered(scene: Scene) -> Found:
    return _edited(scene, RESERVE, lambda e: e.model_copy(update={"spend": _halved(e.spend)}))


def spend_at_fewer_orders(scene: Scene) -> Found:
    def edit(entry: Reserve) -> Reserve:
        curve = {"4": entry.spend.curve["4"]}
        return entry.model_copy(update={"spend": Spend(curve=curve, delta0=Decimal(0))})

    return _edited(scene, RESERVE, edit)


def loss_lowered(scene: Scene) -> Found:
    def edit(entry: Reserve) -> Reserve:
        events = tuple(e.model_copy(update={"loss": e.loss / 2}) for e in entry.events)
        return entry.model_copy(update={"events": events})

    return _edited(scene, RESERVE, edit)


def scale_smaller_than_it_paid_for(scene: Scene) -> Found:
    def edit(entry: Reserve) -> Reserve:
        first = entry.events[0].model_copy(update={"scale": entry.events[0].scale / 2})
        return entry.model_copy(update={"events": (first, *entry.events[1:])})

    return _edited(scene, RESERVE, edit)


def runs_left_out(scene: Scene) -> Found:
    def edit(entry: Reserve) -> Reserve:
        return entry.model_copy(update={"events": entry.events[:1]})

    return _edited(scene, RESERVE, edit)


def claim_lowered(scene: Scene) -> Found:
    def edit(entry: Reserve) -> Reserve:
        claim = entry.claim.model_copy(update={"epsilon": entry.claim.epsilon / 2})
        return entry.model_copy(update={"claim": claim})

    return _edited(scene, RESERVE, edit)


def unprotected_bits_misstated(scene: Scene) -> Found:
    def edit(entry: Reserve) -> Reserve:
        claim = entry.claim.model_copy(update={"unprotected_bits": 1})
        return entry.model_copy(update={"claim": claim})

    return _edited(scene, RESERVE, edit)


def claim_for_persons_lowered(scene: Scene) -> Found:
    def edit(entry: Reserve) -> Reserve:
        claim = entry.claim.model_copy(update={"person_epsilon": entry.claim.epsilon})
        return entry.model_copy(update={"claim": claim})

    return _edited(scene, RESERVE, edit)


def claim_at_another_delta(scene: Scene) -> Found:
    def edit(entry: Reserve) -> Reserve:
        claim = entry.claim.model_copy(update={"delta": Decimal("1e-3")})
        return entry.model_copy(update={"claim": claim})

    return _edited(scene, RESERVE, edit)


def events_of_another_relation(scene: Scene) -> Found:
    def edit(entry: Reserve) -> Reserve:
        events = tuple(e.model_copy(update={"relation": "replace-one"}) for e in entry.events)
        return entry.model_copy(update={"events": events})

    return _edited(scene, RESERVE, edit)


def noise_misreported(scene: Scene) -> Found:
    """A reservation, consistent in itself, for less noise cost than was then drawn."""
    name = scene.manifest("fourth")
    entry = scene.reserve(name)
    events = []
    for event in entry.events:
        wide = event.model_copy(update={"scale": event.scale * 2})
        events.append(wide.model_copy(update={"loss": curves.loss(wide)}))
    orders = (4, 8, 16, 32)
    spend = Exact.of(tuple(events), orders)
    person = person_spend(tuple(events), 12, orders)
    claim = entry.claim.model_copy(
        update={
            "epsilon": compose.release_epsilon(tuple(events), entry.claim.delta),
            "person_epsilon": epsilon(person, Decimal("1e-6")),
        }
    )
    before = {k: _minus(v, entry.spend) for k, v in entry.sums.items()}
    sums = {k: to_record(v + spend) for k, v in before.items()}
    update = {"events": tuple(events), "spend": to_record(spend), "claim": claim, "sums": sums}
    scene.append(entry.model_copy(update=update))
    return scene.verify()


def _minus(total: Spend, part: Spend) -> Any:
    curve = {int(k): EXACT.subtract(v, part.curve[k]) for k, v in total.curve.items()}
    return Exact(curve, total.delta0)


def lifetime_exceeded(scene: Scene) -> Found:
    """A release more than the population's lifetime limit admits, with every approval it needs."""
    scene.change_policy("lifetime: {epsilon: 8.5}", "lifetime: {epsilon: 1.7}")
    name = scene.manifest("fourth", approve=False)
    scene.append(scene.reserve(name, approvals=consent(scene, name)))
    return scene.verify()


def quota_exceeded(scene: Scene) -> Found:
    scene.change_policy("every: quarter, epsilon: 2}", "every: quarter, epsilon: 1.7}")
    name = scene.manifest("fourth", approve=False)
    scene.append(scene.reserve(name, approvals=consent(scene, name)))
    return scene.verify()


def limit_of_a_dataset_exceeded(scene: Scene) -> Found:
    scene.team.edit(DATASET, "  rows:", "  limits: {lifetime: {epsilon: 1.5}}\n  rows:")
    name = scene.manifest("fourth", approve=False)
    scene.append(scene.reserve(name, approvals=consent(scene, name)))
    return scene.verify()


def rule_of_the_catalogue_broken_with_consent(scene: Scene) -> Found:
    scene.change_policy(
        "  catalogue:", "  catalogue:\n    epsilon-per-release: {options: {at_most: 0.5}}"
    )
    name = scene.manifest("fourth", approve=False)
    scene.append(scene.reserve(name, approvals=consent(scene, name)))
    return scene.verify()


def rule_of_a_dataset_broken_with_consent(scene: Scene) -> Found:
    own = (
        "title: For research, assert: 'release.purpose == \"x\"', message: 'not for {release.name}'"
    )
    rule = f"  rules: [{{id: for-research-alone, {own}}}]\n  rows:"
    scene.team.edit(DATASET, "  rows:", rule)
    name = scene.manifest("fourth", approve=False)
    scene.append(scene.reserve(name, approvals=consent(scene, name)))
    return scene.verify()


# ── what it was about ────────────────────────────────────────────────────────────────────────


def _facts(scene: Scene, **update: Any) -> Found:
    def edit(entry: Reserve) -> Reserve:
        return entry.model_copy(update={"facts": entry.facts.model_copy(update=update)})

    return _edited(scene, RESERVE, edit)


def purpose_falsified(scene: Scene) -> Found:
    return _facts(scene, purpose="research")


def population_falsified(scene: Scene) -> Found:
    return _facts(scene, populations=("nobody",))


def recipient_falsified(scene: Scene) -> Found:
    return _facts(scene, recipients=("somebody-else",))


def sensitivity_falsified(scene: Scene) -> Found:
    return _facts(scene, sensitivities=("demographic",))


NEW_PEOPLE = """    visitors:
      neighboring: add-remove
      lifetime: {epsilon: 8}
"""


def population_changed_for_a_fresh_budget(scene: Scene) -> Found:
    """The organization was talked into a second population; the dataset then moves to it."""
    scene.change_policy("  purposes:", NEW_PEOPLE + "\n  purposes:")
    scene.team.edit(DATASET, "population: clinic-patients", "population: visitors")
    name = scene.manifest("fourth", approve=False)
    scene.append(scene.reserve(name, approvals=consent(scene, name)))
    return scene.verify()


def population_retired(scene: Scene) -> Found:
    day = dt.datetime.now(dt.UTC).date()
    scene.change_policy(
        "lifetime: {epsilon: 8.5}", f"retired: {day}\n      lifetime: {{epsilon: 8.5}}"
    )
    name = scene.manifest("fourth", approve=False)
    scene.append(scene.reserve(name, approvals=consent(scene, name)))
    return scene.verify()


def rule_broken_with_consent(scene: Scene) -> Found:
    """More ε than the class of its columns may have; privacy signed all the same."""
    name = scene.manifest("fourth", {"epsilon: 1.0": "epsilon: 1.5"}, approve=False)
    scene.append(scene.reserve(name, approvals=consent(scene, name)))
    return scene.verify()


def domain_read_off_the_data(scene: Scene) -> Found:
    scene.team.edit(
        DATASET, 'source: {public_codebook: "list of clinics"}', "source: {private_data: a query}"
    )
    name = scene.manifest("fourth", approve=False)
    scene.append(scene.reserve(name, approvals=consent(scene, name)))
    return scene.verify()


def manifest_exchanged(scene: Scene) -> Found:
    """The text of another manifest under the digest that was approved."""

    def edit(entry: Reserve) -> Reserve:
        manifest, dataset = entry.documents
        text = manifest.text.replace("regions: [US]", "regions: [GB]")
        assert text != manifest.text
        return entry.model_copy(
            update={"documents": (manifest.model_copy(update={"text": text}), dataset)}
        )

    return _edited(scene, RESERVE, edit)


def manifest_of_another_release(scene: Scene) -> Found:
    other = scene.chain.links[1].entry
    assert isinstance(other, Reserve)
    return _changed(scene, RESERVE, documents=other.documents)


def attempt_number_lowered(scene: Scene) -> Found:
    return _changed(scene, 8, attempt=2)


def time_set_back(scene: Scene) -> Found:
    return _changed(scene, RESERVE, time="2020-01-01T00:00:00Z")


def time_set_forward(scene: Scene) -> Found:
    """A reservation dated into the next year has quotas of its own."""
    name = scene.manifest("fourth", approve=False)
    late = dt.datetime.now(dt.UTC) + dt.timedelta(days=20)
    scene.team.approve(name)
    scene.append(_dated(scene, name, late.strftime("%Y-%m-%dT%H:00:00Z")))
    return scene.verify()


def _dated(scene: Scene, name: str, hour: str) -> Reserve:
    entry = scene.reserve(name, time=hour)
    policy = policy_of(loaded_document(scene.chain.policy))
    past = forging.tally(scene.chain, policy)
    spend = from_record(entry.spend)
    sums = budgets.sums(policy, entry.facts, hour, None, past, spend)
    return entry.model_copy(update={"sums": {k: to_record(v) for k, v in sums.items()}})


def policy_loosened_by_the_runner_alone(scene: Scene) -> Found:
    """The work tree's policy says more than the one that was adopted; the ledger decides."""
    scene.team.edit(POLICY, "lifetime: {epsilon: 8.5}", "lifetime: {epsilon: 99}")
    scene.team.edit(POLICY, "epsilon_per_release_at_most: 1,", "epsilon_per_release_at_most: 50,")
    name = scene.manifest("fourth", {"epsilon: 1.0": "epsilon: 2.0"}, approve=False)
    scene.append(scene.reserve(name, approvals=consent(scene, name)))
    return scene.verify()
