"""What a case is about: manifests and datasets of the repository or of the test, and changes."""

from __future__ import annotations

import textwrap

from tests.team import DATASET, MANIFEST, RELEASE, Team
from tests.unit.gate.policytest.writing import one, problems, run

NOTHING = "releases/clinic-visits/nothing"
INLINE = """
- name: inline
  dataset:
    population: clinic-patients
    neighboring: add-remove
    unit: {row: visit, max_rows_per_person: 1, source: invented}
    rows: {at_most: 100000}
    columns:
      ward: {type: category, sensitivity: demographic, domain: [a, b], source: {public_codebook: x}}
      late: {type: boolean, sensitivity: secret, source: {public_codebook: x}}
  release:
    dataset: wards
    purpose: research
    recipients: [us]
    regions: [US]
    columns: [ward, late]
    synthesize: {with: mst, rows: 10}
    privacy: {epsilon: 0.5, delta: 1e-9, evidence_share: 0.1}
    utility: [{metric: marginal_tvd, order: 2, at_most: 0.9}]
    retention: {expires: 2027-01-01}
    terms: [no-reidentification, no-onward-transfer]
  expect:
    - {rule: known-class, at: dataset.columns.late.sensitivity, message: class secret of column late}
"""


def test_a_case_may_bring_its_own_documents(fresh_team: Team) -> None:
    result = one(fresh_team, INLINE)
    assert result.passed, result
    (found,) = result.found
    line = (fresh_team.clone / found.file).read_text().splitlines()[found.line - 1]
    assert line[found.column - 1 :].startswith("secret")


def test_documents_are_named_by_name_or_by_path(fresh_team: Team) -> None:
    result = run(
        fresh_team,
        f"""
        - {{name: by name, release: {RELEASE}, expect: allow}}
        - {{name: by path, release: {MANIFEST}, dataset: {DATASET}, expect: allow}}
        - {{name: by folder, release: releases/{RELEASE}, dataset: clinic-visits, expect: allow}}
        """,
    )
    assert result.passed


def test_metadata_can_be_changed_too(fresh_team: Team) -> None:
    result = one(
        fresh_team,
        """
        - name: other names
          set:
            metadata.name: other
            metadata.owner: somebody
            dataset.metadata.steward: nobody
            purpose: selling
          expect: [{rule: known-purpose, at: purpose}]
        """,
    )
    assert result.passed


def test_what_names_no_document_is_an_error_where_it_stands(fresh_team: Team) -> None:
    found = problems(
        fresh_team,
        """
        - {name: a, release: clinic-visits/nothing, expect: allow}
        - {name: b, dataset: nothing, expect: allow}
        - {name: c, set: {dataset: nothing}, expect: allow}
        """,
    )
    assert found == [
        f"no document {NOTHING}/release.yaml @ clinic-visits/nothing, expect: allow}}",
        "no document releases/nothing/dataset.yaml @ nothing, expect: allow}",
        f"no document releases/nothing/dataset.yaml @ {RELEASE}",
    ]


def test_malformed_results_of_changes_are_errors_where_they_were_written(fresh_team: Team) -> None:
    found = problems(
        fresh_team,
        """
        - {name: a, set: {privacy.epsilon: -1, dataset.rows.at_most: none}, expect: allow}
        - {name: b, set: {dataset.rows.at_most: none}, expect: allow}
        - {name: c, set: {privacy.nothing: 1}, expect: allow}
        """,
    )
    assert found[0].startswith("spec.privacy.epsilon: expected a number above 0; found -1 @ -1, ")
    assert any(f.startswith("spec.rows.at_most: expected a whole number") for f in found)
    assert any(f.startswith("unknown key 'nothing' @ 1}") for f in found)
    inline = problems(fresh_team, "- {name: d, release: {dataset: x}, expect: allow}")
    assert (
        "spec.cases[1].release: key 'purpose' is missing @ {dataset: x}, expect: allow}" in inline
    )


def test_the_document_itself_is_held_to_its_form(fresh_team: Team) -> None:
    head = textwrap.dedent(
        """
        - {name: same, expect: allow}
        - {name: same, expect: allow}
        """
    )
    assert "two cases are named 'same'" in problems(fresh_team, head)[0]
    assert "expected allow, or a list" in problems(fresh_team, "- {name: a, expect: perhaps}")[0]
    late = "- {name: a, history: [{on: 2026-11-21}], expect: allow}"
    assert "2026-11-21 is not before 2026-11-20" in problems(fresh_team, late)[0]
    year = ", ".join(["{on: 2026-11-01, times: 100}"] * 21)
    many = f"- {{name: a, history: [{year}], expect: allow}}"
    assert "more than 2,000 earlier releases" in problems(fresh_team, many)[0]
