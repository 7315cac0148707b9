"""`sample`: rows drawn again from the model that a release kept. Nothing is spent.

1 find and judge the release · 2 read the model, held against its settled digest · 3 draw, stage ·
4 record (pushed before anything is promoted) · 5 promote. What was staged and not yet promoted is
taken up by the next run.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock, Timeout
from pydantic import ValidationError

from dpgate.errors import SignatureError, UndecidedError, UsageError
from dpgate.gate import drawing, entries, samples, verify
from dpgate.gate.kept import Kept, find
from dpgate.gate.opening import OpenLedger, open_ledger, trust
from dpgate.gate.product import Progress
from dpgate.gate.results import SampleResult
from dpgate.gate.staging import Run, check_target, default_target, promote
from dpgate.gate.workspace import now, workspace
from dpgate.ledger.chain import Chain
from dpgate.ledger.memory import Memory
from dpgate.ledger.roles import keyring
from dpgate.ledger.signers.interface import Signer
from dpgate.loading import wording
from dpgate.model.draw import Asked, Draw, parse
from dpgate.model.record import Entry, Sample
from dpgate.synthesis.kept.formats import NAME


def _quiet(stage: str, fraction: float) -> None:
    """No progress wanted."""


@dataclass(frozen=True, kw_only=True)
class _Job:
    ledger: OpenLedger
    memory: Memory
    kept: Kept
    draw: Draw
    key: Signer
    target: Path | None
    model: Path | None
    progress: Progress


def sample(
    record: str,
    asked: Asked,
    *,
    key: Signer,
    repo: Path | str = ".",
    root: str | None = None,
    out: Path | str | None = None,
    model: Path | str | None = None,
    progress: Progress = _quiet,
) -> SampleResult:
    """Draw rows again from the model that a release kept, at no cost.

    Args:
        record: ``dataset/release``, or the number or digest of an entry about it.
        asked: ``{"rows": 500, "where": ["health=poor|fair", "income>=20000"], "balance":
            "health", "formats": ["csv"]}``; all but rows may be left out.
        key: private key that holds the role ``runner``.
        repo: a release repository, or a folder in it.
        root: genesis digest; needed on a machine that has not seen this ledger before.
        out: where the files go; a folder of the machine's state directory if None.
        model: the file `model.dpgate` of the release; where this machine put it if None.
        progress: called with a stage and a fraction.

    Raises:
        UsageError: nothing was released, it was withdrawn, it kept no model, or the request is not
            about its columns.
        SynthesisError: the conditions have probability 0, or the model's file is broken.
        LedgerError: it is not the model that was settled, or the ledger cannot be trusted.

    Privacy:
        Post-processing of what was released: no private data is opened, and nothing is spent.
    """
    progress("judge", 0.0)
    ledger, memory = _judged(Path(repo), root)
    kept = find(ledger.chain, record)
    return _alone(
        _Job(
            ledger=ledger,
            memory=memory,
            kept=kept,
            draw=_draw(kept, asked),
            key=key,
            target=None if out is None else Path(out).resolve(),
            model=None if model is None else Path(model),
            progress=progress,
        )
    )


def _judged(repo: Path, root: str | None) -> tuple[OpenLedger, Memory]:
    ledger = open_ledger(workspace(repo), offline=False)
    memory = trust(ledger.chain, root)
    verify.audit(ledger.tip.files, ledger.chain.root)
    memory.remember(ledger.chain)
    return ledger, memory


def _draw(kept: Kept, asked: Asked) -> Draw:
    try:
        draw = parse(asked, kept.synthesize.formats)
        samples.answerable(draw, kept.case)
    except ValidationError as error:
        told = error.errors()[0]
        message = told["msg"].removeprefix("Value error, ")
        if told["type"] == "literal_error":
            wanted = wording.expected(told["type"], told["ctx"])
            message = f"expected {wanted}; found {told['input']!r}"
        raise UsageError(
            f"{wording.where(told['loc'])}: {message}" if told["loc"] else message
        ) from None
    except ValueError as error:
        raise UsageError(
            str(error), fix="columns and values stand in the release's card.md and its dataset.yaml"
        ) from None
    return draw


def _alone(job: _Job) -> SampleResult:
    """One draw of a repository at a time on one machine."""
    if job.key.public not in keyring(job.ledger.policy)["runner"]:
        raise SignatureError(
            f"key {job.key.public.fingerprint} does not hold role runner in the policy in force",
            fix="use a key that stands under spec.roles.runner.keys",
        )
    try:
        with FileLock(job.memory.folder / "sample.lock").acquire(timeout=0):
            return _locked(job)
    except Timeout:
        raise UndecidedError(
            "another draw of this repository is running on this machine", fix="wait for it to end"
        ) from None


def _locked(job: _Job) -> SampleResult:
    resumed = _taken_up(job)
    if resumed is not None:
        return resumed
    nonce = secrets.token_hex(16)
    target = job.target or default_target(
        job.memory, f"samples/{job.kept.paid.release}/{nonce[:12]}"
    )
    check_target(target)
    path = job.model or default_target(job.memory, job.kept.paid.release) / NAME
    job.progress("model", 0.0)
    fitted = drawing.read_model(path, job.kept.model, job.kept.settle.sequence, job.kept.case)
    run = Run(_folder(job.memory) / nonce, job.kept.reserve.digest)
    try:
        run.begin(job.kept.paid.release, target)
        made = drawing.draw(
            _unsigned(job.kept, job.ledger.chain, nonce, job.draw),
            job.kept,
            fitted,
            run,
            job.progress,
        )
    except BaseException:
        run.discard()  # nothing is lost: rows can be drawn again
        raise
    return _recorded(job, run, made)


def _unsigned(kept: Kept, chain: Chain, nonce: str, draw: Draw) -> Sample:
    """The entry as it stands before its files are made."""
    return Sample(
        **entries.header(chain, now()),
        policy_set=chain.policy.sha256,
        nonce=nonce,
        release=kept.paid.release,
        reserve=kept.reserve.digest,
        settle=kept.settled.digest,
        model=kept.model,
        recipients=kept.paid.facts.recipients,
        draw=draw,
        artifacts=drawing.NOTHING_YET,
    )


def _recorded(job: _Job, run: Run, made: Sample) -> SampleResult:
    """Push the record of what was staged, then move the files to where they go."""

    def make(chain: Chain) -> tuple[Entry, str, Mapping[str, str]]:
        called_back = chain.withdrawn(made.release)
        if called_back is not None:
            run.discard()  # it can never leave any more
            raise UsageError(
                f"{made.release} was withdrawn by entry {called_back.sequence} while rows were drawn"
            )
        placed = {**entries.header(chain, now()), "policy_set": chain.policy.sha256}
        title = f"Sample {made.release}: {made.draw.rows} rows"
        return made.model_copy(update=placed), title, {"Dpgate-Release": made.release}

    job.progress("record", 0.0)
    link = entries.append_again(job.ledger, make, job.key, job.memory)
    job.progress("record", 1.0)
    return _promoted(job, run, link.entry.sequence, made)


def _promoted(job: _Job, run: Run, number: int, made: Sample) -> SampleResult:
    job.progress("promote", 0.0)
    folder = promote(run, made.artifacts, run.sealed)
    job.progress("promote", 1.0)
    return SampleResult(
        release=made.release,
        entry=number,
        settle=job.kept.settle.sequence,
        rows=made.draw.rows,
        where=tuple(map(str, made.draw.where)),
        balance=str(made.draw.balance) if made.draw.balance else "",
        representative=made.draw.representative,
        recipients=made.recipients,
        artifacts=tuple({"name": a.name, "sha256": a.sha256} for a in made.artifacts),
        folder=str(folder),
        next=f"nothing was spent; for {', '.join(made.recipients)} under the terms of {made.release}",
    )


def _folder(memory: Memory) -> Path:
    return memory.folder / "samples"


def _taken_up(job: _Job) -> SampleResult | None:
    """What earlier runs left: recorded draws are promoted, others drawn anew; the same one is done."""
    asked: SampleResult | None = None
    recorded = {entry.nonce: link for link, entry in job.ledger.chain.samples}
    for folder in sorted(_folder(job.memory).glob("*")):
        run = Run(folder, job.kept.reserve.digest)
        made = drawing.kept(run)
        same = (
            made is not None
            and (made.reserve, made.draw) == (job.kept.reserve.digest, job.draw)
            and job.target in (None, run.target)
        )
        if made is None or job.ledger.chain.states.get(made.reserve) != "released":
            run.discard()  # cut short, or called back: it may not leave
        elif made.nonce in recorded:
            done = _promoted(job, run, recorded[made.nonce].entry.sequence, made)
            asked = done if same else asked
        elif same and asked is None:
            asked = _recorded(job, run, made)
        else:
            run.discard()
    return asked
