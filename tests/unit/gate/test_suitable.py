"""Manifests of AIM through the gate, and what a synthesizer would pass over in silence."""

from __future__ import annotations

from decimal import Decimal

import pytest

from dpgate.errors import SynthesisError
from tests.team import MANIFEST, RELEASE, Team

WORKLOAD = (
    "workload: {target: follow_up, weights: {clinic: 2}, subgroups: [[clinic, reason]]}\n  privacy:"
)


def with_aim(fresh_team: Team, *edits: tuple[str, str]) -> Team:
    """A manifest that asks for it."""
    fresh_team.edit(MANIFEST, "with: mst", "with: aim, model_mebibytes: 2")
    for old, new in edits:
        fresh_team.edit(MANIFEST, old, new)
    fresh_team.commit()
    fresh_team.approve("policy")
    fresh_team.adopt()
    return fresh_team


@pytest.mark.slow
def test_aim_with_a_workload_is_planned_released_explained_and_verified(fresh_team: Team) -> None:
    team = with_aim(fresh_team, ("privacy:", WORKLOAD))
    planned = team.api.plan(RELEASE)
    assert planned.verdict == "waiting"
    assert [row.order for row in planned.noise] == [1, 2, 3]
    team.approve()
    assert team.release().outcome == "released"
    said = team.dpgate("ledger", "explain", "2")
    words = " ".join(said.stdout.split())
    assert "aim.measure (adaptive-gaussian × up to " in words, words
    assert "aim.select (adaptive-noisy-max × up to " in words
    assert team.dpgate("verify", "--root", team.root).returncode == 0


def test_a_synthesizer_that_makes_no_use_of_a_key_refuses_it(team: Team) -> None:
    team.edit(MANIFEST, "with: mst", "with: mst, model_mebibytes: 2")
    with pytest.raises(SynthesisError, match=r"mst makes no use of synthesize\.model_mebibytes"):
        team.api.plan(RELEASE)
    team.edit(MANIFEST, ", model_mebibytes: 2", "")
    team.edit(MANIFEST, "privacy:", WORKLOAD)
    with pytest.raises(SynthesisError, match="mst makes no use of workload"):
        team.api.plan(RELEASE)


def test_a_workload_names_columns_of_the_release(team: Team) -> None:
    team.edit(MANIFEST, "privacy:", WORKLOAD.replace("follow_up", "shoe_size"))
    done = team.dpgate("plan", RELEASE)
    assert done.returncode == 2
    assert "spec.workload: it names columns that are not released: shoe_size" in " ".join(
        done.stderr.split()
    )


@pytest.mark.parametrize("name", ["mst", "aim"])
def test_noise_that_drowns_all_data_is_refused(fresh_team: Team, name: str) -> None:
    team = with_aim(fresh_team)
    if name == "mst":
        team.edit(MANIFEST, "with: aim, model_mebibytes: 2", "with: mst")
    team.edit(MANIFEST, "epsilon: 1.0", "epsilon: 0.00002")
    with pytest.raises(SynthesisError, match="epsilon is too small to learn anything"):
        team.api.plan(RELEASE)
    team.edit(MANIFEST, "epsilon: 0.00002", "epsilon: 0.5")
    assert team.api.plan(RELEASE).epsilon <= Decimal("0.5")
