"""Record and replay of a whole release: given the noise, nobody can tell neighboring data apart.

If everything that a release lets out is a function of the mechanisms' outputs (and of randomness
of its own), and each mechanism's inputs are as near as declared, then its ε holds. Both halves are
checked here, on hostile rows; arXiv 2602.17454 has the method.
"""

from __future__ import annotations

import datetime as dt
import functools
import sys
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv as pc
import pyarrow.parquet as pq
import pytest
import time_machine

from dpgate.mechanisms.tape import Call, UnsafeRecorder
from dpgate.sources.open import open_source
from tests.audit.worlds import Put, Seen, both
from tests.suites import asking
from tests.team import DATASET, MANIFEST, Team, write_data

EMAIL = "mallory.quux@canary.example"
ROWS: dict[str, dict[str, Any]] = {
    "email": {"reason": EMAIL, "clinic": EMAIL},
    "unlisted": {"reason": "zanzibar-fever"},
    "huge": {"length_minutes": 7.7314159e30},
    "nan": {"length_minutes": float("nan")},
    "infinite": {"length_minutes": float("-inf")},
    "overlong": {"clinic": "x" * 500_000},
    "missing": {"clinic": None, "follow_up": None, "length_minutes": None, "reason": None},
    "controls": {"clinic": "\x1b[2J\r\n\x00::error::", "reason": "\ufeff\u202e"},
    "quotes": {"clinic": 'a"b,"c\n1,2,3\n"', "reason": '"'},
    "ordinary": {},
}


def columns(team: Team) -> dict[str, list[Any]]:
    write_data(team.data)
    made: dict[str, list[Any]] = pq.read_table(team.data).to_pydict()
    made["length_minutes"] = [float(x) for x in made["length_minutes"]]
    return made


def without(team: Team, *, csv: bool) -> None:
    save(team, columns(team), csv=csv)


def with_row(team: Team, row: dict[str, Any], *, csv: bool) -> None:
    made = columns(team)
    for name, values in made.items():
        values.insert(1000, row.get(name, values[0]))
    save(team, made, csv=csv)


def save(team: Team, made: dict[str, list[Any]], *, csv: bool) -> None:
    if not csv:
        pq.write_table(pa.table(made), team.data)
        return
    team.data.unlink()
    pc.write_csv(pa.table(made), team.data.with_suffix(".csv"))


def neighbors(row: dict[str, Any], *, csv: bool) -> tuple[Put, Put]:
    return functools.partial(without, csv=csv), functools.partial(with_row, row=row, csv=csv)


def near(first: Seen, second: Seen) -> None:
    """The same calls in the same order, each with inputs no farther apart than it was paid for."""
    calls = pairs(first, second)
    assert len(calls) > 8
    for one, other in calls:
        assert (one.event, one.scale) == (other.event, other.scale)
        assert one.inputs.shape == other.inputs.shape
        apart = (one.inputs - other.inputs).astype(object)
        if one.event.mechanism.endswith("noisy-max"):
            assert max(abs(apart)) ** 2 <= one.event.sensitivity_squared, one.event.name
        elif one.event.mechanism == "laplace":
            assert sum(abs(apart.ravel())) ** 2 <= one.event.sensitivity_squared, one.event.name
        else:
            assert sum(x * x for x in apart.ravel()) <= one.event.sensitivity_squared, (
                one.event.name
            )


def people(team: Team, *, heavy: int) -> None:
    """Visits of 500 patients, and so many of one more, hostile ones among them."""
    made = columns(team)
    made["patient"] = [f"p{number % 500}" for number in range(len(made["clinic"]))]
    for number in range(heavy):
        row = list(ROWS.values())[number % len(ROWS)]
        place = (number * 7919) % len(made["clinic"])
        for name, values in made.items():
            values.insert(place, "mallory" if name == "patient" else row.get(name, values[0]))
    save(team, made, csv=False)


def test_a_person_with_ten_thousand_rows_changes_nothing_that_can_be_seen(
    team: Team, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    team.edit(DATASET, "max_rows_per_person: 12,", "max_rows_per_person: 3, column: patient,")
    team.edit(
        DATASET, "  columns:\n", "  columns:\n    patient: {type: identifier, sensitivity: phi}\n"
    )
    team.commit()
    team.approve()
    worlds = (functools.partial(people, heavy=0), functools.partial(people, heavy=10_000))
    first, second = both(team, worlds, monkeypatch, capsys)
    assert first.code == 0, first.err
    assert first.public == second.public
    near(first, second)
    moved = [one.inputs - other.inputs for one, other in pairs(first, second)]
    assert any(abs(apart).sum() == 3 for apart in moved)  # no more than three rows, and no less
    assert team.api.verify(root=team.root).verified


def pairs(first: Seen, second: Seen) -> list[tuple[Call, Call]]:
    return list(zip(first.mechanisms.calls, second.mechanisms.calls, strict=True))


@pytest.mark.parametrize("csv", [False, True], ids=["parquet", "csv"])
@pytest.mark.parametrize("row", ROWS)
def test_one_row_changes_nothing_that_can_be_seen(
    team: Team,
    row: str,
    csv: bool,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    team.approve()
    with time_machine.travel(dt.datetime.now(dt.UTC), tick=False):
        first, second = both(team, neighbors(ROWS[row], csv=csv), monkeypatch, capsys)
    assert first.code == 0, first.err
    assert "data.parquet" in first.artifacts
    assert first.public == second.public
    near(first, second)


@pytest.mark.parametrize("row", ROWS)
def test_one_row_changes_nothing_of_statistics_that_can_be_seen(
    fresh_team: Team, row: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pure = asking.manifest(privacy="epsilon: 1.0, delta: 0", noise="laplace")
    asking.ask(fresh_team, pure if len(row) % 2 else "")
    asking.allow(fresh_team)
    fresh_team.approve()
    with time_machine.travel(dt.datetime.now(dt.UTC), tick=False):
        worlds = neighbors(ROWS[row], csv=len(row) % 3 == 0)
        first, second = both(fresh_team, worlds, monkeypatch, capsys)
    assert first.code == 0, first.err
    assert "quartiles.parquet" in first.artifacts
    assert first.public == second.public
    near(first, second)


def test_one_row_changes_nothing_that_can_be_seen_when_the_gate_fails(
    team: Team, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    team.edit(MANIFEST, "at_most: 0.9}", "at_most: 0.0000001}")
    team.approve()
    first, second = both(team, neighbors(ROWS["email"], csv=False), monkeypatch, capsys)
    assert first.code == 1
    assert first.settle["predicate"]["outcome"] == "gate-failed"
    assert not first.artifacts
    assert first.public == second.public
    near(first, second)


def test_a_leak_of_the_row_count_is_found(
    team: Team, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    honest = open_source

    def telling(uri: str, *others: Any) -> Any:
        sys.stderr.write(f"read {pq.read_metadata(uri).num_rows} rows\n")
        return honest(uri, *others)

    monkeypatch.setattr("dpgate.gate.attempt.open_source", telling)
    team.approve()
    first, second = both(team, neighbors(ROWS["ordinary"], csv=False), monkeypatch, capsys)
    assert first.public != second.public


def test_with_noise_of_its_own_every_run_differs(
    team: Team, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """So the comparison above compares something; and no seed reaches the mechanisms."""
    team.approve()
    same = functools.partial(without, csv=False)
    monkeypatch.setattr("tests.audit.worlds.UnsafePlayer", lambda outputs: UnsafeRecorder())
    np.random.seed(1)  # noqa: NPY002 - the global generator is what is under suspicion
    first, second = both(team, (same, same), monkeypatch, capsys)
    assert any(not np.array_equal(one.output, other.output) for one, other in pairs(first, second))
    assert first.settle != second.settle
    assert first.artifacts != second.artifacts
    assert first.reserve == second.reserve
