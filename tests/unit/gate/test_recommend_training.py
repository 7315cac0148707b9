"""A recommended training: planned like any other manifest, from public documents alone."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from dpgate.errors import UsageError
from dpgate.gate.quality import QUALITIES
from dpgate.gate.recommendation import TrainingRecommendation
from dpgate.model.values import plain
from tests.team import DATASET, POLICY, Team

pytestmark = pytest.mark.slow

NAME = "clinic-visits"
ALLOWS = "synthesizers: [dp-tvae, dp-ctgan, mst], proofs: [opendp, real-arithmetic]}"


@pytest.fixture
def trainers(fresh_team: Team) -> Team:
    """Documents that allow a training; no ledger."""
    fresh_team.edit(POLICY, "synthesizers: [mst, aim]}", ALLOWS)
    fresh_team.edit(DATASET, "max_rows_per_person: 12", "max_rows_per_person: 1")
    return fresh_team


def recommend(team: Team, **wish: Any) -> TrainingRecommendation:
    result = team.api.recommend_training(NAME, **wish)
    assert isinstance(result, TrainingRecommendation)
    return result


@pytest.mark.parametrize("synthesizer", ["dp-tvae", "dp-ctgan"])
def test_the_manifest_is_planned_with_the_numbers_that_were_told(
    trainers: Team, synthesizer: str
) -> None:
    for quality in QUALITIES:
        result = recommend(
            trainers, synthesizer=synthesizer, quality=quality, epsilon=Decimal("0.8")
        )
        assert result.allowed, result.findings
        assert (result.asked, result.epsilon_note, result.why) == (Decimal("0.8"), "", "")
        place = f"releases/{NAME}/recommended/release.yaml"
        trainers.write(place, result.manifest)
        (told,) = trainers.api.check(paths=(trainers.clone / place,)).trainings
        assert result.epsilon is not None
        assert told == f"{NAME}/recommended: ε {plain(result.epsilon)} at δ=1e-8; {result.summary}"
        made = result.training
        assert made is not None
        assert f"{made.steps} steps, batch {made.batch} of" in result.summary
        assert f"noise multiplier {plain(made.noise_multiplier)}; {made.weights} weights" in told
        assert made.rate == Decimal(made.batch) / 500_000


def test_an_epsilon_that_is_not_given_is_the_highest_that_fits(trainers: Team) -> None:
    result = recommend(trainers)
    assert (result.synthesizer, result.quality) == ("dp-tvae", "balanced")
    assert result.asked == 1  # what the policy leaves one release of these classes
    assert result.allowed
    assert "the highest that classes of columns and budgets leave" in result.epsilon_note
    quota = '{recipient: "*", lifetime: true, epsilon: '
    trainers.edit(POLICY, f"{quota}2}}", f"{quota}0.6}}")
    less = recommend(trainers, quality="fast")
    assert 0 < less.asked < 1
    assert less.allowed
    more = recommend(trainers, quality="fast", epsilon=less.asked + Decimal("0.05"))
    assert not more.allowed
    assert more.fits == less.asked


def test_where_no_epsilon_is_left_it_says_so(trainers: Team) -> None:
    trainers.edit(DATASET, "population: clinic-patients ", "population: others ")
    result = recommend(trainers)
    assert result.epsilon_note == "classes of columns and budgets leave none; told at 1"
    assert not result.allowed
    assert result.scopes == ()


def test_what_cannot_be_trained_says_why(trainers: Team) -> None:
    trainers.edit(DATASET, "max_rows_per_person: 1", "max_rows_per_person: 12, protect: person")
    result = recommend(trainers)
    assert (result.training, result.epsilon, result.summary) == (None, None, "")
    assert result.epsilon_note == "it cannot be trained at any ε; told at 1"
    assert not result.allowed
    (finding,) = [found for found in result.findings if found.rule == "planning"]
    assert "nothing says whose each row is" in finding.message
    assert "training:" not in result.manifest


def test_little_data_is_warned_of(trainers: Team) -> None:
    trainers.edit(DATASET, "at_most: 500000", "at_most: 3000")
    result = recommend(trainers, epsilon=Decimal("0.3"))
    assert result.training is not None
    assert result.training.noise_to_signal > 2
    (warned,) = [found for found in result.findings if found.rule == "training-weak"]
    assert warned.level == "warn"
    assert any(reason.startswith("width 32 instead of") for reason in result.reasons)


def test_the_first_that_the_policy_allows_is_taken(fresh_team: Team) -> None:
    fresh_team.edit(DATASET, "max_rows_per_person: 12", "max_rows_per_person: 1")
    denied = recommend(fresh_team, epsilon=Decimal(1))
    assert (denied.synthesizer, denied.allowed) == ("dp-tvae", False)
    assert "the policy allows no synthesizer that trains" in denied.why
    fresh_team.edit(POLICY, "synthesizers: [mst, aim]}", ALLOWS.replace("dp-tvae, ", ""))
    other = recommend(fresh_team, epsilon=Decimal(1))
    assert (other.synthesizer, other.allowed) == ("dp-ctgan", True)
    assert other.why.startswith("it trains")


def test_what_was_measured_on_adult_stands_beside_it(trainers: Team) -> None:
    result = recommend(trainers, epsilon=Decimal(1))
    names = {row.what: row.trains for row in result.on_adult}
    assert names == {
        "aim": False, "mst": False, "dp-tvae, balanced": True, "dp-ctgan, balanced": True,
    }  # fmt: skip
    errors = [row.error for row in result.on_adult]
    assert errors == sorted(errors)
    assert all(0 < row.error < row.auc < 1 for row in result.on_adult)


@pytest.mark.parametrize(
    ("wish", "message"),
    [
        ({"synthesizer": "mst"}, "mst trains nothing"),
        ({"quality": "perfect"}, "quality is one of fast, balanced, high"),
        ({"epsilon": Decimal(0)}, "epsilon is a number above 0"),
        ({"epsilon": Decimal(21)}, "up to 20"),
        ({"rows": 0}, "rows is a number from 1 to 500000"),
        ({"columns": ("age_group", "shoe_size")}, "shoe_size is no column"),
    ],
)
def test_odd_wishes_are_refused(trainers: Team, wish: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        recommend(trainers, **wish)
