"""`evidence open`: exact figures of an attempt, for a steward who holds an identity."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from dpgate.errors import ChainError, UsageError
from dpgate.evidence.unseal import opened
from dpgate.gate.evidence_rows import EvidenceOpenResult, ExactRow
from dpgate.gate.staging import SEALED, sealed_place
from dpgate.gate.standing import open_signed
from dpgate.gate.workspace import workspace
from dpgate.ledger.chain import Chain
from dpgate.ledger.memory import Memory
from dpgate.loading.canonical import sha256
from dpgate.model.record import Settle

_BYTES_AT_MOST = 256 * 2**20
_IDENTITY_AT_MOST = 2**16


def open_evidence(
    release: str,
    *,
    identity: Path | str,
    repo: Path | str = ".",
    attempt: int | None = None,
    file: Path | str | None = None,
    out: Path | str | None = None,
    offline: bool = False,
) -> EvidenceOpenResult:
    """Open the sealed evidence of one attempt.

    Args:
        release: ``dataset/release``.
        identity: file of an age identity, or of an OpenSSH Ed25519 key without a passphrase.
        repo: a release repository, or a folder in it.
        attempt: which one; the last that sealed any if None.
        file: the ciphertext; where this machine keeps it if None.
        out: write the whole document there too, readable by you alone; never overwrites.
        offline: the ledger as this clone last fetched it.

    Raises:
        UsageError: there is no such attempt or file.
        ChainError: the file is not the one whose digest the ledger holds.
        EvidenceError: the identity cannot open it.

    Privacy:
        Returns exact private figures to who holds a steward's identity.
    """
    ledger = open_signed(workspace(Path(repo)), offline=offline)
    number, reserve, settle = _attempt(ledger.chain, release, attempt)
    digest = next(each.sha256 for each in settle.artifacts if each.sealed)
    place = Path(file) if file else sealed_place(Memory(ledger.chain.root), release, reserve)
    ciphertext = _read(place, "sealed evidence", _BYTES_AT_MOST)
    if sha256(ciphertext) != digest:
        raise ChainError(
            f"{place}: is not the evidence that entry {settle.sequence} holds the digest of",
            fix=f"give --file the {SEALED} of attempt {number}",
        )
    body = opened(ciphertext, _read(Path(identity), "identity", _IDENTITY_AT_MOST)).rstrip(b"\n")
    return EvidenceOpenResult(
        release=release,
        attempt=number,
        entry=settle.sequence,
        outcome=settle.outcome,
        digest=digest,
        rows=tuple(_rows(json.loads(body))),
        written=_written(body, Path(out)) if out else "",
    )


def _attempt(chain: Chain, release: str, wanted: int | None) -> tuple[int, int, Settle]:
    """Number of an attempt, the sequence of its reservation, and how it was settled."""
    found = []
    for link, entry in chain.reserves:
        closed = chain.settles.get(link.digest)
        if entry.release == release and closed and any(a.sealed for a in closed[1].artifacts):
            found.append((entry.attempt, entry.sequence, closed[1]))
    chosen = [each for each in found if wanted in (None, each[0])]
    if not chosen:
        which = f"attempt {wanted} of {release}" if wanted else release
        raise UsageError(
            f"the ledger holds no sealed evidence of {which}",
            fix="evidence is sealed where the policy in force has a role with encrypt_to",
        )
    return chosen[-1]


def _read(path: Path, what: str, most: int) -> bytes:
    try:
        with path.open("rb") as handle:
            data = handle.read(most + 1)
    except OSError as error:
        raise UsageError(
            f"cannot read the {what} {path}: {error.strerror}",
            fix="sealed evidence stays on the runner's machine; give --file where it was copied to"
            if what == "sealed evidence"
            else "give --identity the file that dpgate keygen --age wrote",
        ) from None
    if len(data) > most:
        raise UsageError(f"{path} is too large to be a file of {what}")
    return data


def _written(body: bytes, path: Path) -> str:
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "wb") as out:
            out.write(body + b"\n")
    except OSError as error:
        raise UsageError(f"cannot write {path}: {error.strerror}") from None
    return str(path)


def _rows(document: Mapping[str, Any]) -> Iterator[ExactRow]:
    tables = document.get("tables")
    if isinstance(tables, dict):
        for name, content in tables.items():
            yield from _of(content, name)
    else:
        yield from _of(document, "")


def _of(content: Mapping[str, Any], table: str) -> Iterator[ExactRow]:
    for each in content.get("measures", ()):
        order = f"order {each['order']}" if "order" in each else ""
        about = ", ".join(part for part in (order, each.get("about", ""), table) if part)
        yield ExactRow(metric=each["metric"], about=about, value=each["value"])
