"""Interrupts that nobody would hear: where Python can raise no error, it drops them."""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sys import UnraisableHookArgs

_AGAIN = 0.05
"""Seconds until an interrupt that went unheard is repeated."""


@contextmanager
def heard() -> Iterator[None]:
    """Repeat an interrupt that met a destructor or a callback of a library, until code hears it.

    Python raises ``KeyboardInterrupt`` wherever the main thread happens to be. In a ``__del__``, a
    callback of ctypes or of the garbage collector it only prints the error and goes on; OpenDP frees
    its objects in destructors, thousands of times in a release.
    """
    before, repeats = sys.unraisablehook, list[threading.Timer]()
    main = threading.main_thread()

    def repeat() -> None:
        assert main.ident is not None  # noqa: S101 - it runs
        signal.pthread_kill(main.ident, signal.SIGINT)

    def hook(dropped: UnraisableHookArgs) -> None:
        if not issubclass(dropped.exc_type, KeyboardInterrupt):
            before(dropped)
            return
        repeats.append(timer := threading.Timer(_AGAIN, repeat))
        timer.daemon = True
        timer.start()

    sys.unraisablehook = hook
    try:
        yield
    finally:
        sys.unraisablehook = before
        for timer in repeats:
            timer.cancel()
