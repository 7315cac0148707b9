"""Inference on junction trees against brute force over every cell of the joint distribution."""

from __future__ import annotations

from itertools import combinations, product

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import optimize

from dpgate.synthesis.inference.estimate import Observed, estimate
from dpgate.synthesis.inference.marginal import marginal
from dpgate.synthesis.inference.pairs import pair_marginals
from dpgate.synthesis.inference.propagate import Beliefs, Propagation
from dpgate.synthesis.inference.simplex import project
from dpgate.synthesis.inference.steps import steps_of
from dpgate.synthesis.inference.triangulate import Clique, cells_with, junction_tree
from dpgate.synthesis.sampling.directed import DirectedModel
from tests.suites import models

seeds = st.integers(min_value=0, max_value=2**32 - 1)


def problem(rng: np.random.Generator, columns: int, cells: int) -> tuple[list[int], list[Clique]]:
    """Sizes of columns, and random cliques of up to three of them in any order."""
    sizes = [int(size) for size in rng.integers(1, cells + 1, columns)]
    cliques = [
        tuple(int(c) for c in rng.permutation(columns)[: rng.integers(1, min(3, columns) + 1)])
        for _ in range(rng.integers(1, 8))
    ]
    return sizes, cliques


def spread(table: np.ndarray, clique: Clique, columns: int) -> np.ndarray:
    """A table over some columns, as it adds to one over all."""
    order = sorted(range(len(clique)), key=lambda axis: clique[axis])
    sizes = dict(zip(clique, table.shape, strict=True))
    return table.transpose(order).reshape([sizes.get(c, 1) for c in range(columns)])


def onto(joint: np.ndarray, clique: Clique) -> np.ndarray:
    """A marginal of a joint distribution."""
    table = joint.sum(axis=tuple(a for a in range(joint.ndim) if a not in clique))
    return np.asarray(table.transpose([sorted(clique).index(c) for c in clique]))


def random_model(
    seed: int, columns: int, strength: float
) -> tuple[Beliefs, list[Clique], Propagation, np.ndarray, float]:
    """Beliefs of a random model, with its joint distribution and logarithmic partition."""
    rng = np.random.default_rng(seed)
    sizes, cliques = problem(rng, columns, 3)
    run = Propagation(junction_tree(sizes, cliques), cliques)
    potentials = [rng.normal(size=[sizes[c] for c in clique]) * strength for clique in cliques]
    logs = np.zeros(sizes)
    for table, clique in zip(potentials, cliques, strict=True):
        logs = logs + spread(table, clique, columns)
    joint = np.exp(logs - logs.max())
    partition = float(np.log(joint.sum()) + logs.max())
    aligned = [
        run.aligned(t, c, p) for p, (t, c) in enumerate(zip(potentials, cliques, strict=True))
    ]
    return run.beliefs(aligned), cliques, run, joint / joint.sum(), partition


@settings(deadline=None)
@given(seeds, st.integers(min_value=1, max_value=7), st.sampled_from([0.1, 3.0, 300.0]))
def test_marginals_are_those_of_the_joint(seed: int, columns: int, strength: float) -> None:
    beliefs, cliques, run, joint, partition = random_model(seed, columns, strength)
    np.testing.assert_allclose(beliefs.log_partition, partition, rtol=1e-9, atol=1e-9)
    for bag, table in zip(beliefs.tree.bags, beliefs.joints, strict=True):
        np.testing.assert_allclose(table, onto(joint, bag.columns), atol=1e-9)
    for place, (clique, table) in enumerate(zip(cliques, run.marginals(beliefs), strict=True)):
        np.testing.assert_allclose(
            run.unaligned(table, clique, place), onto(joint, clique), atol=1e-9
        )
        np.testing.assert_allclose(beliefs.within(clique), onto(joint, clique), atol=1e-9)
    pairs = pair_marginals(beliefs)
    assert set(pairs) == set(combinations(range(columns), 2))
    for pair, table in pairs.items():
        np.testing.assert_allclose(table, onto(joint, pair), atol=1e-9)
    some = tuple(int(c) for c in np.random.default_rng(seed).permutation(columns)[:3])
    np.testing.assert_allclose(marginal(beliefs, some), onto(joint, some), atol=1e-9)


@settings(deadline=None)
@given(seeds, st.integers(min_value=1, max_value=6))
def test_steps_draw_from_the_joint(seed: int, columns: int) -> None:
    beliefs, _, _, joint, _ = random_model(seed, columns, 2.0)
    model = DirectedModel(
        domain=models.domain(beliefs.tree.sizes),
        columns=models.unmerged(beliefs.tree.sizes),
        steps=steps_of(beliefs),
        total=1.0,
    )
    drawn = np.ones(beliefs.tree.sizes)
    for step in model.steps:
        table = step.table.reshape([beliefs.tree.sizes[c] for c in step.scope])
        drawn = drawn * spread(table, step.scope, columns)
    np.testing.assert_allclose(drawn, joint, atol=1e-9)


@given(seeds, st.integers(min_value=1, max_value=8))
def test_a_junction_tree_holds_every_clique_and_has_the_running_intersection(
    seed: int, columns: int
) -> None:
    sizes, cliques = problem(np.random.default_rng(seed), columns, 5)
    tree = junction_tree(sizes, cliques)
    assert sorted(c for bag in tree.bags for c in bag.rest) == list(range(columns))
    assert all(tree.home(clique) >= 0 for clique in cliques)
    for place, bag in enumerate(tree.bags[1:], start=1):
        assert bag.parent < place
        assert set(bag.separator) <= set(tree.bags[bag.parent].columns)
        assert not any(set(bag.columns) <= set(other.columns) for other in tree.bags[:place])
    assert tree.cells <= cells_with(sizes, cliques)


def observations(
    rng: np.random.Generator, sizes: list[int], cliques: list[Clique]
) -> list[Observed]:
    """Noisy counts of every column and clique."""
    wanted = [*((c,) for c in range(len(sizes))), *cliques]
    return [
        Observed(
            columns=clique,
            counts=rng.normal(50, 60, size=[sizes[c] for c in clique]),
            weight=np.full([sizes[c] for c in clique], 1 / rng.uniform(5, 50) ** 2),
        )
        for clique in wanted
    ]


def least_squares(sizes: list[int], observed: list[Observed], total: float) -> float:
    """The least loss over all joint distributions, by non-negative least squares."""
    rows, targets = [], []
    for seen in observed:
        for cell in product(*map(range, seen.counts.shape)):
            mask = np.zeros(sizes)
            where: list[int | slice] = [slice(None)] * len(sizes)
            for column, value in zip(seen.columns, cell, strict=True):
                where[column] = value
            mask[tuple(where)] = 1.0
            root = np.sqrt(seen.weight[cell])
            rows.append(mask.ravel() * root)
            targets.append(seen.counts[cell] * root)
    heavy = 1e4  # the sum is a constraint
    rows.append(np.full(int(np.prod(sizes)), heavy))
    targets.append(heavy * total)
    solution, _ = optimize.nnls(np.array(rows), np.array(targets), maxiter=10_000)
    return float(0.5 * ((np.array(rows) @ solution - np.array(targets)) ** 2).sum())


@settings(max_examples=40, deadline=None)
@given(seeds, st.integers(min_value=1, max_value=4))
def test_the_fit_is_nearest_of_all_distributions(seed: int, columns: int) -> None:
    rng = np.random.default_rng(seed)
    sizes, cliques = problem(rng, columns, 3)
    observed = observations(rng, sizes, cliques)
    total = 300.0
    found = estimate(
        junction_tree(sizes, cliques), observed, total, prior=1e-2, tolerance=1e-4, steps=3000
    )
    reached = sum(
        0.5 * float(((total * found.beliefs.within(s.columns) - s.counts) ** 2 * s.weight).sum())
        for s in observed
    )
    np.testing.assert_allclose(found.loss, reached, rtol=1e-6, atol=1e-6)
    best = least_squares(sizes, observed, total)
    assert best - 1e-3 <= reached <= best * 1.02 + 0.05


@settings(max_examples=40, deadline=None)
@given(seeds, st.integers(min_value=1, max_value=4), st.sampled_from([1.0, 30.0, 1000.0]))
def test_the_gap_is_true_and_a_warm_start_finds_the_same(
    seed: int, columns: int, prior: float
) -> None:
    rng = np.random.default_rng(seed)
    sizes, cliques = problem(rng, columns, 3)
    tree = junction_tree(sizes, cliques)
    observed = observations(rng, sizes, cliques)
    close = estimate(tree, observed, 300.0, prior=prior, tolerance=1e-9, steps=500)
    least = close.loss + prior * close.divergence
    assert close.gap <= 1e-6 * max(least, 1.0)
    for steps in (0, 1, 5):
        rough = estimate(tree, observed, 300.0, prior=prior, tolerance=0.0, steps=steps)
        value = rough.loss + prior * rough.divergence
        assert least - 1e-6 * max(least, 1) <= value
        assert value - rough.gap <= least + 1e-6 * max(least, 1)
    first = estimate(tree, observed[:columns], 300.0, prior=prior)
    warm = estimate(
        tree, observed, 300.0, prior=prior, tolerance=1e-9, steps=500, start=first.potentials
    )
    assert abs(warm.loss + prior * warm.divergence - least) <= 1e-6 * max(least, 1.0)


@given(
    st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=30), st.floats(min_value=1, max_value=1e6)
)
def test_a_projection_is_the_nearest_point_of_the_simplex(
    values: list[float], total: float
) -> None:
    wanted = np.array(values)
    found = project(wanted, total)
    assert found.min() >= 0
    np.testing.assert_allclose(found.sum(), total, rtol=1e-6)
    shift = wanted - found
    # Optimal: the shift is the same where something is left, and not above it elsewhere.
    kept = found > 0
    scale = max(1.0, float(np.abs(wanted).max()), total)
    assert np.ptp(shift[kept]) <= 1e-9 * scale
    assert (shift[~kept] <= shift[kept].min() + 1e-9 * scale).all()
