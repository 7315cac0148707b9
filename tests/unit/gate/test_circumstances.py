"""Facts of the ledger, as rules see them: budgets by key, history by recipient, approvals by role."""

from __future__ import annotations

from decimal import Decimal

from dpgate.accounting.filter import Spend
from dpgate.gate import budgets
from dpgate.gate.circumstances import Told, approvals, budget
from dpgate.model.history import PastRelease
from dpgate.policy.facts import facts_of
from dpgate.policy.scopes import Tally
from tests.unit.policy.worlds import DATASET, POLICY, Changes, dataset, policy, release

HOUR = "2026-11-22T18:00:00Z"


def spend(epsilon: str) -> Spend:
    orders = policy().spec.accounting.orders
    return Spend(dict.fromkeys(orders, Decimal(epsilon)), Decimal(0))


def test_budgets_go_by_what_they_are_about() -> None:
    shared = "students: {neighboring: add-remove, lifetime: {epsilon: 1}}\n    clinic-patients:"
    changes: Changes = {
        POLICY: {
            "clinic-patients:": shared,
            '- {recipient: "*"': '- {rolling_days: 90, epsilon: 3}\n        - {recipient: "*"',
        },
        DATASET: {"  neighboring:": "  shares_people_with: [students]\n  neighboring:"},
    }
    adopted = policy(changes)
    facts = facts_of(dataset(changes), release(changes))
    past = Tally(adopted.spec.accounting.orders)
    past.add(facts, "2026-01-01T00:00:00Z", spend("0.1"))
    alone = facts.model_copy(update={"populations": ("students",), "recipients": ("other",)})
    past.add(alone, "2026-11-01T00:00:00Z", spend("0.2"))
    this = spend("0.05")
    rows = budgets.rows(adopted, facts, HOUR, None, past, this)
    made = budget(adopted, facts, rows, past, this)
    assert set(made.before) == set(made.after) == {
        "lifetime", "lifetime@90-days", "type:synthetic", "purpose:vendor-testing",
        "purpose:vendor-testing@quarter", "recipient:acme-scheduling",
        "sensitivity:phi", "sensitivity:demographic",
    }  # fmt: skip
    assert set(made.limit) == set(made.remaining) == {
        "lifetime", "lifetime@90-days", "purpose:vendor-testing@quarter",
        "recipient:acme-scheduling",
    }  # fmt: skip
    # Students have spent more, and have the lower limit.
    assert made.before["lifetime"] > made.before["recipient:acme-scheduling"] > 0
    assert made.before["lifetime@90-days"] == made.before["purpose:vendor-testing@quarter"] == 0
    assert [made.limit[key] for key in ("lifetime", "lifetime@90-days")] == [1, 3]
    assert all(made.after[key] > made.before[key] for key in made.before)
    windows = {(scope.about, scope.value, scope.window) for scope in made.scopes}
    assert ("all", "", "90-days") in windows
    assert ("purpose", "vendor-testing", "quarter") in windows


def test_history_goes_by_the_recipients_of_this_release() -> None:
    facts = facts_of(dataset(), release())
    pasts = [
        PastRelease(
            release=f"visits/{name}", entry=number, time=HOUR, outcome="released",
            facts=facts.model_copy(update={"recipients": recipients}), epsilon=Decimal(1),
        )
        for number, (name, recipients) in enumerate(
            [("one", ("acme",)), ("two", ("other",)), ("three", ("acme", "other"))], start=2
        )
    ]  # fmt: skip
    told = Told()
    assert [past.name for past in told.all(pasts)] == ["visits/one", "visits/two", "visits/three"]
    found = told.of(pasts, ("acme", "nobody"))
    assert {name: [past.entry for past in each] for name, each in found.items()} == {"acme": [2, 4]}
    assert found["acme"][0] is told.all(pasts)[0]


def test_approvals_go_by_role() -> None:
    signed = {"privacy": frozenset({"a", "b"})}
    made = approvals(policy(), ("privacy", "board"), signed)
    assert {role: (each.have, each.needed) for role, each in made.items()} == {
        "privacy": (2, 1), "legal": (0, 0), "runner": (0, 0), "board": (0, 1),
    }  # fmt: skip
