"""A real `ssh-agent`, and one that answers as a test says."""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Thread

import pytest

from dpgate.ledger.signers.wire import string

INSTALLED = shutil.which("ssh-agent") and shutil.which("ssh-add")


@contextmanager
def running() -> Iterator[str]:
    """OpenSSH's agent; yields its socket."""
    if not INSTALLED:
        pytest.skip("ssh-agent and ssh-add are not installed")
    with tempfile.TemporaryDirectory(prefix="dpgate-agent-") as folder:  # socket paths are short
        path = f"{folder}/socket"
        done = subprocess.run(
            ["ssh-agent", "-s", "-a", path], check=True, capture_output=True, text=True
        )
        number = re.search(r"SSH_AGENT_PID=(\d+)", done.stdout)
        assert number is not None
        try:
            yield path
        finally:
            os.kill(int(number[1]), 15)


def add(path: str, *words: str | Path, stdin: str | None = None) -> None:
    """Run `ssh-add` on an agent."""
    askpass = {"SSH_ASKPASS_REQUIRE": "never"}
    environment = {**os.environ, **askpass, "SSH_AUTH_SOCK": path}
    subprocess.run(
        ["ssh-add", "-q", *words], env=environment, check=True, capture_output=True, input=stdin,
        text=True,
    )  # fmt: skip


def lock(path: str, passphrase: str) -> None:
    """Lock an agent; `ssh-add -x` wants a terminal, the protocol does not."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as stream:
        stream.connect(path)
        stream.sendall(string(bytes([22]) + string(passphrase.encode())))
        assert stream.recv(5) == string(bytes([6]))


@contextmanager
def answering(*answers: bytes) -> Iterator[str]:
    """An agent that answers one connection after the other with these bytes."""
    with tempfile.TemporaryDirectory(prefix="dpgate-agent-") as folder:
        path = f"{folder}/socket"
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as server:
            server.bind(path)
            server.listen()

            def serve() -> None:
                for answer in answers:
                    stream, _ = server.accept()
                    with stream:
                        size = int.from_bytes(stream.recv(4, socket.MSG_WAITALL), "big")
                        stream.recv(size, socket.MSG_WAITALL)
                        stream.sendall(answer)

            thread = Thread(target=serve, daemon=True)
            thread.start()
            yield path
            thread.join(10)
