"""Statements that people sign beside the ledger: read, and held to their form and their signer."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from dpgate.errors import ChainError, SignatureError
from dpgate.ledger import envelope, statement
from dpgate.ledger.roles import Keyring
from dpgate.loading.canonical import sha256
from dpgate.model.record import Consent, Document, Predicate

Rejection = tuple[str, str]
"""Path of a file that does not count, and why."""


@dataclass(frozen=True)
class Signed:
    """A statement in order, and the key of its role that signed it."""

    document: Document
    predicate: Consent
    key: str
    """Fingerprint."""


def read(
    documents: Iterable[Document],
    ring: Keyring,
    fault: Callable[[Document, Predicate], str],
    subjects: Callable[[Consent], dict[str, str]],
) -> tuple[tuple[Signed, ...], tuple[Rejection, ...]]:
    """Read statements; those that say nothing here are left out, with the reason.

    Args:
        documents: their files.
        ring: keys of each role.
        fault: why a statement is not about what is judged; empty if it is.
        subjects: what a statement must be about, by what it says.
    """
    found: list[Signed] = []
    rejected: list[Rejection] = []
    for document in documents:
        try:
            found.append(_signed(document, ring, fault, subjects))
        except (SignatureError, ChainError) as error:
            rejected.append((document.path, error.message))
    return tuple(found), tuple(rejected)


def _signed(
    document: Document,
    ring: Keyring,
    fault: Callable[[Document, Predicate], str],
    subjects: Callable[[Consent], dict[str, str]],
) -> Signed:
    data = document.text.encode()
    if sha256(data) != document.sha256:  # attempts are counted by it
        raise SignatureError("its text does not match its recorded digest")
    sealed = envelope.parse(data)
    parsed = statement.parse(sealed.payload, max_bytes=envelope.MAX_BYTES)
    reason = fault(document, parsed.predicate)
    if reason:
        raise SignatureError(reason)
    if not isinstance(parsed.predicate, Consent):  # pragma: no cover - fault() saw to it
        raise SignatureError("it is an entry of the ledger")
    role = parsed.predicate.role
    if len(sealed.signatures) != 1:  # in another order it would count anew
        raise SignatureError("it holds more than one signature")
    if dict(parsed.subjects) != subjects(parsed.predicate):
        raise SignatureError("its subjects are not what it approves")
    if role not in ring:
        raise SignatureError(f"the policy has no role {role}")
    (key,) = sealed.signers(ring[role])
    return Signed(document, parsed.predicate, key.fingerprint)
