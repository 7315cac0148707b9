"""Who is taken for a process of a training, by rank 0 and by a worker: holders of certificates alone."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from dpgate.errors import SynthesisError
from dpgate.synthesis.gan.team import gather
from dpgate.synthesis.gan.team.elsewhere import PAPERS, STANDARD, elsewhere, papers
from dpgate.synthesis.gan.team.tls import context, ephemeral
from tests.suites import teams
from tests.suites.teams import BATCH, JOB, Work, cells

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[5]
APART = "the 2 processes of the training did not come together; its cost is spent"


def free_port() -> int:
    """One that nobody listened on just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def launcher(port: int, rank: int, papers: Mapping[str, str]) -> dict[str, str]:
    """The environment of one of two processes."""
    given = dict(zip(STANDARD, ("127.0.0.1", str(port), "2", str(rank)), strict=True))
    return {**given, "GLOO_SOCKET_IFNAME": "lo", **papers}


def process(*words: str, environment: Mapping[str, str]) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", *words],
        cwd=ROOT, env={**os.environ, **environment}, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip


def as_rank_0(monkeypatch: pytest.MonkeyPatch, port: int, papers: Mapping[str, str]) -> None:
    for name, value in launcher(port, 0, papers).items():
        monkeypatch.setenv(name, value)


def come_together() -> None:
    with gather.gathered(JOB, 2, BATCH, teams.ignore):
        pytest.fail("a stranger was taken for a member")  # pragma: no cover


def test_a_member_from_elsewhere_computes_and_is_dismissed(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    port, papers = free_port(), teams.papers(tmp_path / "ours", "w1")
    worker = process("dpgate.cli.main", "worker", environment=launcher(port, 1, papers))
    as_rank_0(monkeypatch, port, teams.papers(tmp_path / "ours", "gate"))
    work = Work.made()
    with gather.gathered(JOB, 2, BATCH, teams.ignore) as team:
        for one, other in zip(work.alone(cells(30)), work.by(team, cells(30)), strict=True):
            assert (one - other).abs().max() < 1e-5
    _, told = worker.communicate(timeout=60)
    assert worker.returncode == 0, told
    assert told.splitlines() == [
        f"worker 1 of 2: waits for rank 0 at 127.0.0.1:{port}",
        "worker 1 of 2: dismissed by rank 0",
    ]


RANK_0 = """
from dpgate.synthesis.gan.team import gather
from tests.suites.teams import BATCH, JOB, Work, cells, ignore

work = Work.made()
with gather.gathered(JOB, 2, BATCH, ignore) as team:
    pairs = list(zip(work.alone(cells(30)), work.by(team, cells(30)), strict=True))
print(max((one - other).abs().max().item() for one, other in pairs) < 1e-5)
"""


def test_torchrun_launches_both(tmp_path: Path) -> None:
    """Its agents hold the store, and set every variable but those of the certificates."""
    words = f"--nnodes=2 --nproc-per-node=1 --master-addr=127.0.0.1 --master-port={free_port()}"
    programs = {"gate": ["-c", RANK_0], "w1": ["-m", "dpgate.cli.main", "worker"]}
    nodes = [
        process(
            "torch.distributed.run", *words.split(), f"--node-rank={rank}", "--no-python",
            sys.executable, *program,
            environment={"GLOO_SOCKET_IFNAME": "lo", **teams.papers(tmp_path / "ours", name)},
        )
        for rank, (name, program) in enumerate(programs.items())
    ]  # fmt: skip
    told = [node.communicate(timeout=240) for node in nodes]
    assert [node.returncode for node in nodes] == [0, 0], told
    assert told[0][0] == "True\n"
    assert "worker 1 of 2: dismissed by rank 0" in told[1][1]


def test_a_holder_of_another_authoritys_certificate_is_no_member(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    port = free_port()
    theirs = teams.papers(tmp_path / "theirs")
    worker = process("dpgate.cli.main", "worker", environment=launcher(port, 1, theirs))
    as_rank_0(monkeypatch, port, teams.papers(tmp_path / "ours"))
    with pytest.raises(SynthesisError) as caught:
        come_together()
    assert caught.value.message == APART
    _, told = worker.communicate(timeout=60)
    assert worker.returncode == 4
    assert "worker 1: rank 0 was not there, is gone, or did not take it" in told
    assert "Traceback" not in told


@pytest.mark.parametrize("how", ["plain", "tls"])
def test_a_process_without_a_certificate_learns_nothing(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, how: str
) -> None:
    port = free_port()
    words = ("tests.suites.intruder", how, str(port), str(tmp_path / "heard"))
    intruder = process(*words, environment={"GLOO_SOCKET_IFNAME": "lo"})
    as_rank_0(monkeypatch, port, teams.papers(tmp_path / "ours"))
    with pytest.raises(SynthesisError) as caught:
        come_together()
    assert caught.value.message == APART
    _, told = intruder.communicate(timeout=60)
    assert intruder.returncode == 0, told
    heard = (tmp_path / "heard").read_bytes()
    assert heard.endswith(b"\nopened: ")  # no message, not even the public job
    assert b"dp-ctgan" not in heard


def test_a_worker_believes_no_rank_0_without_a_certificate(tmp_path: Path) -> None:
    port = free_port()
    words = ("tests.suites.intruder", "gate", str(port), str(tmp_path / "heard"))
    intruder = process(*words, environment={"GLOO_SOCKET_IFNAME": "lo"})
    papers = teams.papers(tmp_path / "ours", "w1")
    worker = process("dpgate.cli.main", "worker", environment=launcher(port, 1, papers))
    _, told = worker.communicate(timeout=60)
    assert worker.returncode == 4, told
    intruder.communicate(timeout=60)
    assert (tmp_path / "heard").read_bytes().endswith(b"\nopened: ")


def test_workers_elsewhere_end_when_one_of_them_dies(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    port, papers = free_port(), teams.papers(tmp_path / "ours")
    several = {**papers, "WORLD_SIZE": "3"}
    workers = [
        process("dpgate.cli.main", "worker", environment=launcher(port, rank, papers) | several)
        for rank in (1, 2)
    ]
    as_rank_0(monkeypatch, port, several)

    def loses_one() -> None:
        with gather.gathered(JOB, 3, BATCH, teams.ignore) as team:
            work = Work.made()
            work.by(team, cells(9))
            workers[1].kill()
            work.by(team, cells(9))

    with pytest.raises(SynthesisError, match="a process of the training was lost") as caught:
        loses_one()
    _, told = workers[0].communicate(timeout=60)  # while the error, and all it refers to, is kept
    assert workers[0].returncode == 4, told
    assert caught.value.__cause__ is None
    workers[1].communicate(timeout=60)


def test_a_worker_that_loses_rank_0_ends(tmp_path: Path) -> None:
    """Rank 0 meets it, and is gone before it says anything."""
    port, papers = free_port(), teams.papers(tmp_path / "ours")
    worker = process("dpgate.cli.main", "worker", environment=launcher(port, 1, papers))
    program = (
        "import os\n"
        "from dpgate.synthesis.gan.team import gather\n"
        "from tests.suites import teams\n"
        "with gather.gathered(teams.JOB, 2, 9, teams.ignore): os.kill(os.getpid(), 9)"
    )
    gate = subprocess.run(
        [sys.executable, "-c", program],
        cwd=ROOT, check=False, capture_output=True, text=True, timeout=120,
        env={**os.environ, **launcher(port, 0, papers)},
    )  # fmt: skip
    assert gate.returncode == -9, gate.stderr
    _, told = worker.communicate(timeout=60)
    assert worker.returncode == 4
    assert "rank 0 was not there, is gone, or did not take it" in told


GIVEN = {"MASTER_ADDR": "gate", "MASTER_PORT": "29500", "WORLD_SIZE": "2", "RANK": "0"}


def test_where_workers_come_from(tmp_path: Path) -> None:
    papers = teams.papers(tmp_path / "ours")
    assert elsewhere(1, {**GIVEN, "RANK": "7"}) is None  # a training of one asks nobody
    assert elsewhere(2, {"RANK": "7"}) is None
    found = elsewhere(2, {**GIVEN, **papers, "TORCHELASTIC_USE_AGENT_STORE": "True"})
    assert found is not None
    assert (found.address, found.port, found.agent) == ("gate", 29500, True)
    assert found.papers.key == papers["DPGATE_TLS_KEY"]


@pytest.mark.parametrize(
    ("changed", "message", "fix"),
    [
        ({"RANK": "1"}, "the gate is rank 0 .* and RANK is 1", "dpgate worker"),
        ({"WORLD_SIZE": "4"}, "WORLD_SIZE is 4, and synthesize.training.processes 2", "same number"),
        ({"RANK": ""}, "MASTER_ADDR is set, and RANK is no number", "as torchrun does"),
        ({"MASTER_PORT": "0"}, "MASTER_PORT is 0", "from 1 to 65535"),
        ({"MASTER_PORT": "65536"}, "MASTER_PORT is 65536", "from 1 to 65535"),
        ({"MASTER_PORT": "٣"}, "MASTER_PORT is no number", "as torchrun does"),
        ({"WORLD_SIZE": "-2"}, "WORLD_SIZE is no number", "as torchrun does"),
        ({}, "TLS alone: DPGATE_TLS_KEY, DPGATE_TLS_CERT, DPGATE_TLS_CA not set", "authority of"),
    ],
)  # fmt: skip
def test_an_environment_that_does_not_fit_is_refused(
    changed: dict[str, str], message: str, fix: str
) -> None:
    with pytest.raises(SynthesisError, match=message) as caught:
        elsewhere(2, {**GIVEN, **changed})
    assert fix in caught.value.fix


@pytest.mark.parametrize("spoilt", PAPERS)
@pytest.mark.parametrize("how", ["missing", "garbled"])
def test_papers_that_cannot_be_used_are_refused_at_once(
    tmp_path: Path, spoilt: str, how: str
) -> None:
    papers = teams.papers(tmp_path / "ours")
    if how == "garbled":
        (tmp_path / "canary.pem").write_text("canary")
    named = {**papers, spoilt: str(tmp_path / "canary.pem")}
    with pytest.raises(SynthesisError, match="are no key, its certificate and an authority"):
        elsewhere(2, {**GIVEN, **named})
    foreign = teams.papers(tmp_path / "theirs")
    with pytest.raises(SynthesisError, match="are no key"):
        elsewhere(2, {**GIVEN, **papers, "DPGATE_TLS_KEY": foreign["DPGATE_TLS_KEY"]})


def test_a_key_with_a_passphrase_is_refused_without_asking(tmp_path: Path) -> None:
    from cryptography.hazmat.primitives import serialization as form

    papers = ephemeral(tmp_path)
    key = form.load_pem_private_key(Path(papers.key).read_bytes(), None)
    Path(papers.key).write_bytes(
        key.private_bytes(
            form.Encoding.PEM, form.PrivateFormat.PKCS8, form.BestAvailableEncryption(b"secret")
        )
    )
    with pytest.raises(SynthesisError, match="are no key"):
        context(papers, server=True)


@pytest.mark.parametrize("server", [True, False])
def test_a_certificate_by_another_authority_is_refused_at_once(
    tmp_path: Path, server: bool
) -> None:
    ours, theirs = teams.papers(tmp_path / "ours"), teams.papers(tmp_path / "theirs")
    assert papers(ours, server=server).key == ours["DPGATE_TLS_KEY"]
    mixed = {**ours, "DPGATE_TLS_CA": theirs["DPGATE_TLS_CA"]}
    with pytest.raises(SynthesisError, match="is no valid certificate by"):
        papers(mixed, server=server)
    if server:
        with pytest.raises(SynthesisError, match="is no valid certificate by"):
            elsewhere(2, {**GIVEN, **mixed})
