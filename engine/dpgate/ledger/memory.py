"""What a runner or auditor remembers outside Git: the root, and the last head it saw.

Without it, whoever controls the remote could replace the whole ledger, or roll it back.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock

from dpgate.errors import ChainError, UndecidedError
from dpgate.ledger.chain import Chain


def state_folder() -> Path:
    """``$DPGATE_STATE``, else ``$XDG_STATE_HOME/dpgate``, else ``~/.local/state/dpgate``."""
    given = os.environ.get("DPGATE_STATE")
    if given:
        return Path(given)
    base = os.environ.get("XDG_STATE_HOME")
    return (Path(base) if base else Path.home() / ".local" / "state") / "dpgate"


@dataclass(frozen=True)
class Memory:
    """The memory of one repository, named by its root."""

    root: str

    @property
    def folder(self) -> Path:
        """Where everything about this repository is kept on this machine."""
        return state_folder() / self.root.removeprefix("sha256:")[:32]

    @property
    def lock(self) -> FileLock:
        """Held while a release runs, so that two runs on one machine do not share a staging."""
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        return FileLock(self.folder / "lock")

    def last(self) -> tuple[int, str] | None:
        """Number and digest of the last head seen, if any."""
        try:
            body = json.loads((self.folder / "head.json").read_text())
            return int(body["sequence"]), str(body["digest"])
        except FileNotFoundError:
            return None
        except (OSError, ValueError, KeyError, TypeError):
            raise UndecidedError(
                f"cannot read what was last seen of the ledger: {self.folder / 'head.json'}",
                fix="restore it, or remove it and give --root to start anew",
            ) from None

    def check(self, chain: Chain) -> None:
        """Raise unless the chain extends the last head seen.

        Raises:
            ChainError: entries that were seen before are gone or changed.
        """
        self.check_at(len(chain.links), lambda number: chain.links[number - 1].digest)

    def check_at(self, count: int, digest_of: Callable[[int], str]) -> None:
        """Raise unless a ledger of so many entries extends the last head seen.

        Args:
            count: number of entries.
            digest_of: the digest of the entry with a number from 1 to `count`.

        Raises:
            ChainError: entries that were seen before are gone or changed.
        """
        last = self.last()
        if last is None:
            return
        sequence, digest = last
        if count < sequence:
            raise ChainError(
                f"this ledger has {count} entries, and {sequence} were seen on this machine: "
                "the clone is behind, or the ledger was rolled back",
                fix="git fetch; if the remote has no more entries, do not release: compare with another "
                "clone, and restore the longer chain that verifies",
            )
        if digest_of(sequence) != digest:
            raise ChainError(
                f"the ledger does not extend the head last seen (entry {sequence}, {digest[:19]}…): "
                "it was rolled back or rewritten",
                fix="do not release; compare with another clone, and restore the longer chain that verifies",
            )

    def remember(self, chain: Chain) -> None:
        """Keep the head of a chain that was checked; an older view than the last changes nothing."""
        last = self.last()
        if last is not None and last[0] > len(chain.links):
            return
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        body = {"root": self.root, "sequence": len(chain.links), "digest": chain.head.digest}
        target = self.folder / "head.json"
        temporary = target.with_suffix(f".{os.getpid()}.tmp")
        temporary.write_text(json.dumps(body) + "\n")
        temporary.replace(target)


def known_roots() -> tuple[str, ...]:
    """Roots of all repositories this machine has worked with."""
    roots = []
    for path in sorted(state_folder().glob("*/head.json")):
        try:
            roots.append(str(json.loads(path.read_text())["root"]))
        except (OSError, ValueError, KeyError, TypeError):
            continue
    return tuple(roots)
