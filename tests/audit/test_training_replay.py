"""Record and replay of a whole release that trains: given the noise, nobody can tell one record more.

The coins of a step fall alike for the records that both worlds share, and the row or the person that is
more is hostile.
Exit code, terminal, records, files and their sizes must be the same to the byte, and each step's
sum at most one clipping norm apart.
"""

from __future__ import annotations

import itertools
from functools import partial
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from numpy.typing import NDArray

from dpgate.mechanisms import sampled
from dpgate.synthesis.gan.start import Setting
from dpgate.synthesis.gan.team import children
from tests.audit.worlds import Seen, both
from tests.suites.teams import altered, same_normal
from tests.team import Team, write_data
from tests.unit.gate.test_training import TRAINING, persons, trains

pytestmark = pytest.mark.slow

EMAIL = "mallory.quux@canary.example"
HOSTILE: dict[str, dict[str, Any]] = {
    "email": {"reason": EMAIL, "clinic": EMAIL},
    "missing": {"clinic": None, "follow_up": None, "reason": None},
}
_MOST = 100_000


class Coins:
    """Coins of the n-th step, alike for all rows that there may be; noise is on the tape."""

    def __init__(self) -> None:
        self._steps = itertools.count()

    def words(self, count: int) -> NDArray[np.uint32]:
        rng = np.random.Generator(np.random.PCG64(next(self._steps)))
        return rng.integers(0, 2**32, _MOST, dtype=np.uint32)[:count]

    def normal(self, count: int) -> NDArray[np.float64]:
        return np.random.Generator(np.random.PCG64(count)).standard_normal(count)


def codes(setting: Setting, rows: int, width: int) -> torch.Tensor:
    """The same random numbers for a row wherever its step ends."""
    return torch.randn((_MOST, width), generator=torch.Generator().manual_seed(5))[:rows]


def put(team: Team, row: dict[str, Any] | None) -> None:
    """The template's data, and one row more at its end."""
    write_data(team.data)
    table = pq.read_table(team.data)
    made: dict[str, list[Any]] = table.to_pydict()
    if row is not None:
        for name, values in made.items():
            values.append(row.get(name, values[0]))
    pq.write_table(pa.table(made, schema=table.schema), team.data)


@pytest.fixture
def coupled(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same coins, codes and first weights in both worlds: part of what is held fixed."""
    monkeypatch.setattr(sampled, "Fresh", Coins)
    monkeypatch.setattr(Setting, "normal", codes)
    monkeypatch.setattr("dpgate.synthesis.gan.start.secrets.randbits", lambda bits: 9)


@pytest.mark.usefixtures("coupled")
@pytest.mark.parametrize("harm", HOSTILE)
@pytest.mark.parametrize("processes", [1, 2])
@pytest.mark.parametrize("name", ["dp-tvae", "dp-ctgan"])
def test_nothing_that_leaves_tells_one_row_more(
    fresh_team: Team,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    name: str,
    harm: str,
    processes: int,
) -> None:
    for variable, value in fresh_team.environment.items():
        monkeypatch.setenv(variable, value)
    maker = TRAINING.replace("dp-tvae", f"{name}, keep_model: true")
    team = trains(fresh_team, maker.replace("steps: 40", f"processes: {processes}, steps: 40"))
    team.approve()
    monkeypatch.setattr(Setting, "normal", codes if processes == 1 else same_normal)
    monkeypatch.setattr(children, "ENTRY", altered("coupled"))
    worlds = (partial(put, row=None), partial(put, row=HOSTILE[harm]))
    nothing_tells(*both(team, worlds, monkeypatch, capsys))


def nothing_tells(first: Seen, second: Seen) -> list[float]:
    """What leaves is the same, and inputs are as near as declared; returns how far steps were."""
    assert first.code == 0, first.err
    assert first.public == second.public
    steps = []
    for one, other in zip(first.mechanisms.calls, second.mechanisms.calls, strict=True):
        assert (one.event, one.scale) == (other.event, other.scale)
        apart = one.inputs.astype(np.float64) - other.inputs
        assert float((apart**2).sum()) <= float(one.event.sensitivity_squared), one.event.name
        if one.event.mechanism == "sampled-gaussian":
            steps.append(float(np.linalg.norm(apart)))
    everything = b"".join([*second.artifacts.values(), second.out.encode(), second.err.encode()])
    assert EMAIL.encode() not in everything
    return steps


def put_person(team: Team, own: int) -> None:
    """Visits of 700 patients, and at the end so many of one more, hostile ones among them."""
    table = pq.read_table(team.data)
    made: dict[str, list[Any]] = table.to_pydict()
    for number in range(own):
        row = list(HOSTILE.values())[number % len(HOSTILE)]
        for name, values in made.items():
            values.append(EMAIL if name == "patient" else row.get(name, values[0]))
    pq.write_table(pa.table(made, schema=table.schema), team.data)


@pytest.mark.usefixtures("coupled")
@pytest.mark.parametrize("name", ["dp-tvae", "dp-ctgan"])
def test_nothing_that_leaves_tells_a_person_with_ten_thousand_rows(
    fresh_team: Team,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    name: str,
) -> None:
    for variable, value in fresh_team.environment.items():
        monkeypatch.setenv(variable, value)
    maker = TRAINING.replace("dp-tvae", f"{name}, keep_model: true").replace("25000", "100000")
    team = persons(fresh_team, maker=maker)
    team.approve()
    worlds = (partial(put_person, own=0), partial(put_person, own=10_000))
    steps = nothing_tells(*both(team, worlds, monkeypatch, capsys))
    assert sum(moved > 0 for moved in steps) > 2  # of 40 at a rate of a fifth
    assert team.api.verify(root=team.root).verified
