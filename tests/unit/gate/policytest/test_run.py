"""What a case expects, against what is found; and what a run comes to."""

from __future__ import annotations

import pytest

from dpgate.errors import DocumentError, UsageError
from dpgate.gate.policytest.run import run_tests
from dpgate.gate.workspace import policy_of, workspace
from dpgate.policy.builtin import BUILTIN
from tests.team import POLICY, Team
from tests.unit.gate.policytest.writing import one, run, write


def test_an_allowed_release_and_a_denied_one(fresh_team: Team) -> None:
    result = run(
        fresh_team,
        """
        - {name: as it is, needs: [privacy], expect: allow}
        - name: too precise
          set: {privacy.epsilon: 1.5}
          expect:
            - {rule: class-epsilon, level: deny, outcome: violated, at: privacy.epsilon, message: phi}
            - {rule: class-epsilon, message: demographic columns}
        """,
    )
    assert result.passed
    assert [case.passed for case in result.cases] == [True, True]
    (file,) = result.files
    assert (file.file, file.name) == ("policies/tests/one.yaml", "one")
    tested = {rule.rule: (rule.holding, rule.failing) for rule in result.rules}
    assert tested["class-epsilon"] == (1, 1)
    assert tested["budget"] == (1, 0)  # a rule that denies ends it before budgets are judged
    built_in = {rule.id for rule in BUILTIN.values() if rule.about == "release"}
    switched_on = set(policy_of(workspace(fresh_team.clone).policy_file).spec.catalogue)
    assert set(tested) == built_in | switched_on


def test_what_is_missing_and_what_is_there_unasked(fresh_team: Team) -> None:
    result = one(
        fresh_team,
        """
        - name: otherwise
          set: {purpose: selling, regions: [FR]}
          needs: [privacy, security]
          expect:
            - {rule: retention, level: deny, outcome: violated, at: retention.expires, message: too long}
            - {rule: known-purpose, level: warn}
        """,
    )
    assert not result.passed
    assert result.missing == (
        "denial [retention], violated at retention.expires: … too long …",
        "warning [known-purpose]",
        "approval of security",
    )
    assert len(result.unexpected) == 2
    assert result.unexpected[0].startswith("denial [known-purpose] at purpose: purpose selling")
    assert result.unexpected[1] == "approval of legal is needed"
    assert [found.expected for found in result.found] == [False]


def test_warnings_count_only_where_a_case_is_exact(fresh_team: Team) -> None:
    rows = "set: {synthesize.rows: 2000000}"
    assert one(fresh_team, f"- {{name: a, {rows}, expect: allow}}").passed
    exact = one(fresh_team, f"- {{name: a, {rows}, expect: allow, exactly: true}}")
    assert exact.unexpected[0].startswith("warning [rows-out] at synthesize.rows: 2000000 rows")
    asked = f"- {{name: a, {rows}, expect: [{{rule: rows-out, level: warn}}], exactly: true}}"
    assert one(fresh_team, asked).passed


def test_what_cannot_be_planned_denies(fresh_team: Team) -> None:
    result = one(
        fresh_team,
        """
        - name: nothing to measure with
          set: {privacy.epsilon: 1e-9}
          expect: [{rule: planning, outcome: error, at: privacy}]
        """,
    )
    assert result.passed, result


def test_the_day_is_today_where_nobody_says(fresh_team: Team) -> None:
    path = write(fresh_team, "- {name: as it is, expect: allow}")
    place = fresh_team.clone / path
    place.write_text(place.read_text().replace("  today: 2026-11-20\n", ""))
    assert run_tests(fresh_team.clone).passed
    history = "- {name: a, history: [{on: 2026-11-01}], expect: allow}"
    write(fresh_team, history)
    place.write_text(place.read_text().replace("  today: 2026-11-20\n", ""))
    with pytest.raises(DocumentError) as caught:
        run_tests(fresh_team.clone)
    assert "it needs a day: add today:" in caught.value.problems[0].message


def test_tests_are_chosen_by_path(fresh_team: Team, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(fresh_team.clone)
    one_path = write(fresh_team, "- {name: a, expect: allow}")
    write(fresh_team, "- {name: b, set: {purpose: selling}, expect: allow}", name="two")
    assert run_tests(fresh_team.clone, (fresh_team.clone / one_path,)).passed
    assert not run_tests(fresh_team.clone, ("policies/tests",)).passed
    with pytest.raises(DocumentError) as caught:
        run_tests(fresh_team.clone, (POLICY,))
    assert caught.value.problems[0].fix == "documents are policies/tests/*.yaml"


def test_a_test_stands_under_its_own_name(fresh_team: Team) -> None:
    path = fresh_team.clone / write(fresh_team, "- {name: a, expect: allow}")
    path.rename(path.with_name("three.yaml"))
    with pytest.raises(DocumentError) as caught:
        run_tests(fresh_team.clone)
    assert "metadata.name is 'one' but the file is 'three'" in caught.value.problems[0].message
    (fresh_team.clone / POLICY).rename(path.with_name("three.yaml"))
    (fresh_team.clone / POLICY).write_text((path.with_name("three.yaml")).read_text())
    with pytest.raises(DocumentError) as caught:
        run_tests(fresh_team.clone)
    assert "expected PolicyTest at this path" in caught.value.problems[0].message


def test_without_tests_it_says_how_to_write_one(fresh_team: Team) -> None:
    for path in (fresh_team.clone / "policies" / "tests").glob("*"):
        path.unlink()
    with pytest.raises(UsageError, match="no tests in policies/tests"):
        run_tests(fresh_team.clone)
