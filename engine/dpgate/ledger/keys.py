"""Ed25519 keys in OpenSSH format or PEM, through `cryptography`."""

from __future__ import annotations

import base64
import binascii
import hashlib
import os
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from dpgate.errors import KeyFileError, LockedKeyError

_MAX_KEY_BYTES = 65_536


@dataclass(frozen=True)
class PublicKey:
    """An Ed25519 public key.

    Attributes:
        blob: the OpenSSH wire format; identifies the key.
        comment: what follows the key in its line; never decides anything.
    """

    blob: bytes
    comment: str = field(default="", compare=False)

    @property
    def fingerprint(self) -> str:
        """``SHA256:…``, as ``ssh-keygen -l`` prints it."""
        digest = hashlib.sha256(self.blob).digest()
        return "SHA256:" + base64.b64encode(digest).decode().rstrip("=")

    @property
    def line(self) -> str:
        """The key without its comment, as in an ``authorized_keys`` file."""
        return "ssh-ed25519 " + base64.b64encode(self.blob).decode()

    def verifies(self, signature: bytes, message: bytes) -> bool:
        """Whether the signature over the message is by this key."""
        try:
            _ed25519(self.blob).verify(signature, message)
        except InvalidSignature:
            return False
        return True


@lru_cache(maxsize=1024)
def _ed25519(blob: bytes) -> Ed25519PublicKey:
    key = serialization.load_ssh_public_key(b"ssh-ed25519 " + base64.b64encode(blob))
    if not isinstance(key, Ed25519PublicKey):  # pragma: no cover - the prefix says ed25519
        raise KeyFileError("not an Ed25519 key")
    return key


@lru_cache(maxsize=1024)
def parse_public(text: str) -> PublicKey:
    """Read one OpenSSH public key line.

    Raises:
        KeyFileError: it is not a single well-formed ``ssh-ed25519`` line.
    """
    parts = text.strip().split(None, 2)
    if len(parts) < 2 or parts[0] != "ssh-ed25519" or "\n" in text.strip():
        raise KeyFileError(
            "not an OpenSSH Ed25519 public key",
            fix="one line that starts with ssh-ed25519; make a key with: dpgate keygen FILE",
        )
    try:
        blob = base64.b64decode(parts[1], validate=True)
        _ed25519(blob)
    except (binascii.Error, ValueError, UnsupportedAlgorithm):
        raise KeyFileError("not a well-formed ssh-ed25519 public key") from None
    return PublicKey(blob, parts[2] if len(parts) > 2 else "")


@dataclass(frozen=True)
class PrivateKey:
    """An Ed25519 private key and where it was read from."""

    path: Path
    public: PublicKey
    _key: Ed25519PrivateKey = field(repr=False)

    def sign(self, message: bytes) -> bytes:
        """Raw Ed25519 signature, 64 bytes."""
        return self._key.sign(message)


def load_private(path: Path, passphrase: bytes | None = None) -> PrivateKey:
    """Read a private key file: OpenSSH's format, or PEM (PKCS#8); with or without a passphrase.

    Raises:
        LockedKeyError: it needs a passphrase, and none was given.
        KeyFileError: it cannot be read, or is not Ed25519.
    """
    try:
        with path.open("rb") as file:
            data = file.read(_MAX_KEY_BYTES)
    except OSError as error:
        raise KeyFileError(
            f"cannot read key {path}: {error.strerror}",
            fix="give --key FILE; make one with: dpgate keygen FILE",
        ) from None
    try:
        key = _parsed(data, passphrase)
    except TypeError:
        raise LockedKeyError(
            f"key {path} is protected by a passphrase",
            fix="set DPGATE_KEY_PASSPHRASE, or run in a terminal",
        ) from None
    except (ValueError, UnsupportedAlgorithm):
        raise KeyFileError(
            f"{path} is not an OpenSSH or PEM private key, or the passphrase is wrong",
            fix="dpgate reads Ed25519 keys in OpenSSH's format and in PEM (PKCS#8)",
        ) from None
    if not isinstance(key, Ed25519PrivateKey):
        raise KeyFileError(f"{path} is not an Ed25519 key", fix="make one with: dpgate keygen FILE")
    wire = key.public_key().public_bytes(
        serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH
    )
    return PrivateKey(path, parse_public(wire.decode()), key)


def _parsed(data: bytes, passphrase: bytes | None) -> object:
    openssh = b"-----BEGIN OPENSSH PRIVATE KEY-----" in data
    load = serialization.load_ssh_private_key if openssh else serialization.load_pem_private_key
    try:  # a passphrase that is set for another key must not make an open one unreadable
        return load(data, password=None)
    except TypeError:
        if passphrase is None:
            raise
    return load(data, password=passphrase)


def generate(path: Path, comment: str) -> PublicKey:
    """Make a key pair: ``path`` (mode 0600) and ``path.pub``. Never overwrites.

    Raises:
        KeyFileError: one of the two files exists or cannot be written.
    """
    key = Ed25519PrivateKey.generate()
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.OpenSSH,
        serialization.NoEncryption(),
    )
    wire = key.public_key().public_bytes(
        serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH
    )
    line = wire.decode() + (f" {comment}" if comment else "")
    public = path.with_name(path.name + ".pub")
    if public.exists():
        raise KeyFileError(f"{public} exists already", fix="choose another file name")
    write_secret(path, private)
    public.write_text(line + "\n")
    return parse_public(line)


def write_secret(path: Path, data: bytes) -> None:
    """Write a new file that only its owner can read. Never overwrites.

    Raises:
        KeyFileError: it exists or cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except OSError as error:
        if path.exists():
            raise KeyFileError(f"{path} exists already", fix="choose another file name") from None
        raise KeyFileError(f"cannot write {path}: {error.strerror}") from None
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
