"""Rules about evidence: what a manifest must measure, and what its thresholds may be."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import TYPE_CHECKING

from dpgate.model.finding import Finding
from dpgate.model.values import plain
from dpgate.policy import facts

if TYPE_CHECKING:
    from dpgate.policy.rules import Case

_EXAMPLES = {
    "marginal_tvd": "utility: {metric: marginal_tvd, order: 2, at_most: 0.1}",
    "membership": "attacks: {attack: membership, advantage_at_most: 0.1}",
}
_ATTACKS = (
    "membership", "membership_density", "attribute", "linkage", "singling_out", "copies",
)  # fmt: skip


def required(case: Case) -> Iterator[Finding]:
    """Evidence that the policy requires is paid for, and measured against a threshold."""
    spec = case.release.spec
    given = {each.key.metric for each in (*spec.utility, *spec.attacks)}
    for metric in facts.required_evidence(case.policy, case.release):
        if metric == "schema_conformity" or metric in given:
            continue
        where = "attacks" if metric in _ATTACKS else "utility"
        what = "attack" if metric in _ATTACKS else "utility threshold"
        example = _EXAMPLES.get(metric, f"{where} a threshold of {metric}: see docs/{where}.md")
        yield case.finding(
            "required-evidence",
            f"the policy requires evidence {metric}, and no {what} names it",
            f"add to {example}",
        )


def loosest(case: Case) -> Iterator[Finding]:
    """No threshold is looser than the policy's for its metric or attack."""
    bounds = {str(name): bound for name, bound in case.policy.spec.evidence.thresholds.items()}
    spec = case.release.spec
    given: list[tuple[tuple[str, int], str, Decimal, str]] = [
        (("utility", place), each.metric, each.limit, each.better)
        for place, each in enumerate(spec.utility)
    ]
    given += [
        (("attacks", place), each.key.metric, each.advantage_at_most, "low")
        for place, each in enumerate(spec.attacks)
    ]
    for path, metric, limit, better in given:
        bound = bounds.get(metric, limit)
        if limit < bound if better == "high" else limit > bound:
            yield case.finding(
                "evidence-threshold",
                f"threshold {plain(limit)} of {metric} is looser than the policy's {plain(bound)}",
                f"{plain(bound)} or {'more' if better == 'high' else 'less'}",
                *path,
            )


def feared(case: Case) -> Iterator[Finding]:
    """An attack that is feared has a threshold."""
    threats = case.release.spec.threat_model
    limited = {each.attack for each in case.release.spec.attacks}
    for place, fear in enumerate(threats.fears if threats else ()):
        if fear not in limited:
            yield case.finding(
                "attack-threshold",
                f"{fear} is feared and measured, and no threshold limits it",
                f"add to attacks: {{attack: {fear}, advantage_at_most: 0.1}}",
                *("threat_model", "fears", place),
                level="warn",
            )


def one_table(case: Case) -> Iterator[Finding]:
    """Attacks are run on releases of one table."""
    if case.release.spec.threat_model is not None and case.dataset.spec.joined is not None:
        yield case.finding(
            "attack-tables",
            "attacks are run on one table, and this dataset has two",
            "remove threat_model and attacks, or describe a view that joins both as a dataset with unit.column",
            "threat_model",
        )


def restricted(case: Case) -> Iterator[Finding]:
    """A threshold without noise is one that the policy lets gate, and somebody can open what is sealed."""
    spec = case.policy.spec
    readers = any(role.encrypt_to for role in spec.roles.values())
    for place, each in enumerate(case.release.spec.utility):
        if not each.restricted:
            continue
        if each.metric not in spec.evidence.restricted_gates:
            yield case.finding(
                "restricted-gate",
                f"{each.metric} is computed without noise, so its verdict is a bit that no ε covers, and the "
                "policy does not let it gate",
                "use a metric with noise, or name it under evidence.restricted_gates of the policy",
                *("utility", place),
            )
        elif not readers:
            yield case.finding(
                "restricted-gate",
                f"{each.metric} is sealed to stewards, and no role of the policy has encrypt_to",
                "give a role encrypt_to: dpgate keygen FILE --age",
                *("utility", place),
            )
