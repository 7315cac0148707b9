"""The facts that follow from the ledger and from signatures: budgets, history, approvals."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from dpgate.accounting.filter import Spend, epsilon
from dpgate.gate.budgets import Spent
from dpgate.gate.results import ScopeRow
from dpgate.gate.workspace import Case
from dpgate.model.history import PastRelease
from dpgate.model.policy import PrivacyPolicy
from dpgate.model.record import Facts
from dpgate.policy.approvals import missing
from dpgate.policy.cel.documents import of_documents
from dpgate.policy.cel.types import Approval, Budget, History, Past, Scope
from dpgate.policy.facts import Clock, facts_of
from dpgate.policy.scopes import SELECTORS, values_of
from dpgate.policy.scopes import Scope as Counted
from dpgate.policy.windows import LIFETIME


class Told:
    """What rules are told of the past; what was told once is not made again."""

    def __init__(self, form: Callable[[Past], Any] = lambda past: past) -> None:
        """Take what puts a fact in the form in which it is handed on.

        Args:
            form: `replay` makes messages, once each; a plan leaves facts as they are.
        """
        self._form = form
        self._made: dict[tuple[int, str], Any] = {}

    def all(self, releases: Iterable[PastRelease]) -> tuple[Any, ...]:
        """All attempts."""
        return tuple(self._past(each) for each in releases)

    def of(self, releases: Iterable[PastRelease], recipients: Iterable[str]) -> dict[str, Any]:
        """The attempts of each of these recipients, if there are any."""
        found: dict[str, list[Any]] = {}
        named = tuple(recipients)
        for each in releases:
            for name in each.facts.recipients:
                if name in named:
                    found.setdefault(name, []).append(self._past(each))
        return found

    def _past(self, each: PastRelease) -> Any:
        key = (each.entry, each.outcome)
        if key not in self._made:
            self._made[key] = self._form(_past(each))
        return self._made[key]


@dataclass(frozen=True, kw_only=True)
class Circumstances:
    """All that rules can know of a release, at its place in the ledger."""

    case: Case
    policy: PrivacyPolicy
    """In force there."""
    time: Clock
    rows: tuple[ScopeRow, ...]
    """The limits that it touches."""
    past: Spent
    """What was spent before."""
    spend: Spend
    """What it spends."""
    history: Callable[[], Sequence[PastRelease]]
    """Attempts before it."""
    roles: tuple[str, ...] = ()
    """Roles that must approve."""
    signed: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """For each role, fingerprints of the keys whose approval counts."""
    told: Told = field(default_factory=Told)

    def facts(self, needs: frozenset[str]) -> Mapping[str, object]:
        """The facts that are needed, by root."""
        dataset, release = self.case.dataset, self.case.release
        own = facts_of(dataset, release)
        made = dict(of_documents(dataset, release, self.time.day))
        if "budget" in needs:
            made["budget"] = budget(self.policy, own, self.rows, self.past, self.spend)
        if "history" in needs:
            made["history"] = History(releases=self.told.all(self.history()))
        if "history.recipients" in needs:
            made["history.recipients"] = self.told.of(self.history(), own.recipients)
        if "approvals" in needs:
            made["approvals"] = approvals(self.policy, self.roles, self.signed)
        return made


_KEY = re.compile(r"(?P<population>[^/]+)/(?P<about>[a-z]+)=(?P<value>[^/]+)/(?P<window>.+)")
_WINDOWS = ((r"\d{4}-\d{2}", "month"), (r"\d{4}-Q\d", "quarter"), (r"\d{4}", "year"))


def budget(
    policy: PrivacyPolicy, facts: Facts, rows: Iterable[ScopeRow], past: Spent, spend: Spend
) -> Budget:
    """Budgets before and after a release.

    Args:
        policy: the policy in force.
        facts: of the release.
        rows: the limits that it touches.
        past: what was spent before.
        spend: what the release spends.
    """
    scopes = tuple(_scope(row) for row in rows)
    before: dict[str, Decimal] = {}
    after: dict[str, Decimal] = {}
    limit: dict[str, Decimal] = {}
    remaining: dict[str, Decimal] = {}
    delta = policy.spec.accounting.delta
    for key, counted in _lifetimes(facts):
        spent = past.spent(counted)
        _most(before, key, epsilon(spent, delta))
        _most(after, key, epsilon(spent + spend, delta))
    for scope in scopes:
        key = _key(scope.about, scope.value, scope.window)
        _most(before, key, scope.before)
        _most(after, key, scope.after)
        limit[key] = min(scope.limit, limit.get(key, scope.limit))
        remaining[key] = min(scope.remaining, remaining.get(key, scope.remaining))
    return Budget(scopes=scopes, before=before, after=after, limit=limit, remaining=remaining)


def _most(sums: dict[str, Decimal], key: str, value: Decimal) -> None:
    sums[key] = max(value, sums.get(key, value))


def _lifetimes(facts: Facts) -> Iterator[tuple[str, Counted]]:
    """Everything charged to each population, and each part of it that the release is part of."""
    for population in facts.populations:
        for what in SELECTORS:
            for value in values_of(what, facts):
                scope = Counted(
                    population=population, selector=(what, value), window=LIFETIME, limit=Decimal(0)
                )
                yield _key(what, "" if what == "all" else value, "lifetime"), scope


def _key(about: str, value: str, window: str) -> str:
    if window == "lifetime":
        return f"{about}:{value}" if value else "lifetime"
    return f"{about}:{value}@{window}" if value else f"lifetime@{window}"


def _scope(row: ScopeRow) -> Scope:
    match = _KEY.fullmatch(row.key)
    assert match is not None  # noqa: S101 - `Scope.key` writes them so
    name = match["window"]
    return Scope(
        population=match["population"],
        about=match["about"],
        value="" if match["about"] == "all" else match["value"],
        window=next((kind for form, kind in _WINDOWS if re.fullmatch(form, name)), name),
        title=row.title,
        before=row.before,
        this=row.this,
        after=row.after,
        limit=row.limit,
        remaining=row.remaining,
    )


def _past(each: PastRelease) -> Past:
    facts = each.facts
    return Past(
        name=each.release,
        dataset=each.release.partition("/")[0],
        entry=each.entry,
        time=each.time,
        outcome=each.outcome,
        type=facts.type,
        purpose=facts.purpose,
        recipients=facts.recipients,
        regions=facts.regions,
        sensitivities=facts.sensitivities,
        groups=facts.groups,
        columns=facts.columns,
        quasi_identifiers=facts.quasi_identifiers,
        epsilon=each.epsilon,
        population=facts.populations[0],
        populations=facts.populations,
    )


def approvals(
    policy: PrivacyPolicy, required: Iterable[str], signed: Mapping[str, frozenset[str]]
) -> Mapping[str, Approval]:
    """Approvals by role: of every role that the policy gives keys, and of those that must approve.

    Args:
        policy: the policy in force.
        required: roles that must approve this release.
        signed: for each role, fingerprints of the keys whose approval counts.
    """
    needed = tuple(required)
    lacking = missing(policy, needed, signed)
    roles = dict.fromkeys((*(n for n, r in policy.spec.roles.items() if r.keys), *needed))
    found = {}
    for role in roles:
        have = len(signed.get(role, frozenset()))
        rule = policy.spec.roles.get(role)
        threshold = rule.threshold if rule else have + lacking.get(role, 0)
        found[role] = Approval(have=have, needed=threshold if role in needed else 0)
    return found
