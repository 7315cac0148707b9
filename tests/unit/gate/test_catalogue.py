"""Rules of the catalogue over a real ledger: what was released before, and who waived what."""

from __future__ import annotations

import datetime as dt

from dpgate.gate.results import PlanResult
from tests.suites import waiving
from tests.team import MANIFEST, POLICY, RELEASE, Team

LAST = "    small-population: {options: {at_least: 1000}}\n"
QUOTA = '        - {recipient: "*", lifetime: true, epsilon: 2}\n'


def adopted(team: Team, *edits: tuple[str, str]) -> Team:
    for old, new in edits:
        team.edit(POLICY, old, new)
    team.commit("Rules")
    team.approve("policy")
    team.adopt()
    return team


def denials(plan: PlanResult) -> dict[str, str]:
    return {f.rule: f.message for f in plan.findings if f.level == "deny"}


def test_a_second_release_to_one_recipient_needs_a_quota(fresh_team: Team) -> None:
    team = adopted(fresh_team, (QUOTA, ""))
    assert denials(team.api.plan(RELEASE)) == {}
    team.approve()
    assert team.release(out=team.folder / "out").outcome == "released"
    again = team.copy_manifest("again")
    other = team.copy_manifest("other", **{"acme-scheduling": "zeta-labs"})
    thin = team.copy_manifest("thin", **{"[age_group, clinic, length": "[length"})
    team.commit("More")
    found = denials(team.api.plan(again))
    assert set(found) == {"joinable-recipient"}
    assert found["joinable-recipient"].startswith("acme-scheduling holds earlier releases about")
    assert denials(team.api.plan(other)) == denials(team.api.plan(thin)) == {}
    assert team.api.verify(root=team.root).exit_code == 0
    adopted(team, ("      quotas:  ", f"      quotas:\n{QUOTA}      # "))
    assert denials(team.api.plan(again)) == {}


def test_a_soft_rule_can_be_waived_and_not_once_the_policy_makes_it_hard(fresh_team: Team) -> None:
    soft = "    allowed-formats: {options: {formats: [parquet]}}\n"
    waivers = "  waivers: {roles: [privacy, legal], days_at_most: 30, at_most: 1}\n"
    last = "  policy_change: {roles: [privacy, legal]}\n"
    team = adopted(fresh_team, (LAST, LAST + soft), (last, last + waivers))
    assert "csv is not an allowed format" in denials(team.api.plan(RELEASE))["allowed-formats"]
    expires = dt.datetime.now(dt.UTC).date() + dt.timedelta(days=9)
    asked = waiving.text(rule="allowed-formats", expires=expires)
    team.write("policies/waivers/terms.yaml", asked)
    team.commit("A waiver")
    for role in ("privacy", "legal"):
        team.api.waive("terms", role=role, key=team.key(role))
    team.commit("Signed")
    plan = team.api.plan(RELEASE)
    assert denials(plan) == {}
    (waived,) = [f for f in plan.findings if f.rule == "allowed-formats"]
    assert (waived.outcome, waived.file) == ("waived", MANIFEST)
    assert waived.help == "docs/rules/allowed-formats.md"
    hard = soft.replace("{options", "{enforcement: hard, options")
    adopted(team, (soft, hard))
    assert "allowed-formats" in denials(team.api.plan(RELEASE))
