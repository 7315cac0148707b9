"""Directed models in files: exact, and anything that is no model of the domain is refused."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from dpgate.errors import SynthesisError
from dpgate.model.domain import ColumnDomain, Domain
from dpgate.synthesis.kept import container, formats
from dpgate.synthesis.kept.directed import DirectedFormat
from dpgate.synthesis.sampling.directed import Coarsening, DirectedModel, Step

DOMAIN = Domain(
    columns=(
        ColumnDomain(name="age", kind="integer", lows=(0, 10, 20), highs=(9, 19, 30), null=3),
        ColumnDomain(name="job", kind="text", values=("clerk", "smith")),
        ColumnDomain(name="pay", kind="number", lows=(0.0, 0.1), highs=(0.1, 5.5), decimals=1),
    )
)


def model() -> DirectedModel:
    rng = np.random.default_rng(5)
    merged = Coarsening(cells=np.array([0, 2, 1, 2]), within=np.array([1.0, 0.25, 1.0, 0.75]))
    return DirectedModel(
        domain=DOMAIN,
        columns=(merged, Coarsening.none(2), Coarsening.none(2)),
        steps=(
            Step(column=1, parents=(), table=rng.dirichlet(np.ones(2), size=1)),
            Step(column=0, parents=(1,), table=rng.dirichlet(np.ones(3), size=2)),
            Step(column=2, parents=(0, 1), table=rng.dirichlet(np.ones(2), size=6)),
        ),
        total=123.456,
    )


def parts() -> container.Parts:
    return container.load(formats.dump(model(), {"release": "visits/one"}, DOMAIN))


def test_the_same_model_comes_back() -> None:
    body = formats.dump(model(), {"release": "visits/one"}, DOMAIN)
    again = formats.load(body, DOMAIN)
    assert isinstance(again, DirectedModel)
    assert again.domain == DOMAIN
    assert again.total == 123.456
    assert [step.scope for step in again.steps] == [(1,), (1, 0), (0, 1, 2)]
    for one, other in zip(model().steps, again.steps, strict=True):
        np.testing.assert_array_equal(one.table, other.table)
    for before, after in zip(model().columns, again.columns, strict=True):
        np.testing.assert_array_equal(before.cells, after.cells)
        np.testing.assert_array_equal(before.within, after.within)
    rows = [each.batch(50, np.random.default_rng(1)) for each in (model(), again)]
    assert rows[0].equals(rows[1])


def put(name: str, value: Any) -> Callable[[container.Parts], container.Parts]:
    return lambda given: dataclasses.replace(given, arrays={**given.arrays, name: value})


def changed(name: str, place: Any, value: float) -> Callable[[container.Parts], container.Parts]:
    def edit(given: container.Parts) -> container.Parts:
        array = given.arrays[name].copy()
        array[place] = value
        return dataclasses.replace(given, arrays={**given.arrays, name: array})

    return edit


def steps(*given: Any) -> Callable[[container.Parts], container.Parts]:
    return lambda of: dataclasses.replace(of, facts={"steps": list(given)})


ROOT, CHILD = {"column": 1, "parents": []}, {"column": 0, "parents": [1]}

BROKEN = {
    "a line that sums to 2": (changed("table.1", 0, 0.5), "a line does not sum to 1"),
    "NaN": (changed("table.1", (0, 0), np.nan), "no probabilities"),
    "infinite": (changed("table.1", (0, 0), np.inf), "no probabilities"),
    "negative": (changed("table.1", 0, -1.0), "no probabilities"),
    "a total below 0": (changed("total", 0, -1.0), "no probabilities"),
    "shares of 2": (changed("within.0", 0, 2.0), "do not sum to 1"),
    "a gap": (changed("cells.0", 0, 7), "without gaps"),
    "a negative cell": (changed("cells.0", 0, -1), "without gaps"),
    "cells of floats": (put("cells.0", np.zeros(4)), "other cells"),
    "cells of another size": (put("cells.0", np.zeros(5, dtype=np.int64)), "other cells"),
    "shares of another size": (put("within.1", np.ones(3)), "another shape"),
    "a table of another shape": (put("table.2", np.full((3, 2), 0.5)), "a table of shape"),
    "a flat table": (put("table.2", np.ones(1)), "has 1 axes"),
    "an empty table": (put("table.0", np.zeros((0, 2))), "has 2 axes"),
    "another array": (put("code", np.zeros(1)), "too many"),
    "no steps": (steps(), "every column once"),
    "a step twice": (steps(ROOT, CHILD, CHILD), "every column once|a table of shape"),
    "parents after children": (steps(CHILD, ROOT, {"column": 2, "parents": []}), "one earlier"),
    "its own parent": (steps({"column": 1, "parents": [1]}, CHILD, ROOT), "a column twice"),
    "a column that is not there": (steps(ROOT, CHILD, {"column": 9, "parents": []}), "not there"),
    "true for a column": (steps(ROOT, CHILD, {"column": True, "parents": []}), "not there"),
    "parents in words": (steps(ROOT, CHILD, {"column": 2, "parents": "01"}), "not there"),
    "a step of another form": (steps(ROOT, CHILD, [2]), "column and parents"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_what_is_no_model_of_the_domain_is_refused(name: str) -> None:
    edit, message = BROKEN[name]
    with pytest.raises(SynthesisError, match=message):
        formats.load(container.dump(edit(parts())), DOMAIN)


def test_other_facts_are_refused() -> None:
    given = dataclasses.replace(parts(), facts={**parts().facts, "run": "os.system"})
    with pytest.raises(SynthesisError, match="every column once"):
        formats.load(container.dump(given), DOMAIN)


def test_it_packs_no_other_model() -> None:
    with pytest.raises(TypeError, match="no directed model"):
        DirectedFormat().pack(object(), {}, DOMAIN)  # type: ignore[arg-type]
