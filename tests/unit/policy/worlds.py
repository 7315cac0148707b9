"""Documents of `dpgate init`, with a word or two changed, for the tests of the policy."""

from __future__ import annotations

from importlib.resources import files
from string import Template

from dpgate.loading.documents import Loaded, load
from dpgate.model.dataset import Dataset
from dpgate.model.policy import PrivacyPolicy
from dpgate.model.release import Release

POLICY = "policies/organization.yaml"
DATASET = "releases/clinic-visits/dataset.yaml"
RELEASE = "releases/clinic-visits/vendor-testing/release.yaml"
_SOURCES = {POLICY: "organization.yaml", DATASET: "dataset.yaml", RELEASE: "manifest.yaml"}
KEYS = {
    role: "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI" + letter * 43
    for role, letter in (("privacy", "A"), ("legal", "B"), ("runner", "C"))
}

Changes = dict[str, dict[str, str]]


def text(path: str, changes: Changes | None = None) -> str:
    """A document's text after changes; what is changed must be there, once at least."""
    source = (files("dpgate.gate") / "scaffold" / _SOURCES[path]).read_text()
    made = Template(source).substitute({**KEYS, "expires": "2027-06-30"})
    for old, new in (changes or {}).get(path, {}).items():
        assert old in made, f"{old!r} is not in {path}"
        made = made.replace(old, new, 1)
    return made


def with_catalogue(words: str) -> str:
    """The policy's text with other rules of the catalogue than those of `dpgate init`."""
    head, _, _ = text(POLICY).partition("\n  # Rules that come with dpgate")
    assert "catalogue" not in head
    return f"{head}\n  catalogue: {words}\n"


def loaded(path: str, changes: Changes | None = None) -> Loaded:
    return load(path, text(path, changes).encode())


def policy(changes: Changes | None = None) -> PrivacyPolicy:
    document = loaded(POLICY, changes).document
    assert isinstance(document, PrivacyPolicy)
    return document


def dataset(changes: Changes | None = None) -> Dataset:
    document = loaded(DATASET, changes).document
    assert isinstance(document, Dataset)
    return document


def release(changes: Changes | None = None) -> Release:
    document = loaded(RELEASE, changes).document
    assert isinstance(document, Release)
    return document
