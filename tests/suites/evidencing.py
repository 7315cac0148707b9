"""A manifest that measures everything that can be measured of its rows, and is attacked in every way."""

from __future__ import annotations

from tests.team import MANIFEST, POLICY, Team

UTILITY = """  utility:
    - {metric: marginal_tvd, order: 2, at_most: 0.9}
    - {metric: worst_marginal_tvd, order: 1, at_most: 0.99}
    - {metric: ks, at_most: 0.99}
    - {metric: wasserstein, at_most: 0.99}
    - {metric: chi_square, at_most: 100}
    - {metric: correlation, at_most: 9}
    - {metric: cramers_v, at_most: 9}
    - {metric: mean, of: length_minutes, by: [clinic], relative_error_at_most: 100}
    - {metric: quantile, of: length_minutes, at: 0.9, by: [reason], rank_error_at_most: 0.99}
    - {metric: rate, name: acute, where: [reason=acute], at_most: 0.99}
    - {metric: funnel, name: seen_again, steps: [reason=acute, follow_up=true], at_most: 0.99}
    - {metric: subgroup_tvd, columns: [clinic], at_most: 0.99, weight: 3}
    - {metric: rare_events, columns: [age_group, clinic], at_most: 0.99}
"""
ATTACKS = (
    "membership",
    "membership_density",
    "attribute.reason",
    "linkage",
    "singling_out",
    "copies",
)
THREATS = (
    "  threat_model:\n"
    "    adversary: recipient\n"
    "    knows: [age_group, clinic, follow_up]\n"
    "    holdout: 0.2\n"
    f"    fears: [{', '.join(ATTACKS)}]\n"
    "  attacks:\n"
    + "".join(f"    - {{attack: {name}, advantage_at_most: 0.99, weight: 4}}\n" for name in ATTACKS)
)
SEALED = """    - {metric: prediction_ratio, target: follow_up, at_least: 0.001}
    - {metric: detectability, at_most: 0.999}
"""
PLAIN = "  utility:\n    - {metric: marginal_tvd, order: 2, at_most: 0.9}\n"


def ask(team: Team, utility: str = UTILITY, threats: str = THREATS) -> None:
    """Write the evidence into the template's manifest, and let half of its budget pay for it."""
    team.edit(MANIFEST, PLAIN, utility + threats)
    team.edit(MANIFEST, "evidence_share: 0.1", "evidence_share: 0.5")
    team.edit(MANIFEST, "rows: 1000", "rows: 4000")
    team.commit("Evidence")


def allow_bits(team: Team) -> None:
    """Let thresholds without noise gate, in a policy that is not adopted yet."""
    team.edit(
        POLICY,
        "required: [schema_conformity, marginal_tvd]",
        "required: [schema_conformity, marginal_tvd], restricted_gates: [prediction_ratio, detectability]",
    )
    team.commit("Bits")
