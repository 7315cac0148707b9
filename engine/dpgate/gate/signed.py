"""Signed files beside the documents of a work tree: approvals, and signatures under waivers."""

from __future__ import annotations

import re

from dpgate.gate.standing import Standing
from dpgate.gate.waivers import Ground, Offer, unsigned
from dpgate.gate.workspace import Workspace
from dpgate.ledger.roles import keyring
from dpgate.loading.canonical import sha256
from dpgate.loading.documents import Loaded
from dpgate.loading.repository import WAIVERS
from dpgate.model.record import Document
from dpgate.policy.facts import Clock

_FILE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")


def approval_files(space: Workspace, place: str) -> tuple[Document, ...]:
    """The approval files beside a manifest or policy in the work tree, in order of their names."""
    documents: dict[str, Document] = {}
    folder = space.root / place / "approvals"
    if folder.resolve() != folder:  # linked: what lies elsewhere was not reviewed here
        return ()
    for path in sorted(folder.glob("*.dsse.json")):
        if path.is_symlink() or not path.is_file() or path.stat().st_size > 100_000:
            continue
        shown = path.relative_to(space.root).as_posix()
        if not _FILE_NAME.fullmatch(path.name):
            continue  # no record could name it
        text = path.read_bytes().decode("utf-8", "replace")
        document = Document(path=shown, sha256=sha256(text.encode()), text=text)
        documents.setdefault(document.sha256, document)  # a copy says nothing new
    return tuple(documents.values())


def offer_of(space: Workspace, file: Loaded) -> Offer:
    """A waiver of the work tree with the signatures beside it."""
    return Offer(file, approval_files(space, f"{WAIVERS}/{file.document.metadata.name}"))


def offers(space: Workspace, release: str) -> tuple[Offer, ...]:
    """The waivers of the work tree for a release, in order of their names."""
    return tuple(
        offer_of(space, offer.file)
        for offer in unsigned(space.documents.waivers)
        if offer.waiver.spec.release == release
    )


def ground_of(standing: Standing, time: Clock) -> Ground:
    """What waivers are judged by at the head of a ledger."""
    return Ground(
        policy=standing.policy,
        day=time.day,
        ring=keyring(standing.policy),
        root=standing.root,
        policy_set=standing.policy_set,
    )
