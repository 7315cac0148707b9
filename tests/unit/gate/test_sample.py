"""Drawing again from a model that a release kept."""

from __future__ import annotations

from pathlib import Path

import pytest

from dpgate.errors import SynthesisError
from dpgate.gate.staging import digest_of
from dpgate.synthesis.kept import formats
from tests.team import MANIFEST, Team


@pytest.fixture
def keeping(team: Team) -> Team:
    """A team whose manifest keeps its model, approved."""
    team.edit(MANIFEST, "{with: mst, ", "{with: mst, keep_model: true, ")
    team.commit("Keep the model")
    team.approve()
    return team


def test_a_release_keeps_its_model_among_its_files(keeping: Team, tmp_path: Path) -> None:
    done = keeping.release(out=tmp_path / "out")
    named = {item["name"]: item["sha256"] for item in done.artifacts}
    path = tmp_path / "out" / formats.NAME
    assert named[formats.NAME] == digest_of(path)


def test_a_model_that_could_not_be_kept_costs_nothing(
    keeping: Team, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "dpgate.synthesis.mst.synthesizer.Mst.model_kind", "hologram", raising=False
    )
    with pytest.raises(SynthesisError, match="keeps models of kind 'hologram'"):
        keeping.release()
    assert len(keeping.ledger()) == 1
