"""Run one release and, where told, kill this very process as a power cut would.

    python -m tests.crash.launcher RELEASE SOURCE KEY OUT LOG [resume] [PLACE]

Every progress call is appended to LOG before it is acted on. PLACE is one of

    reserve@0.0                            when that stage reports that fraction
    after dpgate.ledger.store:Store.append 2   when that call has returned for the second time
    wait reserve@0.0 FOLDER                touch FOLDER/<pid>, then wait until FOLDER/go exists
"""

from __future__ import annotations

import functools
import importlib
import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import dpgate
from dpgate.errors import DpgateError
from dpgate.ledger.keys import load_private


def die() -> None:
    """No handler, no flush, no clean-up."""
    os.kill(os.getpid(), signal.SIGKILL)


def arm(place: str, number: int) -> None:
    """Die when a function has returned for the n-th time."""
    module, _, name = place.partition(":")
    owner: Any = importlib.import_module(module)
    *path, last = name.split(".")
    for part in path:
        owner = getattr(owner, part)
    function = getattr(owner, last)
    calls = 0

    @functools.wraps(function)
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        nonlocal calls
        answer = function(*args, **kwargs)
        calls += 1
        if calls == number:
            die()
        return answer

    setattr(owner, last, wrapped)


def watcher(log: Path, words: list[str]) -> Callable[[str, float], None]:
    """A progress callback that notes every call, then dies or waits at the chosen one."""
    chosen = words[1] if words[:1] == ["wait"] else "".join(words[:1])

    def tell(stage: str, fraction: float) -> None:
        here = f"{stage}@{fraction}"
        with log.open("a") as file:
            file.write(here + "\n")
        if here != chosen:
            return
        if words[0] != "wait":
            die()
        folder = Path(words[2])
        (folder / str(os.getpid())).touch()
        while not (folder / "go").exists():
            time.sleep(0.002)

    return tell


def main() -> None:
    """One release; exit code as the command line's."""
    release, source, key, out, log, *words = sys.argv[1:]
    resume = words[:1] == ["resume"]
    words = words[1:] if resume else words
    if words[:1] == ["after"]:
        arm(words[1], int(words[2]))
        words = []
    try:
        result = dpgate.release(
            release,
            source=source,
            key=load_private(Path(key)),
            out=out,
            resume=resume,
            progress=watcher(Path(log), words),
        )
    except DpgateError as error:
        sys.stdout.write(f"{type(error).__name__} {error.message}\n")
        sys.exit(error.exit_code)
    sys.stdout.write(result.outcome + "\n")
    sys.exit(0 if result.outcome in ("released", "already-released") else 1)


if __name__ == "__main__":
    main()
