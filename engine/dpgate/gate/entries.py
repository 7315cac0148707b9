"""Entries of the ledger, made and appended. One commit an entry, with trailers for `git log`."""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Callable, Mapping
from typing import Any

from dpgate.errors import (
    ConflictError,
    LedgerError,
    RemoteError,
    SignatureError,
    UndecidedError,
)
from dpgate.gate import verify
from dpgate.gate.opening import OpenLedger, loaded_document
from dpgate.gate.workspace import policy_of
from dpgate.ledger import envelope
from dpgate.ledger.chain import Chain, Link, file_name, link_up, read, read_link, subjects
from dpgate.ledger.memory import Memory
from dpgate.ledger.roles import keyring
from dpgate.ledger.signers.interface import Signer
from dpgate.ledger.statement import statement
from dpgate.ledger.store import Store, Tip
from dpgate.model.record import Entry
from dpgate.policy.windows import hour_of, moment_of

ATTEMPTS = 5
"""How often an entry is tried before a lost race, or a remote that fails, ends the command."""
PAUSE_SECONDS = 0.5
"""Before the second try of an entry that must get in; doubled before each further one."""


def header(chain: Chain | None, moment: dt.datetime) -> dict[str, Any]:
    """The fields that put an entry in its place; times never decrease along the chain."""
    hour = hour_of(moment)
    if chain is None:
        return {"sequence": 1, "previous": None, "root": None, "time": hour}
    last = chain.head
    return {
        "sequence": len(chain.links) + 1,
        "previous": last.digest,
        "root": chain.root,
        "time": max(hour, last.entry.time),
    }


def in_order(chain: Chain, moment: dt.datetime) -> dt.datetime:
    """The moment, but not before the last entry."""
    return max(moment, moment_of(chain.head.entry.time))


def append(
    store: Store,
    tip: Tip,
    chain: Chain | None,
    entry: Entry,
    key: Signer,
    title: str,
    trailers: Mapping[str, str],
    *,
    judged: bool = False,
) -> tuple[Tip, Chain, Link]:
    """Sign an entry, push it on top of ``tip``, and return the chain with it.

    Args:
        store: where the ledger is.
        tip: what it holds.
        chain: the same, linked up; None: the entry is the first.
        entry: what to add.
        key: signs it.
        title: first line of the commit's message.
        trailers: last lines of it.
        judged: hold the ledger with the entry against every step of `verify` before it is pushed.

    Raises:
        SignatureError: the key may not sign here (any more); nothing was written.
        UndecidedError: `verify` would refuse the ledger with this entry; nothing was written.
        ConflictError: somebody else wrote first; nothing was written.
        RemoteError: the push failed.
    """
    if chain is not None:
        _may_sign(chain, key)
    payload = statement(entry, subjects(entry)).payload()
    data = envelope.seal(payload, [key]).to_bytes()
    name = file_name(entry)
    link = read_link(name, data)
    extended = link_up((*(chain.links if chain else ()), link))
    if judged:
        _would_verify({**tip.files, name: data}, extended)
    lines = [title, "", *(f"{label}: {value}" for label, value in trailers.items())]
    try:
        pushed = store.append(tip, {name: data}, "\n".join(lines) + "\n", key, entry.time)
    except RemoteError:
        # A push may arrive although the answer is lost: then it counts.
        pushed = store.fetch()
        if pushed.files.get(name) != data:
            raise
        extended = link_up(read(pushed.files))  # others may have written after it
    return pushed, extended, link


def _may_sign(chain: Chain, key: Signer) -> None:
    """An entry by a wrong key would make the whole ledger fail verification, for good."""
    if key.public not in keyring(policy_of(loaded_document(chain.policy)))["runner"]:
        raise SignatureError(
            f"key {key.public.fingerprint} does not hold role runner in the policy in force",
            fix="use a key that stands under spec.roles.runner.keys",
        )


def _would_verify(files: Mapping[str, bytes], chain: Chain) -> None:
    """No entry is pushed that `verify` refuses: nothing could be released on such a ledger any more."""
    try:
        verify.audit(files, chain.root)
    except LedgerError as error:
        raise UndecidedError(
            f"the ledger would not verify with this entry, which was not written: {error.message}",
            fix="nothing was spent; a plan and verify disagree, which is a fault of dpgate: report it",
        ) from None


def append_again(
    ledger: OpenLedger,
    make: Callable[[Chain], tuple[Entry, str, Mapping[str, str]]],
    key: Signer,
    memory: Memory,
) -> Link:
    """Append an entry that must get in, on whatever head there is by then.

    Args:
        ledger: where it goes.
        make: builds entry, title and trailers on a chain; raises if the entry no longer fits.
        key: signs it.
        memory: what was seen, checked on every head.

    Raises:
        LedgerError: what came in between does not verify: nothing is built on it.
    """
    tip, chain = ledger.tip, ledger.chain
    for attempt in range(ATTEMPTS):
        try:
            if attempt:
                tip = ledger.store.fetch()
                chain = verify.audit(tip.files, memory.root)
                memory.check(chain)
            entry, title, trailers = make(chain)
            _, chain, link = append(ledger.store, tip, chain, entry, key, title, trailers)
        except (ConflictError, RemoteError):
            if attempt == ATTEMPTS - 1:
                raise
            time.sleep(PAUSE_SECONDS * 2**attempt)
            continue
        memory.remember(chain)
        return link
    raise ConflictError("the ledger kept moving")  # pragma: no cover - the loop returns or raises


def reopened(store: Store, tip: Tip, chain: Chain) -> OpenLedger:
    """The ledger after an entry was added."""
    return OpenLedger(store, tip, chain, loaded_document(chain.policy))
