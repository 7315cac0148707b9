"""The documents of a release repository: which files they are, and whether they fit together."""

from __future__ import annotations

import re
import stat
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath
from typing import Any

from dpgate.errors import DocumentError, Problem
from dpgate.loading.documents import KINDS, Loaded, load_many, problem
from dpgate.loading.yaml import MAX_BYTES
from dpgate.model.dataset import Dataset
from dpgate.model.policy import PrivacyPolicy
from dpgate.model.policytest import PolicyTest
from dpgate.model.release import Release
from dpgate.model.waiver import Waiver

POLICY = "policies/organization.yaml"
TESTS = "policies/tests"
WAIVERS = "policies/waivers"
_DATASET = re.compile(r"releases/(?!ledger/)([^/]+)/dataset\.yaml")
_RELEASE = re.compile(r"releases/(?!ledger/)([^/]+)/([^/]+)/release\.yaml")
_TEST = re.compile(rf"{TESTS}/([^/]+)\.yaml")
_WAIVER = re.compile(rf"{WAIVERS}/([^/]+)\.yaml")


@dataclass(frozen=True, kw_only=True)
class Documents:
    """The documents of one repository."""

    policy: Loaded | None
    datasets: Mapping[str, Loaded]
    """By name."""
    releases: Mapping[str, Loaded]
    """By ``dataset/release``."""
    waivers: Mapping[str, Loaded] = field(default_factory=dict)
    """By name; all of them, wherever releases were read."""
    present: frozenset[str] = frozenset()
    """Every release that has a manifest on disk, read or not."""

    @property
    def read(self) -> tuple[Loaded, ...]:
        """All that were read."""
        policy = () if self.policy is None else (self.policy,)
        others = (*self.datasets.values(), *self.releases.values(), *self.waivers.values())
        return (*policy, *others)


def load_repository(root: Path, only: Iterable[str] | None = None) -> Documents:
    """Read the documents of a repository from disk.

    Args:
        root: folder that holds `policies` and `releases`.
        only: paths of documents, or of folders of releases, relative to `root`; then the policy,
            the documents named, the datasets of the releases named and waivers are read, and no more.

    Raises:
        DocumentError: with the problems of all files read.
    """
    paths = every = find(root)
    if only is not None:
        # Tests are documents where they are named; to read them all would only slow `check`.
        known = (*every, *find_tests(root))
        paths = _chosen(known, tuple(str(PurePosixPath(path)) for path in only))
    files, problems = _read(root, paths)
    present = frozenset(f"{m[1]}/{m[2]}" for path in every if (m := _RELEASE.fullmatch(path)))
    return replace(_documents(files, problems), present=present)


def load_tests(root: Path, only: Iterable[str] | None = None) -> tuple[Loaded, ...]:
    """Read the tests of the policy, in order of their paths.

    Args:
        root: folder that holds `policies`.
        only: paths of tests, or of folders of them, relative to `root`; all tests if None.

    Raises:
        DocumentError: with the problems of all files read.
    """
    paths = find_tests(root)
    if only is not None:
        paths = _named(paths, tuple(str(PurePosixPath(path)) for path in only), f"{TESTS}/*.yaml")
    files, problems = _read(root, paths)
    return tuple(_tests(files, problems).values())


def _read(root: Path, paths: Iterable[str]) -> tuple[dict[str, bytes], list[Problem]]:
    files: dict[str, bytes] = {}
    problems: list[Problem] = []
    for path in paths:
        try:
            files[path] = read(root, path)
        except DocumentError as error:
            problems.extend(error.problems)
    return files, problems


def find(root: Path) -> tuple[str, ...]:
    """Paths of the documents under `root`, relative to it, sorted; none of the ledger's."""
    found = [POLICY] if _exists(root / POLICY) else []
    waivers = sorted((root / WAIVERS).glob("*.yaml"))
    found += [place.relative_to(root).as_posix() for place in waivers]
    for folder in _folders(root / "releases"):
        if folder.name != "ledger":
            places = [folder / "dataset.yaml"]
            places += [inner / "release.yaml" for inner in _folders(folder)]
            found += [place.relative_to(root).as_posix() for place in places if _exists(place)]
    return tuple(sorted(found))


def find_tests(root: Path) -> tuple[str, ...]:
    """Paths of the tests of the policy, relative to `root`, sorted."""
    places = sorted((root / TESTS).glob("*.yaml"))
    return tuple(place.relative_to(root).as_posix() for place in places)


def read(root: Path, path: str) -> bytes:
    """The bytes of one document.

    Raises:
        DocumentError: no regular file, or one that leads out of the repository.
    """

    def refuse(message: str, fix: str) -> DocumentError:
        shown = path if path.isprintable() else ascii(path)
        return DocumentError((Problem(file=shown, message=message, fix=fix),))

    if not path.isprintable():  # line breaks or escapes would forge lines of a log
        raise refuse("a name with invisible characters", "rename the folder")

    place = root / path
    try:
        resolved = place.resolve(strict=True)
        # Before opening: a FIFO or a device would block or answer for ever.
        if not stat.S_ISREG(resolved.stat().st_mode):
            raise refuse("not a regular file", "replace it by a plain file")
        if not resolved.is_relative_to(root.resolve()):
            raise refuse("a symbolic link out of the repository", "replace it by a plain file")
        with resolved.open("rb") as file:
            return file.read(MAX_BYTES + 1)
    except (OSError, RuntimeError):  # RuntimeError: a loop of links, before Python 3.13
        raise refuse("cannot be read", "check that the file exists and may be read") from None


def _exists(place: Path) -> bool:
    return place.is_symlink() or place.exists()


def _folders(place: Path) -> list[Path]:
    if not place.is_dir():
        return []
    return [entry for entry in sorted(place.iterdir()) if entry.is_dir()]


def _named(paths: tuple[str, ...], only: tuple[str, ...], known: str) -> tuple[str, ...]:
    """The paths that are named, or that lie in a folder that is."""
    named = [path for path in paths if any(f"{path}/".startswith(f"{start}/") for start in only)]
    missing = [start for start in only if not any((f"{p}/").startswith(f"{start}/") for p in named)]
    if missing:
        fix = f"documents are {known}"
        raise DocumentError(
            tuple(Problem(file=m, message="no document there", fix=fix) for m in missing)
        )
    return tuple(named)


def _chosen(paths: tuple[str, ...], only: tuple[str, ...]) -> tuple[str, ...]:
    known = (
        f"{POLICY}, {TESTS}/*.yaml, {WAIVERS}/*.yaml, releases/*/dataset.yaml and "
        "releases/*/*/release.yaml"
    )
    named = set(_named(paths, only, known))
    needed = {
        f"releases/{match[1]}/dataset.yaml" for path in named if (match := _RELEASE.fullmatch(path))
    }
    if needed:  # a waiver is about a release that only its own text names
        needed |= {path for path in paths if _WAIVER.fullmatch(path)}
    return tuple(path for path in paths if path in named | needed or path == POLICY)


def _tests(files: Mapping[str, bytes], problems: list[Problem]) -> dict[str, Loaded]:
    """The tests among the files, each what its path says; or all problems together."""
    loaded: dict[str, Loaded] = {}
    try:
        loaded = load_many(files)
    except DocumentError as error:
        problems += error.problems
    for path, item in loaded.items():
        problems += _of_kind(item, PolicyTest) or _names(item, Path(path).stem)
    if problems:
        raise DocumentError(tuple(problems))
    return loaded


def _documents(files: Mapping[str, bytes], problems: list[Problem]) -> Documents:
    """Load, then check that each document is what its path says."""
    loaded: dict[str, Loaded] = {}
    try:
        loaded = load_many(files)
    except DocumentError as error:
        problems += error.problems
    policy = None
    datasets: dict[str, Loaded] = {}
    releases: dict[str, Loaded] = {}
    waivers: dict[str, Loaded] = {}
    for path, item in loaded.items():
        if path == POLICY:
            problems += _of_kind(item, PrivacyPolicy)
            policy = item
        elif match := _WAIVER.fullmatch(path):
            problems += _of_kind(item, Waiver) or _names(item, match[1])
            waivers[match[1]] = item
        elif match := _DATASET.fullmatch(path):
            problems += _of_kind(item, Dataset) or _names(item, match[1])
            datasets[match[1]] = item
        elif match := _TEST.fullmatch(path):
            problems += _of_kind(item, PolicyTest) or _names(item, match[1])
        elif match := _RELEASE.fullmatch(path):
            problems += _of_kind(item, Release) or _names(item, match[2], match[1])
            releases[f"{match[1]}/{match[2]}"] = item
            if f"releases/{match[1]}/dataset.yaml" not in files:
                message = f"releases/{match[1]}/dataset.yaml does not exist"
                problems.append(problem(item, ("spec", "dataset"), message, "describe the dataset"))
    if problems:
        raise DocumentError(tuple(problems))
    return Documents(policy=policy, datasets=datasets, releases=releases, waivers=waivers)


def _of_kind(item: Loaded, kind: type[Any]) -> list[Problem]:
    if isinstance(item.document, kind):
        return []
    wanted = next(name for name, model in KINDS.items() if model is kind)
    message = f"kind: expected {wanted} at this path; found {item.document.kind}"
    return [problem(item, ("kind",), message, "move the file, or correct kind")]


def _names(item: Loaded, name: str, dataset: str | None = None) -> list[Problem]:
    """Names in a document that differ from those of its folders."""
    document = item.document
    found = []
    if document.metadata.name != name:
        what = "file" if isinstance(document, PolicyTest | Waiver) else "folder"
        message = f"metadata.name is {document.metadata.name!r} but the {what} is {name!r}"
        found.append(problem(item, ("metadata", "name"), message, "make them equal"))
    if isinstance(document, Release) and document.spec.dataset != dataset:
        message = f"spec.dataset is {document.spec.dataset!r} but the folder is {dataset!r}"
        found.append(problem(item, ("spec", "dataset"), message, "make them equal"))
    return found
