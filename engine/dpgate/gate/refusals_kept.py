"""Refusals that a request takes away: a No stays for as long as the bytes that it is about do."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from dpgate.errors import GitError, LedgerError
from dpgate.gate.workspace import Workspace
from dpgate.ledger.store import open_repository, run_git
from dpgate.loading.canonical import sha256
from dpgate.model.finding import Finding
from dpgate.model.record import PolicyRefusal, Predicate, ReleaseRefusal

_SIGNED = re.compile(r"(policies|releases/[^/]+/[^/]+)/approvals/[A-Za-z0-9._-]+\.dsse\.json")


def removed(space: Workspace, base: str, paths: Iterable[str]) -> Iterator[Finding]:
    """A finding for each refusal at the base that is gone, and is about what the work tree holds.

    No signature is judged: whoever removes a file that says No has to say why in a review. One that its own
    key took back stays as well, since its record holds both.

    Args:
        space: the work tree.
        base: commit that a request left.
        paths: what it changes.
    """
    signed = {path: match[1] for path in paths if (match := _SIGNED.fullmatch(path))}
    if not signed:
        return
    from dpgate.gate.signed import approval_files

    repository = open_repository(space.root)
    for path, place in signed.items():
        try:
            data = run_git(repository, "cat-file", "blob", f"{base}:{path}")
        except GitError:
            continue  # new
        said = _refusal(data)
        kept = {document.sha256 for document in approval_files(space, place)}
        if said is None or sha256(data) in kept or not _stands(space, place, said):
            continue
        yield Finding(
            rule="refusal-removed",
            level="deny",
            message=f"{path} refuses what this request leaves as it is: {said.reason}",
            fix=f"restore it: git checkout {base[:12]} -- {path}; change what was refused, or have the same "
            "key approve it",
            file=path,
        )


def _refusal(data: bytes) -> ReleaseRefusal | PolicyRefusal | None:
    from dpgate.ledger import envelope, statement

    try:
        sealed = envelope.parse(data)
        said: Predicate = statement.parse(sealed.payload, max_bytes=envelope.MAX_BYTES).predicate
    except LedgerError:
        return None
    return said if isinstance(said, ReleaseRefusal | PolicyRefusal) else None


def _stands(space: Workspace, place: str, said: ReleaseRefusal | PolicyRefusal) -> bool:
    """Whether it is about the documents as they are, and lies beside them."""
    if isinstance(said, PolicyRefusal):
        return place == "policies" and said.policy_set == space.policy_file.digest
    if place != f"releases/{said.release}":
        return False
    manifest = space.documents.releases.get(said.release)
    dataset = space.documents.datasets.get(said.release.partition("/")[0])
    if manifest is None or dataset is None:
        return False
    return (manifest.digest, dataset.digest) == (said.manifest, said.dataset)
