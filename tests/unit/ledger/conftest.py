"""A signing key and a clone of a bare remote for the ledger's own tests."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from dpgate.ledger.keys import PrivateKey, generate, load_private
from tests.unit.ledger.repositories import git, make_clone


@pytest.fixture(scope="session")
def key(tmp_path_factory: pytest.TempPathFactory) -> PrivateKey:
    path: Path = tmp_path_factory.mktemp("keys") / "runner"
    generate(path, "runner")
    return load_private(path)


@pytest.fixture(autouse=True)
def _no_configuration(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """A clone with one commit, of a bare remote."""
    git(tmp_path, "init", "-q", "--bare", "-b", "main", "remote.git")
    return make_clone(tmp_path, "clone")
