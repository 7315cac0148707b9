"""Who must approve, and who is missing: deny by default."""

from __future__ import annotations

import datetime as dt

import pytest

from dpgate.policy.approvals import (
    assumptions,
    author_missing,
    missing,
    required_reviews,
    required_roles,
)
from dpgate.policy.facts import facts_of
from tests.unit.policy.worlds import DATASET, POLICY, RELEASE, Changes, dataset, policy, release

TODAY = dt.date(2026, 11, 22)
ASSUMED = {
    DATASET: {'public_codebook: "list of clinics"': "assumption: {by: Ann, because: they say so}"}
}


def roles(changes: Changes | None = None) -> tuple[str, ...]:
    data, manifest = dataset(changes), release(changes)
    return required_roles(policy(changes), data, manifest, facts_of(data, manifest), TODAY)


def when(condition: str) -> Changes:
    return {POLICY: {"when: {region_not_in: [US]}": f"when: {{{condition}}}"}}


def test_a_rule_without_a_condition_always_holds() -> None:
    assert roles() == ("privacy",)


@pytest.mark.parametrize(
    ("regions", "expected"),
    [("[US]", ("privacy",)), ("[US, FR]", ("privacy", "legal")), ("[FR]", ("privacy", "legal"))],
)
def test_one_country_that_is_not_listed_suffices(regions: str, expected: tuple[str, ...]) -> None:
    assert roles({RELEASE: {"regions: [US]": f"regions: {regions}"}}) == expected


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ("sensitivity_in: [phi]", ("privacy", "legal")),
        ("sensitivity_in: [genome, demographic]", ("privacy", "legal")),
        ("sensitivity_in: [genome]", ("privacy",)),
        ("sensitivity_in: []", ("privacy",)),
        ("sensitivity_in: [phi], region_not_in: [US]", ("privacy",)),
        ("sensitivity_in: [phi], region_not_in: [FR]", ("privacy", "legal")),
        ("sensitivity_in: [genome], region_not_in: [FR]", ("privacy",)),
        ("region_not_in: []", ("privacy", "legal")),
    ],
)
def test_all_parts_of_a_condition_must_hold(condition: str, expected: tuple[str, ...]) -> None:
    assert roles(when(condition)) == expected


def test_only_released_columns_decide() -> None:
    fewer = {RELEASE: {"length_minutes, reason, follow_up]": "clinic]"}}
    fewer[RELEASE] = {"columns: [age_group, clinic, length_minutes, reason, follow_up]": (
        "columns: [age_group, clinic]"
    )}  # fmt: skip
    assert roles({**when("sensitivity_in: [phi]"), **fewer}) == ("privacy",)


def test_an_assumed_domain_needs_privacy() -> None:
    assert assumptions(dataset(), release()) == ()
    assert assumptions(dataset(ASSUMED), release()) == ("domain of clinic",)
    other = {POLICY: {"- {roles: [privacy]}": "- {roles: [legal]}"}}
    assert roles(other) == ("legal",)
    assert roles({**other, **ASSUMED}) == ("legal", "privacy")


def test_columns_that_are_not_there_assume_nothing() -> None:
    changes = {
        DATASET: {
            "    age_group:": "    mrn: {type: identifier, sensitivity: phi}\n    age_group:"
        },
        RELEASE: {"[age_group": "[nothing, mrn, age_group"},
    }
    assert assumptions(dataset(changes), release(changes)) == ()


def test_each_role_is_asked_once() -> None:
    assert roles({POLICY: {"- {roles: [privacy]}": "- {roles: [privacy, legal, privacy]}"}}) == (
        "privacy",
        "legal",
    )


def fingerprints(count: int) -> frozenset[str]:
    return frozenset(f"SHA256:{n}" for n in range(count))


def test_a_threshold_counts_distinct_keys() -> None:
    key = policy().spec.roles["legal"].keys[0]
    two = policy({POLICY: {f"legal: {{keys: [{key}]}}": (
        f"legal: {{threshold: 2, keys: [{key}, {key[:-1]}D]}}")}})  # fmt: skip
    for have, lacking in ((0, {"legal": 2}), (1, {"legal": 1}), (2, {}), (3, {})):
        assert missing(two, ["legal"], {"legal": fingerprints(have)}) == lacking


def test_whoever_did_not_sign_is_missing() -> None:
    assert missing(policy(), ["privacy", "legal"], {}) == {"privacy": 1, "legal": 1}
    assert missing(policy(), ["privacy", "legal"], {"legal": fingerprints(1)}) == {"privacy": 1}
    assert missing(policy(), [], {}) == {}


def test_a_role_that_cannot_sign_stays_missing() -> None:
    bare = policy({POLICY: {"    # stewards: {encrypt_to: [age1…]}": (
        "    stewards: {encrypt_to: [age1x]}  # ")}})  # fmt: skip
    assert missing(bare, ["stewards", "nobody"], {"legal": fingerprints(3)}) == {
        "stewards": 1,
        "nobody": 1,
    }


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ('release.regions.exists(r, r != "US")', ("privacy",)),
        ('dataset.sensitivities.exists(s, s == "phi")', ("privacy", "legal")),
        ("clock.year == 2026", ("privacy", "legal")),
        ("clock.year == 2027", ("privacy",)),
        ('release.recipients[9] == "acme"', ("privacy", "legal")),
        ("budget.after.size() > 0", ("privacy", "legal")),
    ],
)
def test_a_condition_in_cel_holds_or_cannot_be_told(
    condition: str, expected: tuple[str, ...]
) -> None:
    """An approval is needed where nobody can say that it is not."""
    assert roles({POLICY: {"when: {region_not_in: [US]}": f"when: '{condition}'"}}) == expected


def test_reviews_are_demanded_where_their_rule_holds() -> None:
    def reviews(changes: Changes) -> list[int]:
        data, manifest = dataset(changes), release(changes)
        found = required_reviews(policy(changes), data, manifest, facts_of(data, manifest), TODAY)
        return [rule.at_least for rule in found]

    rules = {
        "- {roles: [privacy]}": "- {roles: [privacy], github_reviews: {at_least: 2}}",
        "roles: [legal]}": "roles: [legal], github_reviews: {users: [ann]}}",
    }
    assert reviews({}) == []
    assert reviews({POLICY: rules}) == [2]
    assert reviews({POLICY: rules, RELEASE: {"regions: [US]": "regions: [FR]"}}) == [2, 1]


def test_an_author_is_missing_where_duties_are_separated() -> None:
    demanding = policy({POLICY: {"  approvals:": "  separation: {authors: [legal]}\n  approvals:"}})
    assert not author_missing(policy(), frozenset())
    assert author_missing(demanding, frozenset())
    assert not author_missing(demanding, fingerprints(1))
