"""An interrupt is heard wherever it meets the process, and waits for OpenDP."""

from __future__ import annotations

import ctypes
import gc
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from typing import cast

import click
import pytest

from dpgate.cli import main as cli
from dpgate.cli.interrupts import heard
from tests.unit.cli.conftest import Run
from tests.unmeasured import unmeasured


@pytest.fixture(autouse=True)
def _as_at_the_start() -> Iterator[None]:
    """Whatever a library that another test has loaded did to interrupts."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def in_a_destructor() -> None:
    class Freed:
        def __del__(self) -> None:
            signal.raise_signal(signal.SIGINT)

    del (freed := [Freed()])[:]
    assert not freed


def in_a_callback_of_c() -> None:
    ctypes.CFUNCTYPE(None)(lambda: signal.raise_signal(signal.SIGINT))()


def in_the_garbage_collector() -> None:
    def called(phase: str, info: dict[str, int]) -> None:
        if phase == "start":
            gc.callbacks.remove(called)
            signal.raise_signal(signal.SIGINT)

    gc.callbacks.append(called)
    gc.collect()


PLACES = [in_a_destructor, in_a_callback_of_c, in_the_garbage_collector]


@pytest.mark.parametrize("place", PLACES)
def test_an_interrupt_that_python_drops_is_repeated(place: Callable[[], None]) -> None:
    before = sys.unraisablehook
    with pytest.raises(KeyboardInterrupt), heard():  # noqa: PT012 - where it is heard is the point
        place()
        time.sleep(60)
    assert sys.unraisablehook is before


@pytest.mark.parametrize("place", PLACES)
def test_a_command_ends_with_130(
    run: Run, monkeypatch: pytest.MonkeyPatch, place: Callable[[], None]
) -> None:
    @click.command()
    def version() -> None:
        place()
        time.sleep(60)

    monkeypatch.setattr(cli.cli, "get_command", lambda *_: version)
    ended = run("check")
    assert (ended.code, ended.out) == (130, "")
    assert ended.err.endswith("interrupted\n")


def test_one_that_is_dropped_again_comes_again() -> None:
    class Deaf:
        def __init__(self, times: int) -> None:
            self.times = times

        def __del__(self) -> None:
            if self.times:
                later.append(Deaf(self.times - 1))
                signal.raise_signal(signal.SIGINT)

    later = [Deaf(3)]
    with pytest.raises(KeyboardInterrupt), heard():  # noqa: PT012
        while any(each.times for each in later):
            later.pop(0)
        time.sleep(60)


IN_OPENDP = """
import signal, time
import opendp.prelude as dp
from dpgate.cli.interrupts import heard

def loss(distance):
    signal.raise_signal(signal.SIGINT)
    print("returned")
    return 1.0

dp.enable_features("honest-but-curious", "contrib")
space = dp.user_domain("population", lambda _: True), dp.symmetric_distance()
known = dp.m.make_user_measurement(*space, dp.max_divergence(), lambda _: None, loss, TO="i32")
try:
    with heard():
        known.map(1)
        time.sleep(60)
except KeyboardInterrupt:
    print("heard")
"""


def test_opendp_is_not_interrupted_at_its_work() -> None:
    """It takes what a callback does not return for a pointer: the process would crash."""
    done = subprocess.run(
        [sys.executable, "-c", IN_OPENDP],
        env=unmeasured(os.environ), capture_output=True, text=True, check=False, timeout=50,
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (0, "returned\nheard\n"), done.stderr


def test_where_interrupts_are_ignored_they_stay_so() -> None:
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with heard():
            assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
            signal.raise_signal(signal.SIGINT)
            time.sleep(0.05)
    finally:
        signal.signal(signal.SIGINT, before)


def test_all_other_errors_go_where_they_went(monkeypatch: pytest.MonkeyPatch) -> None:
    class Faulty:
        def __del__(self) -> None:
            raise ValueError("as before")

    told: list[str] = []
    monkeypatch.setattr(sys, "unraisablehook", lambda args: told.append(str(args.exc_value)))
    with heard():
        del (freed := cast("list[object]", [Faulty()]))[:]
    assert (told, freed) == (["as before"], [])


def test_a_timer_of_somebody_else_runs_on_where_nothing_interrupts() -> None:
    before = signal.setitimer(signal.ITIMER_REAL, 100)
    with heard():
        pass
    assert signal.setitimer(signal.ITIMER_REAL, *before)[0] > 50


def test_what_has_ended_is_not_interrupted() -> None:
    before = signal.getsignal(signal.SIGALRM)
    with heard():
        in_a_destructor()
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    assert signal.getsignal(signal.SIGALRM) is before
    time.sleep(0.1)
