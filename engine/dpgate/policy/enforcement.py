"""What a violation, an error and a waiver make of each other: the one place that decides."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from dpgate.model.finding import Finding, Outcome
from dpgate.model.rule import Enforcement
from dpgate.model.values import Frozen


class Decision(Frozen):
    """What a finding comes to."""

    level: Literal["deny", "warn"]
    outcome: Outcome


def decision(enforcement: Enforcement, *, error: bool, waived: bool) -> Decision:
    """What a rule that does not hold comes to.

    Args:
        enforcement: how the rule is enforced.
        error: it could not be evaluated: that denies, however it is enforced and waived.
        waived: a waiver of it is in force for this release.
    """
    if error:
        return Decision(level="deny", outcome="error")
    if enforcement == "advisory":
        return Decision(level="warn", outcome="violated")
    if enforcement == "soft" and waived:
        return Decision(level="warn", outcome="waived")
    return Decision(level="deny", outcome="violated")  # hard: a waiver changes nothing


def decide(finding: Finding, waivers: Mapping[str, str] | None = None) -> Finding:
    """A finding as it counts.

    Args:
        finding: what a rule found; `level`, `outcome` (but for errors) and `waiver` are set here.
        waivers: path of the waiver in force, by the rule's id.
    """
    path = (waivers or {}).get(finding.rule, "")
    made = decision(finding.enforcement, error=finding.outcome == "error", waived=bool(path))
    waived = made.outcome == "waived"
    return finding.model_copy(
        update={
            "level": made.level,
            "outcome": made.outcome,
            "waiver": path if waived else "",
            "message": f"{WOULD_FAIL}{finding.message}" if waived else finding.message,
        }
    )


WOULD_FAIL = "waived, would fail: "
"""How the message of a waived finding begins."""
