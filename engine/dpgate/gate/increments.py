"""Increments: releases of further periods, composed with the earlier ones like any others.

The same people may be in several periods, so every release of a series is charged to their
population by the ledger as always: sequential composition. What an increment adds is that it must
continue a release that stands, with the same columns and cells; and that plans show the series.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from dpgate.accounting.filter import Spend, epsilon
from dpgate.errors import ChainError
from dpgate.gate.costing import from_record
from dpgate.gate.opening import loaded_document
from dpgate.gate.past import Past
from dpgate.gate.rederive import Judged
from dpgate.gate.results import Series, SeriesRow
from dpgate.gate.workspace import Case
from dpgate.ledger.chain import Chain
from dpgate.model.finding import Finding
from dpgate.model.policy import PrivacyPolicy
from dpgate.model.record import Reserve, Settle, Withdraw
from dpgate.model.values import counted


def findings(case: Case, past: Past) -> tuple[Finding, ...]:
    """What is wrong with a manifest that continues a series."""
    increment = case.release.spec.increment
    if increment is None:
        return ()
    of = _before(case)
    periods = [period for _, period, _ in _members(case, past)]
    if past.withdrawn(of):
        fault, key = f"{of} was withdrawn: a series continues what stands", "of"
    elif past.released_by(of) is None:
        fault, key = f"{of} was never released, so that nothing can continue it", "of"
    elif increment.period in periods:
        fault, key = f"period {increment.period} is in this series already", "period"
    else:
        fault, key = _difference(_case_of(past.paid(of)[-1]), case), "of"
    if not fault:
        return ()
    line, column = case.release_file.at("spec", "increment", key)
    fix = {
        "of": "name the release of this dataset that comes before it, and keep columns and cells as they "
        "are there; other columns, or other people, are no increment: leave out spec.increment",
        "period": "name another period, or release under the name of the one that is there",
    }[key]
    return (
        Finding(
            rule="increment",
            level="deny",
            message=fault,
            fix=fix,
            file=case.release_file.file,
            line=line,
            column=column,
        ),
    )


def series(case: Case, past: Past, policy: PrivacyPolicy, this: Spend | None) -> Series | None:
    """The releases that a manifest continues, oldest first, and what all of them cost together."""
    increment = case.release.spec.increment
    if increment is None:
        return None
    members = list(_members(case, past))
    total = this or Spend.zero(policy.spec.accounting.orders)
    for _, _, attempts in members:
        for attempt in attempts:
            total += from_record(attempt.spend)
    rows = [
        SeriesRow(
            release=release,
            period=period,
            attempts=len(attempts),
            epsilon=attempts[-1].claim.epsilon,
        )
        for release, period, attempts in reversed(members)
    ]
    return Series(
        period=increment.period,
        rows=tuple(rows),
        epsilon=epsilon(total, policy.spec.accounting.delta),
    )


def judge(chain: Chain, reserves: Sequence[Judged]) -> str:
    """Every increment continued a release that stood then, with the same columns and cells.

    Raises:
        ChainError: the first that did not.
    """
    paid = {each.link.digest: each for each in reserves}
    further = {e.link.digest: e for e in reserves if e.case.release.spec.increment is not None}
    standing: dict[str, Case] = {}
    made: dict[str, Case] = {}
    for link in chain.links:
        entry = link.entry
        if isinstance(entry, Settle) and entry.outcome == "released":
            standing[entry.release] = made[entry.release] = paid[entry.reserve].case
        elif isinstance(entry, Withdraw):
            standing.pop(entry.release)
        elif link.digest in further:
            fault = _fault(further[link.digest].case, standing, made)
            if fault:
                raise ChainError(f"{link.path}: {fault}")
    return counted(len(further), "increment") if further else ""


def _fault(case: Case, standing: Mapping[str, Case], made: Mapping[str, Case]) -> str:
    """What was wrong with an increment when it was reserved; empty if nothing was."""
    increment, of = case.release.spec.increment, _before(case)
    if of not in standing:
        return f"continues {of}, which did not stand then"
    if increment is not None and increment.period in _periods(made, of):
        return f"period {increment.period} is in this series already"
    return _difference(standing[of], case)


def _before(case: Case) -> str:
    """The release that a manifest continues."""
    increment = case.release.spec.increment
    return f"{case.dataset.metadata.name}/{increment.of}" if increment else ""


def _members(case: Case, past: Past) -> Iterator[tuple[str, str, tuple[Reserve, ...]]]:
    """Releases before one in its series, newest first: name, period, attempts."""
    seen = {case.name}
    release = _before(case)
    while release and release not in seen:
        seen.add(release)
        attempts = past.paid(release)
        if not attempts:
            return
        found = _case_of(attempts[-1])
        increment = found.release.spec.increment
        yield release, increment.period if increment else "", attempts
        release = _before(found)


def _periods(made: Mapping[str, Case], release: str) -> Iterator[str]:
    """Periods of a release and of those before it; each was made before the next."""
    increment = made[release].release.spec.increment
    while increment is not None:
        yield increment.period
        release = _before(made[release])
        increment = made[release].release.spec.increment


def _case_of(reserve: Reserve) -> Case:
    manifest, dataset = (loaded_document(document) for document in reserve.documents)
    return Case(reserve.release, dataset, manifest)


_WORDS = {"joined": "second table"}


def _difference(before: Case, after: Case) -> str:
    """What keeps a release from continuing another one; empty if nothing does."""
    old, new = before.dataset.spec, after.dataset.spec
    for what in ("population", "neighboring", "unit", "joined"):
        if getattr(old, what) != getattr(new, what):
            return f"{before.name} is about another {_WORDS.get(what, what)}"
    if before.release.spec.columns != after.release.spec.columns:
        return f"{before.name} has other columns"
    for name in after.release.spec.columns:
        described = [
            spec.columns[name].model_dump(exclude={"title"})
            if name in spec.columns
            else spec.derive.get(name)
            for spec in (old, new)
        ]
        if described[0] != described[1]:
            return f"column {name} is described otherwise than in {before.name}"
    return ""
