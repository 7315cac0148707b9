"""What a plan comes to, and what to do next."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Literal

from dpgate.gate.results import Open
from dpgate.model.finding import Finding

Verdict = Literal["ready", "waiting", "denied", "released", "withdrawn"]


def verdict(
    findings: Iterable[Finding],
    lacking: Mapping[str, int],
    still_open: tuple[Open, ...],
    *,
    released: bool,
    consenting: frozenset[str],
) -> Verdict:
    """What a plan comes to.

    Args:
        findings: of rules and budgets.
        lacking: roles whose approvals are missing, and how many.
        still_open: attempts that nothing has closed.
        released: whether it was released before.
        consenting: rules about approvals; where nothing else denies, the release waits for them.
    """
    if released:
        return "released"
    denying = {finding.rule for finding in findings if finding.level == "deny"}
    if still_open or denying - consenting:
        return "denied"
    return "waiting" if lacking or denying else "ready"


def following(
    name: str, verdict: Verdict, lacking: Mapping[str, int], still_open: tuple[Open, ...]
) -> str:
    """The command that comes next, in words; empty where a denial says it."""
    if verdict in ("released", "withdrawn"):
        return f"what it cost: dpgate ledger show --release {name}"
    if still_open:
        number = still_open[0].entry
        return (
            f"entry {number} reserved attempt {still_open[0].attempt} and never settled: it is running, or it died "
            f"and its cost is spent. If it died: dpgate ledger recover --entry {number} --key RUNNER_KEY"
        )
    if verdict == "denied":
        return ""
    if verdict == "waiting":
        role = next(iter(lacking), "ROLE")  # a rule about approvals says in words whose it wants
        return f"dpgate approve {name} --role {role} --key KEY"
    return f"dpgate release {name} --source FILE --key RUNNER_KEY"
