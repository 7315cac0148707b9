"""How the processes of a training find each other."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, cast

from torch.distributed import (  # type: ignore[attr-defined]  # its stubs do not name them
    FileStore,
    PrefixStore,
    ProcessGroupGloo,
    Store,
    TCPStore,
)

if TYPE_CHECKING:
    from dpgate.synthesis.gan.team.channel import Group

PATIENCE = timedelta(minutes=10)
"""For all processes to come."""
_PAUSE_SECONDS = 0.05


class Rank(NamedTuple):
    """One process of so many; the gate's is 0."""

    rank: int
    size: int


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
def met(store: Store, rank: Rank, alive: Callable[[], bool] = lambda: True) -> Iterator[Group]:
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
    # Not as the default group of this process, which is its user's.
    group = cast("Group", ProcessGroupGloo(store, rank.rank, rank.size, PATIENCE))
    try:
        yield group
    finally:
        group.abort()  # whoever still waits for a lost process is let go


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
