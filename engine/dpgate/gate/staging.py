"""Where an attempt keeps its files until they may leave: private, outside Git, and restartable."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from dpgate.errors import SynthesisError, UsageError
from dpgate.ledger.memory import Memory
from dpgate.model.record import Artifact, Outcome
from dpgate.model.values import Frozen
from dpgate.synthesis.gan.checkpoint import Checkpoints

SEALED = "evidence.json.age"


class Attempted(Frozen):
    """How an attempt went."""

    outcome: Outcome
    evidence: tuple[dict[str, Any], ...]
    artifacts: tuple[Artifact, ...]
    failures: tuple[str, ...]
    """Thresholds that were not met, with their figures."""


@dataclass(frozen=True)
class Run:
    """The folder of one attempt, named by its reservation."""

    folder: Path
    reserve: str
    """Digest of the reservation's entry."""
    checkpoints: Checkpoints | None = None
    """Of a training; they outlive the folder, for an attempt that resumes this one."""

    @property
    def staging(self) -> Path:
        """Files of the release, before they are promoted."""
        return self.folder / "staging"

    @property
    def sealed(self) -> Path:
        """Restricted evidence, encrypted."""
        return self.folder / SEALED

    @property
    def target(self) -> Path:
        """Where the files go, as it was decided when the attempt began."""
        return Path(json.loads((self.folder / "run.json").read_text())["target"])

    def begin(self, release: str, target: Path) -> None:
        """Make the folders, readable by their owner alone."""
        self.staging.mkdir(parents=True, mode=0o700)
        body = {"release": release, "target": str(target)}
        (self.folder / "run.json").write_text(json.dumps(body) + "\n")

    def keep(self, made: Attempted) -> None:
        """Keep what the attempt made, whole or not at all, until it is settled."""
        temporary = self.folder / "made.tmp"
        temporary.write_text(made.model_dump_json())
        temporary.replace(self.folder / "made.json")

    def kept(self) -> Attempted | None:
        """What the attempt made, if it got that far."""
        try:
            return Attempted.model_validate_json((self.folder / "made.json").read_bytes())
        except (OSError, ValidationError):
            return None

    def discard(self) -> None:
        """Delete everything of the attempt."""
        shutil.rmtree(self.folder, ignore_errors=True)


def run_of(memory: Memory, reserve: str) -> Run:
    """The folder of the attempt that a reservation paid for, whether it exists or not."""
    return Run(memory.folder / "runs" / reserve.removeprefix("sha256:")[:32], reserve)


def sealed_place(memory: Memory, release: str, reserve: int) -> Path:
    """Where this machine keeps the sealed evidence of the attempt that an entry reserved."""
    return memory.folder / "sealed" / f"{release.replace('/', '.')}-{reserve}.json.age"


def default_target(memory: Memory, release: str) -> Path:
    """Where files of a release go unless the user says otherwise."""
    return memory.folder / "released" / release


def check_target(target: Path) -> None:
    """Raise unless files can be moved to ``target``.

    Raises:
        UsageError: it exists and is not an empty folder, or its parent cannot be written.
    """
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise UsageError(
            f"{target} is not empty", fix="give --out a folder that does not exist yet"
        )
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"cannot make {target.parent}: {error.strerror}") from None
    if not os.access(target.parent, os.W_OK):
        raise UsageError(f"cannot write to {target.parent}")


def promote(run: Run, artifacts: Iterable[Artifact], sealed_to: Path) -> Path:
    """Move the files of a settled release to their destination. Repeating it does no harm.

    Raises:
        SynthesisError: a staged file is not the one that was settled, or cannot be moved.
    """
    target = run.target
    plain = [artifact for artifact in artifacts if not artifact.sealed]
    try:
        # A move between file systems that died after its last step left both places filled.
        if run.staging.is_dir() and not _arrived(target, plain):
            _same(run.staging, plain)
            _alone(run.staging, plain)
            _move(run.staging, target)
        _same(target, plain)
        keep_sealed(run, sealed_to)
    except OSError as error:
        raise SynthesisError(
            f"the release is settled, but its files could not be moved to {target}: {error.strerror}",
            fix="make room or permission there, and run the same command again: it spends nothing",
        ) from None
    run.discard()
    return target


def keep_sealed(run: Run, sealed_to: Path) -> None:
    """Move encrypted evidence out of the attempt's folder, if there is any."""
    if run.sealed.exists():
        sealed_to.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        run.sealed.replace(sealed_to)


def _move(staging: Path, target: Path) -> None:
    if target.is_dir() and not any(target.iterdir()):
        target.rmdir()
    try:
        staging.replace(target)
    except OSError:
        # Another file system, or a move that was cut short: copy beside it, then rename.
        copied = target.with_name(target.name + ".incoming")
        shutil.rmtree(copied, ignore_errors=True)
        shutil.copytree(staging, copied)
        copied.replace(target)
        shutil.rmtree(staging)


def _arrived(target: Path, artifacts: list[Artifact]) -> bool:
    try:
        _same(target, artifacts)
    except SynthesisError:
        return False
    return True


def _alone(staging: Path, artifacts: list[Artifact]) -> None:
    """The folder leaves as a whole: nothing that was not settled may lie in it."""
    strangers = {path.name for path in staging.iterdir()} - {a.name for a in artifacts}
    if strangers:
        raise SynthesisError(
            f"{staging} holds files that were not settled ({len(strangers)})",
            fix="find out who put them there; remove them, and run the same command again",
        )


def holds(folder: Path, artifacts: Iterable[Artifact]) -> bool:
    """Whether a folder holds the files of a settlement."""
    try:
        _same(folder, [artifact for artifact in artifacts if not artifact.sealed])
    except (SynthesisError, OSError):
        return False
    return True


def _same(folder: Path, artifacts: list[Artifact]) -> None:
    for artifact in artifacts:
        path = folder / artifact.name
        if path.is_symlink() or not path.is_file() or digest_of(path) != artifact.sha256:
            raise SynthesisError(
                f"{path} is not the file that was settled",
                fix="the settled digest stands in the ledger; restore the file, or withdraw the release",
            )


def digest_of(path: Path) -> str:
    """SHA-256 of a file."""
    with path.open("rb") as file:
        return "sha256:" + hashlib.file_digest(file, "sha256").hexdigest()
