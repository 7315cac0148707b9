"""The files of a draw: rows from a kept model, card and request, staged privately."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import ValidationError

from dpgate.errors import LedgerError, UsageError
from dpgate.evidence import card, disclosure
from dpgate.gate.attempt import stamp_of
from dpgate.gate.product import Progress
from dpgate.gate.samples import REQUEST, domain_of, request
from dpgate.gate.staging import Run
from dpgate.gate.workspace import Case
from dpgate.loading.canonical import sha256
from dpgate.model.record import Artifact, Sample
from dpgate.synthesis.finish.finisher import finisher
from dpgate.synthesis.kept import formats
from dpgate.synthesis.kept.container import MAGIC, MAX_BYTES
from dpgate.synthesis.output import files
from dpgate.synthesis.output.spool import spooled
from dpgate.synthesis.redraw import batches

if TYPE_CHECKING:
    from dpgate.gate.kept import Kept
    from dpgate.synthesis.interface import Model

NOTHING_YET = (Artifact(name=REQUEST, sha256="sha256:" + "0" * 64),)
"""Stands for the files of a draw until they are made."""


def read_model(path: Path, digest: str, entry: int, case: Case) -> Model:
    """The model that a release kept.

    Args:
        path: the file, which anybody may have put there.
        digest: of the settled one.
        entry: number of the settlement, for messages.
        case: the release's documents.

    Raises:
        UsageError: there is no such file on this machine.
        SynthesisError: it is no model, or is broken.
        LedgerError: it is a model, but not the one that was settled.
    """
    data = _bytes(path / formats.NAME if path.is_dir() else path)
    if data.startswith(MAGIC) and sha256(data) != digest:
        raise LedgerError(
            f"{path}: is not the model that entry {entry} settled",
            fix="it was changed, or is of another release; get the one among the release's files",
        )
    return formats.load(data, domain_of(case))


def _bytes(path: Path) -> bytes:
    try:
        # Not blocking: a pipe in its place would otherwise be waited for.
        handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        raise UsageError(
            f"{path}: {os.strerror(error.errno or 0)}",
            fix=f"--model FILE names the {formats.NAME} that was released",
        ) from None
    with os.fdopen(handle, "rb") as file:
        found = os.fstat(file.fileno())
        if not stat.S_ISREG(found.st_mode) or found.st_size > MAX_BYTES:
            raise UsageError(f"{path}: no plain file of at most {MAX_BYTES:,} bytes")
        return file.read(MAX_BYTES + 1)


def draw(entry: Sample, kept: Kept, model: Model, run: Run, progress: Progress) -> Sample:
    """Draw, write, and stage.

    Args:
        entry: what is asked, without files.
        kept: the release.
        model: its model.
        run: the folder of this draw, begun.
        progress: told about stages.

    Returns:
        The entry with the digests of its files; the same is kept beside them.

    Raises:
        SynthesisError: no row satisfies the conditions, or a file cannot be written.

    Privacy:
        Post-processing: reads the released model alone.
    """
    finish = finisher(kept.case.dataset, kept.case.release.spec.columns)
    drawn = finish.stream(batches(model, finish, entry.draw, progress))
    rows = spooled(drawn, finish.schema, run.folder)
    progress("stage", 0.0)
    claim = kept.paid.claim
    maker = kept.synthesize.with_
    stamp = stamp_of(kept.case, claim, maker, run.reserve)
    written = files.write(rows, run.staging, entry.draw.formats, stamp)
    body, text = card.card(
        kept.case.release,
        kept.case.dataset,
        claim.model_dump(),
        tuple(disclosure.from_record(record) for record in kept.settle.evidence),
        policy_delta=kept.delta,
        waivers=kept.case.waivers,
        drawn=card.Drawn(entry=kept.settle.sequence, draw=entry.draw),
    )
    for name, content in (
        ("card.json", body),
        ("card.md", text.encode()),
        (REQUEST, request(entry.root, entry)),
    ):
        written.append(files.write_text(run.staging, name, content))
    settled = tuple(Artifact(name=file.name, sha256=file.sha256) for file in written)
    made = entry.model_copy(update={"artifacts": settled})
    temporary = run.folder / "made.tmp"
    temporary.write_text(made.model_dump_json())
    temporary.replace(run.folder / "made.json")
    return made


def kept(run: Run) -> Sample | None:
    """What an earlier run staged, if it got that far."""
    try:
        return Sample.model_validate_json((run.folder / "made.json").read_bytes())
    except (OSError, ValidationError):
        return None
