"""Rules in CEL under test: judged as `plan` judges them, apart, and counted."""

from __future__ import annotations

import re

import pytest

from dpgate.errors import DocumentError, UsageError
from dpgate.gate.policyexplain import explain_rule, facts_in, rules
from dpgate.gate.policytest.result import PolicyTestResult
from dpgate.policy.builtin import BUILTIN
from tests.team import POLICY, RELEASE, Team
from tests.unit.gate.policytest.writing import one, problems, run

RULES = """
  waivers: {roles: [privacy], days_at_most: 30}
  rules:
    - id: one-recipient-one-budget
      title: Recipients who could join releases share one budget
      when: release.recipients.exists(r, r in history.recipients)
      assert: release.recipients.all(r, budget.after["recipient:" + r] <= 1.5)
      message: "ε is {budget.after['recipient:acme-scheduling']} after {size(history.releases)} others"
      at: privacy.epsilon
    - id: terms-abroad
      title: Releases abroad carry the terms of transfer
      when: release.regions.exists(r, r != "US")
      assert: '"transfer-agreement" in release.terms'
      message: "regions {release.regions} without transfer-agreement"
      at: terms
      enforcement: soft
    - id: privacy-agrees
      title: Somebody of privacy agrees to precise releases
      when: release.epsilon > 0.9
      assert: approvals["privacy"].have >= 1
      message: "{approvals['privacy'].have} of privacy agree"
"""

BOTH_SIDES = """
- name: a fourth release to the same
  history: [{on: 2026-08-01}, {on: 2026-05-01}, {on: 2026-02-01}]
  set: {privacy.epsilon: 0.9}
  expect: [{rule: one-recipient-one-budget, at: privacy.epsilon, message: after 3 others}]
- name: a small second one
  history: [{on: 2026-08-01, set: {privacy.epsilon: 0.3}}]
  set: {privacy.epsilon: 0.3}
  expect: allow
- name: abroad
  set: {regions: [CA]}
  expect: [{rule: terms-abroad, level: deny, at: terms}]
- name: abroad, under terms
  set: {regions: [CA], terms: [transfer-agreement]}
  expect: allow
- name: nobody agreed
  approvals: {}
  expect: [{rule: privacy-agrees, message: 0 of privacy}]
"""


@pytest.fixture
def ruled(fresh_team: Team) -> Team:
    text = (fresh_team.clone / POLICY).read_text()
    text = re.sub(r"\n  catalogue:\n(    .*\n)+", "\n", text)
    fresh_team.write(POLICY, text.rstrip() + RULES)
    return fresh_team


def counts(result: PolicyTestResult) -> dict[str, tuple[int, int]]:
    return {r.rule: (r.holding, r.failing) for r in result.rules if r.origin == "policy"}


def test_rules_about_documents_ledger_and_approvals(ruled: Team) -> None:
    result = run(ruled, BOTH_SIDES, require_tests=True)
    assert result.passed, [case for case in result.cases if not case.passed]
    assert counts(result) == {
        "one-recipient-one-budget": (1, 1),
        "terms-abroad": (1, 1),
        "privacy-agrees": (1, 1),  # what documents deny is never asked about approvals
    }
    assert result.untested == ()


def test_a_rule_without_a_case_for_each_side_fails_where_tests_are_required(ruled: Team) -> None:
    cases = "- {name: as it is, expect: allow}"
    assert run(ruled, cases).passed
    result = run(ruled, cases, require_tests=True)
    assert not result.passed
    assert counts(result)["privacy-agrees"] == (1, 0)
    assert counts(result)["terms-abroad"] == (0, 0)
    assert [rule.rule for rule in result.untested] == [
        "one-recipient-one-budget",
        "terms-abroad",
        "privacy-agrees",
    ]
    assert all(rule.place.startswith(f"{POLICY}:") for rule in result.untested)


def test_a_waiver_is_decided_on_like_a_real_one(ruled: Team) -> None:
    waived = """
    - name: waived
      set: {regions: [CA]}
      waivers: [terms-abroad]
      expect: [{rule: terms-abroad, outcome: waived, level: warn}]
    """
    assert one(ruled, waived).passed
    hard = "- {name: a, waivers: [privacy-agrees], expect: [{rule: waiver, message: is hard}]}"
    result = one(ruled, hard)
    assert result.passed
    (found,) = (each for each in result.found if each.rule == "waiver")
    line = (ruled.clone / found.file).read_text().splitlines()[found.line - 1]
    assert line[found.column - 1 :].startswith("privacy-agrees]")


def test_approvals_are_those_that_are_needed_unless_the_case_says(ruled: Team) -> None:
    assert one(ruled, "- {name: a, expect: allow}").passed
    assert one(ruled, "- {name: a, approvals: {privacy: 1}, expect: allow}").passed
    result = one(ruled, "- {name: a, approvals: {legal: 1}, expect: allow}")
    assert result.unexpected == ("denial [privacy-agrees]: 0 of privacy agree",)


def test_conditions_of_approvals_in_cel_are_judged_apart_too(ruled: Team) -> None:
    ruled.edit(POLICY, "{region_not_in: [US]}", "'release.epsilon > 0.5'")
    assert one(ruled, "- {name: a, needs: [privacy, legal], expect: allow}").passed
    small = "- {name: a, set: {privacy.epsilon: 0.4}, needs: [privacy], expect: allow}"
    assert one(ruled, small).passed


def test_a_case_may_ask_what_another_policy_would_say(ruled: Team) -> None:
    lower = """
    - name: a lower limit for precise releases
      set: {policy.rules.2.when: release.epsilon > 0.2, privacy.epsilon: 0.3}
      approvals: {}
      expect: [{rule: privacy-agrees}]
    """
    result = run(ruled, lower)
    assert result.passed
    assert counts(result)["privacy-agrees"] == (0, 1)  # it is the same rule
    wrong = "- {name: a, set: {policy.delta_at_most: 2}, expect: allow}"
    (found,) = problems(ruled, wrong)
    assert found.startswith("spec.delta_at_most: expected a number below 1; found 2 @ 2}")
    before = "{on: 2026-10-01, set: {policy.delta_at_most: 1e-9}}"
    (found,) = problems(ruled, f"- {{name: a, history: [{before}], expect: allow}}")
    assert found.startswith("one policy judges a case")


def test_a_hostile_rule_is_ended_and_denies(ruled: Team) -> None:
    endless = "true"
    for name in "abcdefgh":
        endless = f"[1, 2, 3, 4, 5, 6, 7, 8, 9].all({name}, {endless})"
    text = (ruled.clone / POLICY).read_text()
    bomb = f"assert: '{endless}'"
    (ruled.clone / POLICY).write_text(
        text.replace("assert: '\"transfer-agreement\" in release.terms'", bomb).replace(
            'when: release.regions.exists(r, r != "US")', "when: 'true'"
        )
    )
    result = one(ruled, "- {name: a, expect: allow}")
    assert not result.passed
    assert {found.outcome for found in result.found} == {"error"}


def test_a_rule_that_cannot_be_used_is_an_error_at_its_place(ruled: Team) -> None:
    ruled.edit(POLICY, "release.epsilon > 0.9", "release.epsilom > 0.9")
    with pytest.raises(DocumentError) as caught:
        run(ruled, "- {name: a, expect: allow}")
    (problem,) = caught.value.problems
    assert problem.file == POLICY
    line = (ruled.clone / POLICY).read_text().splitlines()[problem.line - 1]
    assert "epsilom" in line[problem.column - 1 :]
    ruled.edit(POLICY, "release.epsilom > 0.9", "release.epsilon > 0.9")
    ruled.edit(POLICY, "id: privacy-agrees", "id: budget")
    with pytest.raises(DocumentError, match="1 problem"):
        run(ruled, "- {name: a, expect: allow}")


def test_every_rule_is_listed_and_explained(ruled: Team) -> None:
    run(ruled, BOTH_SIDES)
    listed = rules(ruled.clone).rules
    assert [rule.id for rule in listed[:3]] == [
        "one-recipient-one-budget",
        "terms-abroad",
        "privacy-agrees",
    ]
    assert {rule.id for rule in listed[3:]} == set(BUILTIN)
    told = explain_rule("terms-abroad", ruled.clone)
    assert told.reads == ("release.regions", "release.terms")
    assert told.waiver == "privacy, for at most 30 days: dpgate waive"
    assert [(shown.case, shown.how) for shown in told.tests] == [
        ("abroad", "fails"),
        ("abroad, under terms", "holds"),
    ]
    assert {said.name for said in told.text} == {"when", "assert", "message", "at"}
    own = explain_rule("class-epsilon", ruled.clone)
    assert own.waiver.startswith("nobody")
    assert own.tests == ()
    with pytest.raises(UsageError) as lost:
        explain_rule("terms-aboard", ruled.clone)
    assert lost.value.fix == "did you mean 'terms-abroad'?"
    with pytest.raises(UsageError) as lost:
        explain_rule("x", ruled.clone)
    assert lost.value.fix == "dpgate policy rules lists them"


@pytest.mark.slow
def test_a_rule_is_held_against_a_release_with_the_facts_that_it_reads(ruled: Team) -> None:
    told = explain_rule("one-recipient-one-budget", ruled.clone, release=RELEASE)
    assert told.verdict == "it is not about this release"
    values = {said.name: said.value for said in told.values}
    assert values["release.recipients"] == "acme-scheduling"
    assert values["history.recipients"] == "none"
    assert "recipient:acme-scheduling: 0.825973" in values["budget.after"]
    consent = explain_rule("privacy-agrees", ruled.clone, release=RELEASE)
    assert consent.verdict.startswith("not judged: it is about approvals")
    ruled.edit(f"releases/{RELEASE}/release.yaml", "purpose: vendor-testing", "purpose: selling")
    own = explain_rule("known-purpose", ruled.clone, release=RELEASE)
    assert own.verdict == "purpose selling is not allowed by the policy"
    first = explain_rule("one-recipient-one-budget", ruled.clone, release=RELEASE)
    assert first.verdict == "not judged: something else denies the release first"
    assert "not known" in {said.name: said.value for said in first.values}["budget.after"]
    holds = explain_rule("class-epsilon", ruled.clone, release=RELEASE)
    assert holds.verdict == "it holds"
    unasked = explain_rule("budget", ruled.clone, release=RELEASE)
    assert unasked.verdict == "not judged: something else denies the release first"


@pytest.mark.parametrize(
    ("rule", "command"),
    [
        ("refused", "dpgate plan"),
        ("policy-keys", "dpgate check"),
        ("ledger-paths", "dpgate check --changed"),
    ],
)
def test_a_rule_that_no_manifest_answers_is_not_said_to_hold(
    ruled: Team, rule: str, command: str
) -> None:
    told = explain_rule(rule, ruled.clone, release=RELEASE)
    assert told.verdict == f"not judged: it is about more than the manifest; {command} says"


def test_records_among_the_facts_have_a_line_each(ruled: Team) -> None:
    ruled.edit(POLICY, "    - id: privacy-agrees", SCOPES + "    - id: privacy-agrees")
    told = explain_rule("scopes", ruled.clone, release=RELEASE)
    (value,) = [said.value for said in told.values if said.name == "budget.scopes"]
    assert [line.partition(",")[0] for line in value.splitlines()] == [
        "population: clinic-patients"
    ] * 3
    consent = explain_rule("privacy-agrees", ruled.clone, release=RELEASE)
    (value,) = [said.value for said in consent.values if said.name == "approvals"]
    assert value.splitlines()[0] == "privacy: have: 0, needed: 1"


SCOPES = """    - id: scopes
      title: Some budgets
      assert: budget.scopes.size() > 0
      message: none
"""


def test_facts_are_found_outside_of_quotes_and_methods() -> None:
    found = facts_in(
        (
            'release.regions.exists(r, r != "dataset.name")',
            'size(history.releases) < 3 && budget.after["x"] <= options.at_most',
            "{release.epsilon} of {clock.today}: release.title",
        )
    )
    assert found == (
        "release.regions",
        "history.releases",
        "budget.after",
        "options.at_most",
        "release.epsilon",
        "clock.today",
    )


@pytest.mark.parametrize(
    ("enforcement", "words"),
    [("advisory", "nobody needs to"), ("hard", "nobody: it is hard"), ("soft", "privacy, for")],
)
def test_who_may_waive(ruled: Team, enforcement: str, words: str) -> None:
    ruled.edit(POLICY, "enforcement: soft", f"enforcement: {enforcement}")
    assert explain_rule("terms-abroad", ruled.clone).waiver.startswith(words)


def test_without_a_word_on_waivers_nobody_may(ruled: Team) -> None:
    ruled.edit(POLICY, "  waivers: {roles: [privacy], days_at_most: 30}\n", "")
    told = explain_rule("terms-abroad", ruled.clone)
    assert "the policy admits no waivers" in told.waiver
