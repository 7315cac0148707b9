"""Statistics through the gate, from manifest to files."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.team import MANIFEST, POLICY, Team

QUERIES = """\
      - {name: visits, type: count}
      - {name: by_clinic, type: count, by: [clinic, follow_up], nonnegative: true}
      - {name: minutes, type: sum, of: length_minutes, by: [clinic]}
      - {name: mean_minutes, type: mean, of: length_minutes, by: [age_group], weight: 2}
      - {name: quartiles, type: quantiles, of: length_minutes, at: [0.25, 0.5, 0.75], by: [clinic]}
      - {name: reasons, type: top, of: reason, k: 2}
"""


def manifest(
    queries: str = QUERIES, privacy: str = "epsilon: 1.0, delta: 1e-9", noise: str = "gaussian"
) -> str:
    return f"""\
apiVersion: dpgate/v1
kind: Release
metadata: {{name: vendor-testing, owner: analytics}}
spec:
  dataset: clinic-visits
  purpose: vendor-testing
  recipients: [acme-scheduling]
  regions: [US]
  columns: [age_group, clinic, length_minutes, reason, follow_up]
  statistics:
    noise: {noise}
    formats: [parquet, csv]
    queries:
{queries}  privacy: {{{privacy}}}
  retention: {{expires: 2027-06-30}}
"""


@pytest.fixture
def asking(fresh_team: Team) -> Team:
    """A team whose policy allows statistics and whose manifest asks for them."""
    fresh_team.edit(
        POLICY,
        "synthesizers: [mst]}",
        "synthesizers: [mst], statistics: [count, sum, mean, quantiles, top]}",
    )
    fresh_team.write(MANIFEST, manifest())
    fresh_team.commit("Statistics")
    fresh_team.approve("policy")
    fresh_team.adopt()
    return fresh_team


@pytest.mark.parametrize("pure", [False, True])
def test_a_release_of_statistics(asking: Team, tmp_path: Path, *, pure: bool) -> None:
    if pure:
        asking.write(MANIFEST, manifest(privacy="epsilon: 1.0, delta: 0", noise="laplace"))
        asking.commit("Pure")
    asking.approve()
    plan = asking.api.plan("clinic-visits/vendor-testing")
    assert plan.verdict == "ready", plan.findings
    done = asking.release(out=tmp_path / "out")
    assert done.outcome == "released", done
    assert asking.api.verify(root=asking.root).verified
