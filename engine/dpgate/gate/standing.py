"""Where a plan starts from: the policy in force and the past, by what is known and what is new."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from dpgate.errors import UndecidedError
from dpgate.gate import rederive
from dpgate.gate.index import Head, Index
from dpgate.gate.opening import OpenLedger, loaded_document, open_ledger
from dpgate.gate.past import ChainPast, Past
from dpgate.gate.workspace import Workspace, policy_of, policy_set
from dpgate.ledger.chain import Before, Link, follow, in_order, read_link
from dpgate.ledger.memory import Memory, known_roots
from dpgate.ledger.store import Files, Store
from dpgate.loading.canonical import sha256
from dpgate.loading.documents import Loaded
from dpgate.model.policy import PrivacyPolicy


@dataclass(frozen=True, kw_only=True)
class Standing:
    """The policy in force at the head of a ledger, and the past."""

    root: str
    policy_file: Loaded
    past: Past

    @property
    def policy(self) -> PrivacyPolicy:
        """The policy in force."""
        return policy_of(self.policy_file)

    @property
    def policy_set(self) -> str:
        """Digest of the policy set in force."""
        return policy_set(self.policy_file)


def open_signed(space: Workspace, *, offline: bool) -> OpenLedger:
    """The whole ledger, its links and signatures checked: what people are shown.

    Raises:
        UndecidedError: there is no ledger yet.
        RemoteError: the remote cannot be reached.
        LedgerError: it does not hold together.
    """
    ledger = open_ledger(space, offline=offline)
    rederive.signatures(ledger.chain.links)
    return ledger


def standing_of(ledger: OpenLedger) -> Standing:
    """The standing at the head of a ledger that was read whole."""
    orders = ledger.policy.spec.accounting.orders
    past = ChainPast(ledger.chain, orders)
    return Standing(root=ledger.chain.root, policy_file=ledger.policy_file, past=past)


def open_standing(space: Workspace, *, offline: bool) -> Standing:
    """The standing at the head, by what this machine knows and what is new.

    Where this machine trusts the ledger's root, entries up to the last one that it indexed are not read
    again; newer ones are, and their links and signatures are checked. `release` and `verify` read all.

    Raises:
        UndecidedError: there is no ledger yet.
        RemoteError: the remote cannot be reached.
        LedgerError: what is new does not hold together, or what was seen before is gone.
    """
    store = Store(space.root, branch=policy_of(space.policy_file).spec.ledger.branch)
    files = (store.local_tip() if offline else store.fetch()).files
    root = _root(files)
    if root not in known_roots():
        return standing_of(open_signed(space, offline=True))
    memory = Memory(root)
    index = Index(memory.folder / "index.sqlite")
    head = _extended(files, memory, index)
    policy_file = loaded_document(head.policy)
    orders = policy_of(policy_file).spec.accounting.orders
    return Standing(root=root, policy_file=policy_file, past=index.at_orders(orders, files))


def _root(files: Mapping[str, bytes]) -> str:
    if not files:
        raise UndecidedError(
            "no policy was adopted yet, so nothing can be released",
            fix="approve the policy (dpgate approve policy --role ROLE --key KEY), commit, "
            "then: dpgate policy adopt --key RUNNER_KEY",
        )
    first = min(files)
    _need(files, [first])
    return sha256(files[first])


def _extended(files: Mapping[str, bytes], memory: Memory, index: Index) -> Head:
    """Bring the index up to the head of the ledger."""
    names = in_order(files)

    def digest_of(number: int) -> str:
        _need(files, [names[number - 1]])
        return sha256(files[names[number - 1]])

    memory.check_at(len(names), digest_of)
    head = index.head()
    if head is not None and (len(names) < head.sequence or digest_of(head.sequence) != head.digest):
        index.reset()
        head = None
    fresh = names[head.sequence if head else 0 :]
    _need(files, fresh)
    links = tuple(read_link(name, files[name]) for name in fresh)
    follow(links, _before(head, index, links))
    rederive.signatures(links, head.policy if head else None)
    index.extend(links)
    reached = index.head()
    if reached is None:  # pragma: no cover - a ledger has at least its genesis
        raise UndecidedError("the ledger is empty")
    return reached


def _need(files: Mapping[str, bytes], names: Sequence[str]) -> None:
    """Read these files at once, and no others."""
    if isinstance(files, Files):
        files.fetch(names)


def _before(head: Head | None, index: Index, links: tuple[Link, ...]) -> Before | None:
    if head is None:
        return None
    return Before(
        root=head.root,
        sequence=head.sequence,
        digest=head.digest,
        time=head.time,
        reserved=index.states(links),
    )
