"""Budgets before and after a release, and how much would fit."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from decimal import Decimal
from typing import Protocol

from dpgate.accounting import calibrate, compose
from dpgate.accounting.filter import Spend, epsilon
from dpgate.accounting.rounding import down, significant_down
from dpgate.errors import AccountingError
from dpgate.gate.results import ScopeRow
from dpgate.model.limits import Limits
from dpgate.model.policy import PrivacyPolicy
from dpgate.model.record import Facts
from dpgate.model.release import Privacy
from dpgate.policy.scopes import Scope, scopes


class Spent(Protocol):
    """Whatever knows what a scope has spent: a tally, or a past."""

    def spent(self, scope: Scope) -> Spend:
        """Exact sum of what a scope has spent."""


def rows(
    policy: PrivacyPolicy,
    facts: Facts,
    hour: str,
    limits: Limits | None,
    past: Spent,
    spend: Spend,
) -> tuple[ScopeRow, ...]:
    """Every scope that a release touches in that hour, before and after it."""
    found = scopes(policy, facts, hour, limits)
    return tuple(_row(scope, policy, past, spend) for scope in found)


def sums(
    policy: PrivacyPolicy,
    facts: Facts,
    hour: str,
    limits: Limits | None,
    past: Spent,
    spend: Spend,
) -> dict[str, Spend]:
    """Exact sums of every scope after a release."""
    return {s.key: past.spent(s) + spend for s in scopes(policy, facts, hour, limits)}


def together(
    policy: PrivacyPolicy,
    past: Spent,
    hour: str,
    charges: Iterable[tuple[Facts, Limits | None, Spend]],
) -> tuple[ScopeRow, ...]:
    """Every scope that several releases touch, before and after all of them, at its lowest limit."""
    touched: dict[str, tuple[Scope, Spend]] = {}
    for facts, limits, spend in charges:
        for scope in scopes(policy, facts, hour, limits):
            known, before = touched.get(
                scope.key, (scope, Spend.zero(policy.spec.accounting.orders))
            )
            lower = scope if scope.limit < known.limit else known
            touched[scope.key] = (lower, before + spend)
    return tuple(_row(scope, policy, past, spend) for scope, spend in touched.values())


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
    limits: Limits | None,
    past: Spent,
    spend_at: Callable[[Decimal], Spend],
    asked: Privacy,
    *,
    zero_concentrated: bool = True,
) -> Decimal:
    """The highest ε that every scope would admit today; two decimals, rounded down.

    Args:
        policy: the policy in force.
        facts: of the release.
        hour: now, as records hold it.
        limits: those of the dataset, if it sets any.
        past: what was spent before.
        spend_at: what the release spends at an ε.
        asked: ε of the manifest, which the search stays below, and its δ.
        zero_concentrated: whether the release spends ρ·α; else `spend_at` plans it anew each time,
            and raises AccountingError where ε is too small to be planned.
    """

    def fits(spend: Spend) -> bool:
        return all(row.fits for row in rows(policy, facts, hour, limits, past, spend))

    low, high = 0, int(down(asked.epsilon, 2) * 100)
    if not high or fits(spend_at(Decimal(high) / 100)):
        return Decimal(high) / 100
    if not zero_concentrated:
        return _planned_anew(lambda hundredths: fits(spend_at(Decimal(hundredths) / 100)), high)
    if asked.delta:
        # Converting is slow: once, from the highest ρ, instead of at each step.
        rho = _highest_rho(policy, fits, calibrate.rho_for(asked.epsilon, asked.delta))
        near = int(down(compose.epsilon_of_rho(rho, asked.delta), 2) * 100) if rho else 0
        low, high = max(near - 1, 0), min(near, high)
    while low < high:
        middle = (low + high + 1) // 2
        good = fits(spend_at(Decimal(middle) / 100))
        low, high = (middle, high) if good else (low, middle - 1)
    return Decimal(low) / 100


def _planned_anew(fits: Callable[[int], bool], high: int) -> Decimal:
    """The highest ε below `high`, in hundredths, that can be planned and fits; 0 if there is none."""

    def tried(hundredths: int) -> bool | None:
        try:
            return fits(hundredths)
        except AccountingError:
            return None  # too small an ε: only a higher one can be planned

    low, best = 0, 0
    while low < high - 1:
        middle = (low + high) // 2
        good = tried(middle)
        best = middle if good else best
        low, high = (low, middle) if good is False else (middle, high)
    return Decimal(best) / 100


def _highest_rho(
    policy: PrivacyPolicy, fits: Callable[[Spend], bool], too_much: Decimal
) -> Decimal:
    """The highest ρ whose curve ρ·α fits, to one part in 10^9; 0 if none does."""
    orders = policy.spec.accounting.orders
    low, high = Decimal(0), too_much
    while high - low > high * _PRECISION and high > _NOTHING:
        middle = significant_down((low + high) / 2, 12)
        spend = Spend({order: middle * order for order in orders}, Decimal(0))
        low, high = (middle, high) if fits(spend) else (low, middle)
    return low


_PRECISION = Decimal("1e-9")
"""Width, relative to ρ, at which the search for it ends."""
_NOTHING = Decimal("1e-12")
"""A ρ below this is none: its ε at any δ in use rounds down to 0."""
