"""TLS over messages of `torch.distributed`: what two processes of a training say to each other.

Gloo can be built with TLS of its own; torch's wheels are not. So its messages carry the records of TLS: a
process that is no member learns nothing and is believed nothing, whatever the network hands to whom.
"""

from __future__ import annotations

import ssl
import struct
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from dpgate.synthesis.gan.team.lengths import MOST

if TYPE_CHECKING:
    from dpgate.synthesis.gan.team.meet import Group

T = TypeVar("T")

_LENGTH = struct.Struct("<Q")
_PIECE = 2**20
_HANDSHAKE = 2**20
"""Bytes of a message from somebody who may be anybody."""


class Channel:
    """One of two ends; rank 0's is the server.

    Args:
        group: of all processes.
        peer: rank of the other end.
        context: see `dpgate.synthesis.gan.team.tls`.
        server: whether this end is.
        patience: for each message to go or to come; can be changed later.

    Raises:
        OSError: an end has no certificate that the other takes.
        ValueError: what the other end says is no message.
        RuntimeError: the other end is gone or silent; so also later.

    Privacy:
        Lengths of messages are seen on the network; what they hold is not.
    """

    def __init__(
        self,
        group: Group,
        peer: int,
        context: ssl.SSLContext,
        *,
        server: bool,
        patience: timedelta,
    ) -> None:
        self._group = group
        self._peer = peer
        self.patience = patience
        self._most = _HANDSHAKE
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._incoming, self._outgoing, server_side=server)
        self._until(self._tls.do_handshake)
        self._flush()
        self._most = MOST

    def send(self, message: bytes) -> None:
        """Sends one message."""
        self._tls.write(_LENGTH.pack(len(message)))
        for start in range(0, len(message), _PIECE):
            self._tls.write(memoryview(message)[start : start + _PIECE])
        self._flush()

    def receive(self) -> bytes:
        """The next message.

        Raises:
            ValueError: it is none.
        """
        (length,) = _LENGTH.unpack(self._exactly(_LENGTH.size))
        if length > MOST:
            raise ValueError("a message is too long")
        return self._exactly(length)

    def _exactly(self, size: int) -> bytes:
        found = bytearray()
        while len(found) < size:
            more = self._until(partial(self._tls.read, size - len(found)))
            if not more:
                raise ValueError("a message ends early")
            found += more
        return bytes(found)

    def _until(self, step: Callable[[], T]) -> T:
        """What a step of TLS comes to, once the other end has said what it needs for it."""
        while True:
            try:
                return step()
            except ssl.SSLWantReadError:
                self._flush()
                self._incoming.write(self._taken())

    def _flush(self) -> None:
        records = bytearray(self._outgoing.read())
        if records:
            for part in (bytearray(_LENGTH.pack(len(records))), records):
                self._group.send(part, self._peer, self.patience)

    def _taken(self) -> bytes:
        (length,) = _LENGTH.unpack(self._group.receive(_LENGTH.size, self._peer, self.patience))
        if not 0 < length <= self._most:
            raise ValueError("a message is too long")
        return self._group.receive(length, self._peer, self.patience)
