"""SIGKILL at every step of a draw from a kept model: nothing is lost, and repeating it is harmless."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import dpgate
from tests.crash.runs import ROOT, chain_of, check_verified
from tests.team import MANIFEST, RELEASE, Team

PROGRAM = """
import os, signal, sys
from pathlib import Path
import dpgate
from dpgate.ledger.store import Store
key, model, out, place = sys.argv[1:]
def tell(stage, fraction):
    if f"{stage}@{fraction}" == place:
        os.kill(os.getpid(), signal.SIGKILL)
append = Store.append
def pushed(*args, **options):
    done = append(*args, **options)
    if place == "pushed":
        os.kill(os.getpid(), signal.SIGKILL)
    return done
Store.append = pushed
key = dpgate.load_private(Path(key))
done = dpgate.sample("clinic-visits/vendor-testing", {"rows": 200, "balance": "reason"}, key=key,
                     model=model, out=out, progress=tell)
print(done.entry)
"""
PLACES = ("judge@0.0", "model@0.0", "sample@1.0", "stage@0.0", "record@0.0", "pushed",
          "record@1.0", "promote@0.0", "promote@1.0")  # fmt: skip


def run(team: Team, out: Path, place: str) -> subprocess.CompletedProcess[str]:
    model = team.folder / "released" / "model.dpgate"
    words = (team.key_file("runner"), str(model), str(out), place)
    python_path = f"{ROOT}:{Path(dpgate.__file__).parent.parent}"
    return subprocess.run(
        [sys.executable, "-c", PROGRAM, *words], cwd=team.clone, capture_output=True, text=True,
        env={**team.environment, "PYTHONPATH": python_path}, check=False,
    )  # fmt: skip


def test_killed_at_every_step(team: Team) -> None:
    team.edit(MANIFEST, "{with: mst, ", "{with: mst, keep_model: true, ")
    team.commit("Keep the model")
    team.approve()
    team.release(out=team.folder / "released")
    spent = team.api.show().scopes
    for number, place in enumerate(PLACES, start=4):
        out = team.folder / f"drawn-{number}"
        killed = run(team, out, place)
        assert killed.returncode == -signal.SIGKILL, killed.stderr
        if place == "promote@1.0":  # all was done; a place that is taken is not written over
            assert run(team, out, "").returncode == 1
        else:
            assert not out.exists()
            done = run(team, out, "")
            assert done.stdout == f"{number}\n", done.stderr
        samples = chain_of(team).samples
        assert len(samples) == number - 3, "a draw was recorded twice, or not at all"
        dpgate.verify(team.clone, root=team.root, artifacts=out)
    assert team.api.show().scopes == spent
    assert not list(team.state.glob("*/samples/*"))
    assert len(chain_of(team).attempts(RELEASE)) == 1
    check_verified(team)
