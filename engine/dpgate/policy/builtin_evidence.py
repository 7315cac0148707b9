"""The built-in rules about evidence: thresholds, attacks, attempts."""

from __future__ import annotations

from dpgate.policy.builtin_rule import Builtin

_EVIDENCE = "dpgate.policy.evidence"

EVIDENCE: tuple[Builtin, ...] = (
    Builtin(
        "required-evidence",
        "Evidence that the policy requires is measured against a threshold",
        "A release nobody measured may be useless, and its cost is spent all the same.",
        ("utility", "attacks", "policy.evidence"),
        f"{_EVIDENCE}.required",
    ),
    Builtin(
        "evidence-threshold",
        "No threshold is looser than the policy allows for its metric or attack",
        "A threshold that everything meets is no gate.",
        ("utility", "attacks", "policy.evidence"),
        f"{_EVIDENCE}.loosest",
    ),
    Builtin(
        "evidence-measure",
        "Every threshold and attack can be measured on the released columns",
        "What cannot be measured would fail after the budget is spent.",
        ("utility", "attacks", "threat_model", "columns"),
        "dpgate.gate.measurable.findings",
    ),
    Builtin(
        "attack-threshold",
        "An attack that is feared has a threshold",
        "What is measured and limited by nothing changes no decision.",
        ("threat_model.fears", "attacks"),
        f"{_EVIDENCE}.feared",
        level="warn",
    ),
    Builtin(
        "attack-tables",
        "Attacks are run on releases of one table",
        "Persons and their rows would have to be held out together, which is not built.",
        ("threat_model", "dataset.joined"),
        f"{_EVIDENCE}.one_table",
    ),
    Builtin(
        "restricted-gate",
        "A threshold without noise is of a metric that the policy lets gate, and is sealed to stewards",
        "Its verdict is a bit about the private data that no ε covers; who allows that must say so.",
        ("utility", "policy.evidence", "policy.roles"),
        f"{_EVIDENCE}.restricted",
    ),
    Builtin(
        "attempts",
        "The release was not attempted as often as the policy allows",
        "Trying until the gate passes chooses a lucky draw, and each attempt is spent.",
        ("policy.evidence",),
        "dpgate.gate.weigh.weigh",
        judged="plan",
    ),
)

OUT_OF_REACH = Builtin(
    "threshold-out-of-reach",
    "A utility threshold is above the noise of its own measurement",
    "The gate would hardly pass, and the cost stays spent.",
    ("utility", "attacks", "privacy.evidence_share"),
    "dpgate.gate.gauges.Gauges.shortfalls",
    level="warn",
    judged="plan",
)
