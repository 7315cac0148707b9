"""Waiting for what torch does: it waits where Python hears no interrupt, so another thread does it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from datetime import timedelta
from typing import TypeVar

T = TypeVar("T")

_PAUSE_SECONDS = 0.05


def begun(call: Callable[[], T]) -> Future[T]:
    """What a call comes to, in a thread that nobody waits for at the end."""
    found: Future[T] = Future()

    def run() -> None:
        try:
            found.set_result(call())
        except Exception as error:  # noqa: BLE001 - it is raised where the result is awaited
            found.set_exception(error)

    threading.Thread(target=run, daemon=True).start()
    return found


def always() -> bool:
    """Nothing is known of processes elsewhere: they are taken to be alive."""
    return True


def awaited(call: Callable[[], T], patience: timedelta, alive: Callable[[], bool] = always) -> T:
    """What a call returns; an interrupt is heeded meanwhile.

    Args:
        call: raises as it does here.
        patience: for it.
        alive: whether those that it waits for still are; asked while it lasts.

    Raises:
        RuntimeError: it took too long, or somebody is gone. The call goes on, to nobody's use.
    """
    found, deadline = begun(call), time.monotonic() + patience.total_seconds()
    while not found.done():
        if not alive() or time.monotonic() > deadline:
            raise RuntimeError("nobody answered")
        time.sleep(_PAUSE_SECONDS)
    return found.result()
