"""A signing key for the ledger's own tests."""

from __future__ import annotations

from pathlib import Path

import pytest

from dpgate.ledger.keys import PrivateKey, generate, load_private


@pytest.fixture(scope="session")
def key(tmp_path_factory: pytest.TempPathFactory) -> PrivateKey:
    path: Path = tmp_path_factory.mktemp("keys") / "runner"
    generate(path, "runner")
    return load_private(path)
