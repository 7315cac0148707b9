"""Inference on trees against brute force over every cell of the joint distribution."""

from __future__ import annotations

from itertools import product

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import optimize

from dpgate.synthesis.inference.descent import Observed, fit
from dpgate.synthesis.inference.simplex import project
from dpgate.synthesis.inference.tree import Edge, Potentials, marginals, rooted

seeds = st.integers(min_value=0, max_value=2**32 - 1)


def random_tree(rng: np.random.Generator, nodes: int) -> tuple[Edge, ...]:
    edges = [(int(rng.integers(0, node)), node) for node in range(1, nodes)]
    names = rng.permutation(nodes)
    return rooted([(int(names[a]), int(names[b])) for a, b in edges], nodes)


def brute(
    tree: tuple[Edge, ...], sizes: list[int], potentials: Potentials
) -> tuple[list[np.ndarray], list[np.ndarray]]:
    joint = np.zeros(sizes)
    for cell in product(*map(range, sizes)):
        joint[cell] = sum(t[c] for t, c in zip(potentials.nodes, cell, strict=True)) + sum(
            t[cell[e.parent], cell[e.child]] for e, t in zip(tree, potentials.edges, strict=True)
        )
    joint = np.exp(joint - joint.max())
    joint /= joint.sum()

    def onto(*axes: int) -> np.ndarray:
        table = joint.sum(axis=tuple(a for a in range(len(sizes)) if a not in axes))
        return np.asarray(table if list(axes) == sorted(axes) else table.T)

    return [onto(n) for n in range(len(sizes))], [onto(e.parent, e.child) for e in tree]


@given(seeds, st.integers(min_value=1, max_value=5), st.sampled_from([0.1, 3.0, 300.0]))
def test_marginals_are_those_of_the_joint(seed: int, nodes: int, strength: float) -> None:
    rng = np.random.default_rng(seed)
    tree = random_tree(rng, nodes)
    sizes = [int(size) for size in rng.integers(1, 5, nodes)]
    potentials = Potentials(
        tuple(rng.normal(size=size) * strength for size in sizes),
        tuple(rng.normal(size=(sizes[e.parent], sizes[e.child])) * strength for e in tree),
    )
    ours = marginals(tree, potentials)
    node_tables, edge_tables = brute(tree, sizes, potentials)
    for mine, table in zip((*ours.nodes, *ours.edges), (*node_tables, *edge_tables), strict=True):
        np.testing.assert_allclose(mine, table, atol=1e-9)
    for edge, joint, given_ in zip(tree, ours.edges, ours.conditionals, strict=True):
        np.testing.assert_allclose(given_.sum(axis=1), 1.0)
        np.testing.assert_allclose(ours.nodes[edge.parent][:, None] * given_, joint, atol=1e-12)


def least_squares(
    shapes: list[tuple[int, ...]],
    axes: list[tuple[int, ...]],
    sizes: list[int],
    observed: list[Observed],
    total: float,
) -> float:
    """The least loss over all joint distributions, by non-negative least squares."""
    rows, targets = [], []
    for shape, axis, seen in zip(shapes, axes, observed, strict=True):
        weight = np.sqrt(np.broadcast_to(seen.weight, shape))
        for cell in product(*map(range, shape)):
            mask = np.zeros(sizes)
            where: list[int | slice] = [slice(None)] * len(sizes)
            for a, value in zip(axis, cell, strict=True):
                where[a] = value
            mask[tuple(where)] = 1.0
            rows.append(mask.ravel() * weight[cell])
            targets.append(seen.counts[cell] * weight[cell])
    heavy = 1e4  # the sum is a constraint
    rows.append(np.full(int(np.prod(sizes)), heavy))
    targets.append(heavy * total)
    solution, _ = optimize.nnls(np.array(rows), np.array(targets), maxiter=10_000)
    return float(0.5 * ((np.array(rows) @ solution - np.array(targets)) ** 2).sum())


@settings(max_examples=25, deadline=None)
@given(seeds, st.integers(min_value=2, max_value=3))
def test_the_fit_is_nearest_of_all_distributions(seed: int, nodes: int) -> None:
    rng = np.random.default_rng(seed)
    tree = random_tree(rng, nodes)
    sizes = [int(size) for size in rng.integers(1, 4, nodes)]
    axes: list[tuple[int, ...]] = [(n,) for n in range(nodes)]
    axes += [(e.parent, e.child) for e in tree]
    shapes = [tuple(sizes[a] for a in axis) for axis in axes]
    observed = [
        Observed(
            counts=rng.normal(50, 60, size=shape),
            weight=np.full(shape, 1 / rng.uniform(5, 50) ** 2),
        )
        for shape in shapes
    ]
    total = 300.0
    fitted = fit(tree, observed[:nodes], observed[nodes:], total, progress=lambda done: None)
    reached = sum(
        0.5 * float(((total * table - seen.counts) ** 2 * seen.weight).sum())
        for table, seen in zip((*fitted.nodes, *fitted.edges), observed, strict=True)
    )
    best = least_squares(shapes, axes, sizes, observed, total)
    assert reached <= best * 1.05 + 0.05
    assert all(np.isfinite(t).all() for t in (*fitted.nodes, *fitted.edges))


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
