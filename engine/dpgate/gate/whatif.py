"""`ledger what-if`: how many more releases of a kind would fit, before anybody writes them."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

from dpgate.accounting import calibrate
from dpgate.accounting.filter import Spend
from dpgate.errors import UsageError
from dpgate.gate import budgets
from dpgate.gate.results import WhatIfResult
from dpgate.gate.standing import open_standing
from dpgate.gate.workspace import now, workspace
from dpgate.policy.facts import clock, facts_of


def what_if(
    release: str,
    repo: Path | str = ".",
    *,
    epsilon: Decimal | None = None,
    times: int = 12,
    offline: bool = False,
) -> WhatIfResult:
    """Count how many releases like one manifest would fit today, one after the other.

    Args:
        release: ``dataset/release``: whose purpose, recipients, columns and δ to take.
        repo: a release repository, or a folder in it.
        epsilon: ε of each; the manifest's if None.
        times: how many to try, 1 to 1,000.
        offline: judge by the ledger as this clone last fetched it.

    Raises:
        UsageError: ε or the number of times is out of range, or the population has no budget.
    """
    if not 1 <= times <= 1_000:
        raise UsageError(f"times is a number from 1 to 1,000, not {times}")
    space = workspace(Path(repo))
    case = space.case(release)
    standing = open_standing(space, offline=offline)
    policy, privacy = standing.policy, case.release.spec.privacy
    facts = facts_of(case.dataset, case.release)
    unknown = [name for name in facts.populations if name not in policy.spec.populations]
    if unknown:
        raise UsageError(f"population {unknown[0]} has no budget in the policy in force")
    each = privacy.epsilon if epsilon is None else epsilon
    rho = calibrate.rho_for(each, privacy.delta)
    one = Spend({order: rho * order for order in policy.spec.accounting.orders}, Decimal(0))
    hour = clock(policy, now()).hour
    past = standing.past
    spent = Spend.zero(policy.spec.accounting.orders)
    full = ""
    count = 0
    while count < times and not full:
        rows = budgets.rows(policy, facts, hour, past, spent + one)
        full = next((row.title for row in rows if not row.fits), "")
        if not full:
            spent, count = spent + one, count + 1
    return WhatIfResult(
        release=case.name,
        epsilon=each,
        delta=privacy.delta,
        asked=times,
        fitting=count,
        first_full=full,
        scopes_delta=policy.spec.accounting.delta,
        scopes=budgets.rows(policy, facts, hour, past, spent),
        added_up=each * count,
    )
