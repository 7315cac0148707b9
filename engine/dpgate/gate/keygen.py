"""`keygen`: key pairs for people and runners, age identities for stewards."""

from __future__ import annotations

from pathlib import Path

from dpgate.errors import MissingExtraError
from dpgate.gate.results import FilesResult
from dpgate.ledger.keys import generate, write_secret


def keygen(file: Path | str, *, comment: str = "", age: bool = False) -> FilesResult:
    """Make a key.

    Args:
        file: the private key; the public one goes beside it, as ``.pub``.
        comment: who it belongs to.
        age: make an age identity (X25519) instead of an Ed25519 signing key.

    Raises:
        KeyFileError: a file exists or cannot be written.
        MissingExtraError: an age identity was asked for and pyrage is not installed.
    """
    path = Path(file)
    if age:
        return _age(path)
    key = generate(path, comment)
    return FilesResult(
        title=f"{path} and {path.name}.pub written",
        lines=(f"{key.line} {key.comment}".strip(), key.fingerprint),
        next="put the public line under spec.roles.ROLE.keys of the policy",
    )


def _age(path: Path) -> FilesResult:
    try:
        from pyrage import x25519
    except ImportError:
        raise MissingExtraError(extra="synth", what="an age identity") from None
    identity = x25519.Identity.generate()
    recipient = str(identity.to_public())
    write_secret(path, f"# public key: {recipient}\n{identity}\n".encode())
    return FilesResult(
        title=f"{path} written",
        lines=(recipient,),
        next="put the recipient under spec.roles.stewards.encrypt_to of the policy",
    )
