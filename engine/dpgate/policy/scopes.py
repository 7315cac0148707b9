"""Budget scopes: the lifetime of a population, which is the guarantee, and quotas within it.

A scope's sum is a pure function of the reservations made so far: the spend of each one that it
matches, added up exactly. A quota is no guarantee of its own; it only narrows the lifetime limit.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal

from dpgate.accounting.filter import Spend
from dpgate.model.policy import PrivacyPolicy, Quota, Window
from dpgate.model.record import Facts


@dataclass(frozen=True, kw_only=True)
class Scope:
    """One budget that a release touches."""

    population: str
    selector: tuple[str, str]
    """("all", "*"), or which fact and which value of it."""
    window: str
    """``lifetime``, or the calendar window: ``2026-11``, ``2026-Q4``, ``2026``."""
    every: Window | None
    limit: Decimal
    """ε at the policy's δ."""

    @property
    def key(self) -> str:
        """How records name it."""
        return f"{self.population}/{'='.join(self.selector)}/{self.window}"

    @property
    def title(self) -> str:
        """How people name it."""
        what, value = self.selector
        head = {"all": "population", "purpose": value}.get(what, f"{what} {value}")
        return f"{head}, {self.window.replace('-Q', ' Q')}"

    def matches(self, facts: Facts, day: dt.date) -> bool:
        """Whether a reservation with these facts on that day counts here."""
        if facts.population != self.population or window_of(self.every, day) != self.window:
            return False
        what, value = self.selector
        return what == "all" or value in values_of(what, facts)


def values_of(what: str, facts: Facts) -> tuple[str, ...]:
    """The values of one fact."""
    return {
        "all": ("*",),
        "purpose": (facts.purpose,),
        "recipient": facts.recipients,
        "sensitivity": facts.sensitivities,
    }[what]


def window_of(every: Window | None, day: dt.date) -> str:
    """The calendar window a day lies in."""
    if every is None:
        return "lifetime"
    if every == "month":
        return f"{day.year}-{day.month:02d}"
    if every == "quarter":
        return f"{day.year}-Q{(day.month + 2) // 3}"
    return str(day.year)


def scopes(policy: PrivacyPolicy, facts: Facts, day: dt.date) -> tuple[Scope, ...]:
    """Every scope that a release with these facts touches on that day, the lifetime first.

    Where two quotas name the same scope the lower limit counts.
    """
    population = policy.spec.populations[facts.population]
    found: dict[str, Scope] = {}
    lifetime = Scope(
        population=facts.population,
        selector=("all", "*"),
        window="lifetime",
        every=None,
        limit=population.lifetime.epsilon,
    )
    quotas = (scope for quota in population.quotas for scope in _of_quota(quota, facts, day))
    for scope in (lifetime, *quotas):
        known = found.get(scope.key)
        if known is None or scope.limit < known.limit:
            found[scope.key] = scope
    return tuple(found.values())


def _of_quota(quota: Quota, facts: Facts, day: dt.date) -> Iterator[Scope]:
    what, wanted = quota.selector
    for value in values_of(what, facts):
        if wanted in ("*", value):
            yield Scope(
                population=facts.population,
                selector=(what, value),
                window=window_of(quota.every, day),
                every=quota.every,
                limit=quota.epsilon,
            )


def total(
    scope: Scope, history: Iterable[tuple[Facts, dt.date, Spend]], orders: tuple[int, ...]
) -> Spend:
    """Exact sum of what a scope has spent."""
    spent = Spend.zero(orders)
    for facts, day, spend in history:
        if scope.matches(facts, day):
            spent = spent + spend
    return spent
