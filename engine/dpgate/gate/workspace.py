"""Where a verb works: a release repository on disk, and its ledger."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from dpgate.errors import ChainError, Problem, UndecidedError, UsageError
from dpgate.ledger.chain import Chain, link_up, read
from dpgate.ledger.memory import Memory, known_roots
from dpgate.ledger.store import Store, Tip
from dpgate.loading.documents import Loaded, load
from dpgate.loading.repository import Documents, load_repository
from dpgate.model.dataset import Dataset
from dpgate.model.policy import PrivacyPolicy
from dpgate.model.record import Document
from dpgate.model.release import Release

POLICY_PATH = "policies/organization.yaml"


def now() -> dt.datetime:
    """The current moment, aware."""
    return dt.datetime.now(dt.UTC)


def find_root(start: Path) -> Path:
    """The release repository that contains ``start``: the nearest folder with a policy.

    Raises:
        UsageError: there is none.
    """
    start = start.resolve()
    for folder in (start, *start.parents):
        if (folder / POLICY_PATH).exists():
            return folder
    raise UsageError(
        f"no {POLICY_PATH} in {start} or above it",
        fix="run inside a release repository, give --repo DIR, or start one with: dpgate init DIR",
    )


@dataclass(frozen=True)
class Case:
    """A manifest and its dataset."""

    name: str
    dataset_file: Loaded
    release_file: Loaded

    @property
    def dataset(self) -> Dataset:
        """The dataset."""
        return cast("Dataset", self.dataset_file.document)

    @property
    def release(self) -> Release:
        """The manifest."""
        return cast("Release", self.release_file.document)


def policy_of(loaded: Loaded) -> PrivacyPolicy:
    """The policy that a loaded document is."""
    return cast("PrivacyPolicy", loaded.document)


@dataclass(frozen=True)
class Workspace:
    """The documents of a work tree."""

    root: Path
    documents: Documents

    @property
    def policy_file(self) -> Loaded:
        """The work tree's policy.

        Raises:
            UsageError: there is none.
        """
        if self.documents.policy is None:
            raise UsageError(f"no {POLICY_PATH}", fix="start one with: dpgate init DIR")
        return self.documents.policy

    def case(self, name: str) -> Case:
        """A manifest by ``dataset/release``.

        Raises:
            UsageError: there is no such manifest, or its dataset is missing.
        """
        name = name.strip("/").removeprefix("releases/").removesuffix("/release.yaml")
        found = self.documents.releases.get(name)
        if found is None:
            known = ", ".join(self.documents.releases) or "none"
            raise UsageError(
                f"no manifest releases/{name}/release.yaml", fix=f"RELEASE is dataset/release; known: {known}"
            )
        dataset = self.documents.datasets.get(name.split("/")[0])
        if dataset is None:
            problem = Problem(file=found.file, message="the manifest's dataset has no dataset.yaml")
            raise UsageError(
                f"no releases/{name.split('/')[0]}/dataset.yaml", fix="describe the dataset first", problems=(problem,)
            )
        return Case(name, dataset, found)


def workspace(repo: Path, only: tuple[Path, ...] = ()) -> Workspace:
    """Load the documents of the repository at or above ``repo``."""
    root = find_root(repo)
    return Workspace(root, load_repository(root, only or None))


@dataclass(frozen=True)
class OpenLedger:
    """The ledger as one tip holds it, linked up but not yet judged."""

    store: Store
    tip: Tip
    chain: Chain
    policy_file: Loaded

    @property
    def policy(self) -> PrivacyPolicy:
        """The policy in force."""
        return policy_of(self.policy_file)

    @property
    def policy_set(self) -> str:
        """Digest of the policy set in force."""
        return policy_set(self.policy_file)


def policy_set(policy_file: Loaded) -> str:
    """Digest of a policy set: for now the one policy file, so its plain SHA-256."""
    return policy_file.digest


def loaded_document(document: Document) -> Loaded:
    """A document embedded in a record, read again from its text.

    Raises:
        ChainError: its text is not what its digest says.
    """
    loaded = load(document.path, document.text.encode())
    if loaded.digest != document.sha256:
        raise ChainError(f"{document.path}: the recorded text does not match its recorded digest")
    return loaded


def embed(loaded: Loaded, root: Path) -> Document:
    """A document as records embed it."""
    path = Path(loaded.file)
    shown = path.resolve().relative_to(root).as_posix() if path.is_absolute() else path.as_posix()
    return Document(path=shown, sha256=loaded.digest, text=loaded.data.decode())


def open_ledger(space: Workspace, *, offline: bool) -> OpenLedger:
    """Read the ledger from the remote, or from what this clone holds.

    Raises:
        UndecidedError: there is no ledger yet.
        RemoteError: the remote cannot be reached.
        LedgerError: the chain does not hold together.
    """
    store = Store(space.root, branch=policy_of(space.policy_file).spec.ledger.branch)
    tip = store.local_tip() if offline else store.fetch()
    if not tip.files:
        raise UndecidedError(
            "no policy was adopted yet, so nothing can be released",
            fix="approve the policy (dpgate approve policy --role ROLE --key KEY), commit, "
            "then: dpgate policy adopt --key RUNNER_KEY",
        )
    chain = link_up(read(tip.files))
    return OpenLedger(store, tip, chain, loaded_document(chain.policy))


def trust(chain: Chain, root: str | None) -> Memory:
    """The memory of a chain whose root was given or seen before.

    Raises:
        ChainError: the root given is not this chain's, or the chain does not extend what was seen.
        UndecidedError: no root was given and none is known.
    """
    if root is not None and root != chain.root:
        raise ChainError(
            f"the ledger's root is {chain.root}, not {root}",
            fix="this is another repository, or one signed again from the start: do not trust it",
        )
    if root is None and chain.root not in known_roots():
        raise UndecidedError(
            "this machine has not seen this repository's ledger before, and no root was given",
            fix="--root sha256:…, the genesis digest that the repository's owners publish elsewhere",
        )
    memory = Memory(chain.root)
    memory.check(chain)
    return memory
