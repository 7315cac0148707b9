"""Keys in files: OpenSSH's format or PEM (PKCS#8), with or without a passphrase."""

from __future__ import annotations

from pathlib import Path

from dpgate.ledger.keys import load_private
from dpgate.ledger.signers.agent import Agent
from dpgate.ledger.signers.interface import Signer


class KeyFile:
    """A private key file; or a public one, whose private half the SSH agent holds."""

    def open(self, place: str, passphrase: bytes | None) -> Signer:
        """The key of a file. A public key leads to the SSH agent, as it does for ``ssh-keygen -Y``.

        Raises:
            LockedKeyError: it needs a passphrase, and none was given.
            KeyFileError: it cannot be read, or is not Ed25519.
        """
        path = Path(place)
        if _is_public(path):
            return Agent().open(place, passphrase)
        return load_private(path, passphrase)


def _is_public(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            return file.read(4) == b"ssh-"
    except OSError:
        return False
