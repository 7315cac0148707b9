"""Where a verb works: the documents of a release repository on disk."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from dpgate.errors import Problem, UsageError
from dpgate.gate.resuming import Resuming
from dpgate.loading.documents import Loaded
from dpgate.loading.repository import Documents, load_repository
from dpgate.model.dataset import Dataset
from dpgate.model.policy import PrivacyPolicy
from dpgate.model.release import Release
from dpgate.model.waiver import Waiver

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
    waivers: tuple[Waiver, ...] = ()
    """Those that it uses."""
    resumes: Resuming | None = None
    """What this attempt goes on from, if it resumes one."""

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
                f"no manifest releases/{name}/release.yaml",
                fix=f"RELEASE is dataset/release; known: {known}",
            )
        dataset = self.documents.datasets.get(name.split("/")[0])
        if dataset is None:
            problem = Problem(file=found.file, message="the manifest's dataset has no dataset.yaml")
            raise UsageError(
                f"no releases/{name.split('/')[0]}/dataset.yaml",
                fix="describe the dataset first",
                problems=(problem,),
            )
        return Case(name, dataset, found)


def workspace(repo: Path, only: tuple[Path, ...] = ()) -> Workspace:
    """Load the documents of the repository at or above ``repo``."""
    root = find_root(repo)
    return Workspace(root, load_repository(root, relative(only, root) if only else None))


def relative(paths: tuple[Path, ...], root: Path) -> tuple[str, ...]:
    """Paths as the user gave them (from where they stand, else from the root), from the root."""
    found = []
    for path in paths:
        place = path.resolve() if path.exists() else (root / path).resolve()
        if not place.is_relative_to(root):
            raise UsageError(f"{path} is not in the release repository {root}")
        found.append(place.relative_to(root).as_posix())
    return tuple(found)


def policy_set(policy_file: Loaded) -> str:
    """Digest of a policy set: for now the one policy file, so its plain SHA-256."""
    return policy_file.digest
