"""Record and replay of a release of two tables: one person more, however hostile, shows nowhere."""

from __future__ import annotations

import functools
from typing import Any

import pytest

from tests.audit.test_release_replay import EMAIL, near, pairs
from tests.audit.worlds import both
from tests.suites import members
from tests.team import Team

CLAIMS: list[dict[str, Any]] = [
    {"cost": float("nan")}, {"cost": 7.7e30}, {"cost": float("-inf"), "paid": None},
    {"service": EMAIL}, {"service": "x" * 50_000, "billed_on": None}, {},
]  # fmt: skip


def put(team: Team, *, persons: list[dict[str, Any]], claims: list[dict[str, Any]]) -> None:
    """The suite's members, with further rows in both tables, here and there."""
    people = members.people(1500)
    owned = members.claims(people)
    for columns, rows in ((people, persons), (owned, claims)):
        for number, row in enumerate(rows):
            place = (number * 7919) % (len(columns["member"]) + 1)
            for name, values in columns.items():
                values.insert(place, row.get(name, values[0]))
    members.write(team.data.parent, people, owned)
    team.data.unlink(missing_ok=True)


def owned_by(name: str | None, number: int) -> list[dict[str, Any]]:
    return [{"member": name, **CLAIMS[place % len(CLAIMS)]} for place in range(number)]


MALLORY: dict[str, Any] = {"member": EMAIL, "age": EMAIL, "plan": None, "joined_on": None}
PEOPLE: dict[str, tuple[list[dict[str, Any]], list[dict[str, Any]]]] = {
    "ten thousand claims": ([MALLORY], owned_by(EMAIL, 10_000)),
    "no claim": ([MALLORY], []),
    "one claim": ([MALLORY], owned_by(EMAIL, 1)),
    "named twice": ([MALLORY, {**MALLORY, "plan": "gold"}], owned_by(f" {EMAIL}", 40)),
    "claims of nobody": ([], [*owned_by(EMAIL, 500), *owned_by(None, 5), *owned_by(" ", 5)]),
    "a person without a name": ([{"member": None}, {"member": ""}], owned_by(None, 100)),
}
"""Somebody who comes: rows of both tables."""


@pytest.mark.parametrize("who", PEOPLE)
@pytest.mark.parametrize("synthesizer", ["mst", "aim"])
def test_one_person_changes_nothing_that_can_be_seen(
    team: Team,
    who: str,
    synthesizer: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    changes = {"with: mst": f"with: {synthesizer}", "[age, plan]": "[age, claims]"}
    members.describe(team, changes)
    team.approve()
    persons, claims = PEOPLE[who]
    worlds = (
        functools.partial(put, persons=[], claims=[]),
        functools.partial(put, persons=persons, claims=claims),
    )
    first, second = both(team, worlds, monkeypatch, capsys)
    assert first.code == 0, first.err
    assert "claims.parquet" in first.artifacts
    assert first.public == second.public
    near(first, second)
    moved = {"persons": 0, "claims": 0}
    for one, other in pairs(first, second):
        table, _, name = one.event.name.partition(".")
        if name.endswith(".one_way"):
            moved[table] = max(moved[table], int(abs(one.inputs - other.inputs).sum()))
    named = {row["member"].strip() for row in persons if row["member"]}
    own = sum((row["member"] or "").strip() in named for row in claims)
    # No more than one person and k claims, and no less.
    assert moved == {"persons": len(named), "claims": min(own, members.AT_MOST)}
    assert team.api.verify(root=team.root).verified
