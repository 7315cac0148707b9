"""An interrupt is heard wherever it meets the process."""

from __future__ import annotations

import ctypes
import gc
import signal
import sys
import time
from collections.abc import Callable
from typing import cast

import click
import pytest

from dpgate.cli import main as cli
from dpgate.cli.interrupts import heard
from tests.unit.cli.conftest import Run


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
    reached = False
    with pytest.raises(KeyboardInterrupt), heard():  # noqa: PT012 - where it is heard is the point
        place()
        reached = True
        time.sleep(60)
    assert reached
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


def test_an_interrupt_in_the_repeat_is_repeated_too() -> None:
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


def test_all_other_errors_go_where_they_went(monkeypatch: pytest.MonkeyPatch) -> None:
    class Faulty:
        def __del__(self) -> None:
            raise ValueError("as before")

    told: list[str] = []
    monkeypatch.setattr(sys, "unraisablehook", lambda args: told.append(str(args.exc_value)))
    with heard():
        del (freed := cast("list[object]", [Faulty()]))[:]
    assert (told, freed) == (["as before"], [])


def test_what_has_ended_is_not_interrupted() -> None:
    with heard():
        in_a_destructor()
    time.sleep(0.2)
