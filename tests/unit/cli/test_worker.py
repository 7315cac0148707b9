"""`dpgate worker`: what it refuses; tests/unit/synthesis/gan/team has it at work."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.suites import teams
from tests.unit.cli.conftest import Ended, Run


@pytest.fixture(autouse=True)
def _nothing_is_launched(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("RANK", "WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT"):
        monkeypatch.delenv(name, raising=False)


def test_a_worker_without_certificates_is_refused(run: Run) -> None:
    ended = run("worker", "--rank", "1", "--of", "2", "--at", "gate:29500")
    assert ended.code == 2
    assert "send rows under TLS alone: DPGATE_TLS_KEY, DPGATE_TLS_CERT, DPGATE_TLS_CA" in ended.err


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--rank", "1", "--of", "2"), "expected HOST:PORT"),
        (("--rank", "1", "--of", "2", "--at", "gate"), "expected HOST:PORT"),
        (("--rank", "1", "--of", "2", "--at", "gate:0"), "expected HOST:PORT"),
        (("--rank", "1", "--of", "2", "--at", "gate:65536"), "expected HOST:PORT"),
        (("--rank", "0", "--of", "2", "--at", "gate:1"), "0 is not in the range x>=1"),
        (("--rank", "2", "--of", "2", "--at", "gate:1"), "--rank is below --of"),
        (("--of", "2", "--at", "gate:1"), "Missing option '--rank'"),
    ],
)
def test_a_worker_that_nobody_can_place_is_refused(
    run: Run, words: tuple[str, ...], told: str
) -> None:
    ended = run("worker", *words)
    assert ended.code == 2
    assert told in ended.err


@pytest.mark.slow
def test_a_worker_whose_rank_0_never_comes_says_so(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from datetime import timedelta

    from dpgate.synthesis.gan.team import meet

    monkeypatch.setattr(meet, "PATIENCE", timedelta(seconds=1))
    ended = started(run, tmp_path, monkeypatch)
    assert ended.code == 4
    assert "rank 0 was not there" in ended.err


@pytest.mark.slow
def test_a_workers_memory_that_runs_out_is_said(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from dpgate.synthesis.gan.team import meet, worker

    def exhausted(*_: object) -> None:
        raise MemoryError

    monkeypatch.setattr(worker, "work", exhausted)
    monkeypatch.setattr(meet, "tcp_store", lambda *_, **__: None)
    ended = started(run, tmp_path, monkeypatch)
    assert ended.code == 4
    assert "or memory ran out" in ended.err


def started(run: Run, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Ended:
    """A worker with certificates, whose rank 0 is nowhere."""
    monkeypatch.setattr("signal.signal", lambda *given: None)  # of this process, which goes on
    shown = zip(("--key", "--cert", "--ca"), teams.papers(folder / "ours").values(), strict=True)
    words = [word for pair in shown for word in pair]
    return run("worker", "--rank", "1", "--of", "2", "--at", "127.0.0.1:9", *words)
