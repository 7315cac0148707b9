"""Manifests and files at hand, held against what the ledger says of them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from dpgate.errors import ChainError
from dpgate.gate.staging import digest_of
from dpgate.ledger.chain import Chain
from dpgate.loading.repository import Documents
from dpgate.model.record import Sample, Settle


def compare(chain: Chain, documents: Documents | None, folder: Path | None) -> str:
    """Manifests in the work tree, and files in a folder, are those that were settled.

    Args:
        chain: the ledger.
        documents: those of the work tree; None: no work tree is compared.
        folder: where released files are at hand, if anywhere.

    Raises:
        ChainError: the first manifest or file that is another, or missing.
    """
    compared = 0
    settled: list[Settle] = []
    for link, reserve in chain.reserves:
        if documents is None or chain.states[link.digest] != "released":
            continue
        found = documents.releases.get(reserve.release)
        if found is None:
            raise ChainError(
                f"releases/{reserve.release}/release.yaml: released by entry {reserve.sequence}, "
                "and not in this work tree",
                fix="pull the branch that holds the manifests; if it is nowhere, it was removed",
            )
        if found.digest != reserve.documents[0].sha256:
            raise ChainError(
                f"{found.file}: was edited after entry {reserve.sequence} released it",
                fix="restore it; a changed release is a new manifest",
            )
        compared += 1
        settled.append(chain.settles[link.digest][1])
    if folder is None:
        return f"{compared} manifest(s) as released"
    drawn = [e for _, e in chain.samples if chain.states[e.reserve] == "released"]
    count = _files(folder, settled, drawn)
    return f"{compared} manifest(s) as released, {count} file(s) as settled"


def _files(folder: Path, settled: list[Settle], drawn: list[Sample]) -> int:
    """Hold files against their digests: those of many releases by name, or those of any one."""
    own = [(folder / s.release, s) for s in settled if (folder / s.release).is_dir()]
    held = sum(_held(place, entry) for place, entry in own)
    every: list[Settle | Sample] = [*settled, *drawn]
    named = {a.name for entry in every for a in entry.artifacts if not a.sealed}
    here = {name: digest_of(folder / name) for name in named if (folder / name).is_file()}
    if here:
        # Of all that it could be, it is judged as the one of which it holds most files.
        likely = max(every, key=lambda entry: _alike(here, entry))
        return held + _held(folder, likely)
    if not held:
        raise ChainError(
            f"{folder}: holds no file of any release that stands",
            fix="--artifacts names the folder with the released files; those of withdrawn releases don't count",
        )
    return held


def _alike(here: Mapping[str, str], entry: Settle | Sample) -> tuple[int, int]:
    """How many files are those of an entry, and how many have at least their names."""
    names = [artifact.name for artifact in entry.artifacts if artifact.name in here]
    same = sum(here.get(artifact.name) == artifact.sha256 for artifact in entry.artifacts)
    return same, len(names)


def _held(place: Path, entry: Settle | Sample) -> int:
    plain = [artifact for artifact in entry.artifacts if not artifact.sealed]
    for artifact in plain:
        path = place / artifact.name
        if not path.is_file() or digest_of(path) != artifact.sha256:
            raise ChainError(
                f"{path}: is not the file that entry {entry.sequence} {_VERBS[type(entry)]}",
                fix="it was changed, is missing, or is of another release; the ledger itself holds",
            )
    return len(plain)


_VERBS = {Settle: "settled", Sample: "recorded"}
