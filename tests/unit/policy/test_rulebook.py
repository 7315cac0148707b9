"""Rules where they were written: faults and findings at their places."""

from __future__ import annotations

import datetime as dt

import pytest

from dpgate.errors import DocumentError
from dpgate.loading.documents import Loaded, load
from dpgate.policy.cel.documents import of_documents
from dpgate.policy.cel.evaluate import Scene
from dpgate.policy.cel.source import Fault
from dpgate.policy.rulebook import (
    Bound,
    conditions_of,
    ended,
    faulty,
    findings,
    problem_of,
    programs,
    rules_of,
    usable,
)
from tests.unit.policy.worlds import DATASET, POLICY, RELEASE, dataset, loaded, release, text

RULES = """\
  rules:
    - {id: small, title: S, assert: release.epsilon < 0.5, message: "ε {release.epsilon}", at: privacy.epsilon}
    - id: of-dataset
      title: D
      assert: >-
        dataset.rows_at_most
          < 5
      message: too many
      at: dataset.rows.at_most
      help: ask the steward
      enforcement: soft
    - {id: held, title: H, assert: "true", message: m}
    - {id: nowhere, title: N, assert: "release.utility[7].order == 1", message: m, enforcement: advisory}
"""


def policy_file(rules: str = RULES, when: str = "{region_not_in: [US]}") -> Loaded:
    made = text(POLICY).replace("  policy_change:", f"{rules}  policy_change:")
    return load(POLICY, made.replace("{region_not_in: [US]}", when).encode())


def ours(file: Loaded) -> tuple[Bound, ...]:
    return tuple(bound for bound in rules_of(file) if bound.origin == "policy")


def at(file: Loaded, line: int, column: int) -> str:
    return file.text.split("\n")[line - 1][column - 1 :]


def test_findings_point_at_the_key_that_a_rule_names() -> None:
    manifest, described = loaded(RELEASE), loaded(DATASET)
    scene = Scene(of_documents(dataset(), release(), dt.date(2026, 11, 22)))
    small, rows, broken = findings(
        programs(ours(policy_file())), scene, manifest, described, {"of-dataset": "a-waiver.yaml"}
    )
    assert (small.message, small.level) == ("ε 1", "deny")
    assert at(manifest, small.line, small.column).startswith("1.0")
    assert small.fix.startswith("change the manifest")
    assert (rows.outcome, rows.level, rows.waiver) == ("waived", "warn", "a-waiver.yaml")
    assert (rows.fix, rows.help) == ("ask the steward", "ask the steward")
    assert at(described, rows.line, rows.column).startswith("500000")
    assert (broken.outcome, broken.level) == ("error", "deny")
    assert broken.message == "could not be evaluated: Index error: index=7 size=1"


def test_a_built_in_name_is_taken() -> None:
    file = policy_file(RULES.replace("id: small", "id: budget"))
    with pytest.raises(DocumentError) as taken:
        usable(ours(file))
    (problem,) = taken.value.problems
    assert at(file, problem.line, problem.column).startswith("budget")


def test_faults_stand_where_they_are_in_folded_text() -> None:
    file = policy_file(RULES.replace("< 5", "< 5.0").replace("rows_at_most\n", "rows_at_mots\n"))
    with pytest.raises(DocumentError) as bad:
        programs(ours(file))
    (problem,) = bad.value.problems
    assert at(file, problem.line, problem.column).startswith("rows_at_mots")
    assert problem.message == "rule of-dataset, assert: dataset has no field rows_at_mots"


def test_a_default_that_stands_nowhere_is_at_its_rule() -> None:
    file = policy_file()
    small = ours(file)[0]
    problem = problem_of(small, Fault("when", 3, "no", "fix"))
    assert at(file, problem.line, problem.column).startswith("{id: small")


def test_faults_found_apart_are_told_once() -> None:
    bounds = ours(policy_file())
    numbers = {bound.source: number for number, bound in enumerate(bounds)}
    twice = [(0, Fault("assert", 0, "no", "")), (0, Fault("assert", 0, "no", ""))]
    assert [p.message for p in faulty(bounds, numbers, twice)] == ["rule small, assert: no"]


def test_conditions_of_approvals_are_compiled_like_rules() -> None:
    file = policy_file(when="release.nope == 1")
    with pytest.raises(DocumentError) as bad:
        usable(conditions_of(file))
    (problem,) = bad.value.problems
    assert problem.message == "approvals, when: release has no field nope"
    assert at(file, problem.line, problem.column).startswith("nope")
    assert conditions_of(policy_file()) == ()
    usable(())


def test_a_run_that_was_ended_denies() -> None:
    found = ended("they took too long", loaded(RELEASE))
    assert (found.rule, found.level, found.outcome) == ("rules-ended", "deny", "error")
    assert "they took too long" in found.message
