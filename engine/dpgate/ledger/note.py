"""Checkpoints of a ledger as signed notes, to be kept where the ledger's owners can't reach them.

Format: C2SP signed-note with the first three lines of C2SP tlog-checkpoint: origin, number of entries,
and the digest of the last entry in base64 (of the hash chain: this ledger is no Merkle tree, which the
origin says). Signatures are Ed25519, algorithm byte 0x01.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from dataclasses import dataclass

from dpgate.errors import ChainError, SignatureError
from dpgate.ledger.chain import Chain
from dpgate.ledger.keys import PublicKey
from dpgate.ledger.signers.interface import Signer

_ORIGIN = "dpgate.dev/hash-chain/"
_TEXT = re.compile(
    re.escape(_ORIGIN)
    + r"(?P<root>[0-9a-f]{64})\n(?P<size>[1-9][0-9]{0,8})\n(?P<head>[A-Za-z0-9+/]{43}=)\n"
)
_SIGNATURE = re.compile(r"\u2014 (?P<name>[^\s+]{1,100}) (?P<blob>[A-Za-z0-9+/]+={0,2})\n")
_ED25519 = b"\x01"
MAX_BYTES = 10_000


@dataclass(frozen=True)
class Checkpoint:
    """What somebody saw: so many entries, ending with this one."""

    root: str
    """Digest of the genesis."""
    size: int
    head: str
    """Digest of entry number `size`."""

    def text(self) -> str:
        """What is signed."""
        head = base64.b64encode(bytes.fromhex(self.head.removeprefix("sha256:"))).decode()
        return f"{_ORIGIN}{self.root.removeprefix('sha256:')}\n{self.size}\n{head}\n"

    def sign(self, key: Signer, name: str) -> str:
        """The note, with one signature."""
        text = self.text()
        blob = _key_id(name, key.public) + key.sign(text.encode())
        return f"{text}\n\u2014 {name} {base64.b64encode(blob).decode()}\n"


@dataclass(frozen=True)
class Note:
    """A checkpoint and its signatures, not yet verified."""

    checkpoint: Checkpoint
    signatures: tuple[tuple[str, bytes], ...]
    """Name, and key id with signature."""

    def signed_by(self, key: PublicKey) -> bool:
        """Whether one of the signatures is by this key."""
        message = self.checkpoint.text().encode()
        return any(
            blob[:4] == _key_id(name, key) and key.verifies(blob[4:], message)
            for name, blob in self.signatures
        )


def parse(data: bytes) -> Note:
    """Read a note.

    Raises:
        ChainError: it is no checkpoint of a dpgate ledger.
    """
    try:
        text, gap, rest = data[: MAX_BYTES + 1].decode("utf-8").partition("\n\n")
    except UnicodeDecodeError:
        raise ChainError("the checkpoint is not UTF-8") from None
    match = _TEXT.fullmatch(text + "\n")
    lines = [_SIGNATURE.fullmatch(line) for line in rest.splitlines(keepends=True)]
    if len(data) > MAX_BYTES or not gap or match is None or not lines or None in lines:
        raise ChainError(
            "not a checkpoint of a dpgate ledger", fix="make one with: dpgate checkpoint --key KEY"
        )
    head = base64.b64decode(match["head"]).hex()
    checkpoint = Checkpoint(f"sha256:{match['root']}", int(match["size"]), f"sha256:{head}")
    try:
        blobs = [
            (line["name"], base64.b64decode(line["blob"], validate=True)) for line in lines if line
        ]
    except (binascii.Error, ValueError):
        raise ChainError("a signature of the checkpoint is malformed") from None
    return Note(checkpoint, tuple(blobs))


def hold_against(chain: Chain, data: bytes, key: PublicKey | None) -> str:
    """Hold a chain against a checkpoint that somebody kept.

    Raises:
        ChainError: the chain does not extend the checkpoint.
        SignatureError: a key was given and did not sign the checkpoint.
    """
    kept = parse(data)
    seen = kept.checkpoint
    if key is not None and not kept.signed_by(key):
        raise SignatureError(f"the checkpoint is not signed by key {key.fingerprint}")
    if seen.root != chain.root:
        raise ChainError(f"the checkpoint is of another ledger, with root {seen.root}")
    if len(chain.links) < seen.size:
        raise ChainError(
            f"the checkpoint saw {seen.size} entries, the ledger has {len(chain.links)}: it was rolled back"
        )
    if chain.links[seen.size - 1].digest != seen.head:
        raise ChainError(
            f"{chain.links[seen.size - 1].path}: is not the entry that the checkpoint saw: history was rewritten"
        )
    signed = (
        f", signed by {key.fingerprint}"
        if key
        else " (its signature was not checked: no key was given)"
    )
    return f"extends checkpoint {seen.size}{signed}"


def _key_id(name: str, key: PublicKey) -> bytes:
    raw = key.blob[-32:]  # the wire format ends with the 32 bytes of the key
    return hashlib.sha256(name.encode() + b"\n" + _ED25519 + raw).digest()[:4]
