"""From the bytes of a file to a validated document that knows its places."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from pydantic import ValidationError

from dpgate.errors import DocumentError, Problem
from dpgate.loading.canonical import sha256
from dpgate.loading.explain import explain, position
from dpgate.loading.wording import describe, where
from dpgate.loading.yaml import Parsed, Path, Position, ended, parse
from dpgate.model.dataset import Dataset
from dpgate.model.policy import PrivacyPolicy
from dpgate.model.policytest import PolicyTest
from dpgate.model.release import Release
from dpgate.model.values import API_VERSION
from dpgate.model.waiver import Waiver

Document = Dataset | PolicyTest | PrivacyPolicy | Release | Waiver

KINDS: dict[str, type[Document]] = {
    "Dataset": Dataset,
    "PolicyTest": PolicyTest,
    "PrivacyPolicy": PrivacyPolicy,
    "Release": Release,
    "Waiver": Waiver,
}


@dataclass(frozen=True, kw_only=True)
class Loaded:
    """A document as it was read."""

    document: Document
    file: str
    """Path as shown to people, relative to the repository."""
    data: bytes = field(repr=False)
    """The bytes that were read; approvals bind exactly these."""
    digest: str
    """Digest of `data`."""
    parsed: Parsed = field(repr=False, compare=False)

    @property
    def text(self) -> str:
        """The document as text."""
        return self.data.decode("utf-8")

    def at(self, *path: str | int) -> Position:
        """Line and column, from 1, of the value at a path: ``at("spec", "privacy", "epsilon")``.

        Where the path does not exist, those of the nearest value around it.
        """
        return position(self.parsed, path)


def load(path_shown: str, data: bytes) -> Loaded:
    """Read one document.

    Args:
        path_shown: path to show in problems.
        data: raw bytes of the file.

    Raises:
        DocumentError: with every problem found, each at its line and column.
    """
    parsed = parse(path_shown, data)
    model = _model(path_shown, parsed)
    try:
        # by_name: Python's own spelling of a key (`with_`) is no key of a document.
        document = model.model_validate(parsed.value, by_alias=True, by_name=False)
    except ValidationError as error:
        problems = explain(path_shown, parsed, model, error)
        raise DocumentError(tuple(ended(each, parsed.ends) for each in problems)) from None
    loaded = Loaded(
        document=document, file=path_shown, data=data, digest=sha256(data), parsed=parsed
    )
    if isinstance(document, PrivacyPolicy) and document.spec.catalogue:
        from dpgate.loading.catalogue import choose

        if faults := choose.problems(loaded, document):
            raise DocumentError(tuple(ended(each, parsed.ends) for each in faults))
    return loaded


def load_many(files: Mapping[str, bytes]) -> dict[str, Loaded]:
    """Read several documents, by path.

    Raises:
        DocumentError: one error with the problems of all files.
    """
    loaded: dict[str, Loaded] = {}
    problems: list[Problem] = []
    for path, data in files.items():
        try:
            loaded[path] = load(path, data)
        except DocumentError as error:
            problems.extend(error.problems)
    if problems:
        raise DocumentError(tuple(problems))
    return loaded


def problem(loaded: Loaded, path: Path, message: str, fix: str = "") -> Problem:
    """A problem at a path of a document."""
    line, column = loaded.at(*path)
    found = Problem(file=loaded.file, line=line, column=column, message=message, fix=fix)
    return ended(found, loaded.parsed.ends)


def _model(file: str, parsed: Parsed) -> type[Document]:
    """The model that apiVersion and kind name."""
    problems = []
    for key, known in (("apiVersion", (API_VERSION,)), ("kind", tuple(KINDS))):
        value = parsed.value.get(key)
        if value not in known:
            line, column = position(parsed, (key,))
            held = describe(value) if key in parsed.value else "no such key"
            options = ", ".join(known)
            message = f"{where((key,))}: expected one of {options}; found {held}"
            found = Problem(file=file, line=line, column=column, message=message)
            problems.append(ended(found, parsed.ends))
    if problems:
        raise DocumentError(tuple(problems))
    return KINDS[str(parsed.value["kind"])]
