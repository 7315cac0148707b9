"""Releases by every synthesizer but `mst`, which all other tests use: made, and verified."""

from __future__ import annotations

import pytest
from pyarrow import parquet

from tests.team import DATASET, MANIFEST, POLICY, Team

slow = pytest.mark.slow  # XLA compiles for long


@pytest.mark.parametrize(
    ("name", "proof"),
    [
        ("independent", "opendp"),
        ("copula", "opendp"),
        pytest.param("smartnoise-mst", "opendp", marks=slow),
        pytest.param("smartnoise-mst-unpatched", "real-arithmetic", marks=slow),
    ],
)
@pytest.mark.slow
def test_a_release_is_made_and_verified(fresh_team: Team, name: str, proof: str) -> None:
    team = fresh_team
    team.edit(POLICY, "synthesizers: [mst, aim]}", f"synthesizers: [{name}], proofs: [{proof}]}}")
    team.edit(MANIFEST, "with: mst,", f"with: {name}, keep_model: true,")
    team.edit(MANIFEST, "length_minutes, reason, follow_up", "follow_up")
    if proof != "opendp":
        for path in (POLICY, DATASET):
            team.edit(path, "neighboring: add-remove", "neighboring: replace-one")
        team.edit(DATASET, "max_rows_per_person: 12", "max_rows_per_person: 1")
    team.commit()
    team.approve("policy")
    team.adopt()
    team.approve()
    done = team.release(out=team.folder / "out")
    assert done.outcome == "released", done
    files = {artifact["name"] for artifact in done.artifacts}
    assert "model.dpgate" in files
    (rows,) = (team.folder / "out").rglob("*.parquet")
    assert parquet.read_table(rows).num_rows == 1000
    verified = team.dpgate("verify", "--root", team.root)
    assert verified.returncode == 0, verified.stdout + verified.stderr
    assert team.dpgate("ledger", "explain", "2").returncode == 0
