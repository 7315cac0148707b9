"""Attempts that resume a training: what they go on from, and what is left to charge.

A training that failed, was stopped or was abandoned has spent its reservation. If it kept a
checkpoint, one later attempt may go on from there: it reserves the steps that are left, and whatever
comes after them. The released rows then follow from one training in two parts, so the claim is that of
the whole; the ledger has charged more.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from dpgate.errors import ChainError, UsageError
from dpgate.model.event import Event
from dpgate.model.record import Reserve
from dpgate.synthesis.gan.checkpoint import Checkpoint, Checkpoints, latest, named

if TYPE_CHECKING:
    from dpgate.gate.rederive import Judged
    from dpgate.gate.workspace import Case
    from dpgate.ledger.chain import Chain, Link
    from dpgate.ledger.memory import Memory

_ENDED = ("failed", "abandoned")


@dataclass(frozen=True, kw_only=True)
class Resuming:
    """What an attempt goes on from.

    Attributes:
        reserve: digest of the reservation that it resumes.
        entry: the reservation.
        whole: events of the first reservation of this training, which planned all of it.
        steps: of that reservation, which the checkpoint holds.
        start: the checkpoint.
    """

    reserve: str
    entry: Reserve
    whole: tuple[Event, ...]
    steps: int
    start: Checkpoint

    @property
    def events(self) -> tuple[Event, ...]:
        """What is left to run."""
        return left(self.entry.events, self.steps)


def left(events: Sequence[Event], steps: int) -> tuple[Event, ...]:
    """The events of a reservation that are left after so many steps of its training.

    Args:
        events: of the reservation: one training, what it measured before it, and evidence.
        steps: done, fewer than the training has.

    Returns:
        The training with the steps that are left, and all whose names begin otherwise than its own.

    Raises:
        ChainError: there is no one training, or nothing of it is left.

    Privacy:
        What was measured before the training, and its first steps, were charged and ran: their
        results are in the checkpoint. Everything else is charged again, since it may have run.
    """
    training = training_of(events)
    if not 0 <= steps < training.times:
        raise ChainError(f"the training of these events has no more than {steps} steps")
    family = training.name.rpartition(".")[0] + "."
    rest = training.model_copy(update={"times": training.times - steps})
    return tuple(
        rest if event is training else event
        for event in events
        if event is training or not event.name.startswith(family)
    )


def find(memory: Memory, chain: Chain, case: Case) -> Resuming:
    """The attempt to resume: the last one of a release as it stands that ended early and kept a checkpoint.

    Raises:
        UsageError: there is none on this machine, or manifest or dataset changed since, or it was
            released.
    """
    done = chain.released(case.name)
    if done is not None:
        number = done[1].sequence
        raise UsageError(f"entry {number} released {case.name}", fix="nothing is left to resume")
    edited: Reserve | None = None
    digests = (case.release_file.digest, case.dataset_file.digest)
    for link, entry in reversed(chain.attempts(case.name)):
        if chain.states[link.digest] not in _ENDED:
            continue
        found = _kept(memory, chain, link.digest, entry)
        if found is None:
            continue
        if tuple(document.sha256 for document in entry.documents) != digests:
            edited = edited or entry
            continue
        whole = _first(chain, entry).events
        return Resuming(
            reserve=link.digest,
            entry=entry,
            whole=whole,
            steps=found[0],
            start=Checkpoint(found[1]),
        )
    raise _nothing(chain, case.name, edited)


def _nothing(chain: Chain, release: str, edited: Reserve | None) -> UsageError:
    """Why there is nothing to resume."""
    if edited is not None:
        return UsageError(
            f"manifest or dataset were edited after entry {edited.sequence} began the training",
            fix="restore them, or start anew, without --resume",
        )
    running = [entry for _, entry in chain.open if entry.release == release]
    if running:
        number = running[0].sequence
        return UsageError(
            f"entry {number} reserved an attempt that nothing has closed: it is running, or it died",
            fix=f"if it died: dpgate ledger recover --entry {number} --key RUNNER_KEY; then resume it",
        )
    return UsageError(
        f"no attempt of {release} that ended early left a checkpoint on this machine",
        fix="release it without --resume: a new attempt, charged in full",
    )


def offer(memory: Memory, chain: Chain, reserve: Link) -> Iterator[str]:
    """Words that tell of a checkpoint that an attempt left, if it left one."""
    entry = reserve.entry
    assert isinstance(entry, Reserve)  # noqa: S101 - the caller made it
    found = _kept(memory, chain, reserve.digest, entry)
    if found is not None:
        steps = training_of(entry.events).times - found[0]
        yield (
            f"a checkpoint of its training is kept on this machine: {steps} steps are left. To go on, which is "
            f"charged for these: dpgate release {entry.release} --resume …"
        )


def checkpoints(memory: Memory, reserve: str, resumes: Resuming | None) -> Checkpoints:
    """Where an attempt keeps its checkpoints, and where it begins."""
    return Checkpoints(_place(memory, reserve), resumes.start if resumes else None)


def require(found: Resuming) -> None:
    """A checkpoint can be read, is whole, and holds the steps that the ledger counts.

    Raises:
        SynthesisError: it is not, and nothing was spent.
    """
    done = training_of(found.whole).times - training_of(found.events).times
    found.start.require(done)


def forget(memory: Memory, chain: Chain, release: str) -> None:
    """Delete the checkpoints of a release: its training came to its end."""
    for link, _ in chain.attempts(release):
        shutil.rmtree(_place(memory, link.digest), ignore_errors=True)


def judge(each: Judged, before: Judged | None) -> None:
    """Hold a reservation that resumes another against it.

    Raises:
        ChainError: it is about another manifest or dataset, charges other events than those that
            were left, or claims something else.
    """
    entry = each.entry
    if entry.resumes is None or before is None:
        raise ChainError(f"{each.link.path}: resumes what was never reserved")
    path, earlier = each.link.path, before.entry
    if not entry.resumes.steps and earlier.resumes is None:
        raise ChainError(
            f"{path}: resumes a training before its first step, which has no checkpoint"
        )
    if [d.sha256 for d in entry.documents] != [d.sha256 for d in earlier.documents]:
        raise ChainError(f"{path}: resumes an attempt at another version of its documents")
    try:
        expected = left(earlier.events, entry.resumes.steps)
    except ChainError as error:
        raise ChainError(f"{path}: {error.message}") from None
    if entry.events != expected:
        raise ChainError(f"{path}: its events are not those that were left of what it resumes")
    if entry.claim != earlier.claim:
        raise ChainError(f"{path}: claims something else than the training that it resumes")


def _kept(memory: Memory, chain: Chain, reserve: str, entry: Reserve) -> tuple[int, Path] | None:
    """Steps of an attempt that its last checkpoint holds; 0 with that which it began at itself."""
    trainings = _trainings(entry.events)
    if len(trainings) != 1:
        return None
    found = latest(_place(memory, reserve))
    if found is not None and found[0] < trainings[0].times:
        return found
    start = _began(memory, chain, entry)
    return (0, start) if start is not None else None


def _began(memory: Memory, chain: Chain, entry: Reserve) -> Path | None:
    """The checkpoint that an attempt began at, by what the ledger says and not by what lies about.

    A later one of the attempt before may be here, made by another machine: steps that the ledger
    does not count for this line of attempts.
    """
    before = entry.resumes
    if before is None:
        return None
    if not before.steps:
        return _began(memory, chain, chain.reserve(before.reserve)[1])
    start = _place(memory, before.reserve) / named(before.steps)
    return start if start.exists() else None


def training_of(events: Sequence[Event]) -> Event:
    """The one training among events.

    Raises:
        ChainError: there is none, or several.
    """
    found = _trainings(events)
    if len(found) != 1:
        raise ChainError("no training, or several, is among these events")
    return found[0]


def _trainings(events: Sequence[Event]) -> list[Event]:
    return [event for event in events if event.mechanism == "sampled-gaussian"]


def _first(chain: Chain, entry: Reserve) -> Reserve:
    """The reservation that a training began with."""
    while entry.resumes is not None:
        _, entry = chain.reserve(entry.resumes.reserve)
    return entry


def _place(memory: Memory, reserve: str) -> Path:
    return memory.folder / "checkpoints" / reserve.removeprefix("sha256:")[:32]
