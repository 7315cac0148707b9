"""A team's sum against Opacus's distributed optimizer, each by two processes of Gloo."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import torch

from tests.suites.opacus_pair import ROWS
from tests.suites.teams import Work, cells, gathered

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[5]


def test_as_opacus_does(tmp_path: Path) -> None:
    pair = [
        subprocess.Popen(
            [sys.executable, "-m", "tests.suites.opacus_pair", str(rank),
             str(tmp_path / "store"), str(tmp_path / "sums")],
            cwd=ROOT, stderr=subprocess.PIPE, text=True,
        )
        for rank in range(2)
    ]  # fmt: skip
    for process in pair:
        _, told = process.communicate(timeout=200)
        assert process.returncode == 0, told
    theirs = torch.load(tmp_path / "sums")
    with gathered(2) as (team, _):
        ours = Work.made().by(team, cells(ROWS))
    assert float(torch.cat([part.flatten() for part in ours]).norm()) > 1
    for one, other in zip(ours, theirs, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-5)
