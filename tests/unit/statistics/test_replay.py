"""Record and replay: the same noisy outputs on a neighboring dataset; nothing else may differ."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations, product

import numpy as np
import pytest

from dpgate.mechanisms.tape import Call, UnsafePlayer, UnsafeRecorder
from tests.suites import queries, worlds
from tests.suites.synthesizers import RELATIONS, neighbors

CASES = [("gaussian", "1e-9"), ("laplace", "1e-9"), ("laplace", "0")]


def distance_squared(one: Call, other: Call) -> int:
    """Squared distance of two inputs, in the norm of the mechanism."""
    apart = np.abs(one.inputs.ravel() - other.inputs.ravel()).astype(object)
    if one.event.mechanism == "noisy-max":
        return int(apart.max()) ** 2
    return int((apart**2).sum() if one.event.mechanism == "gaussian" else apart.sum() ** 2)


def audit(first: Sequence[Call], second: Sequence[Call]) -> list[str]:
    """What an attacker could tell two worlds apart by, given the same noisy outputs."""
    assert [c.event for c in first] == [c.event for c in second]
    return [
        f"{one.event.name}: {distance_squared(one, other)} > {one.event.sensitivity_squared}"
        for one, other in zip(first, second, strict=True)
        if one.inputs.shape != other.inputs.shape
        or distance_squared(one, other) > one.event.sensitivity_squared
    ]


@pytest.mark.parametrize("relation", RELATIONS)
@pytest.mark.parametrize("harm", [None, *worlds.HOSTILE])
@pytest.mark.parametrize(("noise", "delta"), CASES)
def test_record_and_replay(
    relation: str, harm: str | None, noise: str, delta: str, capfd: pytest.CaptureFixture[str]
) -> None:
    ours, theirs = neighbors(relation, harm)
    asked = queries.task(relation=relation, noise=noise)
    first = UnsafeRecorder()
    one = queries.run(asked, ours, delta=delta, tape=first)
    second = UnsafePlayer(outputs=[call.output for call in first.calls])
    other = queries.run(asked, theirs, delta=delta, tape=second)
    assert first.calls
    assert audit(first.calls, second.calls) == []
    assert one.stages == other.stages
    assert one.spent == other.spent == one.events
    for mine, yours in zip(one.answers, other.answers, strict=True):
        assert mine.table.equals(yours.table)
    assert capfd.readouterr() == ("", "")


EDGES: list[worlds.Row] = [
    {"age": age, "income": income, "job": job, "grade": grade, "smokes": smokes}
    for age, income, (job, grade, smokes) in product(
        (0, 99, None), (0.0, 5000.5, None), (("clerk", 1, True), ("smith", None, False))
    )
]
"""Rows at the bounds and without values, in different groups."""


def loose(relation: str, noise: str) -> set[str]:
    """Vectors that no pair of rows moves as far as they are charged for.

    The number of all rows stays under replace-one, and is charged for 1. A row that stays in its
    group of the very column that is summed cannot move from one bound to the other.
    """
    if relation == "add-remove":
        return set()
    itself = {"statistics.mean_by_itself.sum"} if noise == "gaussian" else set()
    return {"statistics.rows.count"} | itself


@pytest.mark.parametrize("relation", RELATIONS)
@pytest.mark.parametrize("noise", ["gaussian", "laplace"])
def test_declared_distances_are_kept_and_reached(relation: str, noise: str) -> None:
    """Over all pairs of extreme rows: none moves an input farther, and some moves it as far."""
    asked = queries.task(relation=relation, noise=noise)
    base = worlds.rows(20)
    first = UnsafeRecorder()
    queries.run(asked, base, tape=first)
    outputs = [call.output for call in first.calls]

    def calls(rows: list[worlds.Row]) -> list[Call]:
        player = UnsafePlayer(outputs=outputs)
        queries.run(asked, rows, tape=player)
        return player.calls

    with_one = [calls([*base, row]) for row in EDGES]
    pairs = combinations(with_one, 2)
    farthest: dict[str, int] = {}
    for old, new in pairs if relation == "replace-one" else ((first.calls, c) for c in with_one):
        assert audit(old, new) == []
        for one, other in zip(old, new, strict=True):
            name = one.event.name
            farthest[name] = max(farthest.get(name, 0), distance_squared(one, other))
    needed = {call.event.name: call.event.sensitivity_squared for call in first.calls}
    short = {name for name, reached in farthest.items() if reached < needed[name]}
    chosen = {"statistics.jobs.count", "statistics.grades.count"}  # which values, is chance
    assert short - chosen == loose(relation, noise)
