"""Budget scopes: which ones a release touches, and what they have spent."""

from __future__ import annotations

from decimal import Decimal

import pytest

from dpgate.accounting.filter import Spend
from dpgate.model.policy import PrivacyPolicy
from dpgate.model.record import Facts
from dpgate.policy.scopes import Tally, scopes
from tests.unit.policy.worlds import POLICY, policy

HOUR = "2026-11-22T18:00:00Z"
ORDERS = (4, 8)
QUOTAS = """      quotas:                              # narrower limits within it
        - {purpose: vendor-testing, every: quarter, epsilon: 1}
        - {recipient: "*", lifetime: true, epsilon: 2}
"""


def with_quotas(*quotas: str) -> PrivacyPolicy:
    lines = "".join(f"        - {{{quota}}}\n" for quota in quotas)
    return policy({POLICY: {QUOTAS: f"      quotas:\n{lines}" if quotas else ""}})


def facts(**changes: object) -> Facts:
    fields = {
        "populations": ("clinic-patients",),
        "type": "synthetic",
        "purpose": "vendor-testing",
        "recipients": ("acme", "zeta"),
        "sensitivities": ("demographic", "phi"),
        "groups": ("mental-health",),
        "regions": ("US",),
        "columns": ("visits",),
        "quasi_identifiers": (),
    }
    return Facts.model_validate({**fields, **changes})


def keys(made: PrivacyPolicy, given: Facts | None = None, hour: str = HOUR) -> dict[str, str]:
    return {s.key: str(s.limit) for s in scopes(made, given or facts(), hour, None)}


def test_the_lifetime_is_always_touched_and_comes_first() -> None:
    assert keys(with_quotas()) == {"clinic-patients/all=*/lifetime": "4"}
    first = next(iter(scopes(policy(), facts(), HOUR, None)))
    assert first.key == "clinic-patients/all=*/lifetime"
    assert first.title == "clinic-patients, lifetime"


@pytest.mark.parametrize(
    ("quota", "expected", "title"),
    [
        ("every: month", "all=*/2026-11", "clinic-patients, 2026-11"),
        ("every: quarter", "all=*/2026-Q4", "clinic-patients, 2026 Q4"),
        ("every: year", "all=*/2026", "clinic-patients, 2026"),
        ("rolling_days: 90", "all=*/90-days", "clinic-patients, last 90 days"),
        (
            "purpose: vendor-testing, every: year",
            "purpose=vendor-testing/2026",
            "vendor-testing, 2026",
        ),
        ("recipient: acme, lifetime: true", "recipient=acme/lifetime", "recipient acme, lifetime"),
        (
            "sensitivity: phi, lifetime: true",
            "sensitivity=phi/lifetime",
            "sensitivity phi, lifetime",
        ),
        ("type: synthetic, lifetime: true", "type=synthetic/lifetime", "type synthetic, lifetime"),
        (
            "group: mental-health, every: year",
            "group=mental-health/2026",
            "group mental-health, 2026",
        ),
    ],
)
def test_a_quota_is_a_scope_where_it_applies(quota: str, expected: str, title: str) -> None:
    _, scope = scopes(with_quotas(f"{quota}, epsilon: 1"), facts(), HOUR, None)
    assert scope.key == f"clinic-patients/{expected}"
    assert scope.title == title


@pytest.mark.parametrize(
    "quota", ["purpose: research", "recipient: other", "sensitivity: genome", "group: none"]
)
def test_a_quota_about_something_else_is_none(quota: str) -> None:
    assert len(keys(with_quotas(f"{quota}, lifetime: true, epsilon: 1"))) == 1


def test_a_star_counts_each_value_on_its_own() -> None:
    made = keys(with_quotas('recipient: "*", lifetime: true, epsilon: 2'))
    assert list(made)[1:] == [
        "clinic-patients/recipient=acme/lifetime",
        "clinic-patients/recipient=zeta/lifetime",
    ]


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_the_lower_of_two_limits_counts(order: tuple[int, int]) -> None:
    quotas = (
        'recipient: "*", lifetime: true, epsilon: 2',
        "recipient: acme, lifetime: true, epsilon: 1.5",
    )
    made = keys(with_quotas(*(quotas[n] for n in order)))
    assert made["clinic-patients/recipient=acme/lifetime"] == "1.5"
    assert made["clinic-patients/recipient=zeta/lifetime"] == "2"


@pytest.mark.parametrize(("limit", "expected"), [("1", "1"), ("9", "4")])
def test_a_quota_can_only_narrow_the_lifetime(limit: str, expected: str) -> None:
    made = keys(with_quotas(f"lifetime: true, epsilon: {limit}"))
    assert made == {"clinic-patients/all=*/lifetime": expected}


def test_people_who_are_in_two_populations_are_charged_in_both() -> None:
    made = policy(
        {POLICY: {"  purposes:": "    staff:\n      neighboring: add-remove\n"
                                 "      lifetime: {epsilon: 3}\n\n  purposes:"}}
    )  # fmt: skip
    given = facts(populations=("clinic-patients", "staff"))
    assert list(keys(made, given))[:2] == [
        "clinic-patients/all=*/lifetime",
        "staff/all=*/lifetime",
    ]
    tally = Tally(ORDERS)
    tally.add(given, HOUR, spend("1"))
    assert {
        s.key: tally.spent(s).orders[4]
        for s in scopes(made, facts(populations=("staff",)), HOUR, None)
    } == {"staff/all=*/lifetime": Decimal(1)}


def spend(value: str) -> Spend:
    amount = Decimal(value)
    return Spend({4: amount, 8: 2 * amount}, amount / 10**9)


PAST = (
    ("2026-09-30T23:00:00Z", facts(recipients=("acme",)), "1"),
    ("2026-10-01T00:00:00Z", facts(purpose="research"), "0.1"),
    ("2026-11-22T17:00:00Z", facts(recipients=("zeta",)), "0.01"),
    ("2026-11-22T18:00:00Z", facts(sensitivities=("phi",)), "0.001"),
)


@pytest.mark.parametrize(
    ("quota", "expected"),
    [
        ("lifetime: true", "1.111"),
        ("every: quarter", "0.111"),
        ("every: month", "0.011"),
        ("rolling_days: 1", "0.011"),
        ("rolling_days: 53", "1.111"),
        ("rolling_days: 52", "0.011"),
        ("purpose: vendor-testing, every: quarter", "0.011"),
        ("purpose: vendor-testing, lifetime: true", "1.011"),
        ("recipient: acme, lifetime: true", "1.101"),
        ("recipient: zeta, lifetime: true", "0.111"),
        ("sensitivity: demographic, lifetime: true", "1.11"),
        ("group: mental-health, every: year", "1.111"),
    ],
)
def test_a_scope_sums_what_it_matches_to_the_last_digit(quota: str, expected: str) -> None:
    tally = Tally(ORDERS)
    for hour, given, value in PAST:
        tally.add(given, hour, spend(value))
    made = scopes(with_quotas(f"{quota}, epsilon: 3"), facts(), HOUR, None)
    scope = made[-1]
    assert tally.spent(scope) == spend(expected)
    counted = [Decimal(value) for hour, given, value in PAST if scope.counts(given, hour)]
    assert sum(counted) == Decimal(expected)


def test_a_scope_that_nothing_touched_has_spent_nothing() -> None:
    tally = Tally(ORDERS)
    for scope in scopes(policy(), facts(), HOUR, None):
        assert tally.spent(scope) == Spend.zero(ORDERS)
    tally.add(facts(populations=("others",)), HOUR, spend("1"))
    for scope in scopes(policy(), facts(), HOUR, None):
        assert tally.spent(scope) == Spend.zero(ORDERS)
        assert not scope.counts(facts(populations=("others",)), HOUR)
