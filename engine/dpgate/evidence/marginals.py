"""The marginals that evidence looks at, and reading them in bounded memory."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence

from dpgate.errors import EvidenceError
from dpgate.model.domain import Domain

CELLS_PER_BATCH = 2**23
"""Cells counted in one pass over the data: 64 MiB of counts."""
CELLS_PER_MARGINAL = 2**24
"""A marginal above this is refused when planning: 128 MiB of counts, a few times over at work."""

Clique = tuple[int, ...]


def marginals(domain: Domain, order: int) -> tuple[Clique, ...]:
    """All sets of `order` columns, by index, in a fixed order.

    Raises:
        EvidenceError: there are fewer columns, or one marginal has too many cells to count.
    """
    if not 1 <= order <= len(domain):
        raise EvidenceError(f"no marginals of order {order} over {len(domain)} columns")
    largest = sorted(range(len(domain)), key=lambda column: -domain.sizes[column])[:order]
    cells = math.prod(domain.sizes[column] for column in largest)
    if cells > CELLS_PER_MARGINAL:
        names = ", ".join(domain.names[column] for column in sorted(largest))
        raise EvidenceError(
            f"the marginal of {names} has {cells} cells; {CELLS_PER_MARGINAL} can be measured",
            fix="declare fewer bins or categories, or drop the utility threshold of this order",
        )
    return tuple(itertools.combinations(range(len(domain)), order))


def batches(domain: Domain, cliques: Sequence[Clique]) -> Iterator[tuple[Clique, ...]]:
    """The cliques in order, cut so that each batch stays within `CELLS_PER_BATCH` cells.

    A clique with more cells than that is a batch of its own.
    """
    batch: list[Clique] = []
    filled = 0
    for clique in cliques:
        cells = math.prod(domain.sizes[column] for column in clique)
        if batch and filled + cells > CELLS_PER_BATCH:
            yield tuple(batch)
            batch, filled = [], 0
        batch.append(clique)
        filled += cells
    if batch:
        yield tuple(batch)
