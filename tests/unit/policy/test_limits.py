"""A dataset lowers what the organization allows, never raises it, and every word names the place."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pytest

from dpgate.model.finding import Finding
from dpgate.policy import rules
from dpgate.policy.facts import facts_of
from dpgate.policy.limits import lowered_by, too_high
from dpgate.policy.scopes import Scope, scopes
from tests.unit.policy.worlds import (
    DATASET,
    POLICY,
    RELEASE,
    Changes,
    dataset,
    loaded,
    policy,
    release,
    text,
)

TODAY = dt.date(2026, 11, 22)
HOUR = "2026-11-22T18:00:00Z"


def limited(*lines: str, **more: dict[str, str]) -> Changes:
    """The dataset with limits of its own."""
    block = "".join(f"    {line}\n" for line in lines)
    return {DATASET: {"  rows:": f"  limits:\n{block}  rows:"}, **more}


def judge(changes: Changes) -> tuple[Finding, ...]:
    files = policy(changes), loaded(DATASET, changes), loaded(RELEASE, changes)
    return rules.evaluate(*files, TODAY, {"mst": "opendp"})


def place_of(path: str, words: str, changes: Changes) -> str:
    """`file:line:column` of some words that a document holds once."""
    before, _, after = text(path, changes).partition(words)
    assert after
    assert words not in after
    return f"{path}:{before.count(chr(10)) + 1}:{len(before) - before.rfind(chr(10))}"


def above(changes: Changes) -> tuple[Finding, ...]:
    return too_high(loaded(POLICY, changes), loaded(DATASET, changes))


LOWER = [
    ("epsilon_per_release_at_most: 0.9", "0.9", "class-epsilon", "epsilon: 0.9 or less"),
    (
        "classes: {phi: {epsilon_per_release_at_most: 0.8}}",
        "0.8}",
        "class-epsilon",
        "epsilon: 0.8 or less",
    ),
    ("delta_at_most: 1e-10", "1e-10", "delta-ceiling", "delta: 1e-10 or less"),
    ("retention: {days_at_most: 100}", "100}", "retention", "expires: 2027-03-02 or earlier"),
    ("rows_at_most: 99999", "99999", "rows-limit", "rows: 99999 or less"),
]


@pytest.mark.parametrize(("line", "word", "rule", "fix"), LOWER)
def test_a_lower_limit_denies_and_is_named(line: str, word: str, rule: str, fix: str) -> None:
    changes = limited(line)
    found = [each for each in judge(changes) if each.rule == rule]
    assert found, judge(changes)
    assert {each.level for each in found} == {"deny"}
    assert found[0].message.endswith(f"; lowered by {place_of(DATASET, word, changes)}")
    assert (found[0].file, found[0].fix) == (RELEASE, fix)
    assert above(changes) == ()


@pytest.mark.parametrize(
    "line",
    [
        "epsilon_per_release_at_most: 1",
        "classes: {phi: {epsilon_per_release_at_most: 1}}",
        "delta_at_most: 1e-8",
        "retention: {days_at_most: 730}",
        "rows_at_most: 100000",
        "lifetime: {epsilon: 4}",
        "quotas: [{purpose: vendor-testing, every: quarter, epsilon: 1}]",
    ],
)
def test_the_organizations_own_limit_may_be_repeated(line: str) -> None:
    assert above(limited(line)) == judge(limited(line)) == ()


def test_of_two_lower_limits_the_lowest_holds() -> None:
    phi = "classes: {phi: {epsilon_per_release_at_most: 0.7}}"
    first, second = judge(limited("epsilon_per_release_at_most: 0.9", phi))
    assert "above the 0.9 that one release with demographic columns" in first.message
    assert "above the 0.7 that one release with phi columns" in second.message


HIGHER = [
    ("epsilon_per_release_at_most: 1.5", "1.5", "1, synthesizers: [mst, aim]}\n    demographic"),
    (
        "classes: {phi: {epsilon_per_release_at_most: 2}}",
        "2}}",
        "1, synthesizers: [mst, aim]}\n    demographic",
    ),
    ("delta_at_most: 1e-7", "1e-7", "1e-8"),
    ("retention: {days_at_most: 731}", "731}", "730"),
    ("lifetime: {epsilon: 4.1}", "4.1}", "4}"),
    ("quotas: [{every: month, epsilon: 5}]", "5}]", "4}"),
    (
        "quotas: [{purpose: vendor-testing, every: quarter, epsilon: 1.1}]",
        "1.1}]",
        "1}\n        - {recipient",
    ),
    ("quotas: [{recipient: acme, lifetime: true, epsilon: 3}]", "3}]", "2}\n\n  purposes"),
]


@pytest.mark.parametrize(("line", "word", "there"), HIGHER)
def test_a_higher_limit_is_an_error_that_names_both_places(
    line: str, word: str, there: str
) -> None:
    changes = limited(line)
    (finding,) = above(changes)
    assert (finding.rule, finding.level) == ("dataset-limits", "deny")
    assert finding.place == place_of(DATASET, word, changes)
    assert f"({place_of(POLICY, there, changes)})" in finding.message
    assert finding.fix


@pytest.mark.parametrize("line", [line for line, *_ in HIGHER])
def test_a_higher_limit_never_counts(line: str) -> None:
    changes = limited(line)
    changes[RELEASE] = {"epsilon: 1.0": "epsilon: 1.01", "delta: 1e-9": "delta: 1.1e-8"}
    changes[RELEASE]["2027-06-30"] = "2028-11-22"
    found = judge(changes)
    assert {each.rule for each in found} == {"class-epsilon", "delta-ceiling", "retention"}
    assert not [each for each in found if "lowered" in each.message]
    assert {s.limit for s in touched(changes)} <= {Decimal(n) for n in (1, 2, 4, 5)}


def test_a_quota_for_everything_limits_every_purpose() -> None:
    quotas = {
        '        - {recipient: "*"': '        - {every: year, epsilon: 1.5}\n        - {recipient: "*"'
    }
    line = "quotas: [{purpose: teaching, every: year, epsilon: 1.6}]"
    (finding,) = above(limited(line, **{POLICY: quotas}))
    assert "above the organization's 1.5" in finding.message


@pytest.mark.parametrize(
    ("name", "fix"),
    [("phy", "did you mean 'phi'?"), ("x", "classes of the policy: phi, demographic")],
)
def test_a_class_that_nobody_knows_is_an_error(name: str, fix: str) -> None:
    changes = limited(f"classes: {{{name}: {{epsilon_per_release_at_most: 0.5}}}}")
    (finding,) = above(changes)
    assert finding.message == f"limits name class {name}, which the policy does not have"
    assert (finding.fix, finding.level) == (fix, "deny")
    assert finding.place == place_of(DATASET, "{epsilon_per_release", changes)


def test_a_population_without_a_budget_has_no_limit_to_be_above() -> None:
    changes = limited("lifetime: {epsilon: 400}")
    changes[DATASET]["clinic-patients "] = "other-people "
    assert above(changes) == ()


def test_without_columns_of_a_known_class_there_is_nothing_to_be_above() -> None:
    changes = limited("epsilon_per_release_at_most: 400")
    changes[POLICY] = {"    phi:": "    health:", "    demographic:": "    people:"}
    assert above(changes) == ()


def touched(changes: Changes) -> tuple[Scope, ...]:
    made = dataset(changes)
    return scopes(policy(changes), facts_of(made, release(changes)), HOUR, made.spec.limits)


def test_budgets_are_lowered_for_the_datasets_own_population_alone() -> None:
    changes = limited(
        "lifetime: {epsilon: 3}",
        "quotas:",
        "  - {purpose: vendor-testing, every: quarter, epsilon: 0.5}",
        "  - {recipient: acme-scheduling, lifetime: true, epsilon: 2}",
        "  - {every: year, epsilon: 1.25}",
        "  - {purpose: teaching, every: year, epsilon: 0.1}",
    )
    changes[DATASET]["  rows:"] = "  shares_people_with: [staff]\n" + changes[DATASET]["  rows:"]
    staff = "    staff:\n      neighboring: add-remove\n      lifetime: {epsilon: 5}\n  purposes:"
    changes[POLICY] = {"  purposes:": staff}
    found = touched(changes)
    assert {s.key: (str(s.limit), s.lowered) for s in found} == {
        "clinic-patients/all=*/lifetime": ("3", ("lifetime", "epsilon")),
        "staff/all=*/lifetime": ("5", ()),
        "clinic-patients/purpose=vendor-testing/2026-Q4": ("0.5", ("quotas", 0, "epsilon")),
        "clinic-patients/recipient=acme-scheduling/lifetime": ("2", ()),
        "clinic-patients/all=*/2026": ("1.25", ("quotas", 2, "epsilon")),
    }
    assert next(iter(found)).key == "clinic-patients/all=*/lifetime"
    told = lowered_by(loaded(DATASET, changes), ("quotas", 0, "epsilon"))
    assert told == f"; lowered by {place_of(DATASET, '0.5}', changes)}"
