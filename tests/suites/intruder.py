"""A process that meets a training without a certificate, and writes down all that it is sent.

    python -m tests.suites.intruder plain|tls|gate PORT FILE

`plain` speaks no TLS; `tls` does, shows no certificate, and believes whoever is there; `gate` plays rank 0
with a certificate of its own making.
"""

from __future__ import annotations

import contextlib
import ssl
import sys
from datetime import timedelta
from pathlib import Path

from dpgate.synthesis.gan.team import tls
from dpgate.synthesis.gan.team.channel import Channel
from dpgate.synthesis.gan.team.leader import FAULTS
from dpgate.synthesis.gan.team.meet import Rank, met, tcp_store
from dpgate.synthesis.gan.team.messages import VERSION

PATIENCE = timedelta(minutes=4)


class Curious(Channel):
    """A channel that keeps what comes in, sealed or not."""

    heard = b""

    def _taken(self) -> bytes:
        records = super()._taken()
        Curious.heard += records
        return records


def anybody() -> ssl.SSLContext:
    """Takes every certificate and shows none."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def nobody(folder: Path) -> ssl.SSLContext:
    """Takes every process, and shows a certificate that nobody signed."""
    folder.mkdir()
    context = tls.context(tls.ephemeral(folder), server=True)
    context.verify_mode = ssl.CERT_NONE
    return context


def main() -> None:
    """Rank 1 of 2, or 0."""
    how, port, file = sys.argv[1:]
    rank = Rank(0 if how == "gate" else 1, 2)
    opened = b""
    with (
        met(tcp_store("127.0.0.1", int(port), rank, agent=False), rank) as group,
        contextlib.suppress(*FAULTS),
    ):
        if how == "plain":
            words = bytearray(VERSION.encode())
            for part in (bytearray(len(words).to_bytes(8, "little")), words):
                group.send(part, 0, PATIENCE)
            Curious.heard += group.receive(8, 0, PATIENCE)
        elif how == "gate":
            context = nobody(Path(file).with_suffix(".papers"))
            line = Curious(group, 1, context, server=True, patience=PATIENCE)
            opened = line.receive()
        else:
            line = Curious(group, 0, anybody(), server=False, patience=PATIENCE)
            line.send(VERSION.encode())
            opened = line.receive()
    Path(file).write_bytes(Curious.heard + b"\nopened: " + opened)


if __name__ == "__main__":
    main()
