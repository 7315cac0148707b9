"""Plans of several releases: which they are, and what they cost together."""

from __future__ import annotations

import pytest

from dpgate.errors import UsageError
from dpgate.gate.results import PlansResult
from tests.team import DATASET, MANIFEST, POLICY, RELEASE, Team


def plans(team: Team, *releases: str, changed: str | None = None) -> PlansResult:
    result = team.api.plans(releases, changed=changed)
    assert isinstance(result, PlansResult)
    return result


def names(result: PlansResult) -> list[str]:
    return [plan.release for plan in result.plans]


def test_those_named_or_all(team: Team) -> None:
    other = team.copy_manifest("second")
    assert names(plans(team)) == sorted([other, RELEASE])
    assert names(plans(team, RELEASE, f"releases/{RELEASE}/release.yaml")) == [RELEASE]
    with pytest.raises(UsageError, match="no manifest"):
        plans(team, RELEASE, "clinic-visits/none")
    with pytest.raises(UsageError, match="name manifests twice"):
        plans(team, RELEASE, changed="main")


def test_what_a_request_changes(team: Team) -> None:
    assert names(plans(team, changed="HEAD")) == []
    assert plans(team, changed="HEAD").exit_code == 0
    other = team.copy_manifest("second")
    assert names(plans(team, changed="HEAD")) == [other]
    team.commit()
    assert names(plans(team, changed="HEAD")) == []
    assert names(plans(team, changed="HEAD~1")) == [other]
    (team.clone / POLICY).write_text((team.clone / POLICY).read_text() + "\n")
    assert names(plans(team, changed="HEAD~1")) == [other]
    (team.clone / DATASET).write_text((team.clone / DATASET).read_text() + "\n")
    result = plans(team, changed="HEAD")
    assert names(result) == sorted([other, RELEASE])
    assert result.changed_since == "HEAD"


def test_together_they_cost_more_than_each_and_less_than_the_sum(team: Team) -> None:
    team.copy_manifest("second")
    result = plans(team)
    one, two = result.plans
    assert [row.key for row in result.together] == [row.key for row in one.scopes]
    for first, second, row in zip(one.scopes, two.scopes, result.together, strict=True):
        assert max(first.after, second.after) < row.after < first.after + second.after
        assert row.before == first.before
    assert result.exit_code == 1
    assert plans(team, RELEASE).together == ()


def test_each_may_fit_and_not_all_together(team: Team) -> None:
    team.edit(POLICY, "every: quarter, epsilon: 2}", "every: quarter, epsilon: 0.9}")
    team.commit()
    team.approve("policy")
    team.adopt()
    team.copy_manifest("second")
    result = plans(team)
    assert {plan.verdict for plan in result.plans} == {"waiting"}
    assert [row.fits for row in result.together].count(False) == 1
    team.edit(MANIFEST, "purpose: vendor-testing", "purpose: fun")
    assert plans(team).together == ()


def test_rules_stand_once(team: Team) -> None:
    team.copy_manifest("second")
    result = plans(team)
    assert all(plan.rules == () for plan in result.plans)
