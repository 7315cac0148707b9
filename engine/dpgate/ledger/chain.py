"""The chain: entries in order, each naming the one before by digest. No I/O.

This module checks what needs no policy and no accounting: bytes, form, numbering, links, times,
and that a reservation is closed at most once. `dpgate.gate.verify` checks the rest.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property

from dpgate.errors import ChainError, SignatureError
from dpgate.ledger import envelope, statement
from dpgate.ledger.envelope import Envelope
from dpgate.ledger.lifecycle import State, advance, is_open, may_sample
from dpgate.loading.canonical import sha256
from dpgate.model.record import (
    Document,
    Entry,
    Genesis,
    PolicyAdopted,
    Reserve,
    Sample,
    Settle,
    Withdraw,
)

DIRECTORY = "releases/ledger"
_NAME = re.compile(r"([0-9]{6,9})-([a-z-]+)\.dsse\.json")
KINDS: dict[str, type[Entry]] = {
    "genesis": Genesis,
    "policy-adopted": PolicyAdopted,
    "reserve": Reserve,
    "settle": Settle,
    "withdraw": Withdraw,
    "sample": Sample,
}


def file_name(entry: Entry) -> str:
    """Name of an entry's file: ``000003-reserve.dsse.json``."""
    kind = next(name for name, model in KINDS.items() if isinstance(entry, model))
    return f"{entry.sequence:06d}-{kind}.dsse.json"


@dataclass(frozen=True)
class Link:
    """One entry of the chain as it was read."""

    name: str
    """File name within the ledger directory."""
    digest: str
    """Digest of the file's bytes; what the next entry names."""
    envelope: Envelope
    entry: Entry

    @property
    def path(self) -> str:
        """Path within the repository."""
        return f"{DIRECTORY}/{self.name}"


def read_link(name: str, data: bytes) -> Link:
    """Read one file.

    Raises:
        SignatureError: its bytes are no envelope.
        ChainError: the envelope holds no ledger entry, or one of another name.
    """
    path = f"{DIRECTORY}/{name}"
    match = _NAME.fullmatch(name)
    if match is None or match[2] not in KINDS:
        raise ChainError(f"{path}: not the name of a ledger entry", fix=_WRITTEN_BY_ENGINE)
    try:
        sealed = envelope.parse(data)
        parsed = statement.parse(sealed.payload, max_bytes=envelope.MAX_BYTES)
    except (SignatureError, ChainError) as error:
        raise type(error)(f"{path}: {error.message}", fix=_WRITTEN_BY_ENGINE) from None
    entry = parsed.predicate
    if not isinstance(entry, KINDS[match[2]]):
        raise ChainError(f"{path}: holds an entry of another kind than its name says")
    if name != file_name(entry):
        raise ChainError(f"{path}: holds entry {entry.sequence}, which its name does not say")
    if dict(parsed.subjects) != subjects(entry):
        raise ChainError(f"{path}: its subjects are not what the entry is about")
    return Link(name, sha256(data), sealed, entry)


_WRITTEN_BY_ENGINE = (
    "only dpgate writes the ledger branch; restore it from a copy that verifies, "
    "and find out who changed it"
)


def subjects(entry: Entry) -> dict[str, str]:
    """What an entry is about: names and digests."""
    if isinstance(entry, Withdraw):
        return {"reservation": entry.reserve}
    if isinstance(entry, Sample):
        return {a.name: a.sha256 for a in entry.artifacts}
    if isinstance(entry, Settle):
        return {a.name: a.sha256 for a in entry.artifacts} or {"reservation": entry.reserve}
    return {document.path: document.sha256 for document in entry.documents}


@dataclass(frozen=True)
class Chain:
    """Entries whose links hold. Made by `link_up`."""

    links: tuple[Link, ...]
    states: Mapping[str, State]
    """What became of each reservation, by its digest."""

    @property
    def root(self) -> str:
        """Digest of the genesis entry: the identity of the repository."""
        return self.links[0].digest

    @property
    def head(self) -> Link:
        """The last entry."""
        return self.links[-1]

    @cached_property
    def reserves(self) -> tuple[tuple[Link, Reserve], ...]:
        """All reservations in order."""
        return tuple((x, x.entry) for x in self.links if isinstance(x.entry, Reserve))

    def reserve(self, digest: str) -> tuple[Link, Reserve]:
        """The reservation with a digest.

        Raises:
            KeyError: there is none.
        """
        return self._reserves[digest]

    @cached_property
    def _reserves(self) -> Mapping[str, tuple[Link, Reserve]]:
        return {link.digest: (link, entry) for link, entry in self.reserves}

    @cached_property
    def settles(self) -> Mapping[str, tuple[Link, Settle]]:
        """How each reservation was closed, by the reservation's digest."""
        return {x.entry.reserve: (x, x.entry) for x in self.links if isinstance(x.entry, Settle)}

    @property
    def open(self) -> tuple[tuple[Link, Reserve], ...]:
        """Reservations that nothing has closed: a run in progress, or one that died."""
        return tuple(pair for pair in self.reserves if is_open(self.states[pair[0].digest]))

    @cached_property
    def samples(self) -> tuple[tuple[Link, Sample], ...]:
        """All draws from models that were kept, in order."""
        return tuple((x, x.entry) for x in self.links if isinstance(x.entry, Sample))

    def samples_of(self, release: str) -> tuple[int, ...]:
        """Numbers of the entries that record draws from a release's model."""
        return tuple(entry.sequence for _, entry in self.samples if entry.release == release)

    def policy_at(self, sequence: int) -> Document:
        """The policy last adopted before the entry with this number."""
        for link in reversed(self.links[: sequence - 1]):
            if isinstance(link.entry, Genesis | PolicyAdopted):
                return link.entry.documents[0]
        raise ChainError(f"{DIRECTORY}: no policy was adopted before entry {sequence}")

    @property
    def policy(self) -> Document:
        """The policy in force at the head."""
        return self.policy_at(len(self.links) + 1)

    def attempts(self, release: str) -> tuple[tuple[Link, Reserve], ...]:
        """Reservations of one release."""
        return tuple(pair for pair in self.reserves if pair[1].release == release)

    def released(self, release: str) -> tuple[Reserve, Settle] | None:
        """The attempt that released it, withdrawn since or not, and its settlement, if any."""
        for link, reserve in self.attempts(release):
            if self.states[link.digest] in ("released", "withdrawn"):
                return reserve, self.settles[link.digest][1]
        return None

    def withdrawn(self, release: str) -> Withdraw | None:
        """The entry that called a release back, if any."""
        return next(
            (
                link.entry
                for link in reversed(self.links)
                if isinstance(link.entry, Withdraw) and link.entry.release == release
            ),
            None,
        )


@dataclass(frozen=True)
class Before:
    """What came before further links: the last entry, and the reservations they may close."""

    root: str
    sequence: int
    digest: str
    time: str
    reserved: Mapping[str, tuple[State, str]]
    """State and release of each reservation, by its digest."""


def link_up(links: tuple[Link, ...]) -> Chain:
    """Check that links form one chain: numbers, digests, times, and the life of each reservation.

    Raises:
        ChainError: names the first file at which they do not.
    """
    if not links:
        raise ChainError("the ledger is empty")
    return Chain(links, follow(links, None))


def follow(links: tuple[Link, ...], before: Before | None) -> dict[str, State]:
    """Check that links continue what came before; from the genesis on if nothing did.

    Returns:
        The state of every reservation that was known or made, by its digest.

    Raises:
        ChainError: names the first file that does not.
    """
    states = {digest: state for digest, (state, _) in before.reserved.items()} if before else {}
    releases = {digest: name for digest, (_, name) in before.reserved.items()} if before else {}
    made = {releases[digest] for digest, state in states.items() if state in _MADE}
    root = before.root if before else None
    last = (before.sequence, before.digest, before.time) if before else (0, None, "")
    for link in links:
        entry = link.entry
        number = last[0] + 1
        if entry.sequence != number:
            raise ChainError(f"{link.path}: expected entry {number} here; one was dropped or added")
        if (number == 1) != isinstance(entry, Genesis):
            raise ChainError(f"{link.path}: the genesis is entry 1 and no other")
        if entry.previous != last[1]:
            raise ChainError(
                f"{link.path}: does not follow the entry before it; one of the two was changed"
            )
        if entry.root != root:
            raise ChainError(f"{link.path}: belongs to another repository")
        if entry.time < last[2]:
            raise ChainError(f"{link.path}: its time lies before that of the entry before it")
        if isinstance(entry, Reserve):
            releases[link.digest] = entry.release
        _advance(link, states, releases)
        if isinstance(entry, Settle) and entry.outcome == "released":
            if entry.release in made:
                raise ChainError(
                    f"{link.path}: {entry.release} was released before, and is only once"
                )
            made.add(entry.release)
        root, last = root or link.digest, (number, link.digest, entry.time)
    return states


_MADE = ("released", "withdrawn")


def _advance(link: Link, states: dict[str, State], releases: Mapping[str, str]) -> None:
    """Take the step that an entry claims, in the life of its reservation."""
    entry = link.entry
    if isinstance(entry, Reserve):
        states[link.digest] = "reserved"
    touched = touches(entry)
    if touched is None:
        return
    to, does = _step(entry)
    try:
        if to is None:
            may_sample(states.get(touched))
        else:
            states[touched] = advance(states.get(touched), to)
    except ChainError as error:
        raise ChainError(f"{link.path}: {error.message}") from None
    if entry.release != releases[touched]:  # type: ignore[union-attr]
        raise ChainError(f"{link.path}: {does} a reservation of another release")


def touches(entry: Entry) -> str | None:
    """The reservation whose life an entry goes on with, by digest; None: it begins one, or has none."""
    if isinstance(entry, Settle | Withdraw | Sample):
        return entry.reserve
    return entry.resumes.reserve if isinstance(entry, Reserve) and entry.resumes else None


def _step(entry: Entry) -> tuple[State | None, str]:
    """What an entry makes of the reservation that it touches (None: leaves it), and what it does."""
    if isinstance(entry, Settle):
        return entry.outcome, "closes"
    if isinstance(entry, Reserve):
        return "resumed", "resumes"
    return ("withdrawn", "closes") if isinstance(entry, Withdraw) else (None, "draws from")


def read(files: Mapping[str, bytes]) -> tuple[Link, ...]:
    """Read all files of a ledger directory in order."""
    return tuple(read_link(name, files[name]) for name in in_order(files))


def in_order(names: Iterable[str]) -> list[str]:
    """File names by the number they begin with, which may have grown a digit."""
    return sorted(names, key=lambda name: (len(name.partition("-")[0]), name))
