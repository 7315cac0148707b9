"""Rehearsals of manifests that train a network: how far they are is told."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from tests.team import RELEASE, Team
from tests.unit.gate.test_training import trains

pytestmark = pytest.mark.slow


def test_a_rehearsal_tells_the_steps_of_its_trainings(fresh_team: Team) -> None:
    team = trains(fresh_team)
    asked: Any = {"rows": 500, "epsilons": (Decimal(1),), "synthesizers": ("dp-tvae",), "runs": 2}
    told: list[tuple[str, float]] = []
    team.api.rehearse(
        RELEASE,
        out=team.folder / "rehearsed",
        progress=lambda stage, done: told.append((stage, done)),
        **asked,
    )
    within = [done for stage, done in told if stage == "dp-tvae at ε 1"]
    assert within == [(run + 0.95 * (step / 40)) / 2 for run in (0, 1) for step in range(41)]


def test_an_error_of_whoever_is_told_ends_a_rehearsal(fresh_team: Team) -> None:
    team = trains(fresh_team)

    def told(stage: str, done: float) -> None:
        if 0 < done < 1 and stage.startswith("dp-tvae"):
            raise ZeroDivisionError("enough")

    asked: Any = {"rows": 500, "epsilons": (Decimal(1),), "synthesizers": ("dp-tvae",), "runs": 1}
    with pytest.raises(ZeroDivisionError, match="enough"):
        team.api.rehearse(RELEASE, out=team.folder / "rehearsed", progress=told, **asked)
