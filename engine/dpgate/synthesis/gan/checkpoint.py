"""Checkpoints of a training: private files from which one later attempt goes on.

A checkpoint holds noisy numbers alone (weights, what the optimizers remember, one-way tables), so it
discloses no more than the steps before it were charged for. It is kept private all the same: parts of
it (a discriminator, an encoder, the key that holds rows out) are no part of any release.
"""

from __future__ import annotations

import os
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dpgate.errors import SynthesisError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Array = NDArray[np.generic]

_NAME = re.compile(r"after-([0-9]{1,7})\.npz")
_OWN = ("version", "holdout", "names")


@dataclass(frozen=True)
class Checkpoint:
    """One checkpoint, read once, when it is first asked for.

    Raises:
        SynthesisError: by all that follows: it cannot be read, or other versions made it.
    """

    path: Path

    @cached_property
    def state(self) -> Mapping[str, Array]:
        """What a training needs to go on."""
        return {name: array for name, array in self._held.items() if name not in _OWN}

    @cached_property
    def holdout(self) -> bytes:
        """The key that decided which rows were held out."""
        return self._held["holdout"].tobytes()

    @cached_property
    def _held(self) -> Mapping[str, Array]:
        return _read(self.path)

    def require(self, done: int) -> None:
        """It is whole, and holds so many steps over all attempts.

        Raises:
            SynthesisError: it does not.
        """
        if int(self.state["done"]) != done:
            raise SynthesisError(
                f"the checkpoint does not hold the {done} steps that the ledger counts",
                fix="start anew, without --resume",
            )


@dataclass(frozen=True)
class Checkpoints:
    """Where one attempt keeps its checkpoints, and the one that it begins at.

    Attributes:
        folder: of the attempt; made when there is something to keep.
        start: a checkpoint of the attempt that this one resumes; None: a training from the beginning.
    """

    folder: Path
    start: Checkpoint | None = None

    @property
    def state(self) -> Mapping[str, Array] | None:
        """What the checkpoint at the start holds; None without one."""
        return None if self.start is None else self.start.state

    @cached_property
    def holdout(self) -> bytes:
        """The key that decides which rows are held out: the same in all that one training sees."""
        return secrets.token_bytes(32) if self.start is None else self.start.holdout

    def keep(self, steps: int, state: Mapping[str, Array]) -> None:
        """Keep the state after so many steps of this attempt, whole or not at all; drop the one before.

        Where there is no room, none is kept: the training was paid for, and goes on.

        Privacy:
            `state` is noisy numbers alone. How many steps were done by when is public from here on.
        """
        import numpy as np

        made: dict[str, Any] = {
            **state,
            "version": np.array(_versions()),
            "names": np.array(sorted(state)),
            "holdout": np.frombuffer(self.holdout, dtype=np.uint8),
        }
        temporary = self.folder / "next.tmp"
        try:
            self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            with os.fdopen(descriptor, "wb") as file:
                np.savez(file, **made)
                file.flush()
                os.fsync(file.fileno())
            earlier = [path for _, path in _found(self.folder)]
            temporary.replace(self.folder / named(steps))
        except OSError:
            temporary.unlink(missing_ok=True)
            return
        for path in earlier:
            if path.name != named(steps):
                path.unlink(missing_ok=True)


def latest(folder: Path) -> tuple[int, Path] | None:
    """The last checkpoint of an attempt, with the number of its steps; None without any."""
    return max(_found(folder), default=None)


def named(steps: int) -> str:
    """The file of a checkpoint after so many steps."""
    return f"after-{steps}.npz"


def _found(folder: Path) -> list[tuple[int, Path]]:
    names = [(_NAME.fullmatch(path.name), path) for path in folder.glob("after-*.npz")]
    return [(int(match[1]), path) for match, path in names if match]


def _versions() -> str:
    """What a checkpoint goes with: weights and optimizers are laid out by these."""
    return ", ".join(f"{name} {metadata.version(name)}" for name in ("dpgate", "torch"))


def _read(path: Path) -> Mapping[str, Array]:
    import numpy as np

    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as held:
            found = {name: held[name] for name in held.files}
        version = str(found["version"])
        whole = found["holdout"].tobytes()
        if {*found["names"].tolist(), *_OWN} != found.keys():
            raise ValueError("arrays are missing, or too many")  # noqa: TRY301 - as all that is wrong
    except Exception:  # noqa: BLE001 - whatever is wrong with the file: it is no checkpoint
        raise SynthesisError(
            f"{path} is no checkpoint that can be read", fix="start anew, without --resume"
        ) from None
    ours = _versions()
    if version != ours or len(whole) != 32:
        raise SynthesisError(
            f"{version} made the checkpoint, and this is {ours}",
            fix="resume with the same versions, or start anew, without --resume",
        )
    return found
