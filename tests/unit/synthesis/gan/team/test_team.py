"""Teams of real processes: their sums, and what happens to those who lose one."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest
import torch

from dpgate.errors import SynthesisError
from dpgate.synthesis.gan.records import Records
from dpgate.synthesis.gan.team import children, gather, leader
from dpgate.synthesis.gan.team.channel import Channel
from dpgate.synthesis.gan.trainer import Team
from tests.suites import teams
from tests.suites.teams import JOB, Work, all_gone, cells, gathered
from tests.unmeasured import unmeasured

pytestmark = pytest.mark.slow

LOST = "a process of the training was lost, or computed no number; the training's cost is spent"
ROOT = Path(__file__).resolve().parents[5]


@pytest.fixture(scope="module")
def three() -> Iterator[Team]:
    """A team of three."""
    with gathered(3) as (team, _):
        yield team


@pytest.mark.parametrize("rows", [0, 1, 2, 3, 50, 400])
def test_a_team_comes_to_the_sum_of_one(three: Team, rows: int) -> None:
    """No row, fewer rows than processes, more than a part has room for."""
    for seed in (4, 5):  # other weights at each step
        work = Work.made(seed)
        one, other = work.alone(cells(rows)), work.by(three, cells(rows))
        for a, b in zip(one, other, strict=True):
            torch.testing.assert_close(a, b, rtol=1e-5, atol=1e-6)
        assert (sum(float(a.abs().sum()) for a in other) > 0) == (rows > 0)


def test_a_team_clips_persons_as_one_does() -> None:
    """All rows of a person are with one worker, none of what fills a person up is a row."""
    sizes = np.random.default_rng(3).integers(1, 5, 40)
    starts = np.concatenate([np.zeros(1, dtype=np.int64), np.cumsum(sizes)])
    persons = Records(cells(int(starts[-1])), starts)
    work = Work.made()
    with gathered(3, replace(JOB, person_rows=6)) as (team, _):
        for some in (persons, persons.chosen(np.arange(2)), persons.chosen(np.arange(0))):
            for a, b in zip(work.alone(some), work.by(team, some), strict=True):
                torch.testing.assert_close(a, b, rtol=1e-5, atol=1e-6)
    apart = work.alone(persons.codes)
    assert any(not torch.allclose(a, b) for a, b in zip(work.alone(persons), apart, strict=True))


def test_children_end_with_the_training() -> None:
    threads = torch.get_num_threads()
    with gathered(2) as (team, numbers):
        assert not all_gone(numbers, seconds=0.2)
        Work.made().by(team, cells(5))
    assert all_gone(numbers, seconds=0.2)
    assert not torch.distributed.is_initialized()
    assert torch.get_num_threads() == threads


def test_children_see_no_variables_and_open_no_terminal() -> None:
    os.environ["CANARY"] = "canary"
    try:
        with gathered(2) as (_, (child,)):
            environment = Path(f"/proc/{child}/environ").read_bytes()
            assert b"CANARY" not in environment
            assert b"HOME" not in environment
            places = [str(Path(f"/proc/{child}/fd/{number}").readlink()) for number in (1, 2)]
            assert places == [os.devnull, os.devnull]
            arguments = Path(f"/proc/{child}/cmdline").read_bytes().split(b"\0")
            folder = Path(arguments[-4].decode())
            assert folder.stat().st_mode & 0o777 == 0o700
            assert [each.name for each in folder.iterdir()] == ["store"]  # no key, no certificate
        assert not folder.exists()
    finally:
        del os.environ["CANARY"]


@pytest.mark.parametrize("when", ["before a step", "in a step"])
def test_a_worker_that_dies_ends_the_training(when: str) -> None:
    numbers: list[int] = []

    def loses_one() -> None:
        with gathered(3) as (team, children):
            numbers.extend(children)
            work = Work.made()
            work.by(team, cells(9))
            if when == "in a step":
                os.kill(numbers[1], signal.SIGSTOP)
                threading.Timer(1.0, os.kill, (numbers[1], signal.SIGKILL)).start()
            else:
                os.kill(numbers[1], signal.SIGKILL)
            work.by(team, cells(9))

    with pytest.raises(SynthesisError) as caught:
        loses_one()
    assert caught.value.message == LOST
    assert caught.value.__cause__ is None
    assert all_gone(numbers, seconds=0.2)
    assert not torch.distributed.is_initialized()


def test_a_worker_that_is_silent_ends_the_training(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gather, "PATIENCE", timedelta(seconds=3))
    numbers: list[int] = []
    began: list[float] = []

    def hears_nothing() -> None:
        with gathered(3) as (team, children):
            numbers.extend(children)
            os.kill(numbers[0], signal.SIGSTOP)
            began.append(time.monotonic())
            Work.made().by(team, cells(9))

    with pytest.raises(SynthesisError, match=LOST):
        hears_nothing()
    assert 2.5 < time.monotonic() - began[0] < 10
    assert all_gone(numbers, seconds=0.2)


def test_a_worker_that_computes_no_number_ends_the_training(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(children, "ENTRY", teams.altered("no_number"))
    with pytest.raises(SynthesisError) as caught, gathered(2) as (team, numbers):
        Work.made().by(team, cells(9))
    assert caught.value.message == LOST
    assert all_gone(numbers, seconds=0.2)


@pytest.mark.parametrize("fault", ["of_another_version", "speechless"])
def test_processes_that_do_not_come_together(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], fault: str
) -> None:
    monkeypatch.setattr(children, "ENTRY", teams.altered(fault))
    began = time.monotonic()
    with pytest.raises(SynthesisError) as caught, gathered(2):
        pytest.fail("a team of two came together")  # pragma: no cover
    assert caught.value.message == (
        "the 2 processes of the training did not come together; its cost is spent"
    )
    assert time.monotonic() - began < 60
    assert "canary" not in "".join(capfd.readouterr())


@pytest.mark.slow
@pytest.mark.parametrize(
    ("how", "stopped"),
    [
        (signal.SIGKILL, False),
        (signal.SIGTERM, False),
        (signal.SIGINT, False),
        (signal.SIGINT, True),
    ],
)
def test_children_end_when_the_gate_is_ended(
    tmp_path: Path, how: signal.Signals, stopped: bool
) -> None:
    """By an interrupt also where one of them hangs, at once."""
    listed = tmp_path / "children"
    gate = subprocess.Popen(
        [sys.executable, "-m", "tests.suites.teams", str(listed)],
        cwd=ROOT, env=unmeasured(os.environ), stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    deadline = time.monotonic() + 120
    while not listed.exists():
        assert gate.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.05)
    folder, *texts = listed.read_text().split()
    numbers = [int(text) for text in texts]
    assert len(numbers) == 2
    assert Path(folder).exists()
    if stopped:
        os.kill(numbers[0], signal.SIGSTOP)
        time.sleep(0.5)
    gate.send_signal(how)
    _, told = gate.communicate(timeout=60)
    assert all_gone(numbers)
    assert not Path(folder).exists()
    if how == signal.SIGINT:
        assert "KeyboardInterrupt" in told


def test_a_worker_that_hangs_when_all_is_done_holds_nothing_up(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It is not waited for longer than for one that ends, and its sums are there already."""
    monkeypatch.setattr(leader, "_SECONDS", 1.0)
    monkeypatch.setattr(children, "_SECONDS", 1.0)
    with gathered(3) as (team, numbers):
        Work.made().by(team, cells(9))
        for number in numbers:
            os.kill(number, signal.SIGSTOP)
        began = time.monotonic()
    assert time.monotonic() - began < 4
    assert all_gone(numbers, seconds=0.2)


@pytest.mark.parametrize("fault", ["dies_unconnected", "hangs_connected"])
def test_a_worker_that_is_lost_before_the_first_step_is_not_waited_for(
    monkeypatch: pytest.MonkeyPatch, fault: str
) -> None:
    monkeypatch.setattr(children, "ENTRY", teams.altered(fault))
    monkeypatch.setattr(gather, "HANDSHAKE", timedelta(seconds=2))
    began = time.monotonic()
    with pytest.raises(SynthesisError, match="did not come together"), gathered(2):
        pytest.fail("a team of two came together")  # pragma: no cover
    assert time.monotonic() - began < 30


INTERRUPTED = """
import signal, threading, time
from dpgate.synthesis.gan.team import children, gather
from tests.suites import teams

children.ENTRY = teams.altered("hangs_connected")
shaking, began = gather._lines, []

def interrupt():
    began.append(time.monotonic())
    signal.raise_signal(signal.SIGINT)

def when_connected(*given):
    threading.Timer(1.0, interrupt).start()
    return shaking(*given)

gather._lines = when_connected
try:
    with teams.gathered(2):
        print("together")
except KeyboardInterrupt:
    print("interrupted after", time.monotonic() - began[0])
"""


def test_an_interrupt_is_heeded_while_a_worker_hangs_in_its_handshake() -> None:
    """In a process of its own: an interrupt that comes late would end the tests'."""
    done = subprocess.run(
        [sys.executable, "-c", INTERRUPTED],
        cwd=ROOT, env={**unmeasured(os.environ), "PYTHONPATH": f"{ROOT / 'engine'}:{ROOT}"},
        capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
    words, _, seconds = done.stdout.strip().rpartition(" ")
    assert words == "interrupted after", done.stdout + done.stderr
    assert float(seconds) < 20


def test_memory_that_runs_out_is_a_process_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    def exhausted(_: Channel) -> bytes:
        raise MemoryError

    with (  # noqa: PT012
        pytest.raises(SynthesisError) as caught,
        gathered(2) as (team, _),
    ):
        monkeypatch.setattr(Channel, "receive", exhausted)
        Work.made().by(team, cells(9))
    assert caught.value.message == LOST
