"""A waiver from its first line to the card of the release, and signatures that could never count."""

from __future__ import annotations

import datetime as dt
import json

import pytest
import time_machine

from dpgate.errors import SignatureError, UsageError
from dpgate.gate.waiver_results import WaiveResult
from tests.suites import waiving
from tests.team import MANIFEST, POLICY, RELEASE, Team

pytestmark = pytest.mark.slow

LAST = "  policy_change: {roles: [privacy, legal]}\n"
NAME = "terms"
ROWS = "rows: 1000"
PLACE = f"policies/waivers/{NAME}.yaml"


def today() -> dt.date:
    return dt.datetime.now(dt.UTC).date()


@pytest.fixture
def ruled(fresh_team: Team) -> Team:
    """A team whose soft rule `few-rows` its own release breaks."""
    rules = waiving.RULES.lstrip("\n").replace("assert: 'false'", "assert: 'true'")
    fresh_team.edit(POLICY, LAST, LAST + rules)
    fresh_team.commit("Rules")
    fresh_team.approve("policy")
    fresh_team.adopt()
    return fresh_team


def ask(team: Team, days: int = 9, **given: str) -> None:
    team.write(PLACE, waiving.text(expires=today() + dt.timedelta(days=days), **given))
    team.commit("A waiver")


def waive(team: Team, *roles: str, name: str = NAME) -> list[WaiveResult]:
    done = [team.api.waive(name, role=role, key=team.key(role)) for role in roles]
    team.commit("Signed")
    return done


def test_nothing_is_waived_before_all_have_signed(ruled: Team) -> None:
    assert not ruled.api.check().allowed
    ask(ruled)
    checked = ruled.api.check()
    assert checked.allowed
    assert [(row.state, row.rule, row.why) for row in checked.waivers] == [
        ("claimed", "few-rows", "plan judges its signatures")
    ]
    (waived,) = [f for f in checked.findings if f.rule == "few-rows"]
    assert (waived.level, waived.outcome, waived.waiver) == ("warn", "waived", PLACE)
    plan = ruled.api.plan(RELEASE)
    assert plan.verdict == "denied"
    assert [row.state for row in plan.waivers] == ["unsigned"]
    assert plan.next == f"dpgate waive {NAME} --role privacy --key KEY"
    (first,) = waive(ruled, "privacy")
    assert (first.in_force, first.lacking) == (False, ("legal",))
    assert first.next.endswith(f"then: dpgate waive {NAME} --role legal --key KEY")
    assert ruled.api.plan(RELEASE).verdict == "denied"
    (second,) = waive(ruled, "legal")
    assert second.in_force
    assert second.next.endswith(f"then: dpgate plan {RELEASE}")
    plan = ruled.api.plan(RELEASE)
    assert plan.verdict == "waiting"
    assert [row.state for row in plan.waivers] == ["in-force"]
    messages = [f.message for f in plan.findings if f.rule == "few-rows"]
    assert messages == ["waived, would fail: too many"]


def test_from_the_first_line_to_the_card(ruled: Team) -> None:
    team = ruled
    ask(team)
    waive(team, "privacy", "legal")
    (approved,) = team.approve()
    assert [(row.name, row.ticket) for row in approved.waivers] == [(NAME, "PRIV-7")]
    done = team.release(out=team.folder / "out")
    assert done.outcome == "released", done
    card = json.loads((team.folder / "out" / "card.json").read_text())
    assert card["waivers"] == [
        {
            "name": NAME,
            "rule": "few-rows",
            "reason": "The recipient's form asks for them",
            "ticket": "PRIV-7",
            "expires": str(today() + dt.timedelta(days=9)),
        }
    ]
    told = "rule few-rows would have stopped it; waived for this release, ticket PRIV-7"
    assert told in (team.folder / "out" / "card.md").read_text()
    verified = team.api.verify(root=team.root)
    assert verified.verified, [step for step in verified.steps if step.status == "fail"]
    words = "with 1 waiver (rule few-rows, ticket PRIV-7)"
    assert words in team.api.show().rows[1].summary
    assert words in team.api.log().lines[1].text
    terms = {term.label: term.value for term in team.api.explain(2).terms}
    assert terms[f"with waiver {NAME}"].startswith("rule few-rows, ticket PRIV-7, until ")
    for verb in (("check",), ("plan", RELEASE)):
        shown = team.dpgate(*verb)
        assert f"waiver  {NAME}" in shown.stdout, shown
        found = json.loads(team.dpgate(*verb, "--format", "json").stdout)
        assert found["waivers"][0]["ticket"] == "PRIV-7"


def test_an_approval_given_without_a_waiver_does_not_accept_it(ruled: Team) -> None:
    team = ruled
    team.edit(MANIFEST, ROWS, "rows: 400")
    team.commit()
    team.approve()
    assert team.api.plan(RELEASE).verdict == "ready"
    team.edit(MANIFEST, "rows: 400", ROWS)
    ask(team)
    waive(team, "privacy", "legal")
    team.approve()
    team.edit(PLACE, "PRIV-7", "PRIV-8")
    team.commit()
    waive(team, "privacy", "legal")
    plan = team.api.plan(RELEASE)
    assert plan.verdict == "waiting"
    assert "the release uses a waiver that it does not accept" in plan.rejected[0].reason
    team.approve()
    assert team.api.plan(RELEASE).verdict == "ready"


def test_a_waiver_ends_with_its_day(ruled: Team) -> None:
    team = ruled
    ask(team, days=1)
    waive(team, "privacy", "legal")
    assert team.api.plan(RELEASE).verdict == "waiting"
    midnight = dt.datetime.combine(today() + dt.timedelta(days=2), dt.time(), dt.UTC)
    with time_machine.travel(midnight - dt.timedelta(seconds=1), tick=False):
        assert team.api.plan(RELEASE).verdict == "waiting"
        assert team.api.check().allowed
    with time_machine.travel(midnight, tick=False):
        plan = team.api.plan(RELEASE)
        assert plan.verdict == "denied"
        assert [row.state for row in plan.waivers] == ["expired"]
        assert not team.api.check().allowed


def test_a_signature_that_could_never_count_is_not_made(ruled: Team) -> None:
    team = ruled
    with pytest.raises(UsageError, match=r"no waiver policies/waivers/terms\.yaml") as lost:
        team.api.waive(NAME, role="privacy", key=team.key("privacy"))
    assert lost.value.fix.endswith("a document of kind Waiver, then sign it")
    ask(team)
    with pytest.raises(UsageError, match="no waiver") as lost:
        team.api.waive("term", role="privacy", key=team.key("privacy"))
    assert lost.value.fix == "did you mean terms?"
    with pytest.raises(UsageError, match="role runner has no say in waivers"):
        team.api.waive(NAME, role="runner", key=team.key("runner"))
    with pytest.raises(SignatureError, match="does not hold role legal"):
        team.api.waive(NAME, role="legal", key=team.key("privacy"))
    for days, why in ((-1, "it expired on"), (31, "more than the 30 days ahead")):
        ask(team, days=days)
        with pytest.raises(UsageError, match=f"can't be in force: .*{why}"):
            team.api.waive(PLACE, role="privacy", key=team.key("privacy"))
    for rule, why in (("no-acme", "is hard"), ("budget", "built into"), ("x", "there is not")):
        ask(team, rule=rule)
        with pytest.raises(UsageError, match=why):
            team.api.waive(NAME, role="privacy", key=team.key("privacy"))
    ask(team, release="clinic-visits/nowhere")
    with pytest.raises(UsageError, match=r"no manifest releases/clinic-visits/nowhere"):
        team.api.waive(NAME, role="privacy", key=team.key("privacy"))
    assert not (team.clone / f"policies/waivers/{NAME}").exists()


def test_a_policy_that_admits_no_waivers(team: Team) -> None:
    ask(team)
    with pytest.raises(UsageError, match="the policy in force admits no waivers"):
        team.api.waive(NAME, role="privacy", key=team.key("privacy"))
    (row,) = team.api.check().waivers
    assert row.state == "refused"


def test_a_waiver_that_git_does_not_hold_makes_no_release(ruled: Team) -> None:
    team = ruled
    (team.clone / ".git/info/exclude").write_text("policies/waivers/*.yaml\n")
    ask(team)
    waive(team, "privacy", "legal")
    team.approve()
    done = team.dpgate(
        "release", RELEASE, "--source", str(team.data), "--key", team.key_file("runner")
    )
    assert done.returncode == 2
    assert f"{PLACE} is not committed" in done.stderr


def test_the_command_signs_and_says_what_is_next(ruled: Team) -> None:
    team = ruled
    ask(team)
    words = ("waive", NAME, "--key", team.key_file("privacy"), "--role", "privacy")
    done = team.dpgate(*words)
    assert done.returncode == 0, done
    assert "privacy waives rule few-rows for clinic-visits/vendor-testing" in done.stdout
    assert "not in force yet: legal" in done.stdout
    shown = json.loads(team.dpgate(*words, "--format", "json").stdout)
    assert (shown["schema"], shown["lacking"]) == ("dpgate.waive/v1", ["legal"])
    assert (team.clone / shown["path"]).exists()
