"""The arithmetic of `verify`: costs, sums, limits, composition and outcomes, computed again.

Every function returns a line for people, or raises a LedgerError that names the file.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from functools import lru_cache

from dpgate.accounting import compose, curves
from dpgate.accounting.filter import Spend, epsilon
from dpgate.errors import AccountingError, ChainError, EvidenceError
from dpgate.evidence import disclosure, thresholds
from dpgate.gate import budgets, resuming
from dpgate.gate.costing import person_spend
from dpgate.gate.pinned import Pins
from dpgate.gate.rederive import Judged
from dpgate.ledger.chain import Chain
from dpgate.model.event import Event
from dpgate.model.policy import Accounting
from dpgate.model.values import plain, short
from dpgate.policy.facts import required_evidence
from dpgate.policy.scopes import Tally, scopes
from dpgate.synthesis.smartnoise.honest import FACTORS


def costs(reserves: Sequence[Judged]) -> str:
    """Recorded losses, spends and claims are not below what the events cost."""
    count = pinned = 0
    pins = Pins()
    known = {each.link.digest: each for each in reserves}
    for each in reserves:
        entry, accounting = each.entry, each.policy.spec.accounting
        privacy = each.case.release.spec.privacy
        unit = each.case.dataset.spec.unit
        try:
            spend, alone, person = _recomputed(
                entry.events, accounting, privacy.delta, unit.units_per_person
            )
        except AccountingError as error:
            raise ChainError(f"{each.link.path}: {error.message}") from None
        claim = entry.claim
        if not _covers(each.spend, spend):
            raise ChainError(f"{each.link.path}: its spend is below what its events cost")
        if alone > privacy.epsilon or claim.epsilon < alone or claim.person_epsilon < person:
            raise ChainError(
                f"{each.link.path}: claims ε {plain(claim.epsilon)} of {plain(privacy.epsilon)}, "
                f"its events cost {plain(alone)}"
            )
        _named(each)
        _foreign(each)
        if entry.resumes is None:
            pinned += pins.judge(each)
        else:
            resuming.judge(each, known.get(entry.resumes.reserve))
            pinned += 1
        count += sum(event.times for event in entry.events)
    others = len(reserves) - pinned
    return (
        f"{count} mechanism runs recomputed from their parameters; none is charged too little"
        + (
            f"; {others} reservation(s) by synthesizers that are not installed here"
            if others
            else ""
        )
    )


def _named(each: Judged) -> None:
    """A claim is about what its documents say, and about nothing else."""
    claim, spec = each.entry.claim, each.case.dataset.spec
    named = (claim.delta, claim.relation, claim.unit, claim.rows_per_person)
    privacy, unit = each.case.release.spec.privacy, spec.unit
    if named != (privacy.delta, spec.neighboring, unit.protected, unit.max_rows_per_person):
        raise ChainError(
            f"{each.link.path}: its claim names another δ, relation or unit than its documents"
        )
    if claim.unprotected_bits != each.case.release.spec.unprotected_bits:
        raise ChainError(
            f"{each.link.path}: claims another number of unprotected bits than its manifest lets out"
        )
    if any(event.relation != claim.relation for event in each.entry.events):
        raise ChainError(f"{each.link.path}: an event is in another neighboring relation")


def _foreign(each: Judged) -> None:
    """A program with noise of its own is accounted at what it is known to cost, not at its word."""
    made, unit = each.case.release.spec.synthesize, each.case.dataset.spec.unit
    if unit.column is not None and any(event.mechanism == "foreign" for event in each.events):
        raise ChainError(
            f"{each.link.path}: a foreign program took the number of rows as known where persons are cut"
        )
    least = FACTORS.get(made.with_) if made else None
    if least is None:
        return
    found = [e.sensitivity_squared for e in each.events if e.mechanism == "foreign"]
    if not found or min(found) < least:
        raise ChainError(f"{each.link.path}: a foreign program is accounted at less than it costs")


@lru_cache(maxsize=4096)
def _recomputed(
    events: tuple[Event, ...], accounting: Accounting, delta: Decimal, units: int
) -> tuple[Spend, Decimal, Decimal]:
    """What events cost by their parameters: spend, ε alone, and ε of a person with so many units."""
    for event in events:
        curves.check(event)
    person = epsilon(person_spend(events, units, accounting.orders), accounting.delta)
    return Spend.of(events, accounting.orders), compose.release_epsilon(events, delta), person


def _covers(recorded: Spend, recomputed: Spend) -> bool:
    """Whether a recorded spend is nowhere below a recomputed one."""
    if recorded.orders.keys() != recomputed.orders.keys():
        return False
    lower = any(recorded.orders[order] < value for order, value in recomputed.orders.items())
    return not lower and recorded.delta0 >= recomputed.delta0


def sums(reserves: Sequence[Judged]) -> str:
    """Each reservation's running sums follow exactly from those before it."""
    count = 0
    past = Tally(reserves[0].policy.spec.accounting.orders if reserves else ())
    for each in reserves:
        entry, policy = each.entry, each.policy
        expected = budgets.sums(policy, entry.facts, entry.time, each.limits, past, each.spend)
        if each.sums != expected:
            raise ChainError(
                f"{each.link.path}: its running sums do not follow from the entries before it"
            )
        for population in entry.facts.populations:
            if policy.spec.populations[population].neighboring != entry.claim.relation:
                raise ChainError(
                    f"{each.link.path}: mixes neighboring relations within a population"
                )
        past.add(entry.facts, entry.time, each.spend)
        count += len(expected)
    return f"{count} running sum(s), exact to the last digit"


def budgets_held(reserves: Sequence[Judged]) -> str:
    """Every reservation fitted every scope it touched, by the filter of its policy.

    The sums are those that the step before held to be exact.
    """
    count = 0
    for each in reserves:
        entry, policy = each.entry, each.policy
        delta = policy.spec.accounting.delta
        for scope in scopes(policy, entry.facts, entry.time, each.limits):
            after = epsilon(each.sums[scope.key], delta)
            if after > scope.limit:
                raise ChainError(
                    f"{each.link.path}: {scope.title} reached ε {plain(after)} of {plain(scope.limit)}"
                )
            count += 1
    return f"{count} limit(s) held at every reservation"


def composition(reserves: Sequence[Judged]) -> str:
    """OpenDP composes the events of every scope to no more than its recorded sum.

    Each scope at the last reservation that touched it (lifetimes first, up to a number that keeps
    this linear), and all scopes of a sample of reservations that the last entry's digest chooses.
    """
    last: dict[str, int] = {}
    for place, each in enumerate(reserves):
        last.update(dict.fromkeys(each.entry.sums, place))
    lifetimes = sorted(key for key in last if key.endswith("/all=*/lifetime"))
    chosen = (*lifetimes, *(key for key in last if key not in lifetimes))[
        : len(lifetimes) + _SCOPES
    ]
    for key in chosen:
        _composed(reserves[: last[key] + 1], key)
    seed = int(reserves[-1].link.digest[-12:], 16) if reserves else 0
    for place in {seed * (turn + 1) % len(reserves) for turn in range(_SAMPLE)} if reserves else ():
        for key in reserves[place].entry.sums:
            _composed(reserves[: place + 1], key)
    return "; ".join(
        (f"{len(chosen)} of {len(last)} scope(s)", *map(_spent(reserves, last), lifetimes))
    )


_SCOPES = 48
"""Scopes, beside lifetimes, that are composed again at their head."""
_SAMPLE = 3
"""Earlier reservations whose scopes are all composed again."""


def _spent(reserves: Sequence[Judged], last: Mapping[str, int]) -> Callable[[str], str]:
    def line(key: str) -> str:
        judged = reserves[last[key]]
        delta = judged.policy.spec.accounting.delta
        total = epsilon(judged.sums[key], delta)
        return f"{key.partition('/')[0]}: ε {plain(total)} at δ={short(delta)}"

    return line


def _composed(reserves: Sequence[Judged], key: str) -> None:
    """Compose one scope of the last of these reservations again."""
    judged = reserves[-1]
    entry, orders = judged.entry, judged.policy.spec.accounting.orders
    touched = scopes(judged.policy, entry.facts, entry.time, judged.limits)
    scope = next(s for s in touched if s.key == key)
    same: dict[int, tuple[tuple[Event, ...], int]] = {}
    for each in reserves:
        if scope.counts(each.entry.facts, each.entry.time):
            times = same.get(id(each.events), (each.events, 0))[1]
            same[id(each.events)] = (each.events, times + 1)
    events: Counter[Event] = Counter()
    for bundle, times in same.values():
        for event in bundle:
            events[event] += times
    recorded = entry.sums[key].curve
    for order, value in compose.recompose(events, orders).items():
        if Decimal(value) > recorded[str(order)] * (1 + Decimal("1e-9")):
            raise ChainError(
                f"{judged.link.path}: {scope.title}: OpenDP composes order {order} to {value}, "
                f"recorded {recorded[str(order)]}"
            )


def settlements(chain: Chain, reserves: Sequence[Judged]) -> str:
    """A settled outcome agrees with the evidence recorded for it."""
    counts: dict[str, int] = {}
    for each in reserves:
        closed = chain.settles.get(each.link.digest)
        if closed is None:
            continue
        link, entry = closed
        try:
            results = tuple(disclosure.from_record(record) for record in entry.evidence)
            disclosure.records(results, each.entry.events)
        except EvidenceError as error:
            raise ChainError(f"{link.path}: {error.message}") from None
        limits = thresholds.limits_of(each.case.release.spec)
        _bits_counted(link.path, results, limits)
        outcomes = thresholds.judge(
            results,
            limits,
            required_evidence(each.policy, each.case.release),
            each.policy.spec.evidence.restricted_gates,
        )
        failed = [outcome for outcome in outcomes if not outcome]
        if entry.outcome == "released" and failed:
            raise ChainError(f"{link.path}: released although {failed[0].message}")
        counts[entry.outcome] = counts.get(entry.outcome, 0) + 1
    return ", ".join(f"{number} {outcome}" for outcome, number in counts.items()) or "none yet"


def _bits_counted(
    path: str, results: Sequence[disclosure.Result], limits: Sequence[thresholds.Limit]
) -> None:
    """Every bit that a sealed result lets out is one that the manifest's claim counts."""
    counted = {limit.key for limit in limits if limit.restricted}
    for result in results:
        if isinstance(result, disclosure.RestrictedResult) and result.passed is not None:
            if thresholds.key_of(result) not in counted:
                raise ChainError(f"{path}: a sealed result lets out a bit that no threshold counts")
            counted.discard(thresholds.key_of(result))
