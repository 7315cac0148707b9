"""Budgets before and after a release, and how much would fit."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Protocol

from dpgate.accounting.filter import Spend, epsilon
from dpgate.accounting.rounding import down
from dpgate.gate.results import ScopeRow
from dpgate.model.policy import PrivacyPolicy
from dpgate.model.record import Facts
from dpgate.policy.scopes import Scope, scopes


class Spent(Protocol):
    """Whatever knows what a scope has spent: a tally, or a past."""

    def spent(self, scope: Scope) -> Spend:
        """Exact sum of what a scope has spent."""


def rows(
    policy: PrivacyPolicy, facts: Facts, hour: str, past: Spent, spend: Spend
) -> tuple[ScopeRow, ...]:
    """Every scope that a release touches in that hour, before and after it."""
    return tuple(_row(scope, policy, past, spend) for scope in scopes(policy, facts, hour))


def sums(
    policy: PrivacyPolicy, facts: Facts, hour: str, past: Spent, spend: Spend
) -> dict[str, Spend]:
    """Exact sums of every scope after a release."""
    return {s.key: past.spent(s) + spend for s in scopes(policy, facts, hour)}


def _row(scope: Scope, policy: PrivacyPolicy, past: Spent, spend: Spend) -> ScopeRow:
    delta = policy.spec.accounting.delta
    spent = past.spent(scope)
    before, after = epsilon(spent, delta), epsilon(spent + spend, delta)
    return ScopeRow(
        key=scope.key,
        title=scope.title,
        before=before,
        this=after - before,
        after=after,
        limit=scope.limit,
        remaining=max(Decimal(0), scope.limit - after),
        fits=after <= scope.limit,
    )


def spent_row(scope: Scope, policy: PrivacyPolicy, past: Spent) -> ScopeRow:
    """A scope as it stands, without a release."""
    return _row(scope, policy, past, Spend.zero(policy.spec.accounting.orders))


def fitting_epsilon(
    policy: PrivacyPolicy,
    facts: Facts,
    hour: str,
    past: Spent,
    spend_at: Callable[[Decimal], Spend],
    asked: Decimal,
) -> Decimal:
    """The highest ε that every scope would admit today; two decimals, rounded down.

    Args:
        policy: the policy in force.
        facts: of the release.
        hour: now, as records hold it.
        past: what was spent before.
        spend_at: what the release spends at an ε.
        asked: ε of the manifest; the search goes no higher.
    """

    def fits(hundredths: int) -> bool:
        spend = spend_at(Decimal(hundredths) / 100)
        return all(row.fits for row in rows(policy, facts, hour, past, spend))

    low, high = 0, int(down(asked, 2) * 100)
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if fits(middle) else (low, middle - 1)
    return Decimal(low) / 100
