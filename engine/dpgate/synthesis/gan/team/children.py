"""Workers on this machine, as children of the process that runs the gate."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import time
from pathlib import Path
from types import TracebackType
from typing import Self

from dpgate.synthesis.gan.team.meet import loopback

ENTRY = "from dpgate.synthesis.gan.team.worker import main; main()"
"""What a child runs."""

_KEPT = ("SYSTEMROOT", "LD_LIBRARY_PATH", "CUDA_VISIBLE_DEVICES", "OMP_NUM_THREADS", "TMPDIR")
_SECONDS = 10.0


class Children:
    """They start at once. Nothing that they write is seen: it could quote private values.

    Args:
        folder: private; where they find the store and their papers.
        processes: of the training, this one included.
        threads: of each.
    """

    def __init__(self, folder: Path, processes: int, threads: int) -> None:
        # Isolated, and without site: neither the environment nor the working folder has a say.
        code = f"import sys; sys.path[:] = {sys.path!r}; {ENTRY}"
        given = {name: os.environ[name] for name in _KEPT if name in os.environ}
        given = {"OMP_NUM_THREADS": str(threads), **given, "GLOO_SOCKET_IFNAME": loopback()}
        self._children = [
            subprocess.Popen(  # noqa: S603 - this very interpreter, and our own code
                [sys.executable, "-I", "-S", "-c", code, str(folder), str(rank), str(processes)],
                stdin=subprocess.PIPE,  # stays open and silent: its end is the end of this process
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                env={**given, "LOCAL_RANK": str(rank)},
                cwd=folder,
                start_new_session=True,  # an interrupt is for this process, which ends them
            )
            for rank in range(1, processes)
        ]

    def alive(self) -> bool:
        """Whether all are."""
        return all(child.poll() is None for child in self._children)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Wait for children that were dismissed, end others."""
        deadline = time.monotonic() + (_SECONDS if kind is None else 0)
        try:
            for child in self._children:
                with contextlib.suppress(subprocess.TimeoutExpired):
                    child.wait(max(0, deadline - time.monotonic()))
        finally:  # also by an interrupt
            for child in self._children:
                child.kill()
            for child in self._children:
                child.wait()
                if child.stdin is not None:
                    child.stdin.close()
