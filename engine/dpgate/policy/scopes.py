"""Budget scopes: the lifetime of a population, which is the guarantee, and quotas within it.

A scope's sum is a pure function of the reservations made so far: the spend of each one that it
counts, added up exactly. A quota is no guarantee of its own; it only narrows the lifetime limit.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from decimal import Decimal
from zoneinfo import ZoneInfo

from dpgate.accounting.filter import Spend
from dpgate.accounting.rounding import EXACT
from dpgate.model.limits import Limits
from dpgate.model.policy import PrivacyPolicy, Quota
from dpgate.model.record import Facts
from dpgate.policy.facts import zone_of
from dpgate.policy.windows import LIFETIME, Window, window_of

Selector = tuple[str, str]
"""Which fact, and which value of it: ("purpose", "vendor-testing"); ("all", "*") for everything."""


@dataclass(frozen=True, kw_only=True)
class Scope:
    """One budget that a release touches."""

    population: str
    selector: Selector
    window: Window
    limit: Decimal
    """ε at the policy's δ."""
    lowered: tuple[str | int, ...] = ()
    """Where in the dataset's limits this one stands; empty: it is the organization's."""

    @property
    def key(self) -> str:
        """How records name it."""
        return f"{self.population}/{'='.join(self.selector)}/{self.window.name}"

    @property
    def title(self) -> str:
        """How people name it."""
        what, value = self.selector
        head = {"all": self.population, "purpose": value}.get(what, f"{what} {value}")
        window = self.window.name.replace("-Q", " Q")
        return f"{head}, {'last ' + window.replace('-', ' ') if 'days' in window else window}"

    def counts(self, facts: Facts, hour: str) -> bool:
        """Whether a reservation with these facts in that hour, up to now, counts here."""
        if self.population not in facts.populations or hour < self.window.since:
            return False
        what, value = self.selector
        return value in values_of(what, facts)


def values_of(what: str, facts: Facts) -> tuple[str, ...]:
    """The values of one fact."""
    return {
        "all": ("*",),
        "type": (facts.type,),
        "purpose": (facts.purpose,),
        "recipient": facts.recipients,
        "sensitivity": facts.sensitivities,
        "group": facts.groups,
    }[what]


SELECTORS = ("all", "type", "purpose", "recipient", "sensitivity", "group")


def scopes(
    policy: PrivacyPolicy, facts: Facts, hour: str, limits: Limits | None
) -> tuple[Scope, ...]:
    """Every scope that a release with these facts touches in that hour, lifetimes first.

    A release about several populations (datasets that share people) is charged to each of them.
    Where two limits are about the same scope the lower one counts, be it the organization's or the
    dataset's: a dataset lowers the limits of its own population, for its own releases.

    Args:
        policy: the policy in force.
        facts: of the release.
        hour: the hour that it is charged in.
        limits: those of its dataset; None: none, or those of no dataset in particular.
    """
    zone = zone_of(policy)
    found: dict[str, Scope] = {}
    for scope in (*_lifetimes(policy, facts, limits), *_quotas(policy, facts, hour, limits, zone)):
        known = found.get(scope.key)
        if known is None or scope.limit < known.limit:
            found[scope.key] = scope
    return tuple(found.values())


def _lifetimes(policy: PrivacyPolicy, facts: Facts, limits: Limits | None) -> Iterator[Scope]:
    for name in facts.populations:
        organization = policy.spec.populations[name].lifetime
        yield Scope(population=name, selector=_ALL, window=LIFETIME, limit=organization.epsilon)
    if limits is not None and limits.lifetime is not None:
        yield Scope(
            population=facts.populations[0],
            selector=_ALL,
            window=LIFETIME,
            limit=limits.lifetime.epsilon,
            lowered=("lifetime", "epsilon"),
        )


def _quotas(
    policy: PrivacyPolicy, facts: Facts, hour: str, limits: Limits | None, zone: ZoneInfo
) -> Iterator[Scope]:
    for name in facts.populations:
        for quota in policy.spec.populations[name].quotas:
            yield from _of_quota(name, quota, facts, window_of(quota, hour, zone))
    for place, quota in enumerate(limits.quotas if limits is not None else ()):
        window = window_of(quota, hour, zone)
        for scope in _of_quota(facts.populations[0], quota, facts, window):
            yield replace(scope, lowered=("quotas", place, "epsilon"))


_ALL: Selector = ("all", "*")


def _of_quota(population: str, quota: Quota, facts: Facts, window: Window) -> Iterator[Scope]:
    what, wanted = quota.selector
    for value in values_of(what, facts):
        if wanted in ("*", value):
            yield Scope(
                population=population, selector=(what, value), window=window, limit=quota.epsilon
            )


@dataclass
class _Series:
    """Running totals of one selector: hours in order, and the sum up to and including each."""

    hours: list[str] = field(default_factory=list)
    sums: list[tuple[Decimal, ...]] = field(default_factory=list)


class Tally:
    """What was spent so far, by population and selector, over any window up to now.

    Adding is one exact addition for each selector; a window's sum is one exact subtraction, so a
    ledger of any length is judged in one pass.
    """

    def __init__(self, orders: Iterable[int]) -> None:
        self.orders = tuple(orders)
        self._series: dict[tuple[str, Selector], _Series] = {}
        self._zero = (Decimal(0),) * (len(self.orders) + 1)

    def add(self, facts: Facts, hour: str, spend: Spend) -> None:
        """Count one reservation; hours never decrease from one call to the next."""
        parts = (*(spend.orders[order] for order in self.orders), spend.delta0)
        for population in facts.populations:
            for what in SELECTORS:
                for value in values_of(what, facts):
                    series = self._series.setdefault((population, (what, value)), _Series())
                    before = series.sums[-1] if series.sums else self._zero
                    series.hours.append(hour)
                    series.sums.append(tuple(map(EXACT.add, before, parts)))

    def spent(self, scope: Scope) -> Spend:
        """Exact sum of what a scope has spent."""
        series = self._series.get((scope.population, scope.selector))
        if series is None:
            return Spend.zero(self.orders)
        start = bisect_left(series.hours, scope.window.since)
        before = series.sums[start - 1] if start else self._zero
        *values, delta0 = map(EXACT.subtract, series.sums[-1], before)
        return Spend(dict(zip(self.orders, values, strict=True)), delta0)
