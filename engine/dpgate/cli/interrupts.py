"""Interrupts that end a command, wherever they meet it, and only where it can be ended."""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sys import UnraisableHookArgs
    from types import FrameType

_AGAIN = 0.01
"""Seconds until an interrupt that came at a bad moment is tried again."""

_LIBRARY = "opendp"


@contextmanager
def heard() -> Iterator[None]:
    """Raise ``KeyboardInterrupt`` in code that can hear it, where an interrupt would end the process.

    Python raises it between any two steps of the main thread. Where these are a destructor or a
    callback from C it prints the error and goes on: OpenDP frees its objects in destructors, and takes
    what such a callback leaves for a pointer, which ends the process with a segmentation fault. So an
    interrupt waits while OpenDP is at work, and one that Python drops elsewhere comes again.
    """
    if signal.getsignal(signal.SIGINT) is not signal.default_int_handler:
        yield  # ignored, as a shell has it in the background, or somebody else's
        return
    before, alarms = sys.unraisablehook, list[Any]()

    def again() -> None:
        alarms.append(signal.signal(signal.SIGALRM, interrupt))
        signal.setitimer(signal.ITIMER_REAL, _AGAIN)

    def interrupt(_number: int, frame: FrameType | None) -> None:
        if not _at_work(frame):
            raise KeyboardInterrupt
        again()

    def dropped(what: UnraisableHookArgs) -> None:
        if issubclass(what.exc_type, KeyboardInterrupt):
            again()
        else:
            before(what)

    signal.signal(signal.SIGINT, interrupt)
    sys.unraisablehook = dropped
    try:
        yield
    finally:
        sys.unraisablehook = before
        signal.signal(signal.SIGINT, signal.default_int_handler)
        if alarms:
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.signal(signal.SIGALRM, alarms[0])


def _at_work(frame: FrameType | None) -> bool:
    """Whether a call of OpenDP has begun and not ended."""
    while frame is not None:
        if str(frame.f_globals.get("__name__")).partition(".")[0] == _LIBRARY:
            return True
        frame = frame.f_back
    return False
