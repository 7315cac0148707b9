"""What a plan comes to, and what to do next."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from dpgate.gate.results import Open
from dpgate.model.finding import Finding

Verdict = Literal["ready", "waiting", "denied", "released", "withdrawn"]


def verdict(
    findings: Iterable[Finding],
    still_open: tuple[Open, ...],
    *,
    unsigned: bool,
    released: bool,
    consenting: frozenset[str],
) -> Verdict:
    """What a plan comes to.

    Args:
        findings: of rules and budgets.
        still_open: attempts that nothing has closed.
        unsigned: whether an approval or the author's signature is missing.
        released: whether it was released before.
        consenting: rules about approvals; where nothing else denies, the release waits for them.
    """
    if released:
        return "released"
    denying = {finding.rule for finding in findings if finding.level == "deny"}
    if still_open or denying - consenting:
        return "denied"
    return "waiting" if unsigned or denying else "ready"


def following(
    name: str,
    verdict: Verdict,
    step: str,
    still_open: tuple[Open, ...],
    *,
    resumes: bool = False,
) -> str:
    """The command that comes next, in words; empty where a denial says it.

    Args:
        name: of the release.
        verdict: what its plan comes to.
        step: what to sign, where that is what it waits for.
        still_open: attempts that nothing has closed.
        resumes: whether it goes on with an earlier attempt.
    """
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
        return step
    return f"dpgate release {name} --source FILE --key RUNNER_KEY" + " --resume" * resumes
