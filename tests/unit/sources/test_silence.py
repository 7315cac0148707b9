"""What drivers say goes nowhere, and everything else goes where it went."""

from __future__ import annotations

import logging
import warnings

import pytest

from dpgate.sources.silence import silence


def test_nothing_that_a_driver_says_is_told(
    capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    with warnings.catch_warnings(record=True) as warned, silence():
        warnings.warn("eve@example.com", stacklevel=1)
        logging.getLogger("driver").critical("eve@example.com")
        raise ValueError("eve@example.com")
    assert (warned, caplog.records) == ([], [])
    assert "eve" not in "".join(capfd.readouterr())


@pytest.mark.parametrize("stop", [KeyboardInterrupt, SystemExit])
def test_what_ends_the_command_ends_it(stop: type[BaseException]) -> None:
    with pytest.raises(stop), silence():
        raise stop


def test_others_are_heard_afterwards(caplog: pytest.LogCaptureFixture) -> None:
    with silence(), silence():
        pass
    logging.getLogger("other").error("heard")
    assert [record.message for record in caplog.records] == ["heard"]
    before = logging.root.manager.disable
    logging.disable(logging.INFO)
    try:
        with silence():
            pass
        assert logging.root.manager.disable == logging.INFO
    finally:
        logging.disable(before)
