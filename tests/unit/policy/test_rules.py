"""Each rule denies, by its own id, at the very place, and says what to do."""

from __future__ import annotations

import datetime as dt
import inspect
from collections.abc import Mapping
from types import MappingProxyType

import pytest

from dpgate.model.finding import Finding
from dpgate.policy import rules
from tests.unit.policy.worlds import DATASET, POLICY, RELEASE, Changes, loaded, policy, text

TODAY = dt.date(2026, 11, 22)
PROOFS = {"mst": "opendp", "dp-sgd": "real-arithmetic"}
IDENTIFIER = "    mrn: {type: identifier, sensitivity: phi}\n    age_group:"


DERIVED = """  derive:
    long: {type: cut, of: length_minutes, at: [60], labels: [short, long]}
  columns:"""


def judge(
    changes: Changes | None = None,
    today: dt.date = TODAY,
    proofs: Mapping[str, str] = MappingProxyType(PROOFS),
) -> tuple[Finding, ...]:
    return rules.evaluate(
        policy(changes), loaded(DATASET, changes), loaded(RELEASE, changes), today, proofs
    )


def word_at(finding: Finding, changes: Changes) -> str:
    """What stands in the document where a finding points."""
    assert finding.line > 0
    line = text(finding.file, changes).splitlines()[finding.line - 1]
    return line[finding.column - 1 :]


def test_the_documents_of_init_are_allowed() -> None:
    assert judge() == ()


CASES: list[tuple[str, Changes, str, str]] = [
    (
        "policy-in-force",
        {POLICY: {"  timezone: UTC": "  expires: 2026-11-21"}},
        RELEASE,
        "dataset: clinic-visits",
    ),
    ("known-population", {DATASET: {"clinic-patients ": "other-people "}}, DATASET, "other-people"),
    (
        "known-population",
        {DATASET: {"  neighboring:": "  shares_people_with: [staff]\n  neighboring:"}},
        DATASET,
        "staff]",
    ),
    ("one-relation", {DATASET: {"add-remove": "replace-one"}}, DATASET, "replace-one"),
    (
        "retired-population",
        {POLICY: {"      lifetime:": "      retired: 2026-11-22\n      lifetime:"}},
        DATASET,
        "clinic-patients",
    ),
    ("known-columns", {RELEASE: {"[age_group": "[postcode, age_group"}}, RELEASE, "postcode"),
    (
        "no-identifiers",
        {DATASET: {"    age_group:": IDENTIFIER}, RELEASE: {"follow_up]": "mrn]"}},
        RELEASE,
        "mrn]",
    ),
    (
        "derived-columns",
        {
            DATASET: {"  columns:": DERIVED},
            RELEASE: {"length_minutes, reason, follow_up]": "reason, long]"},
        },
        RELEASE,
        "long]",
    ),
    (
        "public-domains",
        {DATASET: {'public_codebook: "intake form, question 7"': "private_data: a query"}},
        DATASET,
        "{private_data",
    ),
    (
        "known-class",
        {DATASET: {"type: ordinal, sensitivity: demographic": "type: ordinal, sensitivity: odd"}},
        DATASET,
        "odd,",
    ),
    ("class-epsilon", {RELEASE: {"epsilon: 1.0": "epsilon: 1.01"}}, RELEASE, "1.01"),
    (
        "class-synthesizer",
        {POLICY: {"synthesizers: [mst, aim]}": "synthesizers: [dp-sgd]}"}},
        RELEASE,
        "mst,",
    ),
    ("known-synthesizer", {RELEASE: {"with: mst": "with: magic"}}, RELEASE, "magic"),
    (
        "class-proof",
        {
            RELEASE: {"with: mst": "with: dp-sgd"},
            POLICY: {
                "epsilon_per_release_at_most: 1, synthesizers: [mst, aim]}\n    demographic": (
                    "epsilon_per_release_at_most: 1, synthesizers: [dp-sgd]}\n    demographic"
                ),
            },
        },
        RELEASE,
        "dp-sgd,",
    ),
    ("delta-ceiling", {RELEASE: {"delta: 1e-9": "delta: 2e-8"}}, RELEASE, "2e-8"),
    (
        "delta-rows",
        {RELEASE: {"delta: 1e-9": "delta: 1e-8"}, DATASET: {"500000": "100000000"}},
        RELEASE,
        "1e-8",
    ),
    ("known-purpose", {RELEASE: {"purpose: vendor-testing": "purpose: fun"}}, RELEASE, "fun"),
    ("retention", {RELEASE: {"2027-06-30": "2026-11-21"}}, RELEASE, "2026-11-21"),
    ("retention", {RELEASE: {"2027-06-30": "2028-11-22"}}, RELEASE, "2028-11-22"),
]


@pytest.mark.parametrize(("rule", "changes", "file", "word"), CASES)
def test_a_rule_denies_at_the_place(rule: str, changes: Changes, file: str, word: str) -> None:
    found = [finding for finding in judge(changes) if finding.rule == rule]
    assert found, judge(changes)
    finding = found[0]
    assert finding.level == "deny"
    assert finding.file == file
    assert word_at(finding, changes).startswith(word)
    assert finding.fix
    assert finding.place == f"{file}:{finding.line}:{finding.column}"


def test_more_rows_out_than_in_are_a_warning() -> None:
    changes = {RELEASE: {"rows: 100000": "rows: 500001"}}
    (finding,) = judge(changes)
    assert (finding.rule, finding.level) == ("rows-out", "warn")
    assert word_at(finding, changes).startswith("500001")
    assert judge({RELEASE: {"rows: 100000": "rows: 500000"}}) == ()


def test_free_text_is_left_out_with_a_warning() -> None:
    text = IDENTIFIER.replace("mrn: {type: identifier", "notes: {type: text")
    changes = {DATASET: {"    age_group:": text}, RELEASE: {"follow_up]": "follow_up, notes]"}}
    (finding,) = judge(changes)
    assert (finding.rule, finding.level) == ("free-text", "warn")
    assert word_at(finding, changes).startswith("notes")


def test_a_derived_column_may_be_listed_beside_what_it_comes_from() -> None:
    changes = {
        DATASET: {"  columns:": DERIVED},
        RELEASE: {"length_minutes, reason,": "length_minutes, long, reason,"},
    }
    assert judge(changes) == ()


def test_an_identifier_that_is_made_up_anew_may_be_released() -> None:
    made_up = IDENTIFIER.replace("phi}", "phi, regenerate: {prefix: P-}}")
    changes = {DATASET: {"    age_group:": made_up}, RELEASE: {"follow_up]": "follow_up, mrn]"}}
    assert judge(changes) == ()


def test_every_rule_of_the_source_has_a_case_here() -> None:
    source = inspect.getsource(rules)
    named = {part.split('"')[1] for part in source.split("case.finding(")[1:] if '"' in part[:60]}
    assert named == {rule for rule, *_ in CASES} | {"rows-out", "rows-limit", "free-text"}


@pytest.mark.parametrize(
    "changes",
    [
        {POLICY: {"  timezone: UTC": "  expires: 2026-11-22"}},
        {POLICY: {"      lifetime:": "      retired: 2026-11-23\n      lifetime:"}},
        {RELEASE: {"2027-06-30": "2026-11-22"}},
        {RELEASE: {"2027-06-30": "2028-11-21"}},
        {RELEASE: {"delta: 1e-9": "delta: 1e-8"}},
        {RELEASE: {"delta: 1e-9": "delta: 1e-8"}, DATASET: {"500000": "99999999"}},
        {
            RELEASE: {"  utility:\n    - {metric: marginal_tvd, order: 2, at_most: 0.1}\n": ""},
            POLICY: {"schema_conformity, marginal_tvd": "schema_conformity"},
        },
    ],
)
def test_the_last_allowed_value_is_allowed(changes: Changes) -> None:
    assert judge(changes) == ()


def test_a_class_is_named_once_however_many_columns_have_it() -> None:
    found = judge({RELEASE: {"epsilon: 1.0": "epsilon: 2"}})
    assert [finding.rule for finding in found] == ["class-epsilon", "class-epsilon"]
    assert "demographic" in found[0].message
    assert "phi" in found[1].message


def test_everything_that_is_wrong_is_said_at_once() -> None:
    found = judge(
        {
            RELEASE: {
                "purpose: vendor-testing": "purpose: fun",
                "delta: 1e-9": "delta: 1e-3",
                "with: mst": "with: magic",
                "[age_group": "[nothing, age_group",
            }
        }
    )
    assert {finding.rule for finding in found} == {
        "known-columns",
        "known-synthesizer",
        "class-synthesizer",
        "delta-ceiling",
        "delta-rows",
        "known-purpose",
    }


def test_a_domain_of_private_data_does_not_hide_in_a_column_that_is_not_released() -> None:
    changes = {
        DATASET: {'public_codebook: "intake form, question 7"': "private_data: a query"},
        RELEASE: {"reason, follow_up]": "follow_up]"},
    }
    assert judge(changes) == ()
