"""Progress: bars in a terminal, one line a stage elsewhere."""

from __future__ import annotations

import io

import pytest

from dpgate.cli.progress import stages

STEPS = (
    ("judge", 0.0),
    ("open", 0.0),
    ("mst.fit", 0.5),
    ("mst.fit", 1.0),
    ("train · 9 steps", 0.1),
    ("train · step 5 of 9", 0.5),
    ("train · step 5 of 9", 0.6),
    ("settle", 0.0),
)


def test_elsewhere_each_stage_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    with stages() as tell:
        for stage, fraction in STEPS:
            tell(stage, fraction)
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.splitlines() == [
        "… verify the ledger",
        "… open the data",
        "… mst.fit",
        "… train · 9 steps",
        "… train · step 5 of 9",
        "… settle (pushed before anything is promoted)",
    ]


def test_a_terminal_shows_bars_on_standard_error(monkeypatch: pytest.MonkeyPatch) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    screen = Terminal()
    monkeypatch.setattr("sys.stderr", screen)
    monkeypatch.setenv("TERM", "xterm")
    with stages() as tell:
        for stage, fraction in STEPS:
            tell(stage, fraction)
    last = screen.getvalue()
    for title in ("verify the ledger", "open the data", "mst.fit", "train · step 5 of 9"):
        assert title in last
    shown = last.rpartition("verify the ledger")[2]  # all bars, as they were in the end
    assert "train · 9 steps" not in shown
