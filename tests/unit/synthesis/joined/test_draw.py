"""Rows of drawn persons: as many as they have, of their own context, whatever the model says."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from dpgate.errors import SynthesisError
from dpgate.model.tables import Tables, tables_of
from dpgate.synthesis.joined import draw
from dpgate.synthesis.joined.finish import Finish
from dpgate.synthesis.sampling.directed import Coarsening, DirectedModel, Step
from tests.suites import members

AGES = list(members.CHANCES)
SERVICES = list(members.SERVICES)


def tables(*context: str) -> Tables:
    found = tables_of(members.dataset(), ("member", "age", "claim", "service", "cost"), context)
    assert found is not None
    return found


def model(two: Tables, given: Any) -> DirectedModel:
    """Ages, then the service by age as a table says, then any cost."""
    domain = two.rows_domain
    ages = np.array([[0.5, 0.5, 0.0]])
    return DirectedModel(
        domain=domain,
        columns=tuple(Coarsening.none(size) for size in domain.sizes),
        steps=(
            Step(column=0, parents=(), table=ages),
            Step(column=1, parents=(0,), table=np.array(given, dtype=np.float64)),
            Step(column=2, parents=(), table=np.full((1, domain.sizes[2]), 1 / domain.sizes[2])),
        ),
        total=1000.0,
    )


SURE = [[1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 0.5, 0.5]]
"""The young have visits, the middle drugs."""


def persons(ages: list[int], counts: list[int], finish: Finish) -> pa.Table:
    columns = {
        "member": [f"M-{number:06}" for number in range(1, len(ages) + 1)],
        "age": [AGES[age] for age in ages],
        "claims": counts,
    }
    return pa.table(columns, schema=finish.persons.schema)


def drawn(ages: list[int], counts: list[int], *context: str) -> pa.Table:
    two = tables(*context)
    finish = Finish(tables=two)
    made = draw.rows_of(
        persons(ages, counts, finish),
        model(two, SURE),
        finish,
        lambda stage, done: None,
    )
    return pa.Table.from_batches(made, finish.joined)


def test_every_person_has_their_rows_in_order_and_of_their_context() -> None:
    ages, counts = [0, 1, 0, 1, 1], [2, 0, 3, 1, 6]
    rows = drawn(ages, counts, "age").to_pylist()
    wanted = [number for number, count in enumerate(counts) for _ in range(count)]
    assert [row["member"] for row in rows] == [f"M-{number + 1:06}" for number in wanted]
    assert [row["age"] for row in rows] == [AGES[ages[number]] for number in wanted]
    assert [row["service"] for row in rows] == [SERVICES[ages[number]] for number in wanted]
    assert [row["claim"] for row in rows] == list(range(1, 13))


def test_portions_make_no_difference_to_keys_and_numbers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(draw, "_ROWS_AT_ONCE", 4)
    draw_ = np.random.default_rng(3)
    counts = draw_.integers(0, 7, 300).tolist()
    rows = drawn(draw_.integers(0, 2, 300).tolist(), counts, "age")
    names, found = np.unique(rows["member"].to_pylist(), return_counts=True)
    assert [counts[int(name[2:]) - 1] for name in names] == found.tolist()
    assert len(rows) == sum(counts)
    assert rows["claim"].to_pylist() == list(range(1, len(rows) + 1))


def test_a_context_that_the_model_does_not_know() -> None:
    """Nobody is old in the model: the old get rows as if nothing were known of them."""
    rows = drawn([2] * 500, [2] * 500, "age")
    assert set(rows["age"].to_pylist()) == {"old"}
    found = set(rows["service"].to_pylist())
    assert found == {"visit", "drug"}


def test_nobody_has_a_row() -> None:
    rows = drawn([0, 1], [0, 0], "age")
    assert rows.num_rows == 0
    assert rows.schema.names == ["member", "age", "claim", "service", "cost"]


def test_a_model_that_cannot_be_conditioned() -> None:
    two = tables("age")
    finish = Finish(tables=two)
    people = persons([0], [1], finish)
    with pytest.raises(SynthesisError, match="cannot be conditioned"):
        list(draw.rows_of(people, object(), finish, lambda stage, done: None))  # type: ignore[arg-type]
