"""SSH's data types on the wire (RFC 4251, section 5)."""

from __future__ import annotations

import struct


class Malformed(ValueError):  # noqa: N818 - never leaves the package
    """The bytes are not what they should be."""


def uint32(value: int) -> bytes:
    """Four bytes, the largest first."""
    return struct.pack(">I", value)


def string(data: bytes) -> bytes:
    """Bytes behind their length."""
    return uint32(len(data)) + data


class Reader:
    """Reads a message from its start to its end."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def uint32(self) -> int:
        """The next number."""
        return int.from_bytes(self._take(4), "big")

    def string(self) -> bytes:
        """The next string."""
        return self._take(self.uint32())

    def end(self) -> None:
        """Raise unless everything was read."""
        if self._at != len(self._data):
            raise Malformed

    def _take(self, size: int) -> bytes:
        part = self._data[self._at : self._at + size]
        if len(part) != size:
            raise Malformed
        self._at += size
        return part
