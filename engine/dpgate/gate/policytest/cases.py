"""A case of a PolicyTest as documents: what a real manifest and a real dataset would be."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath
from typing import cast

from dpgate.errors import DocumentError
from dpgate.gate.workspace import Case
from dpgate.loading.compose import Change, Composed, Place, Written, compose
from dpgate.loading.documents import Loaded, load, problem
from dpgate.loading.repository import WAIVERS, read
from dpgate.loading.yaml import Parsed, Value
from dpgate.loading.yaml import Path as KeyPath
from dpgate.model.finding import Finding
from dpgate.model.policytest import PolicyCase, PolicyTest
from dpgate.model.release import Release

UNNAMED = "release-of-the-test"
"""Name of a release that stands in the test itself and says none."""


@dataclass(frozen=True)
class Tested:
    """A case's manifest and dataset, and where their values were written."""

    case: Case
    release: Composed
    dataset: Composed
    policy: Composed
    waivers: Mapping[str, Place] = field(default_factory=dict)
    """Where the test asks for each waiver, by the path that the waiver would have."""

    def key_of(self, finding: Finding) -> str:
        """The key that a finding points at, as tests name it; empty where it points at none."""
        parts = ((self.release, ""), (self.dataset, "dataset."), (self.policy, "policy."))
        for made, prefix in parts:
            if finding.file == made.loaded.file:
                path = made.path_at(finding.line, finding.column)
                if path:
                    steps = path[1:] if path[0] == "spec" else path
                    return prefix + ".".join(map(str, steps))
        return ""

    def place_of(self, finding: Finding) -> Place:
        """Where a person wrote what a finding points at."""
        if finding.file in self.waivers:
            return self.waivers[finding.file]
        for made in (self.release, self.dataset, self.policy):
            if finding.file == made.loaded.file:
                path = made.path_at(finding.line, finding.column)
                if path is not None:
                    return made.origin(path)
        return Place(finding.file, (finding.line, finding.column), (0, 0))


class Maker:
    """Makes the documents of cases; a document of the repository is read once."""

    def __init__(self, root: Path, test: Loaded, policy_file: Loaded) -> None:
        self._root = root
        self._test = test
        self._policy = policy_file
        self._read: dict[str, Loaded] = {}

    @property
    def _document(self) -> PolicyTest:
        document = self._test.document
        assert isinstance(document, PolicyTest)  # noqa: S101 - narrows the type
        return document

    def tested(self, number: int) -> Tested:
        """The documents of a case.

        Args:
            number: of the case, from 0.

        Raises:
            DocumentError: a place names no document, or what is made of one is malformed.
        """
        spec = self._document.spec
        case = spec.cases[number]
        base = self._release_path(number)
        own = case.dataset or spec.dataset
        path: KeyPath = (
            ("spec", "cases", number, "dataset") if case.dataset else ("spec", "dataset")
        )
        made = self._made(base, path if own else None, ("spec", "cases", number, "set"))
        listed: KeyPath = ("spec", "cases", number, "waivers")
        places = {
            f"{WAIVERS}/{rule}.yaml": Written(self._test.file, self._test.parsed, listed).place(
                (index,)
            )
            for index, rule in enumerate(case.waivers)
        }
        return replace(made, waivers=places)

    def earlier(self, number: int, index: int, name: str) -> Tested:
        """The documents of an earlier release.

        Args:
            number: of the case, from 0.
            index: of the earlier release in its history, from 0.
            name: what it is called unless the test says.

        Raises:
            DocumentError: as for a case.
        """
        case = self._document.spec.cases[number]
        each = case.history[index]
        place: KeyPath = ("spec", "cases", number, "history", index)
        base = (*place, "release") if each.release else self._release_path(number)
        own = self._dataset_path(case, number) if not each.release else None
        return self._made(base, own, (*place, "set"), name)

    def _release_path(self, number: int) -> KeyPath:
        case = self._document.spec.cases[number]
        return ("spec", "cases", number, "release") if case.release else ("spec", "release")

    def _dataset_path(self, case: PolicyCase, number: int) -> KeyPath | None:
        if case.dataset:
            return ("spec", "cases", number, "dataset")
        return ("spec", "dataset") if self._document.spec.dataset else None

    def _made(
        self, release: KeyPath, dataset: KeyPath | None, sets: KeyPath, name: str = ""
    ) -> Tested:
        changes = self._changes(sets)
        manifest = [c for c in changes if c.path[0] not in _OTHERS or len(c.path) == 1]
        others, policy = (
            [
                Change(_key(c.path[1:]), c.to)
                for c in changes
                if c.path[0] == kind and c not in manifest
            ]
            for kind in _OTHERS
        )
        manifest = [Change(_key(c.path), c.to) for c in manifest]
        if name and policy:
            place = policy[0].to.path
            raise DocumentError((problem(self._test, place, _ONE_POLICY, "write it there"),))
        named = any(change.path == ("metadata", "name") for change in manifest)
        base = self._base(release, "release")
        if name and not named:
            # After a person's changes, so that errors never point at what nobody wrote.
            manifest.append(Change(("metadata", "name"), _plain(name)))
        made = compose(_manifest_path(base, manifest), base, manifest)
        document = cast("Release", made.loaded.document)
        home = document.spec.dataset
        source = (
            self._document_at(f"releases/{home}/dataset.yaml", release)
            if dataset is None
            else self._base(dataset, "dataset")
        )
        if isinstance(source.value, dict) and "metadata" not in source.value:
            others.insert(
                0, Change(("metadata",), _plain({"name": home, "steward": "policy-test"}))
            )
        described = compose(f"releases/{home}/dataset.yaml", source, others)
        short = f"{home}/{document.metadata.name}"
        judge = compose(self._policy.file, whole(self._policy), policy)
        return Tested(Case(short, described.loaded, made.loaded), made, described, judge)

    def _changes(self, path: KeyPath) -> list[Change]:
        here = Written(self._test.file, self._test.parsed, path)
        if path not in self._test.parsed.positions or not isinstance(here.value, dict):
            return []
        return [
            Change(tuple(key.split(".")), Written(here.file, here.parsed, (*path, key)))
            for key in here.value
        ]

    def _base(self, path: KeyPath, kind: str) -> Written:
        """A whole document: one of the repository, or one made of a spec that stands in the test."""
        here = Written(self._test.file, self._test.parsed, path)
        value = here.value
        if isinstance(value, dict):
            return _around(here, kind)
        text = str(value).removeprefix("releases/").removesuffix(f"/{kind}.yaml")
        return self._document_at(f"releases/{text}/{kind}.yaml", path)

    def _document_at(self, place: str, path: KeyPath) -> Written:
        if place not in self._read:
            if not (self._root / place).exists():
                known = "name one that is there, or write its spec here"
                raise DocumentError((problem(self._test, path, f"no document {place}", known),))
            self._read[place] = load(place, read(self._root, place))
        return whole(self._read[place])


_OTHERS = ("dataset", "policy")
"""What a key begins with that is not of the manifest."""
_ONE_POLICY = "one policy judges a case: what is otherwise in it belongs to the case's own set"


def whole(loaded: Loaded) -> Written:
    """A document as it was read."""
    return Written(loaded.file, loaded.parsed, (), loaded)


def _key(path: KeyPath) -> KeyPath:
    return path if path[0] == "metadata" else ("spec", *path)


def _manifest_path(base: Written, changes: list[Change]) -> str:
    """The path that the manifest would have, by the names that it will carry."""
    value = base.value
    assert isinstance(value, dict)  # noqa: S101 - a document is a mapping
    found = {"dataset": "?", "name": UNNAMED}
    for key, path in (("dataset", ("spec", "dataset")), ("name", ("metadata", "name"))):
        inner = value.get(path[0])
        given = inner.get(path[1]) if isinstance(inner, dict) else None
        changed = [change.to.value for change in changes if change.path == path]
        text = changed[-1] if changed else given
        found[key] = text if isinstance(text, str) else found[key]
    return str(PurePosixPath("releases", found["dataset"], found["name"], "release.yaml"))


def _around(here: Written, kind: str) -> Written:
    """A spec of a test as a whole document; its places stay those in the test."""
    whole: Mapping[str, Value] = {
        "apiVersion": "dpgate/v1",
        "kind": kind.capitalize(),
        **({"metadata": {"name": UNNAMED, "owner": "policy-test"}} if kind == "release" else {}),
    }
    cut = len(here.path)
    start = here.place()[1]
    inside = {
        ("spec", *path[cut:]): place
        for path, place in here.parsed.positions.items()
        if path[:cut] == here.path
    }
    keys = {
        ("spec", *path[cut:]): place
        for path, place in here.parsed.keys.items()
        if path[:cut] == here.path and len(path) > cut
    }
    parsed = Parsed(
        value={**whole, "spec": here.value},
        positions={(): start, **inside},
        keys={**keys},
        ends=here.parsed.ends,
    )
    return Written(here.file, parsed, ())


def _plain(value: Value) -> Written:
    """A value that no person wrote."""
    parsed = Parsed(value={"value": value}, positions={(): (1, 1)}, keys={}, ends={})
    return Written("", parsed, ("value",))
