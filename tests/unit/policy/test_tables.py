"""What a manifest must say so that two tables fit together; each finding at its place."""

from __future__ import annotations

import datetime as dt

import pytest

from dpgate.loading.documents import load
from dpgate.model.finding import Finding
from dpgate.policy import rules
from tests.suites import members
from tests.unit.policy.worlds import DATASET, RELEASE, loaded, policy

TODAY = dt.date(2026, 11, 22)
MANIFEST = members.RELEASE_DOCUMENT.replace("EXPIRES", "2027-06-30")
LISTED = ", ".join(members.COLUMNS)
CLAIMS = "claim, service, cost, paid, billed_on, settled_on, share_left, waited"
PROOFS = {"mst": "opendp"}


def judge(manifest: str, dataset: str = members.DOCUMENT) -> list[Finding]:
    found = rules.evaluate(
        policy(), load(DATASET, dataset.encode()), load(RELEASE, manifest.encode()), TODAY, PROOFS
    )
    return list(found)


def test_the_documents_of_the_suite_are_allowed() -> None:
    assert judge(MANIFEST) == []
    assert judge(MANIFEST.replace("joined: {context: [age, plan], share: 0.6}", "")) == []


CASES: list[tuple[str, str, str, str]] = [
    (f"columns: [{LISTED}", "columns: [" + LISTED.removeprefix("member, "),
     "does not list member, which joins", "[age"),
    (LISTED, f"member, {CLAIMS.removesuffix(', waited')}",
     "lists no column of persons that is learned", "[member"),
    (LISTED, "member, age, plan, claim", "lists no column of claims that is learned", "[member"),
    ("[age, plan]", "[age, service]", "context: service is no column of persons", "service]"),
    ("[age, plan]", "[age, member]", "context: member is no column of persons", "member]"),
    ("[age, plan]", "[age, nothing]", "context: nothing is no column of persons", "nothing]"),
    ("table: persons", "table: people", "about table people, and there is no such table", "people"),
    (", table: persons", "", "threshold 1 does not say which of the two tables", "{metric"),
    ("rows: 3000", "rows: 3000\n    keep_model: true", "models of two tables are not kept", "true"),
    ("  utility:", "  workload: {target: age}\n  utility:", "a workload is about one table",
     "{target"),
]  # fmt: skip


@pytest.mark.parametrize(("old", "new", "said", "at"), CASES, ids=[case[2] for case in CASES])
def test_each_fault_is_found_at_its_place(old: str, new: str, said: str, at: str) -> None:
    assert old in MANIFEST
    manifest = MANIFEST.replace(old, new)
    found = [finding for finding in judge(manifest) if finding.rule == "two-tables"]
    assert said in found[0].message
    assert len(found) == (3 if "of persons that is learned" in said else 1)
    assert found[0].level == "deny"
    assert found[0].fix
    line = manifest.splitlines()[found[0].line - 1]
    assert line[found[0].column - 1 :].startswith(at)


def test_a_context_of_too_many_combinations() -> None:
    codes = ", ".join(f"p{number}" for number in range(2000))
    dataset = members.DOCUMENT.replace("[basic, silver, gold]", f"[{codes}]")
    manifest = MANIFEST.replace("[age, plan]", "[age, plan, claims]")
    (found,) = judge(manifest, dataset)
    assert "the context has 42000 combinations of cells, 10000 can be drawn for" in found.message


def test_one_table_has_no_second() -> None:
    text = loaded(RELEASE).text
    manifest = text.replace("rows: 100000,", "rows: 100000, joined: {context: []},")
    manifest = manifest.replace("at_most: 0.1}", "at_most: 0.1, table: claims}")
    found = rules.evaluate(
        policy(), loaded(DATASET), load(RELEASE, manifest.encode()), TODAY, PROOFS
    )
    assert [finding.message for finding in found] == [
        "the dataset has no second table",
        "threshold 1 is about table claims, and there is no such table",
    ]
    assert [finding.fix for finding in found] == [
        "remove joined", "leave out table: there is one",
    ]  # fmt: skip
