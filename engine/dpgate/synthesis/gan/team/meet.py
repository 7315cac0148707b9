"""How the processes of a training find each other."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import NamedTuple, Protocol, cast

import torch
from torch import Tensor
from torch.distributed import (  # type: ignore[attr-defined]  # its stubs do not name them
    FileStore,
    PrefixStore,
    ProcessGroupGloo,
    Store,
    TCPStore,
)

from dpgate.synthesis.gan.team.waiting import always, awaited

PATIENCE = timedelta(minutes=10)
"""For all processes to come."""
_PAUSE_SECONDS = 0.05


class Rank(NamedTuple):
    """One process of so many; the gate's is 0."""

    rank: int
    size: int


class _Work(Protocol):
    def wait(self, timeout: timedelta) -> bool: ...


class _Gloo(Protocol):
    def send(self, tensors: list[Tensor], peer: int, tag: int) -> _Work: ...

    def recv(self, tensors: list[Tensor], peer: int, tag: int) -> _Work: ...


class Group:
    """The processes of a training, connected by Gloo; not the default group, which is the user's.

    Args:
        gloo: connected.
        size: how many they are.
    """

    def __init__(self, gloo: ProcessGroupGloo, size: int) -> None:
        self._gloo = cast("_Gloo | None", gloo)
        self.size = size

    def send(self, content: bytearray, peer: int, patience: timedelta) -> None:
        """Sends bytes.

        Raises:
            RuntimeError: the peer is gone or silent; so also below.
        """
        tensor = torch.frombuffer(content, dtype=torch.uint8)
        self._open().send([tensor], peer, 0).wait(patience)

    def receive(self, size: int, peer: int, patience: timedelta) -> bytes:
        """So many bytes that were sent together."""
        tensor = torch.empty(size, dtype=torch.uint8)
        self._open().recv([tensor], peer, 0).wait(patience)
        return tensor.numpy().tobytes()

    def close(self) -> None:
        """Lets go of all connections, whoever keeps this; Gloo's own `abort` and `shutdown` do not."""
        self._gloo = None

    def _open(self) -> _Gloo:
        if self._gloo is None:
            raise RuntimeError("the training is over")
        return self._gloo


def tcp_store(address: str, port: int, rank: Rank, *, agent: bool) -> Store:
    """The store of processes on several machines; rank 0 holds it, unless a launcher's agent does.

    Raises:
        RuntimeError: it cannot be held or reached.
    """
    return TCPStore(
        address,
        port,
        rank.size,
        is_master=rank.rank == 0 and not agent,
        timeout=PATIENCE,
        wait_for_workers=False,
    )


def file_store(folder: Path, size: int) -> Store:
    """The store of so many processes on this machine that can write to a folder."""
    return FileStore(str(folder / "store"), size)


@contextmanager
def met(store: Store, rank: Rank, alive: Callable[[], bool] = always) -> Iterator[Group]:
    """A process group of all processes, for the time of a training.

    Args:
        store: where they meet.
        rank: this process's own.
        alive: whether those that this process started still are; asked while it waits.

    Raises:
        RuntimeError: they did not come, or one is gone.
    """
    store = PrefixStore("dpgate", store)
    store.set(str(rank.rank), "here")
    everybody = [str(number) for number in range(rank.size)]
    deadline = time.monotonic() + PATIENCE.total_seconds()
    while not store.check(everybody):
        if not alive() or time.monotonic() > deadline:
            raise RuntimeError("not everybody came")
        time.sleep(_PAUSE_SECONDS)
    left = timedelta(seconds=deadline - time.monotonic())
    gloo = awaited(lambda: ProcessGroupGloo(store, rank.rank, rank.size, PATIENCE), left, alive)
    group = Group(gloo, rank.size)
    del gloo
    try:
        yield group
    finally:
        group.close()


def loopback() -> str:
    """Name of the network interface that leads nowhere else.

    Raises:
        OSError: there is none.
    """
    for _, name in socket.if_nameindex():
        if name in ("lo", "lo0"):
            return name
    raise OSError("no loopback interface")


@contextmanager
def interface(name: str) -> Iterator[None]:
    """Has Gloo use this network interface meanwhile."""
    before = os.environ.get("GLOO_SOCKET_IFNAME")
    os.environ["GLOO_SOCKET_IFNAME"] = name
    try:
        yield
    finally:
        if before is None:
            del os.environ["GLOO_SOCKET_IFNAME"]
        else:
            os.environ["GLOO_SOCKET_IFNAME"] = before
