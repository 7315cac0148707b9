"""From SmartNoise's graphical model (mbi) to ours."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import networkx as nx
import numpy as np
from mbi import junction_tree, marginal_oracles

from dpgate.errors import SynthesisError
from dpgate.model.domain import Domain
from dpgate.synthesis.sampling.directed import Coarsening, DirectedModel, Step

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.float64]


def directed(
    fitted: Any, domain: Domain, columns: Sequence[Coarsening], total: float
) -> DirectedModel:
    """The same distribution as a sequence of draws.

    Args:
        fitted: a `mbi.MarkovRandomField` over columns in the order of `domain`.
        domain: public cells.
        columns: how cells were merged.
        total: number of private records that the model may state, ≥ 0.

    Raises:
        SynthesisError: the estimation diverged.

    Privacy:
        Post-processing. A junction tree is walked from its root: the columns of a clique that
        its parent lacks are drawn one after the other, given all others of the clique before.
    """
    tree = junction_tree.make_junction_tree(fitted.domain, fitted.cliques)[0]
    cliques = junction_tree.maximal_cliques(tree)
    before = {child: set(parent) for parent, child in nx.dfs_edges(tree)}
    marginals = _marginals(fitted, cliques)
    steps: list[Step] = []
    for clique, marginal in zip(cliques, marginals, strict=True):
        known = [c for c in clique if c in before.get(clique, ())]
        order = known + [c for c in clique if c not in known]
        table = marginal.transpose([clique.index(column) for column in order])
        places = fitted.domain.axes(order)
        steps += [_step(table, places, drawn) for drawn in range(len(known), len(order))]
    return DirectedModel(domain=domain, columns=tuple(columns), steps=tuple(steps), total=total)


def _marginals(fitted: Any, cliques: Sequence[tuple[str, ...]]) -> list[Array]:
    """A table for each clique of the junction tree, its columns in order."""
    held = fitted.marginals
    if not all(held.supports(clique) for clique in cliques):
        # Filling in made cliques larger than the measured ones.
        held = marginal_oracles.message_passing_stable(fitted.potentials.expand(list(cliques)))
    tables = [np.array(held.project(c).datavector(flatten=False), dtype=float) for c in cliques]
    if not all(np.isfinite(table).all() for table in tables):
        raise SynthesisError("the estimation of the library diverged; its cost is spent")
    return tables


def _step(table: Array, places: tuple[int, ...], drawn: int) -> Step:
    """The column at `drawn`, given those before it, from a table over it and more columns."""
    joint = table.sum(axis=tuple(range(drawn + 1, table.ndim)))
    lines = joint.reshape(-1, joint.shape[-1])
    mass = lines.sum(axis=1, keepdims=True)
    even = np.full(lines.shape, 1.0 / lines.shape[1])  # lines that no row reaches
    shares = np.divide(lines, mass, out=even, where=mass > 0)
    return Step(column=places[drawn], parents=tuple(places[:drawn]), table=shares)
