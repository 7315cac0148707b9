"""`ledger what-if`: how many more releases of a kind would fit, before anybody writes them."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

from dpgate.accounting.filter import Spend
from dpgate.errors import UsageError
from dpgate.gate import budgets
from dpgate.gate.costing import spend_at
from dpgate.gate.ledger_results import WhatIfResult
from dpgate.gate.results import ScopeRow
from dpgate.gate.standing import Standing, open_standing
from dpgate.gate.workspace import now, workspace
from dpgate.model.limits import Limits
from dpgate.model.record import Facts
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
    privacy = case.release.spec.privacy
    facts = facts_of(case.dataset, case.release)
    unknown = [n for n in facts.populations if n not in standing.policy.spec.populations]
    if unknown:
        raise UsageError(f"population {unknown[0]} has no budget in the policy in force")
    each = privacy.epsilon if epsilon is None else epsilon
    one = spend_at(standing.policy, case, each)
    limits = case.dataset.spec.limits
    count, spent, full = _fill(standing, facts, limits, one, times)
    return WhatIfResult(
        release=case.name,
        epsilon=each,
        delta=privacy.delta,
        asked=times,
        fitting=count,
        first_full=full,
        scopes_delta=standing.policy.spec.accounting.delta,
        scopes=_rows(standing, facts, limits, spent),
        added_up=each * count,
    )


def _fill(
    standing: Standing, facts: Facts, limits: Limits | None, one: Spend, times: int
) -> tuple[int, Spend, str]:
    """How many fit, what they spend together, and the scope that is full first."""
    spent = Spend.zero(standing.policy.spec.accounting.orders)
    for count in range(times):
        rows = _rows(standing, facts, limits, spent + one)
        full = [row.title for row in rows if not row.fits]
        if full:
            return count, spent, full[0]
        spent += one
    return times, spent, ""


def _rows(
    standing: Standing, facts: Facts, limits: Limits | None, spend: Spend
) -> tuple[ScopeRow, ...]:
    hour = clock(standing.policy, now()).hour
    return budgets.rows(standing.policy, facts, hour, limits, standing.past, spend)
