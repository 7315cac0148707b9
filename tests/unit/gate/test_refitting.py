"""Attacks that run a synthesizer anew: through a rehearsal, and on one that gives its rows away."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from dpgate.errors import UsageError
from dpgate.evidence.whole_rows import blocks
from dpgate.model.domain import Domain
from dpgate.synthesis.mst.synthesizer import Mst
from tests.team import Team
from tests.unit.gate.test_rehearse import rehearse, report


class Copied:
    """A model that is its rows."""

    total = 1.0

    def __init__(self, domain: Domain, cells: np.ndarray) -> None:
        self._domain = domain
        self._cells = cells

    def batches(self, rows: int, progress: Any) -> Iterator[pa.RecordBatch]:
        yield from self.sample(rows, progress).to_batches()

    def sample(self, rows: int, progress: Any) -> pa.Table:
        made = self._cells[np.arange(rows) % len(self._cells)]
        columns = {}
        for place, column in enumerate(self._domain.columns):
            values = [*(column.lows or column.values), *([None] * (column.null is not None))]
            columns[column.name] = [values[cell] for cell in made[:, place]]
        return pa.table(columns)


def copies(
    self: Mst, task: Any, events: Sequence[Any], source: Any, mechanisms: Any, progress: Any
) -> Copied:
    return Copied(task.domain, np.concatenate(list(blocks(source))))


def test_a_private_synthesizer_tells_nobody_who_was_inside(fresh_team: Team) -> None:
    told: list[tuple[str, float]] = []
    result = rehearse(fresh_team, shadow=4, canaries=20, progress=lambda *stage: told.append(stage))
    anew = [done for stage, done in told if stage == "run the synthesizer anew"]
    assert anew == [0.0, 0.2, 0.4, 0.6, 0.8]
    assert [each.title for each in result.further] == ["shadow models, 4 rounds", "canaries, 20"]
    for each in result.further:
        assert each.low <= each.value <= each.high
        assert each.low < Decimal("0.2")
    shown = [each for each in report(fresh_team).results if each.metric == "further"]
    assert {each.kind for each in shown} == {"attack"}
    assert {each.disclosure for each in shown} == {"public"}
    assert [each.title for each in shown] == [each.title for each in result.further]


def test_one_that_returns_its_rows_is_caught_by_canaries(
    fresh_team: Team, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Mst, "fit", copies)
    (found,) = rehearse(fresh_team, canaries=400).further
    assert found.low > Decimal("0.2"), found


def test_without_being_asked_nothing_is_run_anew(fresh_team: Team) -> None:
    assert rehearse(fresh_team).further == ()


@pytest.mark.parametrize(
    ("wish", "says"),
    [({"shadow": 3}, "4 rounds at least"), ({"canaries": 5}, "canaries need 20 at least")],
)
def test_numbers_that_say_nothing_are_refused(
    fresh_team: Team, wish: dict[str, Any], says: str
) -> None:
    with pytest.raises(UsageError, match=says):
        rehearse(fresh_team, **wish)
