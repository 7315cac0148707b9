"""Runs that may be killed, and what must hold afterwards."""

from __future__ import annotations

import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import dpgate
from dpgate.gate.staging import digest_of
from dpgate.ledger.chain import Chain, link_up, read
from dpgate.ledger.envelope import parse as parse_envelope
from dpgate.ledger.statement import parse as parse_statement
from dpgate.model.record import ReleaseApproval
from tests.team import RELEASE, Team

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Run:
    """One process that releases."""

    process: subprocess.Popen[str]
    log: Path

    @property
    def stages(self) -> list[str]:
        """``stage@fraction``, in the order in which they were reported."""
        return self.log.read_text().splitlines() if self.log.exists() else []

    @property
    def opened(self) -> bool:
        """Whether it went as far as opening the private data."""
        return "open@0.0" in self.stages

    def end(self) -> tuple[int, str]:
        """Exit code and output."""
        out, _ = self.process.communicate(timeout=120)
        return self.process.returncode, out


def start(team: Team, *place: str, release: str = RELEASE, out: str = "out") -> Run:
    """Start a release in a process of its own."""
    log = team.folder / f"{out}-{team.clone.name}.log"
    log.unlink(missing_ok=True)
    words = (release, str(team.data), team.key_file("runner"), str(team.folder / out), str(log))
    python_path = f"{ROOT}:{Path(dpgate.__file__).parent.parent}"
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.crash.launcher", *words, *place],
        cwd=team.clone,
        env={**team.environment, "PYTHONPATH": python_path},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    return Run(process, log)


def chain_of(team: Team) -> Chain:
    """The ledger as the remote holds it."""
    return link_up(read(team.ledger()))


def approved_cost(team: Team) -> ReleaseApproval:
    """What the plan said an attempt costs, as the approver signed it."""
    (path,) = (team.clone / "releases" / RELEASE / "approvals").glob("privacy-*.dsse.json")
    predicate = parse_statement(parse_envelope(path.read_bytes()).payload, max_bytes=10**6)
    assert isinstance(predicate.predicate, ReleaseApproval)
    return predicate.predicate


def check_ledger(team: Team, run: Run, out: str = "out") -> None:
    """What must hold at every moment, whatever died."""
    chain = chain_of(team)
    cost = approved_cost(team).cost
    if run.opened:
        # A mechanism may have run: all of the planned cost is on the remote.
        assert chain.reserves
    for _, entry in chain.reserves:
        assert all(entry.spend.curve[order] >= value for order, value in cost.curve.items())
    check_target(team, chain, out)
    check_verified(team)


def check_target(team: Team, chain: Chain, out: str) -> None:
    """Files are at their destination only after a settlement that names each of them."""
    target = team.folder / out
    found = sorted(path.name for path in target.iterdir()) if target.exists() else []
    if not found:
        return
    done = chain.released(RELEASE)
    assert done is not None, f"{found} were promoted, but nothing on the remote released them"
    settled = {a.name: a.sha256 for a in done[1].artifacts if not a.sealed}
    assert {path.name: digest_of(path) for path in target.iterdir()} == settled


def check_verified(team: Team) -> None:
    """An auditor who clones now, and has the root, verifies everything."""
    number = len(list(team.folder.glob("auditor*")))
    auditor = team.second_clone(f"auditor{number}")
    result = dpgate.verify(auditor.clone, root=team.root)
    assert result.verified, result.steps


def follow_advice(team: Team, out: str = "out") -> int:
    """Type what the program says, word for word, until the release is made; how many times."""
    command: tuple[str, ...] = (
        "release", RELEASE, "--source", str(team.data), "--key", team.key_file("runner"),
        "--out", str(team.folder / out),
    )  # fmt: skip
    for turn in range(1, 5):
        done = team.dpgate(*command)
        said = done.stdout + done.stderr
        assert "Traceback" not in said
        if done.returncode == 0:
            return turn
        assert done.returncode == 1, said
        told = re.search(r"dpgate (ledger recover --entry \d+ --key) RUNNER_KEY", said)
        if told:
            recovered = team.dpgate(*told[1].split(), team.key_file("runner"))
            assert recovered.returncode == 0, recovered.stderr
            assert "needs new approvals" in recovered.stdout
            continue
        assert "attempt is used up" in said, said
        key = team.key_file("privacy")
        again = team.dpgate("approve", RELEASE, "--role", "privacy", "--key", key)
        assert again.returncode == 0, again.stderr
        team.commit("Approve a further attempt")
    raise AssertionError("the advice goes round in circles")


def check_finished(team: Team, out: str = "out", attempts: int = 2) -> None:
    """The release is made, once; everything is closed; nothing is left lying about."""
    chain = chain_of(team)
    outcomes = [entry.outcome for _, entry in chain.settles.values()]
    assert outcomes.count("released") == 1
    assert not chain.open
    assert len(chain.reserves) <= attempts
    check_target(team, chain, out)
    assert (team.folder / out / "card.md").is_file()
    check_verified(team)
    (memory,) = (path for path in team.state.iterdir() if path.is_dir())
    runs = memory / "runs"
    assert not runs.exists() or not list(runs.iterdir()), "private staging was left behind"
