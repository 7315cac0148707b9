"""Rules in CEL through the whole life of a release: check, plan, approve, release, verify."""

from __future__ import annotations

import shutil
from decimal import Decimal
from typing import Any

import pytest

from dpgate.errors import DocumentError, UndecidedError, UsageError
from dpgate.gate import circumstances, ruling
from dpgate.policy.cel.types import Budget, History
from tests.team import DATASET, MANIFEST, POLICY, RELEASE, Team


def rule(name: str, assertion: str, when: str = "true", **keys: str) -> str:
    """A rule as YAML, on one line."""
    given = {"title": "A rule", "when": f"'{when}'", "assert": f"'{assertion}'"}
    given |= {"message": "'it does not hold'"} | keys
    return f"    - {{id: {name}, " + ", ".join(f"{k}: {v}" for k, v in given.items()) + "}\n"


def with_rules(team: Team, *rules: str) -> Team:
    team.edit(POLICY, "  policy_change:", "  rules:\n" + "".join(rules) + "  policy_change:")
    team.commit("Rules")
    return team


def adopted(team: Team, *rules: str) -> Team:
    with_rules(team, *rules)
    team.approve("policy")
    team.adopt()
    return team


def test_check_judges_what_documents_say_and_counts_the_rest(fresh_team: Team) -> None:
    team = with_rules(
        fresh_team,
        rule("small", "release.epsilon <= 0.5", at="privacy.epsilon", help="ask privacy"),
        rule("dear", "release.epsilon <= 0.5", enforcement="advisory"),
        rule("waivable", "release.terms.size() > 9", enforcement="soft", at="dataset.columns"),
        rule("broken", 'release.recipients[7] == "acme"', enforcement="advisory"),
        rule("fine", 'release.regions == ["US"]'),
        rule("joined", 'budget.after["lifetime"] <= 0.1'),
        rule("signed", 'approvals["privacy"].have > 5'),
    )
    result = team.api.check()
    found = {f.rule: (f.level, f.outcome, f.enforcement) for f in result.findings}
    assert found == {
        "small": ("deny", "violated", "hard"),
        "dear": ("warn", "violated", "advisory"),
        "waivable": ("deny", "violated", "soft"),
        "broken": ("deny", "error", "advisory"),
    }
    assert result.later == ("joinable-recipient", "joined", "signed")
    small, _, waivable, broken = result.findings
    line = (team.clone / MANIFEST).read_text().splitlines()[small.line - 1]
    assert (small.file, small.fix, small.help) == (MANIFEST, "ask privacy", "ask privacy")
    assert line[small.column - 1 :].startswith("1.0")
    assert waivable.file.endswith("dataset.yaml")
    assert broken.message == "could not be evaluated: Index error: index=7 size=1"


def test_a_rule_that_cannot_be_used_is_an_error_at_its_place(fresh_team: Team) -> None:
    team = with_rules(
        fresh_team,
        rule("bad", "release.epsilon <= 3"),
        rule("budget", "true"),
    )
    with pytest.raises(DocumentError) as taken:
        team.api.check()
    assert "there is a built-in rule of this name" in taken.value.problems[0].message
    team.edit(POLICY, "{id: budget,", "{id: other,")
    for verb in (team.api.check, team.adopt, lambda: team.approve("policy")):
        with pytest.raises(DocumentError) as bad:
            verb()
        (problem,) = bad.value.problems
        assert problem.message == "rule bad, assert: <= does not take double and int"
        assert problem.fix == "write 3.0: ε, δ and budgets are doubles"
        line = (team.clone / POLICY).read_text().splitlines()[problem.line - 1]
        assert line[problem.column - 1 :].startswith("<= 3")
    done = team.dpgate("check")
    assert (done.returncode, done.stderr.count("policies/organization.yaml:")) == (2, 1)


def test_a_condition_of_an_approval_is_an_expression_too(fresh_team: Team) -> None:
    fresh_team.edit(POLICY, "when: {region_not_in: [US]}", "when: budget.before.size() > 0")
    for verb in (fresh_team.api.check, fresh_team.adopt):
        with pytest.raises(DocumentError) as bad:
            verb()
        (problem,) = bad.value.problems
        assert problem.message == "approvals, when: budget is not known here"
        assert problem.fix == "known here: release, dataset, clock"
    fresh_team.edit(POLICY, "when: budget.before.size() > 0", "when: release.epsilon >= 1.0")
    assert fresh_team.api.check().allowed
    fresh_team.approve("policy")
    fresh_team.adopt()
    assert [row.role for row in fresh_team.api.plan(RELEASE).approvals] == ["privacy", "legal"]


def test_rules_about_the_ledger_are_judged_by_plan(fresh_team: Team) -> None:
    team = adopted(
        fresh_team,
        rule("joined", 'budget.after["recipient:acme-scheduling"] <= 0.1'),
        rule("once", "release.recipients.all(r, !(r in history.recipients))"),
        rule("whole", 'budget.limit["lifetime"] == 8.0 && budget.before["lifetime"] == 0.0'),
        rule("few", "history.releases.size() < 1 && budget.scopes.size() == 3"),
    )
    findings = team.api.plan(RELEASE).findings
    assert [(f.rule, f.outcome) for f in findings if f.level == "deny"] == [("joined", "violated")]
    assert team.release().outcome == "denied"


def test_a_rule_about_approvals_waits_for_them_and_stops_no_approval(fresh_team: Team) -> None:
    team = adopted(
        fresh_team,
        rule("both", 'approvals["legal"].have >= 1 && approvals["legal"].needed == 0'),
    )
    assert team.api.plan(RELEASE).verdict == "waiting"
    team.approve(RELEASE, "privacy")
    plan = team.api.plan(RELEASE)
    assert (plan.verdict, plan.next) == (
        "waiting", f"dpgate approve {RELEASE} --role ROLE --key KEY",
    )  # fmt: skip
    assert team.release().outcome == "denied"
    team.approve(RELEASE, "legal")
    assert team.api.plan(RELEASE).verdict == "ready"
    assert team.release().outcome == "released"
    assert team.api.verify(root=team.root).verified


def test_a_rule_about_the_release_stops_approvals(fresh_team: Team) -> None:
    team = adopted(fresh_team, rule("never", "false"))
    with pytest.raises(UsageError, match="it does not hold"):
        team.approve()


@pytest.mark.slow
def test_verify_judges_again_by_what_was_known_then(
    fresh_team: Team, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second release sees the first, and each sees the budget before it."""
    team = adopted(
        fresh_team,
        rule("seen", "release.name == \"clinic-visits/vendor-testing\" || "
             "(history.releases.size() == 1 && history.releases[0].outcome == \"released\" && "
             "history.recipients[\"acme-scheduling\"].size() == 1 && "
             "budget.before[\"lifetime\"] > 0.0)"),
        rule("signed", "approvals[\"privacy\"].have >= approvals[\"privacy\"].needed"),
        rule("dated", "clock.year >= 2026 && release.retention_days > 0"),
    )  # fmt: skip
    team.approve()
    assert team.release().outcome == "released"
    second = team.copy_manifest("second", **{"epsilon: 1.0": "epsilon: 0.5"})
    team.commit()
    team.approve(second)
    assert team.release(second).outcome == "released"
    result = team.api.verify(root=team.root)
    assert result.verified
    assert "rules about the ledger held at 2 reservations" in result.steps[9].detail

    nothing = {
        "history": History(releases=()),
        "budget": Budget(
            scopes=(), before={"lifetime": Decimal(0)}, after={}, limit={}, remaining={}
        ),
    }
    real = circumstances.Circumstances.facts
    for root, empty in nothing.items():

        def other(
            self: object, needs: frozenset[str], root: str = root, empty: object = empty
        ) -> object:
            return {**real(self, needs), root: empty}  # type: ignore[arg-type]

        monkeypatch.setattr(circumstances.Circumstances, "facts", other)
        failed = next(s for s in team.api.verify(root=team.root).steps if s.status == "fail")
        assert (failed.name, failed.file) == ("budgets", "releases/ledger/000004-reserve.dsse.json")
        assert "reserved against rule seen" in failed.detail


@pytest.mark.parametrize(
    ("assertion", "step"),
    [("release.epsilon <= 0.5", "rules"), ('budget.after["lifetime"] <= 0.1', "budgets")],
)
def test_verify_finds_a_release_that_broke_a_rule(
    fresh_team: Team, monkeypatch: pytest.MonkeyPatch, assertion: str, step: str
) -> None:
    """A runner whose dpgate was changed reserves against the rules: everybody else sees it."""
    team = adopted(fresh_team, rule("kept", assertion))
    with monkeypatch.context() as patch:
        patch.setattr(ruling, "further", lambda *_, **__: ruling.Opinion())
        team.approve()
        assert team.release().outcome == "released"
    failed = next(s for s in team.api.verify(root=team.root).steps if s.status == "fail")
    assert (failed.name, failed.detail) == (step, "reserved against rule kept: it does not hold")


def test_rules_that_take_too_long_deny_every_manifest(
    fresh_team: Team, monkeypatch: pytest.MonkeyPatch
) -> None:
    from dpgate.policy.cel import apart

    team = with_rules(fresh_team, rule("any", "true"))
    team.copy_manifest("second")
    monkeypatch.setattr(apart, "SECONDS", 0.0)
    monkeypatch.setattr(apart, "SECONDS_EACH", 0.0)
    result = team.api.check()
    assert [(f.rule, f.level, f.outcome) for f in result.findings] == [
        ("rules-ended", "deny", "error")
    ] * 2
    assert "they took longer than 0 seconds" in result.findings[0].message


def test_rules_are_compiled_where_there_is_no_manifest_too(fresh_team: Team) -> None:
    team = with_rules(fresh_team, rule("bad", "release.nope"))
    shutil.rmtree(team.clone / "releases" / "clinic-visits")
    with pytest.raises(DocumentError):
        team.api.check()


def test_rules_that_take_too_long_deny_where_there_is_no_manifest_too(
    fresh_team: Team, monkeypatch: pytest.MonkeyPatch
) -> None:
    from dpgate.policy.cel import apart

    team = with_rules(fresh_team, rule("any", "true"))
    shutil.rmtree(team.clone / "releases" / "clinic-visits")
    monkeypatch.setattr(apart, "SECONDS", 0.0)
    with pytest.raises(UndecidedError, match="rules of the work tree were not read"):
        team.api.check()


def test_a_datasets_rule_under_the_organizations_name_is_never_released_by(
    fresh_team: Team,
) -> None:
    """`verify` refuses such rules, so one release by them would be the ledger's last."""
    team = adopted(fresh_team, rule("cheap", "release.epsilon <= 9.0"))
    text = (team.clone / DATASET).read_text().rstrip("\n")
    team.write(DATASET, f"{text}\n  rules:\n{rule('cheap', 'release.epsilon <= 8.0')}")
    team.commit("A name that is taken")
    for verb in (team.api.check, lambda: team.api.plan(RELEASE), team.approve, team.release):
        with pytest.raises(DocumentError) as taken:
            verb()
        assert "the organization has a rule of this name" in taken.value.problems[0].message
    assert len(team.ledger()) == 1


def test_nothing_is_reserved_that_verify_would_refuse(
    fresh_team: Team, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever makes a plan and `verify` disagree: one such entry would be the ledger's last."""
    team = adopted(fresh_team, rule("kept", "release.epsilon <= 0.5"))
    real = ruling.further

    def lenient(*given: Any, everything_signed: bool = False, **named: Any) -> ruling.Opinion:
        if everything_signed:
            return real(*given, everything_signed=True, **named)
        return ruling.Opinion()

    monkeypatch.setattr(ruling, "further", lenient)
    team.approve()
    with pytest.raises(UndecidedError, match="reserved against rule kept") as refused:
        team.release()
    assert "nothing was spent" in refused.value.fix
    assert len(team.ledger()) == 1
