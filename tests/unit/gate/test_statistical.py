"""Statistics through the gate, from manifest to files."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow.csv as pc
import pyarrow.parquet as pq
import pytest

from dpgate.gate.results import QueryNoise
from tests.suites import asking
from tests.team import MANIFEST, POLICY, RELEASE, Team

TABLES = ("by_clinic", "mean_minutes", "minutes", "quartiles", "reasons", "visits")


@pytest.fixture
def team_of_numbers(team: Team) -> Team:
    """A team whose policy allows statistics and whose manifest asks for them."""
    asking.allow(team)
    asking.ask(team)
    return team


@pytest.mark.parametrize("pure", [False, True])
@pytest.mark.slow
def test_a_release_of_statistics(team_of_numbers: Team, tmp_path: Path, *, pure: bool) -> None:
    team = team_of_numbers
    if pure:
        asking.ask(team, asking.manifest(privacy="epsilon: 1.0, delta: 0", noise="laplace"))
    team.approve()
    plan = team.api.plan(RELEASE)
    assert plan.verdict == "ready", plan.findings
    assert plan.epsilon == 1
    widths = {row.query: row.half_width for row in plan.noise if isinstance(row, QueryNoise)}
    assert set(widths) == set(TABLES)
    done = team.release(out=tmp_path / "out")
    assert done.outcome == "released", done
    for name in TABLES:
        table = pq.read_table(tmp_path / "out" / f"{name}.parquet")
        assert table.equals(pc.read_csv(tmp_path / "out" / f"{name}.csv").cast(table.schema))
        for line in table.to_pylist():
            assert line["low"] <= line["value"] <= line["high"]
    visits = pq.read_table(tmp_path / "out" / "visits.parquet").to_pylist()
    assert abs(visits[0]["value"] - 2000) < 4 * widths["visits"]
    assert team.api.verify(root=team.root).verified
    verdict = team.dpgate("verify", "--root", team.root, "--artifacts", str(tmp_path / "out"))
    assert verdict.returncode == 0, verdict.stdout


def test_the_card_shows_queries_with_their_intervals(team_of_numbers: Team, tmp_path: Path) -> None:
    team_of_numbers.approve()
    done = team_of_numbers.release(out=tmp_path / "out")
    card = json.loads((tmp_path / "out" / "card.json").read_text())
    assert card["synthetic"] is False
    assert [query["name"] for query in card["queries"]][:2] == ["visits", "by_clinic"]
    first = card["queries"][0]
    assert first["disclosure"] == "dp"
    assert (
        first["shown"]
        == pq.read_table(tmp_path / "out/visits.parquet").drop_columns("query").to_pylist()
    )
    text = (tmp_path / "out" / "card.md").read_text()
    assert "integer Gaussian noise, counts below 0 published as 0. 95 %: each count ±" in text
    assert "synthetic" not in text
    recorded = {item["metric"]: item["disclosure"] for item in done.evidence}
    assert recorded["schema_conformity"] == recorded["half_width_visits"] == "public"


def test_statistics_have_a_quota_of_their_own(team_of_numbers: Team) -> None:
    team_of_numbers.edit(
        POLICY,
        "      quotas:",
        "      quotas:\n        - {type: statistics, lifetime: true, epsilon: 0.5}\n#",
    )
    team_of_numbers.commit("A quota")
    team_of_numbers.approve("policy")
    team_of_numbers.adopt()
    plan = team_of_numbers.api.plan(RELEASE)
    assert plan.verdict == "denied"
    (finding,) = plan.findings
    assert "type statistics" in finding.message
    assert finding.fix.startswith("epsilon: 0.")


def test_what_fits_is_found_for_pure_releases_too(team_of_numbers: Team) -> None:
    team = team_of_numbers
    pure = asking.manifest(privacy="epsilon: 1.0, delta: 0", noise="laplace")
    asking.ask(team, pure)
    fitting = team.api.what_if(RELEASE, times=50)
    assert 1 <= fitting.fitting < 50
    team.edit(POLICY, "epsilon: 8}", "epsilon: 0.6}")
    team.commit("Less")
    team.approve("policy")
    team.adopt()
    denied = team.api.plan(RELEASE)
    assert denied.verdict == "denied"
    most = denied.findings[0].fix.split()[1]
    team.edit(MANIFEST, "epsilon: 1.0", f"epsilon: {most}")
    assert team.api.plan(RELEASE).verdict == "waiting"


def test_the_noise_rules_it_out_before_anything_is_spent(team_of_numbers: Team) -> None:
    team_of_numbers.edit(MANIFEST, "type: count}", "type: count, error_at_most: 3}")
    plan = team_of_numbers.api.plan(RELEASE)
    assert plan.verdict == "denied"
    (finding,) = plan.findings
    assert finding.rule == "error-at-most"
    assert "error_at_most is 3" in finding.message
    assert finding.line == 14
