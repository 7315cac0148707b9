"""Record and replay of releases that measure everything of themselves and are attacked in every way.

Given the mechanisms' outputs and the coins of the holdout, nobody can tell neighboring data apart: not by
the record, the files, what is printed, the exit code, or what the machine keeps; and each mechanism's
inputs are as near as it was paid for. Exact figures are computed beside them, and show nowhere.
"""

from __future__ import annotations

import functools
from typing import Any

import pyarrow.parquet as pq
import pytest

from tests.audit.test_release_replay import EMAIL, ROWS, near, pairs, save
from tests.audit.worlds import Put, both
from tests.suites import evidencing
from tests.team import Team, write_data

pytestmark = pytest.mark.slow

COUNT = 20_000
CANARY = EMAIL.encode()


def columns(team: Team) -> dict[str, list[Any]]:
    write_data(team.data, COUNT)
    made: dict[str, list[Any]] = pq.read_table(team.data).to_pydict()
    made["length_minutes"] = [float(x) for x in made["length_minutes"]]
    return made


def world(team: Team, row: dict[str, Any] | None) -> None:
    made = columns(team)
    for name, values in made.items():
        if row is not None:
            values.insert(1000, row.get(name, values[0]))
    save(team, made, csv=False)


def worlds(row: str) -> tuple[Put, Put]:
    return functools.partial(world, row=None), functools.partial(world, row=ROWS[row])


@pytest.fixture
def coins(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same key of the coins in both worlds: part of what is held fixed."""
    monkeypatch.setattr("dpgate.sources.split.secrets.token_bytes", lambda size: b"c" * size)


@pytest.mark.usefixtures("coins")
@pytest.mark.parametrize("row", ["email", "huge", "missing", "ordinary"])
def test_one_row_changes_nothing_that_can_be_seen_of_evidence(
    team: Team, row: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    evidencing.ask(team)
    team.approve()
    first, second = both(team, worlds(row), monkeypatch, capsys)
    assert first.code == 0, (first.out, first.err)
    assert first.public == second.public
    near(first, second)
    named = {call.event.name for call in first.mechanisms.calls}
    assert sum(name.startswith("evidence.") for name in named) > len(evidencing.ATTACKS) + 13
    seen = b"".join(
        (second.reserve, *second.artifacts.values(), (second.out + second.err).encode())
    )
    assert CANARY not in seen
    assert any((one.inputs != other.inputs).any() for one, other in pairs(first, second))


@pytest.mark.usefixtures("coins")
def test_a_threshold_without_noise_lets_out_its_bits_and_nothing_else(
    fresh_team: Team, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    team = fresh_team
    evidencing.allow_bits(team)
    team.approve("policy")
    team.adopt()
    evidencing.ask(team, evidencing.PLAIN + evidencing.SEALED, "")
    team.approve()
    first, second = both(team, worlds("email"), monkeypatch, capsys)
    assert first.code == 0, (first.out, first.err)
    assert first.public == second.public
    near(first, second)
    bits = [each["passed"] for each in first.settle["predicate"]["evidence"] if "passed" in each]
    assert bits == [True, True]
    assert team.api.verify(root=team.root).verified
    assert b"plus 2 unprotected bits" in first.artifacts["card.md"]
