"""Mutated documents: never a traceback, a hang, a memory hog, or a wrong exit code.

`DPGATE_FUZZ=100000` runs that many in process, and a hundredth of them through the command.
"""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
from pathlib import Path

import pytest

from tests.fuzz import judge
from tests.fuzz.mutate import mutant

COUNT = int(os.environ.get("DPGATE_FUZZ", "1600"))
SHARDS = 4
MEBIBYTES = 200


@pytest.mark.timeout(0)
@pytest.mark.parametrize("shard", range(SHARDS))
def test_in_process(shard: int) -> None:
    part = COUNT // SHARDS
    command = [sys.executable, "-m", "tests.fuzz.judge", str(shard * part), str(part)]
    done = subprocess.run(  # a process of its own: its size is measured
        command, cwd=judge.ROOT, check=True, capture_output=True, text=True
    )
    found = json.loads(done.stdout)
    assert found["failures"] == []
    assert found["peak_mib"] < MEBIBYTES
    assert set(found["codes"]) == {"0", "1", "2"}, "mutants that tell nothing"


@pytest.mark.timeout(0)
def test_through_the_command(tmp_path: Path) -> None:
    root = judge.repository(tmp_path)
    files = judge.corpus(root)
    for seed in range(COUNT // 100):
        path = random.Random(seed).choice(files)
        original = (root / path).read_bytes()
        (root / path).write_bytes(mutant(seed, original.decode()))
        expected, _ = judge.verdict(root, path)
        done = subprocess.run(
            [sys.executable, "-m", "dpgate.cli.main", "check", *judge.only(path), "--repo", str(root)],
            capture_output=True, timeout=60, check=False,
        )  # fmt: skip
        (root / path).write_bytes(original)
        told = (done.stdout + done.stderr).decode()
        assert done.returncode == expected, (seed, path, told)
        assert "Traceback" not in told, (seed, path, told)
        assert "failed inside" not in told, (seed, path, told)
