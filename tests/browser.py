"""A real browser, spoken to over the pipe of its DevTools protocol: no driver, no network."""

from __future__ import annotations

import base64
import json
import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
_FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--hide-scrollbars",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--disable-dev-shm-usage", "--remote-debugging-pipe",
)  # fmt: skip


@dataclass
class Browser:
    """One tab.

    Attributes:
        requests: addresses that pages asked for.
        complaints: what the console said of them.
    """

    out: int
    into: int
    session: str = ""
    requests: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)
    _last: int = 0
    _buffer: bytes = b""
    _loaded: bool = False

    def call(self, method: str, **params: Any) -> dict[str, Any]:
        """One command, and its answer."""
        self._last += 1
        message = {"id": self._last, "method": method, "params": params}
        if self.session:
            message["sessionId"] = self.session
        os.write(self.out, json.dumps(message).encode() + b"\0")
        while True:
            answer = self._next()
            if answer.get("id") == self._last:
                assert "error" not in answer, answer
                result: dict[str, Any] = answer["result"]
                return result

    def open(self, path: Path) -> float:
        """Open a file; how many seconds until it is loaded and drawn."""
        self.requests.clear()
        self.complaints.clear()
        self._loaded = False
        start = time.perf_counter()
        self.call("Page.navigate", url=path.as_uri())
        while not self._loaded:
            self._next()
        self.call("Runtime.evaluate", awaitPromise=True, expression=_DRAWN)
        return time.perf_counter() - start

    def size(self, width: int, height: int) -> None:
        """Size of the screen."""
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height,
                  deviceScaleFactor=1, mobile=False)  # fmt: skip

    def dark(self, *, on: bool) -> None:
        """What the reader prefers."""
        value = "dark" if on else "light"
        self.call("Emulation.setEmulatedMedia",
                  features=[{"name": "prefers-color-scheme", "value": value}])  # fmt: skip

    def ask(self, expression: str) -> Any:
        """The value of an expression within the page; pages' own policies do not bind it."""
        answer = self.call("Runtime.evaluate", expression=expression, returnByValue=True)
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    def picture(self, to: Path) -> None:
        """What is on the screen, as PNG."""
        to.write_bytes(base64.b64decode(self.call("Page.captureScreenshot")["data"]))

    def _next(self) -> dict[str, Any]:
        while b"\0" not in self._buffer:
            piece = os.read(self.into, 1 << 16)
            assert piece, "the browser is gone"
            self._buffer += piece
        message, _, self._buffer = self._buffer.partition(b"\0")
        told: dict[str, Any] = json.loads(message)
        params = told.get("params", {})
        match told.get("method"):
            case "Network.requestWillBeSent":
                self.requests.append(params["request"]["url"])
            case "Log.entryAdded":
                self.complaints.append(params["entry"]["text"])
            case "Runtime.consoleAPICalled" | "Runtime.exceptionThrown":
                self.complaints.append(json.dumps(params))
            case "Page.loadEventFired":
                self._loaded = True
        return told


_DRAWN = "new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))"


@contextmanager
def browser(folder: Path) -> Iterator[Browser]:
    """A browser with an empty profile in a folder."""
    assert CHROMIUM is not None
    theirs_in, out = os.pipe()
    into, theirs_out = os.pipe()
    command = f'exec "$@" 3<&{theirs_in} 4>&{theirs_out}'
    flags = (*_FLAGS, f"--user-data-dir={folder}", "about:blank")
    process = subprocess.Popen(
        ["/bin/bash", "-c", command, "bash", CHROMIUM, *flags],
        pass_fds=(theirs_in, theirs_out),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    os.close(theirs_in)
    os.close(theirs_out)
    try:
        made = Browser(out=out, into=into)
        target = made.call("Target.createTarget", url="about:blank")["targetId"]
        attached = made.call("Target.attachToTarget", targetId=target, flatten=True)
        made.session = attached["sessionId"]
        for domain in ("Page", "Network", "Log", "Runtime"):
            made.call(f"{domain}.enable")
        yield made
        made.session = ""
        made.call("Browser.close")
        process.wait(30)
    finally:
        process.kill()
        process.wait()
        os.close(out)
        os.close(into)
