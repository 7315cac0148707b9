"""Directed models: conditioning agrees with brute force, and odd models are refused."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from dpgate.errors import SynthesisError
from dpgate.model.domain import ColumnDomain, Domain
from dpgate.synthesis.sampling.directed import Coarsening, DirectedModel, Step

Table = NDArray[np.float64]
SIZES = (3, 2, 4, 2, 3)
SCOPES = ((1,), (1, 0), (0, 1, 2), (0, 3), (2, 1, 4))
"""Parents, then the column: a junction tree of {0,1,2}, {0,3} and {1,2,4}."""


def domain(sizes: tuple[int, ...] = SIZES) -> Domain:
    return Domain(
        columns=tuple(
            ColumnDomain(name=f"c{place}", kind="whole", values=tuple(range(size)))
            for place, size in enumerate(sizes)
        )
    )


def model(rng: np.random.Generator) -> DirectedModel:
    steps = []
    for scope in SCOPES:
        lines = int(np.prod([SIZES[c] for c in scope[:-1]]))
        table = rng.dirichlet(np.ones(SIZES[scope[-1]]), size=lines)
        steps.append(Step(column=scope[-1], parents=scope[:-1], table=table))
    columns = tuple(Coarsening.none(size) for size in SIZES)
    return DirectedModel(domain=domain(), columns=columns, steps=tuple(steps), total=100.0)


def joint(of: DirectedModel) -> Table:
    """The whole distribution, by multiplying it out."""
    cells = np.indices(SIZES)
    whole = np.ones(SIZES)
    for step in of.steps:
        table = step.table.reshape([SIZES[c] for c in step.scope])
        whole *= table[tuple(cells[c] for c in step.scope)]
    return whole


@pytest.mark.parametrize("seed", range(20))
def test_conditioning_is_exact(seed: int) -> None:
    rng = np.random.default_rng(seed)
    before = model(rng)
    chosen = rng.choice(5, size=rng.integers(1, 4), replace=False)
    weights = {int(c): rng.random(SIZES[c]) * (rng.random(SIZES[c]) < 0.7) for c in chosen}
    expected = joint(before)
    for column, weight in weights.items():
        shape = [1] * 5
        shape[column] = SIZES[column]
        expected = expected * weight.reshape(shape)
    mass = expected.sum()
    if not mass:
        with pytest.raises(SynthesisError, match="no row of the model satisfies the condition"):
            before.conditioned(weights)
        return
    after = before.conditioned(weights)
    np.testing.assert_allclose(joint(after), expected / mass, atol=1e-12)
    assert after.total == pytest.approx(100.0 * mass)


def test_merged_cells_are_weighted_by_what_they_hold() -> None:
    merged = Coarsening(cells=np.array([0, 1, 1]), within=np.array([1.0, 0.75, 0.25]))
    only = Step(column=0, parents=(), table=np.array([[0.2, 0.8]]))
    before = DirectedModel(domain=domain((3,)), columns=(merged,), steps=(only,), total=1.0)
    after = before.conditioned({0: np.array([1.0, 0.0, 1.0])})
    np.testing.assert_allclose(after.steps[0].table, [[0.5, 0.5]])
    np.testing.assert_allclose(after.columns[0].within, [1.0, 0.0, 1.0])


def test_balancing_a_column_makes_it_uniform() -> None:
    before = model(np.random.default_rng(3))
    shares = joint(before).sum(axis=(0, 1, 3, 4))
    after = before.conditioned({2: 1.0 / shares})
    np.testing.assert_allclose(joint(after).sum(axis=(0, 1, 3, 4)), 0.25)


@pytest.mark.parametrize(
    ("steps", "message"),
    [
        ([((), 0), ((), 1), ((0, 1), 2)], "its parents are not one earlier step's"),
        ([((), 0), ((), 1)], "steps must draw every column once"),
        ([((), 0), ((), 1), ((), 1)], "steps must draw every column once"),
    ],
)
def test_an_odd_order_is_refused(steps: list[tuple[tuple[int, ...], int]], message: str) -> None:
    made = tuple(
        Step(column=c, parents=parents, table=np.full((2 ** len(parents), 2), 0.5))
        for parents, c in steps
    )
    with pytest.raises(ValueError, match=message):
        DirectedModel(
            domain=domain((2, 2, 2)), columns=(Coarsening.none(2),) * 3, steps=made, total=1.0
        )


def test_a_table_of_another_shape_is_refused() -> None:
    step = Step(column=0, parents=(), table=np.full((1, 3), 1 / 3))
    with pytest.raises(ValueError, match=r"a table of shape \(1, 3\)"):
        DirectedModel(domain=domain((2,)), columns=(Coarsening.none(2),), steps=(step,), total=1.0)


def test_batches_made_in_threads_come_in_order_and_none_twice(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("dpgate.synthesis.sampling.directed._ROWS_AT_ONCE", 500)
    heard: list[float] = []
    made = list(model(np.random.default_rng(4)).batches(3_200, lambda _, part: heard.append(part)))
    assert [batch.num_rows for batch in made] == [500] * 6 + [200]
    assert heard == [min(500 * turn, 3_200) / 3_200 for turn in range(1, 8)]
    assert len({str(batch.slice(0, 200).to_pydict()) for batch in made}) == 7


def test_threads_change_nothing_in_what_a_generator_draws(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dpgate.synthesis.sampling.directed._ROWS_AT_ONCE", 100)
    seeded, tables = np.random.default_rng, []
    for workers in (1, 4):
        monkeypatch.setattr("dpgate.synthesis.sampling.directed._WORKERS", workers)
        with monkeypatch.context() as patch:
            patch.setattr(np.random, "default_rng", lambda: seeded(5))
            tables.append(model(seeded(6)).sample(1_000, lambda *_: None))
    assert tables[0].equals(tables[1])


def test_a_batch_that_fails_ends_the_draw(monkeypatch: pytest.MonkeyPatch) -> None:
    def failing(*_: object) -> None:
        raise MemoryError

    monkeypatch.setattr(DirectedModel, "batch", failing)
    with pytest.raises(MemoryError):
        model(np.random.default_rng(7)).sample(10, lambda *_: None)
