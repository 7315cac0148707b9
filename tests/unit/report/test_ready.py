"""What a run over all manifests tells."""

from __future__ import annotations

import pytest

from dpgate.gate.ready import ReadyResult, ReadyRow
from dpgate.report import ready


@pytest.mark.parametrize(
    ("outcome", "sign"),
    [("released", "✓"), ("waiting", "–"), ("denied", "✗"), ("gate-failed", "✗"), ("error", "✗")],
)
def test_only_what_was_released_has_a_tick(outcome: str, sign: str) -> None:
    row = ReadyRow.model_validate({"release": "a/b", "outcome": outcome, "told": "why"})
    told = ready.text(ReadyResult(rows=(row,), settled=2))
    assert told.splitlines()[0] == f"{sign} a/b: {outcome}  why"
    assert told.splitlines()[1].endswith("2 done before")
