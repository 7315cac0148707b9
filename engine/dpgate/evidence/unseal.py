"""Opening sealed evidence with a steward's identity."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dpgate.errors import EvidenceError, MissingExtraError

if TYPE_CHECKING:
    from pyrage import ssh, x25519

_SSH_BEGINS = b"-----BEGIN OPENSSH PRIVATE KEY-----"


def opened(ciphertext: bytes, identity: bytes) -> bytes:
    """The document that was sealed, padding included.

    Args:
        ciphertext: as `dpgate.evidence.seal.seal` made it.
        identity: text of an age identity file (``AGE-SECRET-KEY-1…``; lines that begin with # are
            comments), or of an OpenSSH Ed25519 private key without a passphrase.

    Raises:
        EvidenceError: the identity cannot be read, or is none that it was sealed to.
        MissingExtraError: pyrage is not installed.

    Privacy:
        Restricted: exact private values. Never write or log the return value where others read.
    """
    try:
        import pyrage
    except ImportError:
        raise MissingExtraError(extra="synth", what="opening restricted evidence") from None
    found = _identities(identity)
    try:
        return bytes(pyrage.decrypt(ciphertext, found))
    except pyrage.DecryptError:
        raise EvidenceError(
            "the evidence was not sealed to this identity, or is damaged",
            fix="use the identity of a recipient that stood in the policy when the release was made",
        ) from None


def _identities(text: bytes) -> list[x25519.Identity | ssh.Identity]:
    import pyrage

    try:
        if text.lstrip().startswith(_SSH_BEGINS):
            return [pyrage.ssh.Identity.from_buffer(text)]
        lines = [line.strip() for line in text.decode("ascii").splitlines()]
        keys = [line for line in lines if line and not line.startswith("#")]
        return [pyrage.x25519.Identity.from_str(key) for key in keys]
    except (pyrage.IdentityError, UnicodeDecodeError):
        raise EvidenceError(
            "the identity is neither an age one nor an OpenSSH key without a passphrase",
            fix="make one with: dpgate keygen FILE --age",
        ) from None
