"""The garbage collector is held, and given back as it was."""

from __future__ import annotations

import gc

import pytest

from dpgate.gate.collector import paused


def test_it_is_off_inside_and_on_again_even_after_an_error() -> None:
    @paused()
    def fails() -> None:
        assert not gc.isenabled()
        raise KeyError

    assert gc.isenabled()
    with pytest.raises(KeyError):
        fails()
    assert gc.isenabled()


def test_it_stays_off_where_it_was_off() -> None:
    gc.disable()
    try:
        with paused():
            assert not gc.isenabled()
        assert not gc.isenabled()
    finally:
        gc.enable()
