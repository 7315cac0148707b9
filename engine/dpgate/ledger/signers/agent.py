"""Keys that an SSH agent holds: it signs, and the private key stays where it is.

Source: SSH Agent Protocol, draft-ietf-sshm-ssh-agent, sections 3.5 and 3.6. For an Ed25519 key the
agent signs exactly the bytes that it is given (RFC 8709), so the signature is that of a file.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from dpgate.errors import KeyFileError
from dpgate.ledger.keys import PublicKey, parse_public
from dpgate.ledger.signers.wire import Malformed, Reader, string, uint32

_VARIABLE = "SSH_AUTH_SOCK"
_REQUEST_IDENTITIES, _IDENTITIES_ANSWER = 11, 12
_SIGN_REQUEST, _SIGN_RESPONSE = 13, 14
_MAX_BYTES = 256 * 1024
"""What OpenSSH's agent takes in one message."""
_WAIT_SECONDS = 120
"""An agent may ask its owner first (`ssh-add -c`, a pinentry)."""
_KIND = b"ssh-ed25519"


@dataclass(frozen=True)
class AgentKey:
    """A key that an agent holds."""

    public: PublicKey
    socket: str
    """Path of the agent's socket."""

    def sign(self, message: bytes) -> bytes:
        """Raw Ed25519 signature, 64 bytes, checked here before anybody relies on it.

        Raises:
            KeyFileError: the agent refuses, is gone, or answers with something else.
        """
        request = bytes([_SIGN_REQUEST]) + string(self.public.blob) + string(message) + uint32(0)
        if len(request) > _MAX_BYTES:
            raise KeyFileError(
                f"an SSH agent signs at most {_MAX_BYTES} bytes, and this is {len(request)}",
                fix="sign with a key file: --key FILE",
            )
        kind, answer = _ask(self.socket, request)
        if kind != _SIGN_RESPONSE:
            raise KeyFileError(
                f"the SSH agent refused to sign with {self.public.fingerprint}",
                fix="it may be locked (ssh-add -X), the key removed, or its use declined: ssh-add -l",
            )
        try:
            outer = Reader(answer)
            inner = Reader(outer.string())
            outer.end()
            name, signature = inner.string(), inner.string()
            inner.end()
        except Malformed:
            raise _nonsense() from None
        if name != _KIND or not self.public.verifies(signature, message):
            raise _nonsense()
        return signature


class Agent:
    """The agent behind ``SSH_AUTH_SOCK``."""

    def open(self, place: str, passphrase: bytes | None) -> AgentKey:  # noqa: ARG002 - the agent's own
        """One of its Ed25519 keys.

        Args:
            place: a fingerprint (``SHA256:…``), a public key file, or empty for its only key.
            passphrase: of no use here.

        Raises:
            KeyFileError: there is no agent, or not this key in it, or more than one to choose from.
        """
        path = os.environ.get(_VARIABLE, "")
        if not path:
            raise KeyFileError(
                f"there is no SSH agent: {_VARIABLE} is not set",
                fix='eval "$(ssh-agent)" && ssh-add KEY, or give --key FILE',
            )
        keys = _identities(path)
        if not place:
            return AgentKey(_only(keys), path)
        if place.startswith("SHA256:"):
            found = next((key for key in keys if key.fingerprint == place), None)
        else:
            wanted = _public_file(Path(place))
            place = wanted.fingerprint
            found = next((key for key in keys if key == wanted), None)
        if found is None:
            raise KeyFileError(f"the SSH agent does not hold {place}; {_held(keys)}", fix=_ADD)
        return AgentKey(found, path)


_ADD = "ssh-add KEY (unlock it first if it is locked: ssh-add -X); ssh-add -l lists what it holds"


def _only(keys: tuple[PublicKey, ...]) -> PublicKey:
    if len(keys) == 1:
        return keys[0]
    if not keys:
        raise KeyFileError("the SSH agent holds no Ed25519 key, or is locked", fix=_ADD)
    raise KeyFileError(
        f"the SSH agent holds several keys, and --key agent does not say which; {_held(keys)}",
        fix=f"--key agent:{keys[0].fingerprint}, or the public key's file: --key KEY.pub",
    )


def _held(keys: tuple[PublicKey, ...]) -> str:
    names = ", ".join(f"{key.fingerprint} {key.comment}".strip() for key in keys)
    return f"it holds {names}" if names else "it holds no Ed25519 key, or is locked"


def _public_file(path: Path) -> PublicKey:
    try:
        with path.open("rb") as file:
            return parse_public(file.read(65_536).decode("utf-8", "replace"))
    except OSError as error:
        raise KeyFileError(
            f"cannot read public key {path}: {error.strerror}",
            fix="agent:SHA256:… or agent:FILE.pub; ssh-add -l lists what the agent holds",
        ) from None


def _identities(path: str) -> tuple[PublicKey, ...]:
    """The agent's Ed25519 keys; others are passed over."""
    kind, answer = _ask(path, bytes([_REQUEST_IDENTITIES]))
    if kind != _IDENTITIES_ANSWER:
        raise KeyFileError("the SSH agent does not say what keys it holds", fix="ssh-add -l")
    keys = []
    try:
        reader = Reader(answer)
        for _ in range(reader.uint32()):
            blob, comment = reader.string(), reader.string().decode("utf-8", "replace")
            if Reader(blob).string() == _KIND:
                shown = comment if comment.isprintable() else ascii(comment)
                keys.append(PublicKey(blob, shown))
        reader.end()
    except Malformed:
        raise _nonsense() from None
    return tuple(keys)


def _ask(path: str, request: bytes) -> tuple[int, bytes]:
    """Send one message and read the answer: its kind and what follows."""
    with _connection(path) as stream:
        stream.sendall(string(request))
        size = int.from_bytes(_exactly(stream, 4), "big")
        if not 1 <= size <= _MAX_BYTES:
            raise _nonsense()
        answer = _exactly(stream, size)
    return answer[0], answer[1:]


@contextmanager
def _connection(path: str) -> Iterator[socket.socket]:
    if not hasattr(socket, "AF_UNIX"):  # pragma: no cover - Windows
        raise KeyFileError("SSH agents need Unix sockets", fix="give --key FILE")
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as stream:
            stream.settimeout(_WAIT_SECONDS)
            stream.connect(path)
            yield stream
    except OSError as error:
        why = error.strerror or "no answer"
        raise KeyFileError(
            f"the SSH agent at {path} cannot be reached: {why}",
            fix=f"check {_VARIABLE}, or give --key FILE",
        ) from None


def _exactly(stream: socket.socket, size: int) -> bytes:
    data = b""
    while len(data) < size:
        part = stream.recv(size - len(data))
        if not part:
            raise KeyFileError("the SSH agent hung up", fix="ssh-add -l, or give --key FILE")
        data += part
    return data


def _nonsense() -> KeyFileError:
    return KeyFileError(
        "the SSH agent answered with something that is no Ed25519 signature of this key",
        fix="try OpenSSH's own ssh-agent, or give --key FILE",
    )
