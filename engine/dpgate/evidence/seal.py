"""Sealing restricted evidence: padding, then age encryption to the stewards' keys.

age (https://age-encryption.org/v1) through pyrage. The plaintext is padded with newlines, so an
opened JSON document reads as it is, and its length tells only a multiple of 64 KiB.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dpgate.errors import EvidenceError, MissingExtraError
from dpgate.evidence.disclosure import SEALED_BLOCK, RestrictedResult

if TYPE_CHECKING:
    from pyrage import ssh, x25519

_BECH32 = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
_AGE = re.compile(rf"age1[{_BECH32}]{{58}}")
_SSH = re.compile(r"ssh-ed25519 ([A-Za-z0-9+/]{68})(?: [^\n]*)?")
_SSH_PREFIX = b"\x00\x00\x00\x0bssh-ed25519\x00\x00\x00\x20"


@dataclass(frozen=True, kw_only=True)
class Sealed:
    """A document that only the holders of a recipient's identity can read."""

    ciphertext: bytes
    sha256: str
    """Digest of the ciphertext: ``sha256:`` and 64 hexadecimal digits."""
    size: int
    """Bytes of the padded document before encryption, a multiple of `SEALED_BLOCK`."""

    def result(self, metric: str) -> RestrictedResult:
        """What a record may say about it."""
        return RestrictedResult(
            disclosure="restricted", metric=metric, ciphertext=self.sha256, size=self.size
        )


def validate_recipient(text: str) -> str | None:
    """What is wrong with an age recipient, or None; pure, without pyrage.

    Accepts native X25519 recipients (``age1…``, checksum included) and ``ssh-ed25519`` public
    keys, with or without a comment.
    """
    if text.startswith("AGE-SECRET-KEY-"):
        return "is a secret key; give the public recipient, age1…"
    if text.startswith("age1"):
        if not _AGE.fullmatch(text):
            return "is not an X25519 age recipient: age1 and 58 characters"
        return None if _checksum_holds(text) else "has a wrong checksum: a character was mistyped"
    match = _SSH.fullmatch(text)
    if not match:
        return "is neither an age recipient (age1…) nor an ssh-ed25519 public key"
    blob = base64.b64decode(match[1])  # 68 digits of base64 always decode
    return None if blob.startswith(_SSH_PREFIX) else "is not an ssh-ed25519 public key"


def _checksum_holds(text: str) -> bool:
    """The error-detecting code of Bech32 (BIP 173) over an ``age1…`` recipient."""
    prefix, data = text[:3], text[4:]
    symbols = [ord(letter) >> 5 for letter in prefix] + [0]
    symbols += [ord(letter) & 31 for letter in prefix]
    symbols += [_BECH32.index(letter) for letter in data]
    state = 1
    for symbol in symbols:
        top = state >> 25
        state = (state & 0x1FFFFFF) << 5 ^ symbol
        for bit, factor in enumerate((0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)):
            state ^= factor if top >> bit & 1 else 0
    return state == 1


def parse(recipients: Sequence[str]) -> list[x25519.Recipient | ssh.Recipient]:
    """Recipients as pyrage has them; call it before anything is spent.

    Raises:
        EvidenceError: there is none, or one is malformed (the message says which).
        MissingExtraError: pyrage is not installed.
    """
    if not recipients:
        raise EvidenceError(
            "restricted evidence has no one to be encrypted to",
            fix="list age recipients under encrypt_to of a role in the policy",
        )
    for place, text in enumerate(recipients, start=1):
        fault = validate_recipient(text)
        if fault:
            raise _refusal(place, text, fault)
    try:
        import pyrage
    except ImportError:
        raise MissingExtraError(extra="synth", what="encrypting restricted evidence") from None
    parsed: list[x25519.Recipient | ssh.Recipient] = []
    for place, text in enumerate(recipients, start=1):
        kind = pyrage.x25519 if text.startswith("age1") else pyrage.ssh
        try:
            parsed.append(kind.Recipient.from_str(text))
        except pyrage.RecipientError:
            raise _refusal(place, text, "is refused by age") from None
    return parsed


def _refusal(place: int, text: str, fault: str) -> EvidenceError:
    secret = text.startswith("AGE-SECRET-KEY-")
    shown = "(not shown)" if secret else repr(text if len(text) <= 70 else f"{text[:70]}…")
    return EvidenceError(
        f"recipient {place}, {shown}, {fault}", fix="correct encrypt_to in the policy"
    )


def seal(document: bytes, recipients: Sequence[str]) -> Sealed:
    """Pads and encrypts a restricted document.

    Args:
        document: JSON text or other bytes that newlines at the end do not change.
        recipients: ``age1…`` or ``ssh-ed25519 …``, at least one; each can open it alone.

    Raises:
        EvidenceError: no recipient, or a malformed one.
        MissingExtraError: pyrage is not installed.

    Privacy:
        `document` holds private values and must leave the process in this form alone.
    """
    parsed = parse(recipients)
    import pyrage

    padded = document + b"\n" * (-len(document) % SEALED_BLOCK or SEALED_BLOCK * (not document))
    try:
        ciphertext = pyrage.encrypt(padded, parsed)
    except pyrage.EncryptError:
        raise EvidenceError("age could not encrypt the restricted evidence") from None
    digest = f"sha256:{hashlib.sha256(ciphertext).hexdigest()}"
    return Sealed(ciphertext=ciphertext, sha256=digest, size=len(padded))
