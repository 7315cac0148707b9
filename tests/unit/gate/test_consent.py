"""Refusals, authors and expiry as a team meets them: plan, release, adopt and verify."""

from __future__ import annotations

import datetime as dt

import pytest
import time_machine

import dpgate
from dpgate.errors import SignatureError, UsageError
from dpgate.gate.results import PlanResult
from dpgate.ledger.chain import link_up, read
from dpgate.model.finding import Finding
from dpgate.model.record import Reserve
from tests.team import MANIFEST, POLICY, RELEASE, Team


def plan(team: Team) -> PlanResult:
    result = team.api.plan(RELEASE)
    assert isinstance(result, PlanResult)
    return result


def refuse(team: Team, role: str = "privacy", reason: str = "Ages too fine.") -> str:
    done = team.api.refuse(RELEASE, role=role, key=team.key(role), reason=reason)
    team.commit("Refuse")
    return str(done.path)


def entry_of(team: Team, number: int) -> Reserve:
    entry = link_up(read(team.ledger())).links[number - 1].entry
    assert isinstance(entry, Reserve)
    return entry


def denials(result: PlanResult) -> list[Finding]:
    return [finding for finding in result.findings if finding.level == "deny"]


def test_a_refusal_denies_until_the_same_key_approves(team: Team) -> None:
    team.approve()
    assert plan(team).verdict == "ready"
    path = refuse(team, "legal")
    result = plan(team)
    assert result.verdict == "denied"
    (finding,) = denials(result)
    assert (finding.rule, finding.file, finding.line) == ("refused", path, 1)
    assert finding.message.startswith("legal refused it: Ages too fine. (key SHA256:")
    assert finding.fix.endswith(
        "dpgate approve clinic-visits/vendor-testing --role legal --key KEY"
    )
    assert [(row.role, row.reason) for row in result.refusals] == [("legal", "Ages too fine.")]
    assert team.release().outcome == "denied"
    assert len(team.ledger()) == 1
    (lifting,) = team.approve(RELEASE, "legal")
    assert lifting.lifts == 1
    assert plan(team).verdict == "ready"
    done = team.release()
    assert done.outcome == "released"
    verified = team.api.verify()
    assert verified.verified
    reserve = next(data for name, data in team.ledger().items() if "reserve" in name)
    assert b"refusal-legal" in __import__("base64").b64decode(
        reserve[12:-400] + b"==", validate=False
    )


def test_a_refusal_comes_before_any_approval_and_when_a_rule_denies(team: Team) -> None:
    refuse(team)
    assert plan(team).verdict == "denied"
    team.edit(MANIFEST, "purpose: vendor-testing", "purpose: unheard-of")
    assert [f.rule for f in denials(plan(team))] == ["known-purpose"]  # other bytes: it ended
    refuse(team)
    assert [f.rule for f in denials(plan(team))] == ["known-purpose", "refused"]


def test_a_refusal_outlives_a_change_of_policy(team: Team) -> None:
    refuse(team)
    team.edit(POLICY, "every: quarter, epsilon: 2}", "every: quarter, epsilon: 3}")
    team.commit("More")
    team.approve("policy")
    team.adopt()
    assert [f.rule for f in denials(plan(team))] == ["refused"]


def test_a_deleted_refusal_is_gone(team: Team) -> None:
    # Git shows who deleted it; dpgate does not read Git's history. docs/approvals.md says so.
    path = refuse(team)
    (team.clone / path).unlink()
    assert plan(team).verdict == "waiting"


def test_who_may_refuse_what(team: Team) -> None:
    with pytest.raises(SignatureError, match="does not hold role privacy"):
        team.api.refuse(RELEASE, role="privacy", key=team.key("legal"), reason="x")
    for reason in ("", "two\nlines", "\x1b[2J", "x" * 501):
        with pytest.raises(UsageError, match="one line of 1 to 500 printable characters"):
            team.api.refuse(RELEASE, role="privacy", key=team.key("privacy"), reason=reason)


def test_what_was_released_is_called_back_and_not_refused(released_team: Team) -> None:
    with pytest.raises(UsageError, match="was released by entry 3") as late:
        refuse(released_team)
    assert "dpgate withdraw" in late.value.fix


def test_a_refused_policy_is_not_adopted(fresh_team: Team) -> None:
    team = fresh_team
    team.approve("policy")
    no = {"role": "legal", "key": team.key("legal"), "reason": "No basis for teaching."}
    team.api.refuse("policy", **no)
    with pytest.raises(SignatureError, match="legal refused the policy: No basis for teaching"):
        team.adopt()
    with pytest.raises(UsageError, match="role runner has no say in policy changes"):
        team.api.refuse("policy", role="runner", key=team.key("runner"), reason="x")
    (lifting,) = team.approve("policy", "legal")
    assert lifting.lifts == 1
    team.adopt()
    assert team.api.verify().verified


# ── authors ──────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def separated(team: Team) -> Team:
    """A team whose policy demands an author's signature, and has a role for it."""
    dpgate.keygen(team.keys / "engineering", comment="engineering")
    line = (team.keys / "engineering.pub").read_text().strip()
    team.edit(
        POLICY, "  approvals:", "  separation: {authors: [engineering, privacy]}\n  approvals:"
    )
    team.edit(
        POLICY, "    legal: {keys:", f"    engineering: {{keys: [{line}]}}\n    legal: {{keys:"
    )
    team.commit("Separate duties")
    team.approve("policy")
    team.adopt()
    return team


@pytest.mark.slow
def test_a_release_needs_an_author_who_does_not_approve(separated: Team) -> None:
    team = separated
    team.approve()
    result = plan(team)
    assert result.verdict == "waiting"
    assert (result.approvals[0].role, result.approvals[0].have) == ("author", 0)
    assert result.next == f"dpgate author {RELEASE} --role engineering --key KEY"
    assert "not yet: the author's signature missing" in team.dpgate("plan", RELEASE).stdout
    assert team.release().outcome == "denied"
    words = ("author", RELEASE, "--role", "engineering", "--key", team.key_file("engineering"))
    done = team.dpgate(*words)
    assert done.returncode == 0, done.stderr
    assert "✓ engineering signs as the author of clinic-visits/vendor-testing" in done.stdout
    team.commit("Sign")
    assert plan(team).verdict == "ready"
    assert team.release().outcome == "released"
    assert team.api.verify().verified
    told = [term.label for term in team.api.explain(3).terms]
    assert "engineering signed as the author" in told


def test_who_wrote_it_cannot_approve_it(separated: Team) -> None:
    team = separated
    team.approve()
    team.api.author(RELEASE, role="privacy", key=team.key("privacy"))
    result = plan(team)
    assert result.verdict == "waiting"
    assert [row.reason for row in result.rejected] == [
        "its key signed as the author of this manifest"
    ]
    with pytest.raises(SignatureError, match="signed as the author"):
        team.approve()
    with pytest.raises(SignatureError, match="role legal may not sign as the author") as role:
        team.api.author(RELEASE, role="legal", key=team.key("legal"))
    assert "engineering, privacy" in role.value.fix


# ── expiry ───────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("days", "warned"),
    [(28, ""), (4, ""), (3, "3 days left"), (1, "1 day left"), (0, "today is its last day")],
)
def test_an_approval_that_is_about_to_expire_is_said(team: Team, days: int, warned: str) -> None:
    given = 28
    team.approve(days=given)
    today = dt.datetime.now(dt.UTC) + dt.timedelta(days=given - days)
    with time_machine.travel(today, tick=False):
        result = plan(team)
    (row,) = result.approvals
    assert row.days_left == days
    assert row.until == str(today.date() + dt.timedelta(days=days))
    assert result.verdict == "ready"
    found = [f.message for f in result.findings if f.rule == "approval-expires"]
    assert len(found) == bool(warned)
    assert all(warned in message for message in found)


@pytest.mark.slow
def test_the_plan_says_until_when(team: Team) -> None:
    team.approve(days=10)
    last = dt.datetime.now(dt.UTC).date() + dt.timedelta(days=10)
    told = team.dpgate("plan", RELEASE).stdout
    assert f"privacy ✓ 1 of 1, until {last} (10 days left)" in told
