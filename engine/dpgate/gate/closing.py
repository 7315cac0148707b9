"""Closing an attempt: settle it in the ledger, then promote its files. Can be taken up again.

A settlement is pushed before anything is promoted. What an attempt made is kept beside its files, so
that a run that died, or lost the remote, before it could settle is closed by the next one: nothing is
computed again, and nothing more is spent.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from dpgate.errors import ChainError, UsageError
from dpgate.gate import entries, resuming
from dpgate.gate.opening import OpenLedger
from dpgate.gate.product import Progress
from dpgate.gate.results import ReleaseResult
from dpgate.gate.staging import (
    Attempted,
    default_target,
    holds,
    keep_sealed,
    promote,
    run_of,
    sealed_place,
)
from dpgate.gate.workspace import Workspace, now
from dpgate.ledger.chain import Chain, Link
from dpgate.ledger.memory import Memory
from dpgate.ledger.signers.interface import Signer
from dpgate.model.record import Entry, Reserve, Settle


@dataclass(frozen=True, kw_only=True)
class Job:
    """What the steps of a release share."""

    space: Workspace
    release: str
    source: str
    key: Signer
    target: Path | None
    memory: Memory
    progress: Progress
    resume: bool = False
    """Whether to go on from a checkpoint of an earlier attempt."""


def close(job: Job, ledger: OpenLedger, reserve: Link, made: Attempted) -> ReleaseResult:
    """Settle what an attempt made, then move its files to where they go."""
    run = run_of(job.memory, reserve.digest)
    job.progress("settle", 0.0)
    settled = settle(job, ledger, reserve, made)
    job.progress("settle", 1.0)
    result = _result(job, reserve, settled, made)
    sealed_to = _sealed_path(job, reserve)
    if made.outcome != "released":
        keep_sealed(run, sealed_to)
        run.discard()
        return result
    job.progress("promote", 0.0)
    folder = promote(run, made.artifacts, sealed_to)
    job.progress("promote", 1.0)
    return result.model_copy(update={"folder": str(folder)})


def close_finished(job: Job, ledger: OpenLedger) -> ReleaseResult | None:
    """Close an attempt of this machine that was finished but never settled, if there is one."""
    for link, entry in ledger.chain.open:
        made = run_of(job.memory, link.digest).kept() if entry.release == job.release else None
        if made is not None:
            resuming.forget(job.memory, ledger.chain, job.release)  # the run may have died before
            return close(job, ledger, link, made)
    return None


def settle(job: Job, ledger: OpenLedger, reserve: Link, made: Attempted) -> Link:
    """Push how an attempt ended, on whatever head there is by then.

    Raises:
        ChainError: somebody closed the reservation meanwhile.
        RemoteError: the push failed; the reservation stays open, and what was made is kept.
    """

    def make(chain: Chain) -> tuple[Entry, str, Mapping[str, str]]:
        if reserve.digest in chain.settles:
            closing = chain.settles[reserve.digest][1]
            if closing.outcome != "released":
                run_of(job.memory, reserve.digest).discard()  # it can never leave any more
            raise ChainError(
                f"the reservation was closed by entry {closing.sequence} while this attempt ran; "
                "it can't be settled, and nothing is released",
                fix="its cost is spent; a new attempt needs a new reservation",
            )
        entry = Settle(
            **entries.header(chain, now()),
            policy_set=chain.policy.sha256,
            release=job.release,
            reserve=reserve.digest,
            outcome=made.outcome,
            evidence=made.evidence,
            artifacts=made.artifacts,
        )
        title = f"Settle {job.release}: {made.outcome}"
        return (
            entry,
            title,
            {"Dpgate-Release": job.release, "Dpgate-Reservation": str(reserve.entry.sequence)},
        )

    return entries.append_again(ledger, make, job.key, job.memory)


def _result(job: Job, reserve: Link, settled: Link, made: Attempted) -> ReleaseResult:
    failed = made.outcome != "released"
    return ReleaseResult(
        release=job.release,
        outcome="gate-failed" if failed else "released",
        reserve=reserve.entry.sequence,
        settle=settled.entry.sequence,
        artifacts=tuple(
            {"name": a.name, "sha256": a.sha256} for a in made.artifacts if not a.sealed
        ),
        evidence=made.evidence,
        failures=made.failures,
        next=(
            "the attempt is spent; a further one is charged again, and needs new approvals unless theirs cover it"
            if failed
            else "dpgate verify --root " + job.memory.root
        ),
    )


def _sealed_path(job: Job, reserve: Link) -> Path:
    return sealed_place(job.memory, job.release, reserve.entry.sequence)


def already(job: Job, chain: Chain, reserved: Reserve, entry: Settle) -> ReleaseResult:
    """The same manifest returns the stored release; a promotion that was cut short is finished.

    Raises:
        UsageError: the manifest was edited since, or the release was withdrawn.
    """
    manifest = job.space.case(job.release).release_file
    if manifest.digest != reserved.documents[0].sha256:
        raise UsageError(
            f"{manifest.file} was edited after entry {entry.sequence} released it",
            fix="restore it; a changed release is a new manifest under a new name",
        )
    called_back = chain.withdrawn(job.release)
    if called_back is not None:
        raise UsageError(
            f"{job.release} was withdrawn by entry {called_back.sequence}: {called_back.reason}",
            fix="its cost stays spent; a new release is a new manifest under a new name",
        )
    run = run_of(job.memory, entry.reserve)
    folder = ""
    if (run.folder / "run.json").exists():
        reserve, _ = chain.reserve(entry.reserve)
        folder = str(promote(run, entry.artifacts, _sealed_path(job, reserve)))
    else:
        places = (job.target, default_target(job.memory, job.release))
        folder = next((str(p) for p in places if p and holds(p, entry.artifacts)), "")
    return ReleaseResult(
        release=job.release,
        outcome="already-released",
        settle=entry.sequence,
        artifacts=tuple(
            {"name": a.name, "sha256": a.sha256} for a in entry.artifacts if not a.sealed
        ),
        folder=folder,
        evidence=entry.evidence,
        next=f"nothing was spent; entry {entry.sequence} released it"
        + ("" if folder else ", and its files are not on this machine or were moved")
        + ". For new rows write a new manifest",
    )
