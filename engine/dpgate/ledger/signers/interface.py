"""What every signer is, and how the one that ``--key`` names is found."""

from __future__ import annotations

import re
from importlib.metadata import entry_points
from typing import Protocol, cast

from dpgate.errors import KeyFileError
from dpgate.ledger.keys import PublicKey

GROUP = "dpgate.signers"

_NAMED = re.compile(r"([a-z][a-z0-9-]*)(?::(.*))?", re.DOTALL)


class Signer(Protocol):
    """Signs as one key. The secret need not be in this process, and is never shown."""

    @property
    def public(self) -> PublicKey:
        """The key that its signatures verify under."""

    def sign(self, message: bytes) -> bytes:
        """Raw Ed25519 signature over exactly these bytes, 64 bytes.

        Raises:
            KeyFileError: it cannot sign (now), or would not sign this.
        """


class SignerFamily(Protocol):
    """A member of the entry point group `dpgate.signers`; made without arguments.

    Its name is what stands before the colon in ``--key NAME:PLACE``.
    """

    def open(self, place: str, passphrase: bytes | None) -> Signer:
        """The signer at a place: what follows the colon, empty where there is none.

        Raises:
            LockedKeyError: a passphrase is needed, and none was given.
            KeyFileError: there is none there, or it is not Ed25519.
        """


def open_signer(text: str, passphrase: bytes | None = None) -> Signer:
    """The signer that ``--key`` names: a file, ``agent``, ``agent:SHA256:…``, a third party's.

    Args:
        text: ``NAME`` or ``NAME:PLACE`` where an installed family has that name; else a path.
        passphrase: what unlocks the key, if it needs any.

    Raises:
        LockedKeyError: a passphrase is needed, and none was given.
        KeyFileError: there is no such signer, or it is not Ed25519.
    """
    match = _NAMED.fullmatch(text)
    found = list(entry_points(group=GROUP, name=match[1])) if match else []
    if match is None or not found:
        from dpgate.ledger.signers.file import KeyFile

        return KeyFile().open(text, passphrase)
    if len(found) > 1:
        raise KeyFileError(
            f"signer {match[1]} is claimed by several packages", fix="uninstall all but one of them"
        )
    try:
        family = cast("SignerFamily", found[0].load()())
    except Exception as error:
        raise KeyFileError(
            f"signer {match[1]} cannot be loaded: {type(error).__name__}",
            fix=f"reinstall the package that brings {found[0].value}",
        ) from error
    return family.open(match[2] or "", passphrase)
