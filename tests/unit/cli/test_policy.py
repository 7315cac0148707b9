"""`dpgate policy test` and `dpgate policy diff`, as a person runs them."""

from __future__ import annotations

import json
from pathlib import Path
from xml.etree import ElementTree

import click
import jsonschema
import pytest

from dpgate.cli.options import complete_rule
from tests.team import MANIFEST, POLICY, RELEASE, Team
from tests.unit.cli.conftest import Run
from tests.unit.gate.policytest.writing import write

ROOT = Path(__file__).parents[3]
TOO_PRECISE = """
- name: too precise
  set: {privacy.epsilon: 1.5}
  expect: [{rule: class-epsilon, message: with phi}]
- {name: as it is, expect: allow}
"""


def test_the_tests_of_this_repository_pass(run: Run) -> None:
    ended = run("policy", "test", "--repo", ROOT)
    assert ended.code == 0, ended.out
    assert "✓ not past the year's budget for their health, in whatever portions" in ended.out
    assert " cases passed\n" in ended.out
    assert run("policy", "test", "--repo", ROOT, "--require-tests").code == 0


def test_those_that_init_writes_pass(run: Run, fresh_team: Team, tmp_path: Path) -> None:
    assert run("init", tmp_path / "new", "--keys", tmp_path / "k").code == 0
    ended = run("policy", "test", "--require-tests", "--repo", tmp_path / "new")
    assert ended.code == 0, ended.out
    assert "✓ 7 cases passed" in ended.out


def test_a_failed_case_says_what_differs_and_where(run: Run, fresh_team: Team) -> None:
    path = write(fresh_team, TOO_PRECISE)
    ended = run("policy", "test", path, at=fresh_team.clone)
    assert ended.code == 1
    lines = [line.strip() for line in ended.out.splitlines()]
    assert lines[1] == f"✗ too precise   {path}:8:13"
    assert "+ found    denial [class-epsilon] at privacy.epsilon: ε 1.5 is above the 1" in lines[2]
    assert lines[3] == f"{path}:9:30   fix: epsilon: 1 or less"
    assert lines[4].startswith("= found    [class-epsilon] at privacy.epsilon: ε 1.5 is above")
    assert "✗ 2 cases, 1 failed" in lines
    body = run("policy", "test", path, "--format", "json").json
    assert body["schema"] == "dpgate.policy-test/v1"
    assert [case["passed"] for case in body["files"][0]["cases"]] == [False, True]


def test_a_malformed_case_ends_it_with_its_place(run: Run, fresh_team: Team) -> None:
    path = write(fresh_team, "- {name: a, set: {privacy.epsilon: -1}, expect: allow}")
    ended = run("policy", "test", at=fresh_team.clone)
    assert ended.code == 2
    assert f"{path}:8:40: spec.privacy.epsilon: expected a number above 0" in ended.err
    assert run("check", path).code == 0  # it is a document of its kind; what it makes is not read
    fresh_team.edit(path, "expect: allow", "expect: perhaps")
    assert run("check", path).code == 2
    assert run("check").code == 0


def test_a_stricter_policy_and_what_it_would_stop(run: Run, released_team: Team) -> None:
    team = released_team
    team.copy_manifest("second", **{"epsilon: 1.0": "epsilon: 0.5"})
    team.edit(POLICY, "epsilon_per_release_at_most: 1,", "epsilon_per_release_at_most: 0.9,")
    monkey = {"at": team.clone}
    ended = run("policy", "diff", **monkey)
    assert ended.code == 0, ended.err
    assert "adopted → worktree\n  ε of one release with" in ended.out
    assert f"✗ {RELEASE}   allowed → denied; released by entry 2, would be denied" in ended.out
    assert f"✗ {MANIFEST}:" in ended.out
    assert "clinic-visits/second" not in ended.out
    assert "1 of 2 releases would be judged otherwise" in ended.out
    assert run("policy", "diff", "--exit-code").code == 1
    assert run("policy", "diff", "main", "adopted", "--exit-code").code == 0
    back = run("policy", "diff", "worktree", "main", "--format", "json")
    (change,) = back.json["releases"]
    assert (change["before"], change["after"], change["made"]) == ("denied", "allowed", 2)
    there = run("policy", "diff", "worktree", "main")
    assert "denied → allowed; released by entry 2" in there.out
    assert "what no longer denies it" in there.out


def test_policies_are_named_in_several_ways(run: Run, fresh_team: Team) -> None:
    other = fresh_team.folder / "other.yaml"
    other.write_text(
        (fresh_team.clone / POLICY)
        .read_text()
        .replace("delta_at_most: 1e-8", "delta_at_most: 1e-10")
    )
    ended = run("policy", "diff", "HEAD", other, at=fresh_team.clone)
    assert "✗ clinic-visits/vendor-testing   allowed → denied\n" in ended.out
    assert "[delta-ceiling]" in ended.out
    assert (
        "! budgets are judged as if nothing had been spent: this clone has no ledger" in ended.out
    )
    assert run("policy", "diff", other, POLICY).out.count("denied → allowed") == 1
    same = run("policy", "diff", "worktree", "main")
    assert "they say the same" in same.out
    assert "none of 1 release would be judged otherwise" in same.out


@pytest.mark.parametrize(
    ("name", "code", "words"),
    [
        ("adopted", 4, "this clone has no ledger branch"),
        ("nowhere", 2, "no commit nowhere in this clone"),
        ("-x", 2, ""),
        (MANIFEST, 2, "is no policy"),
    ],
)
def test_what_is_no_policy(run: Run, fresh_team: Team, name: str, code: int, words: str) -> None:
    ended = run("policy", "diff", name, at=fresh_team.clone)
    assert ended.code == code
    assert words in ended.err


def test_the_schema_of_its_documents_is_for_editors_too(fresh_team: Team) -> None:
    schema = json.loads((ROOT / "schemas" / "policy-test.schema.json").read_text())
    jsonschema.Draft202012Validator.check_schema(schema)
    cases = schema["$defs"]["PolicyCase"]["properties"]
    assert all("description" in cases[key] for key in ("set", "history", "expect", "needs"))


def test_build_servers_read_it_as_their_own_tests(run: Run, fresh_team: Team) -> None:
    write(fresh_team, TOO_PRECISE)
    outputs = ("--output", "junit=junit.xml", "--output", "github=lines.txt")
    ended = run("policy", "test", *outputs, at=fresh_team.clone)
    assert ended.code == 1
    suites = ElementTree.parse(fresh_team.clone / "junit.xml").getroot()
    assert [case.get("name") for case in suites.iter("testcase")][:2] == ["too precise", "as it is"]
    (failure,) = suites.iter("failure")
    assert "found denial [class-epsilon]" in str(failure.get("message"))
    lines = (fresh_team.clone / "lines.txt").read_text()
    assert "::error file=policies/tests/one.yaml,line=8," in lines
    assert "2 cases of tests of the policy, 1 failed" in lines


def test_rules_are_listed_completed_and_explained(run: Run, fresh_team: Team) -> None:
    listed = run("policy", "rules", at=fresh_team.clone)
    assert listed.code == 0
    assert listed.out == run("policy", "explain").out
    assert "  class-epsilon " in listed.out
    assert "next: dpgate policy explain RULE" in listed.out
    told = run("policy", "explain", "class-epsilon", "--release", RELEASE)
    assert told.code == 0
    assert "waived by nobody: it is built into dpgate" in told.out
    assert f"✓ {RELEASE}: it holds" in told.out
    body = run("policy", "explain", "class-epsilon", "--format", "json").json
    assert (body["schema"], body["rule"]["origin"]) == ("dpgate.policy-explain/v1", "built-in")
    assert run("policy", "explain", "--release", RELEASE).code == 2
    unknown = run("policy", "explain", "class-epsilom")
    assert unknown.code == 2
    assert "did you mean 'class-epsilon'?" in unknown.err
    param = click.Argument(["rule"])
    context = click.Context(click.Command("explain"))
    context.params["repo"] = fresh_team.clone
    assert [i.value for i in complete_rule(context, param, "class-e")] == ["class-epsilon"]
    context.params["repo"] = fresh_team.folder
    assert complete_rule(context, param, "class-e") == []


def test_a_rule_of_the_catalogue_that_is_switched_off(run: Run, fresh_team: Team) -> None:
    ended = run("policy", "explain", "assumption-approval", at=fresh_team.clone)
    assert ended.code == 2
    assert "docs/rules/assumption-approval.md says what it does" in ended.err
