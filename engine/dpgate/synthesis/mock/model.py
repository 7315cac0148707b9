"""A random sparse directed model over public cells: a column depends on two others at most."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
from typing import TYPE_CHECKING

import numpy as np

from dpgate.model.domain import Domain
from dpgate.synthesis.mock.shape import levels, tilted, weights

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from dpgate.synthesis.mock.shape import Levels, Table

    Cells = NDArray[np.int64]

_PARENTS = (0.1, 0.45, 0.45)
"""How often a column depends on none, one or two others."""


@dataclass(frozen=True, kw_only=True)
class Node:
    """One column.

    Attributes:
        column: index in the domain.
        parents: what it depends on, by index: given columns first, then those of the domain.
        upto: cumulative shares of its cells; a line for each combination of the parents' levels,
            the last parent fastest.
    """

    column: int
    parents: tuple[int, ...]
    upto: Table


@dataclass(frozen=True, kw_only=True)
class MockModel:
    """Invented dependence of columns.

    Attributes:
        domain: public cells.
        levels: the level of each cell, of given columns first, then of the domain's.
        nodes: one for each column of the domain, parents first.
    """

    domain: Domain
    levels: tuple[Levels, ...]
    nodes: tuple[Node, ...]

    @classmethod
    def invented(
        cls,
        domain: Domain,
        ordered: frozenset[str],
        rng: np.random.Generator,
        given: Sequence[Levels] = (),
    ) -> MockModel:
        """A model that follows from the arguments alone.

        Args:
            domain: public cells.
            ordered: columns whose neighbouring cells are alike.
            rng: source of randomness.
            given: levels of further columns that these may depend on.
        """
        columns = domain.columns
        shares = [weights(c, rng, ordered=c.name in ordered) for c in columns]
        known = [
            *given,
            *(
                levels(c, share, rng, ordered=c.name in ordered)
                for c, share in zip(columns, shares, strict=True)
            ),
        ]
        before = list(range(len(given)))
        nodes = []
        for place in (int(p) for p in rng.permutation(len(columns))):
            wanted = min(len(before), int(rng.choice(len(_PARENTS), p=_PARENTS)))
            parents = (
                tuple(int(p) for p in rng.choice(before, wanted, replace=False)) if before else ()
            )
            lines = prod(int(known[parent].max()) + 1 for parent in parents)
            column = columns[place]
            table = tilted(shares[place], column, lines, rng, ordered=column.name in ordered)
            nodes.append(Node(column=place, parents=parents, upto=np.cumsum(table, axis=1)))
            before.append(len(given) + place)
        return cls(domain=domain, levels=tuple(known), nodes=tuple(nodes))

    def cells(
        self, rows: int, rng: np.random.Generator, given: Sequence[Cells] = ()
    ) -> list[Cells]:
        """Cells of every column of the domain, for so many rows.

        Args:
            rows: ≥ 0.
            rng: source of randomness.
            given: cells of the given columns, one for each row.
        """
        drawn: dict[int, Cells] = dict(enumerate(given))
        first = len(given)
        for node in self.nodes:
            line = np.zeros(rows, dtype=np.int64)
            for parent in node.parents:
                line = line * (int(self.levels[parent].max()) + 1)
                line += self.levels[parent][drawn[parent]]
            drawn[first + node.column] = _drawn(line, node.upto, rng.random(rows))
        return [drawn[first + place] for place in range(len(self.domain))]


def _drawn(line: Cells, upto: Table, chance: Table) -> Cells:
    """The cell of each row, by its line and its chance."""
    found = np.zeros(len(line), dtype=np.int64)
    for number, shares in enumerate(upto):
        rows = np.flatnonzero(line == number)
        found[rows] = np.searchsorted(shares, chance[rows] * shares[-1], side="right")
    kept: Cells = np.minimum(found, upto.shape[1] - 1)
    return kept
