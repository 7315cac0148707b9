"""An exact metric in a release has a value whatever rows hold, and is planned without numerics."""

from __future__ import annotations

import subprocess
import sys
from decimal import Decimal
from typing import Any

import pytest

from dpgate.errors import EvidenceError, SourceError
from dpgate.evidence.exact import guarded, interface
from dpgate.evidence.exact.guarded import Guarded
from dpgate.model.utility import Detectability, PredictionRatio
from tests.unit.evidence.attacks.stage import scene, subject
from tests.unit.evidence.worlds import SAMPLE, SYNTHETIC, Row

DETECT = Detectability(metric="detectability", at_most=Decimal("0.7"))


def ratio(target: str) -> PredictionRatio:
    return PredictionRatio(metric="prediction_ratio", target=target, at_least=Decimal("0.9"))


SAME: list[Row] = [("full", 40, 5.0, True)] * 60


@pytest.mark.parametrize("rows", [[], SAMPLE[:1], SAME], ids=["none", "one", "all the same"])
@pytest.mark.parametrize(("asked", "worst"), [(ratio("age"), 0), (ratio("job"), 0), (DETECT, 1)])
def test_rows_without_a_value_fail_every_threshold(rows: list[Row], asked: Any, worst: int) -> None:
    found = Guarded(threshold=asked, scene=scene()).measure(subject(rows, None, SYNTHETIC))
    if rows is SAME and found.main.value != worst:
        assert 0 <= found.main.value <= 1  # a value there is
    else:
        assert found.main.low == found.main.value == found.main.high == worst


def test_an_error_of_a_library_says_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(threshold: Any, scene: Any) -> Any:
        raise ValueError("a private value")

    monkeypatch.setattr(guarded, "exact_of", broken)
    found = Guarded(threshold=DETECT, scene=scene()).measure(subject(SAMPLE, None, SYNTHETIC))
    assert found.main.value == 1
    assert "private value" not in str(found)


def test_a_source_that_breaks_is_told_as_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    def gone(threshold: Any, scene: Any) -> Any:
        raise SourceError("unreadable")

    monkeypatch.setattr(guarded, "exact_of", gone)
    with pytest.raises(SourceError):
        Guarded(threshold=DETECT, scene=scene()).measure(subject(SAMPLE, None, SYNTHETIC))


def test_columns_are_checked_before_any_data() -> None:
    Guarded(threshold=ratio("job"), scene=scene()).check()
    Guarded(threshold=DETECT, scene=scene()).check()
    with pytest.raises(EvidenceError, match="wealth cannot be predicted"):
        Guarded(threshold=ratio("wealth"), scene=scene()).check()


def test_planning_loads_no_numerics() -> None:
    assert interface.EXACT == "dpgate.exact"
    program = (
        "import sys; from dpgate.evidence.exact import guarded; from dpgate.gate import gauges, measurable\n"
        "print(*sorted({'numpy', 'scipy', 'sklearn', 'pyarrow'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == []
