"""Recommendations: the goal is met, by the least ε, from public documents alone."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from dpgate.errors import LedgerError, UsageError
from dpgate.gate.recommendation import RecommendResult
from dpgate.model.values import plain
from tests.team import DATASET, POLICY, Team

NAME = "clinic-visits"
CENT = Decimal("0.01")


def recommend(team: Team, **wish: Any) -> RecommendResult:
    result = team.api.recommend(NAME, **wish)
    assert isinstance(result, RecommendResult)
    return result


def pasted(team: Team, result: RecommendResult) -> Any:
    """The plan of the manifest as it was recommended."""
    team.write(f"releases/{NAME}/recommended/release.yaml", result.manifest)
    return team.api.plan(f"{NAME}/recommended")


@pytest.mark.parametrize(
    "wish",
    [
        {},
        {"target_tvd": Decimal("0.002")},
        {"noise_at_most": Decimal("0.1"), "rows": 40_000},
        {"columns": ("age_group", "reason"), "target_tvd": Decimal("0.001")},
        {"order": 1, "target_tvd": Decimal("0.0005")},
    ],
)
def test_the_manifest_meets_the_goal_and_no_smaller_epsilon_does(
    team: Team, wish: dict[str, Any]
) -> None:
    result = recommend(team, **wish)
    assert result.epsilon is not None
    assert result.reached <= result.at_most
    plan = pasted(team, result)
    assert plan.epsilon <= result.epsilon
    assert plan.release_delta == result.delta
    assert plan.noise == result.noise
    if result.epsilon > CENT:
        less = result.manifest.replace(
            f"epsilon: {plain(result.epsilon)}", f"epsilon: {plain(result.epsilon - CENT)}"
        )
        assert less != result.manifest
        noisier = pasted(team, result.model_copy(update={"manifest": less}))
        factor = (
            noisier.noise[result.order - 1].half_width / plan.noise[result.order - 1].half_width
        )
        assert result.reached * factor > result.at_most * Decimal("0.99")


def test_persons_need_more_than_rows_do(team: Team) -> None:
    rows = recommend(team)
    team.edit(DATASET, "max_rows_per_person: 12,", "max_rows_per_person: 12, protect: person,")
    persons = recommend(team)
    assert rows.epsilon is not None
    assert persons.epsilon is not None
    assert rows.epsilon < persons.epsilon
    assert (persons.unit, persons.reached <= persons.at_most) == ("visit", True)
    assert pasted(team, persons).noise == persons.noise


def test_fewer_rows_need_more_epsilon(team: Team) -> None:
    at_bound, assumed = recommend(team), recommend(team, rows=5_000)
    assert at_bound.epsilon is not None
    assert assumed.epsilon is not None
    assert at_bound.epsilon < assumed.epsilon
    assert (at_bound.rows, assumed.rows, assumed.rows_at_most) == (500_000, 5_000, 500_000)


def test_bins_that_would_hold_more_than_noise_are_advised(team: Team) -> None:
    team.edit(DATASET, "bins: 23", "bins: 115")
    result = recommend(team, rows=3_000, target_tvd=Decimal("0.2"))
    advised = {row.name: row.bins for row in result.columns if row.bins}
    assert set(advised) == {"length_minutes"}
    assert 4 <= (advised["length_minutes"] or 0) < 115
    assert result.epsilon is not None
    assert result.epsilon_with_bins is not None
    assert result.epsilon_with_bins < result.epsilon
    team.edit(DATASET, "bins: 115", f"bins: {advised['length_minutes']}")
    again = recommend(team, rows=3_000, target_tvd=Decimal("0.2"))
    assert again.epsilon == result.epsilon_with_bins


def test_what_policy_and_budget_leave_is_said(team: Team) -> None:
    result = recommend(team, rows=1_500, target_tvd=Decimal("0.05"))
    assert not result.allowed
    assert result.epsilon is not None
    assert result.fits is not None
    assert 0 < result.fits < result.epsilon
    assert result.fits_reached is not None
    assert result.fits_reached > result.at_most
    assert [f.rule for f in result.findings if f.level == "deny"]


def test_spent_budgets_count(team: Team) -> None:
    before = recommend(team)
    team.approve()
    team.release()
    after = recommend(team)
    assert before.scopes[0].before == 0
    assert after.scopes[0].before > 0
    assert after.allowed
    assert "as this clone last fetched it" in after.budget_note


def test_without_a_ledger_nothing_counts_as_spent(fresh_team: Team) -> None:
    result = recommend(fresh_team)
    assert result.allowed
    assert result.scopes[0].before == 0
    assert result.budget_note.startswith("no ledger is known here")


def test_a_ledger_that_does_not_hold_together_is_no_empty_one(released_team: Team) -> None:
    name = next(n for n in released_team.ledger() if "reserve" in n)
    data = bytearray(released_team.ledger()[name])
    data[len(data) // 2] ^= 1
    released_team.push_ledger({name: bytes(data)})
    released_team.git("fetch", "origin", "+refs/heads/*:refs/remotes/origin/*")
    with pytest.raises(LedgerError):
        recommend(released_team)


def test_out_of_reach_is_said(team: Team) -> None:
    result = recommend(team, target_tvd=Decimal("0.0000001"))
    assert (result.epsilon, result.allowed, result.manifest) == (None, False, "")
    assert [c.reason for c in result.candidates if c.epsilon is None]
    assert "fewer columns" in result.next


def test_one_synthesizer_may_be_asked_for(team: Team) -> None:
    assert [c.synthesizer for c in recommend(team, synthesizer="mst").candidates] == ["mst"]
    (refused,) = recommend(team, synthesizer="smartnoise-dpctgan").candidates
    assert refused.epsilon is None
    assert "is refused" in refused.reason


def test_classes_that_the_policy_does_not_know_allow_nothing(team: Team) -> None:
    team.edit(DATASET, "sensitivity: phi, domain: {min: 5", "sensitivity: odd, domain: {min: 5")
    result = recommend(team)
    assert [f.rule for f in result.findings if f.level == "deny"] == ["known-class"]
    assert not result.allowed


def test_a_population_without_a_budget_has_none_to_show(fresh_team: Team) -> None:
    fresh_team.edit(DATASET, "population: clinic-patients ", "population: others ")
    result = recommend(fresh_team)
    assert not result.scopes
    assert not result.allowed
    assert result.fits == 0


def test_delta_suits_policy_and_bound(fresh_team: Team) -> None:
    result = recommend(fresh_team)
    assert result.delta * result.rows_at_most <= Decimal("0.01")
    fresh_team.edit(POLICY, "delta_at_most:", "delta_at_most: 1e-12  #")
    assert recommend(fresh_team).delta == Decimal("1e-12")


@pytest.mark.parametrize(
    ("wish", "message"),
    [
        ({"columns": ("age_group", "shoe_size")}, "shoe_size is no column"),
        ({"columns": ("age_group",)}, "at least two columns"),
        ({"rows": 0}, "rows is a number from 1 to 500000"),
        ({"rows": 500_001}, "rows is a number from 1 to 500000"),
        ({"target_tvd": Decimal(1)}, "out of range"),
        ({"target_tvd": Decimal(0)}, "out of range"),
        ({"noise_at_most": Decimal(-1)}, "out of range"),
        ({"order": 3}, "order is 1 or 2"),
        ({"target_tvd": Decimal("0.1"), "noise_at_most": Decimal("0.1")}, "one goal at a time"),
    ],
)
def test_odd_wishes_are_refused(team: Team, wish: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        recommend(team, **wish)


def test_an_unknown_dataset_is_refused(team: Team) -> None:
    with pytest.raises(UsageError, match=r"no dataset releases/other/dataset\.yaml") as caught:
        team.api.recommend("other")
    assert caught.value.fix == f"known: {NAME}"
    assert team.api.recommend(f"releases/{NAME}/dataset.yaml").dataset == NAME
