"""A team that releases statistics of its visits instead of synthetic rows."""

from __future__ import annotations

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
    """A manifest that asks every kind of query."""
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


def ask(team: Team, text: str = "") -> None:
    """Puts the manifest in place of the one for synthetic rows."""
    team.write(MANIFEST, text or manifest())
    team.commit("Statistics instead of rows")


def allow(team: Team) -> None:
    """Adopts a policy that allows every kind of query."""
    kinds = "statistics: [count, sum, mean, quantiles, top]"
    team.edit(POLICY, "synthesizers: [mst, aim]}", f"synthesizers: [mst, aim], {kinds}}}")
    team.commit("Allow statistics")
    team.approve("policy")
    team.adopt()
