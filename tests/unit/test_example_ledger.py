"""This repository's own ledger is the first thing that an evaluating auditor verifies."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from dpgate.gate.verify import audit, verify

CHECKOUT = Path(__file__).resolve().parents[2]
LEDGER = CHECKOUT / "releases" / "ledger"


def root() -> str:
    found = re.findall(r"sha256:[0-9a-f]{64}", (CHECKOUT / "README.md").read_text())
    assert len(set(found)) == 1, "README names one root"
    return str(found[0])


def test_the_chain_on_disk_has_the_root_of_the_readme() -> None:
    files = {path.name: path.read_bytes() for path in LEDGER.iterdir()}
    chain = audit(files, root())
    released = [entry.release for _, entry in chain.settles.values() if entry.outcome == "released"]
    assert len(released) >= 3
    assert all(name.startswith("rand-health/") for name in released)


def test_a_clone_that_carries_a_copy_of_the_ledger_verifies(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DPGATE_STATE", str(tmp_path / "state"))
    for part in ("policies", "releases"):
        shutil.copytree(CHECKOUT / part, tmp_path / "clone" / part)
    who = ["-c", "user.name=a", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false"]
    for words in (
        ["init", "-q", "-b", "main"],
        ["add", "-A"],
        [*who, "commit", "-q", "-m", "A copy"],
    ):
        subprocess.run(["git", *words], cwd=tmp_path / "clone", check=True)
    result = verify(tmp_path / "clone", root=root())
    assert result.verified, [step for step in result.steps if step.status != "pass"]
    compared = [step.name for step in result.steps if step.status != "pass"]
    assert compared == ["last head", "checkpoint"]
