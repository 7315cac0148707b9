"""The past in an SQLite file beside the last head seen: a plan reads only what is new.

The index holds what `Past` answers, up to one entry whose digest it keeps. It is a cache of entries whose
links and signatures this machine checked, never an authority: where the ledger does not hold that entry at
that place the index is thrown away, and `release` and `verify` do not use it.
"""

from __future__ import annotations

import json
import sqlite3
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import cast

from dpgate.accounting.filter import Spend
from dpgate.accounting.rounding import EXACT
from dpgate.errors import ChainError
from dpgate.gate.results import Open
from dpgate.ledger.chain import Link, read_link, touches
from dpgate.ledger.lifecycle import State
from dpgate.model.history import PastRelease
from dpgate.model.record import (
    Document,
    Facts,
    Genesis,
    PolicyAdopted,
    Reserve,
    Sample,
    Settle,
    Withdraw,
)
from dpgate.policy.scopes import SELECTORS, Scope, Selector, values_of

_VERSION = 3
_TABLES = """
CREATE TABLE head (root TEXT, sequence INTEGER, digest TEXT, time TEXT, policy TEXT, adopted_by TEXT);
CREATE TABLE reserves (digest TEXT PRIMARY KEY, sequence INTEGER, release TEXT, dataset TEXT,
  attempt INTEGER, state TEXT, settled INTEGER, populations TEXT, approvals TEXT, time TEXT,
  facts TEXT, epsilon TEXT);
CREATE INDEX by_release ON reserves (release);
CREATE INDEX by_dataset ON reserves (dataset);
CREATE TABLE series (population TEXT, what TEXT, value TEXT, sequence INTEGER, time TEXT, sums TEXT,
  PRIMARY KEY (population, what, value, time, sequence)) WITHOUT ROWID;
"""
_SUMS = "SELECT sums FROM series WHERE population = ? AND what = ? AND value = ?"
_LAST = " ORDER BY time DESC, sequence DESC LIMIT 1"

Parts = tuple[Decimal, ...]
"""Sums at each order, then δ₀."""


@dataclass(frozen=True)
class Head:
    """The entry that an index reaches to."""

    root: str
    sequence: int
    digest: str
    time: str
    policy: Document
    """The policy in force there."""
    adopted_by: str
    """Digest of the entry that put it in force."""


class Index:
    """Answers from the file; a member of the `Past` protocol."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._orders: tuple[int, ...] = ()
        self._files: Mapping[str, bytes] = {}
        try:
            self._base = sqlite3.connect(path, timeout=30, isolation_level=None)
            if self._base.execute("PRAGMA user_version").fetchone() != (_VERSION,):
                self.reset()
        except sqlite3.DatabaseError:
            self.reset()

    def reset(self) -> None:
        """Begin anew: another version's index, or a broken file, is worth nothing."""
        self.close()
        self._path.unlink(missing_ok=True)
        self._base = sqlite3.connect(self._path, timeout=30, isolation_level=None)
        self._base.executescript(f"{_TABLES}PRAGMA user_version = {_VERSION};")

    def close(self) -> None:
        """Let go of the file."""
        self._base.close()

    def head(self) -> Head | None:
        """How far it reaches; None if it is empty."""
        row = self._base.execute("SELECT * FROM head").fetchone()
        if row is None:
            return None
        root, sequence, digest, time, policy, adopted_by = row
        document = Document.model_validate_json(policy)
        return Head(root, sequence, digest, time, document, adopted_by)

    def states(self, links: tuple[Link, ...]) -> dict[str, tuple[State, str]]:
        """State and release of all reservations of the releases that these links go on with."""
        found: dict[str, tuple[State, str]] = {}
        kinds = (Reserve, Settle, Withdraw, Sample)
        going_on = (x.entry for x in links if isinstance(x.entry, kinds) and touches(x.entry))
        for name in {entry.release for entry in going_on}:
            query = "SELECT digest, state FROM reserves WHERE release = ?"
            for digest, state in self._base.execute(query, (name,)):
                found[digest] = (cast("State", state), name)
        return found

    def extend(self, links: tuple[Link, ...]) -> None:
        """Add links that were checked and follow the head; all of them or none."""
        head = self.head()
        self._base.execute("BEGIN IMMEDIATE")
        try:
            for link in links:
                self._add(link)
                head = _reached(link, head)
            if head is not None:
                self._base.execute("DELETE FROM head")
                policy = head.policy.model_dump_json()
                row = (head.root, head.sequence, head.digest, head.time, policy, head.adopted_by)
                self._base.execute("INSERT INTO head VALUES (?, ?, ?, ?, ?, ?)", row)
            self._base.execute("COMMIT")
        except BaseException:
            self._base.execute("ROLLBACK")
            raise

    def _add(self, link: Link) -> None:
        entry = link.entry
        if isinstance(entry, Reserve):
            names = " ".join(entry.facts.populations)
            approvals = json.dumps([document.sha256 for document in entry.approvals])
            dataset = entry.release.partition("/")[0]
            row = (link.digest, entry.sequence, entry.release, dataset, entry.attempt)
            told = (names, approvals, entry.time, entry.facts.model_dump_json())
            self._base.execute(
                "INSERT INTO reserves VALUES (?, ?, ?, ?, ?, 'reserved', NULL, ?, ?, ?, ?, ?)",
                (*row, *told, str(entry.claim.epsilon)),
            )
            self._charge(entry)
            if entry.resumes is not None:
                change = "UPDATE reserves SET state = 'resumed' WHERE digest = ?"
                self._base.execute(change, (entry.resumes.reserve,))
        elif isinstance(entry, Settle):
            self._base.execute(
                "UPDATE reserves SET state = ?, settled = ? WHERE digest = ?",
                (entry.outcome, entry.sequence, entry.reserve),
            )
        elif isinstance(entry, Withdraw):
            change = "UPDATE reserves SET state = 'withdrawn' WHERE digest = ?"
            self._base.execute(change, (entry.reserve,))

    def _charge(self, entry: Reserve) -> None:
        orders = sorted(entry.spend.curve, key=int)
        parts = (*(entry.spend.curve[order] for order in orders), entry.spend.delta0)
        for population in entry.facts.populations:
            for what in SELECTORS:
                for value in values_of(what, entry.facts):
                    before = self._sums(population, (what, value)) or (Decimal(0),) * len(parts)
                    after = json.dumps([str(x) for x in map(EXACT.add, before, parts)])
                    row = (population, what, value, entry.sequence, entry.time, after)
                    self._base.execute("INSERT INTO series VALUES (?, ?, ?, ?, ?, ?)", row)

    def _sums(self, population: str, selector: Selector, since: str | None = None) -> Parts | None:
        """Sums of a selector, up to now or before an hour; None if nothing was spent."""
        where, given = ("", ()) if since is None else (" AND time < ?", (since,))
        row = self._one(f"{_SUMS}{where}{_LAST}", population, *selector, *given)
        return tuple(Decimal(text) for text in json.loads(row[0])) if row else None

    def at_orders(self, orders: tuple[int, ...], files: Mapping[str, bytes]) -> Index:
        """The same index, answering at the orders of the policy (they never change).

        Args:
            orders: those of the policy.
            files: the ledger's, for the few entries that are read again.
        """
        self._orders = orders
        self._files = files
        return self

    def spent(self, scope: Scope) -> Spend:
        """Exact sum of what a scope has spent."""
        orders = self._orders
        now = self._sums(scope.population, scope.selector)
        if now is None:
            return Spend.zero(orders)
        before = self._sums(scope.population, scope.selector, scope.window.since)
        *values, delta0 = map(EXACT.subtract, now, before or (Decimal(0),) * len(now))
        return Spend(dict(zip(orders, values, strict=True)), delta0)

    def attempts(self, release: str) -> int:
        """How often a release was attempted; each one is spent."""
        row = self._one("SELECT COUNT(*) FROM reserves WHERE release = ?", release)
        return int(row[0]) if row else 0

    def paid(self, release: str) -> tuple[Reserve, ...]:
        """The reservations of a release, in order, read again; their digests are known here."""
        query = "SELECT sequence, digest FROM reserves WHERE release = ? ORDER BY sequence"
        found = []
        for sequence, digest in self._base.execute(query, (release,)).fetchall():
            name = f"{sequence:06d}-reserve.dsse.json"
            link = read_link(name, self._files[name])
            if link.digest != digest or not isinstance(link.entry, Reserve):
                raise ChainError(f"{link.path}: is not the entry that was seen here before")
            found.append(link.entry)
        return tuple(found)

    def open(self, release: str) -> tuple[Open, ...]:
        """Attempts of a release that nothing has closed."""
        rows = self._base.execute(
            "SELECT sequence, attempt FROM reserves WHERE release = ? AND state = 'reserved'",
            (release,),
        )
        return tuple(Open(entry=number, release=release, attempt=turn) for number, turn in rows)

    def released_by(self, release: str) -> int | None:
        """Number of the entry that settled it as released, if any; withdrawn since or not."""
        row = self._one(
            "SELECT settled FROM reserves WHERE release = ? AND state IN ('released', 'withdrawn')",
            release,
        )
        return int(row[0]) if row else None

    def withdrawn(self, release: str) -> bool:
        """Whether it was released and called back."""
        query = "SELECT 1 FROM reserves WHERE release = ? AND state = 'withdrawn'"
        return self._one(query, release) is not None

    def used(self, release: str) -> Mapping[str, int]:
        """Attempts that each approval of a release has paid for, by the approval's digest."""
        rows = self._base.execute("SELECT approvals FROM reserves WHERE release = ?", (release,))
        return Counter(digest for (text,) in rows for digest in json.loads(text))

    def charged(self, dataset: str) -> frozenset[str]:
        """Populations that releases of a dataset were charged to."""
        rows = self._base.execute(
            "SELECT DISTINCT populations FROM reserves WHERE dataset = ?", (dataset,)
        )
        return frozenset(name for (names,) in rows for name in names.split())

    def history(self) -> tuple[PastRelease, ...]:
        """Every attempt so far, in order, as it stands now."""
        rows = self._base.execute(
            "SELECT release, sequence, time, state, facts, epsilon FROM reserves ORDER BY sequence"
        )
        return tuple(
            PastRelease(
                release=release,
                entry=entry,
                time=time,
                outcome="open" if state == "reserved" else state,
                facts=Facts.model_validate_json(facts),
                epsilon=Decimal(epsilon),
            )
            for release, entry, time, state, facts, epsilon in rows
        )

    def _one(self, query: str, *values: str) -> tuple[str, ...] | None:
        row: tuple[str, ...] | None = self._base.execute(query, values).fetchone()
        return row


def _reached(link: Link, head: Head | None) -> Head:
    """The head after one more link."""
    entry = link.entry
    if isinstance(entry, Genesis | PolicyAdopted):
        policy, adopted_by = entry.documents[0], link.digest
    elif head is not None:
        policy, adopted_by = head.policy, head.adopted_by
    else:  # pragma: no cover - links were checked: the genesis comes first
        raise ValueError("an index begins with the genesis")
    root = head.root if head else link.digest
    return Head(root, entry.sequence, link.digest, entry.time, policy, adopted_by)
