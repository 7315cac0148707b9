"""Rules about evidence: each denies by its own id, at the very place, and says what to do."""

from __future__ import annotations

import inspect

import pytest

from dpgate.policy import evidence
from tests.unit.policy.test_rules import judge, word_at
from tests.unit.policy.worlds import DATASET, POLICY, RELEASE, Changes

UTILITY = "  utility:\n    - {metric: marginal_tvd, order: 2, at_most: 0.1}\n"
REQUIRED = "required: [schema_conformity, marginal_tvd]"
SEALED = {POLICY: {"    # stewards: {encrypt_to: [age1…]}": "    stewards: {encrypt_to: [age1]} #"}}
THREATS = (
    UTILITY
    + "  threat_model: {adversary: recipient, knows: [age_group, clinic], fears: [membership, linkage]}\n"
    + "  attacks:\n    - {attack: membership, advantage_at_most: 0.05}\n"
    + "    - {attack: linkage, advantage_at_most: 0.05}\n"
)
RATIO = "    - {metric: prediction_ratio, target: follow_up, at_least: 0.9}\n"


def asked(text: str, **policy: str) -> Changes:
    """The documents with other evidence in manifest and policy."""
    wanted = ", ".join(f"{key}: {value}" for key, value in policy.items())
    return {
        RELEASE: {UTILITY: text},
        POLICY: {REQUIRED: REQUIRED + (f", {wanted}" if wanted else "")},
    }


CASES: list[tuple[str, Changes, str]] = [
    ("required-evidence", {RELEASE: {UTILITY: ""}}, "dataset: clinic-visits"),
    (
        "required-evidence",
        {POLICY: {REQUIRED: "required: [membership]"}},
        "dataset: clinic-visits",
    ),
    (
        "evidence-threshold",
        asked(UTILITY, thresholds="{marginal_tvd: 0.05}"),
        "{metric: marginal_tvd",
    ),
    (
        "evidence-threshold",
        asked(THREATS, thresholds="{linkage: 0.01}"),
        "{attack: linkage",
    ),
    (
        "evidence-threshold",
        asked(
            UTILITY + "    - {metric: prediction, target: reason, at_least: 0.6}\n",
            thresholds="{prediction: 0.7}",
        ),
        "{metric: prediction",
    ),
    ("restricted-gate", asked(UTILITY + RATIO), "{metric: prediction_ratio"),
    (
        "restricted-gate",
        asked(UTILITY + RATIO, restricted_gates="[prediction_ratio]"),
        "{metric: prediction_ratio",
    ),
    (
        "attack-tables",
        {
            **asked(THREATS),
            DATASET: {
                "  columns:": "  joined: {table: claims, row: claim, columns: [reason], "
                "max_rows_per_person: 4, source: x}\n  columns:\n    mrn: {type: identifier, "
                "sensitivity: phi}",
                "unit: {row: visit, max_rows_per_person: 12,": "unit: {row: person, column: mrn, "
                "max_rows_per_person: 1,",
            },
        },
        "{adversary: recipient",
    ),
]


@pytest.mark.parametrize(("rule", "changes", "word"), CASES)
def test_a_rule_denies_at_the_place(rule: str, changes: Changes, word: str) -> None:
    found = [finding for finding in judge(changes) if finding.rule == rule]
    assert found, judge(changes)
    assert found[0].level == "deny"
    assert word_at(found[0], changes).startswith(word)
    assert found[0].fix


@pytest.mark.parametrize(
    "changes",
    [
        asked(UTILITY, thresholds="{marginal_tvd: 0.1}"),
        asked(THREATS, thresholds="{linkage: 0.05, membership: 0.05, copies: 0.01}"),
        {**asked(THREATS), POLICY: {REQUIRED: "required: [marginal_tvd, membership, linkage]"}},
    ],
)
def test_thresholds_as_strict_as_the_policys_are_allowed(changes: Changes) -> None:
    assert judge(changes) == ()


def test_a_restricted_gate_that_the_policy_names_and_stewards_can_read_is_allowed() -> None:
    changes = asked(UTILITY + RATIO, restricted_gates="[prediction_ratio]")
    changes[POLICY] |= SEALED[POLICY]
    assert judge(changes) == ()


def test_a_fear_without_a_threshold_is_a_warning() -> None:
    text = THREATS.replace("    - {attack: linkage, advantage_at_most: 0.05}\n", "")
    (finding,) = judge(asked(text))
    assert (finding.rule, finding.level) == ("attack-threshold", "warn")
    assert word_at(finding, asked(text)).startswith("linkage]")


def test_every_rule_of_the_source_has_a_case_here() -> None:
    parts = inspect.getsource(evidence).split("case.finding(")[1:]
    named = {part.split('"')[1] for part in parts}
    assert named == {rule for rule, *_ in CASES} | {"attack-threshold"}
