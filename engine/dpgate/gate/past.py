"""What a plan asks of the past, and its answer from a whole chain.

`dpgate.gate.index` gives the same answers from an index that is kept beside the last head seen, so
that a plan need not read a long ledger again.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from typing import Protocol

from dpgate.accounting.filter import Spend
from dpgate.gate.costing import from_record
from dpgate.gate.results import Open
from dpgate.ledger.chain import Chain, Link
from dpgate.ledger.lifecycle import State
from dpgate.model.history import PastRelease
from dpgate.model.record import Reserve, Settle, Withdraw
from dpgate.policy.scopes import Scope, Tally


class Past(Protocol):
    """Reservations so far, as far as a plan needs them."""

    def spent(self, scope: Scope) -> Spend:
        """Exact sum of what a scope has spent."""

    def attempts(self, release: str) -> int:
        """How often a release was attempted; each one is spent."""

    def paid(self, release: str) -> tuple[Reserve, ...]:
        """The reservations of a release, in order."""

    def open(self, release: str) -> tuple[Open, ...]:
        """Attempts of a release that nothing has closed."""

    def released_by(self, release: str) -> int | None:
        """Number of the entry that settled it as released, if any; withdrawn since or not."""

    def withdrawn(self, release: str) -> bool:
        """Whether it was released and called back."""

    def used(self, release: str) -> Mapping[str, int]:
        """Attempts that each approval of a release has paid for, by the approval's digest."""

    def charged(self, dataset: str) -> frozenset[str]:
        """Populations that releases of a dataset were charged to."""

    def history(self) -> tuple[PastRelease, ...]:
        """Every attempt so far, in order, as it stands now."""


class ChainPast:
    """Answers from a whole chain."""

    def __init__(self, chain: Chain, orders: tuple[int, ...]) -> None:
        self._chain = chain
        self._orders = orders

    @cached_property
    def _tally(self) -> Tally:
        made = Tally(self._orders)
        for _, entry in self._chain.reserves:
            made.add(entry.facts, entry.time, from_record(entry.spend))
        return made

    def spent(self, scope: Scope) -> Spend:
        """Exact sum of what a scope has spent."""
        return self._tally.spent(scope)

    def attempts(self, release: str) -> int:
        """How often a release was attempted; each one is spent."""
        return len(self._chain.attempts(release))

    def paid(self, release: str) -> tuple[Reserve, ...]:
        """The reservations of a release, in order."""
        return tuple(entry for _, entry in self._chain.attempts(release))

    def open(self, release: str) -> tuple[Open, ...]:
        """Attempts of a release that nothing has closed."""
        return tuple(
            Open(entry=entry.sequence, release=entry.release, attempt=entry.attempt)
            for _, entry in self._chain.open
            if entry.release == release
        )

    def released_by(self, release: str) -> int | None:
        """Number of the entry that settled it as released, if any; withdrawn since or not."""
        done = self._chain.released(release)
        return done[1].sequence if done else None

    def withdrawn(self, release: str) -> bool:
        """Whether it was released and called back."""
        return self._chain.withdrawn(release) is not None

    def used(self, release: str) -> Mapping[str, int]:
        """Attempts that each approval of a release has paid for, by the approval's digest."""
        return Counter(
            document.sha256
            for _, entry in self._chain.attempts(release)
            for document in entry.approvals
        )

    def charged(self, dataset: str) -> frozenset[str]:
        """Populations that releases of a dataset were charged to."""
        return frozenset(
            name
            for _, entry in self._chain.reserves
            if entry.release.startswith(f"{dataset}/")
            for name in entry.facts.populations
        )

    def history(self) -> tuple[PastRelease, ...]:
        """Every attempt so far, in order, as it stands now."""
        return tuple(
            past_release(entry, self._chain.states[link.digest])
            for link, entry in self._chain.reserves
        )


def past_release(entry: Reserve, state: State) -> PastRelease:
    """What later releases see of a reservation."""
    return PastRelease(
        release=entry.release,
        entry=entry.sequence,
        time=entry.time,
        outcome="open" if state == "reserved" else state,
        facts=entry.facts,
        epsilon=entry.claim.epsilon,
    )


def before_each(links: Iterable[Link]) -> Iterator[tuple[Link, Sequence[PastRelease]]]:
    """Every reservation of a chain, and the attempts before it as they stood when it was made.

    One pass: what comes with a reservation is one list, which grows and changes with the next. Take
    a copy of what is to be kept.
    """
    history: list[PastRelease] = []
    places: dict[str, int] = {}
    for link in links:
        entry = link.entry
        if isinstance(entry, Reserve):
            yield link, history
            places[link.digest] = len(history)
            history.append(past_release(entry, "reserved"))
            if entry.resumes is not None:
                place = places[entry.resumes.reserve]
                history[place] = replace(history[place], outcome="resumed")
        elif isinstance(entry, Settle | Withdraw):
            place = places[entry.reserve]
            outcome = entry.outcome if isinstance(entry, Settle) else "withdrawn"
            history[place] = replace(history[place], outcome=outcome)
