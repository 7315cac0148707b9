"""All marginals of an order, in batches that fit."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dpgate.errors import EvidenceError
from dpgate.evidence.marginals import CELLS_PER_BATCH, batches, marginals
from dpgate.model.domain import ColumnDomain, Domain


def domain(*sizes: int) -> Domain:
    return Domain(
        columns=tuple(
            ColumnDomain(name=f"c{i}", kind="whole", values=tuple(range(size)))
            for i, size in enumerate(sizes)
        )
    )


def test_marginals_are_all_sets_of_columns() -> None:
    assert marginals(domain(2, 3, 4), 1) == ((0,), (1,), (2,))
    assert marginals(domain(2, 3, 4), 2) == ((0, 1), (0, 2), (1, 2))


@pytest.mark.parametrize("order", [0, 3, -1])
def test_an_order_that_the_columns_cannot_have_is_refused(order: int) -> None:
    with pytest.raises(EvidenceError, match=f"order {order} over 2 columns"):
        marginals(domain(2, 3), order)


def test_a_marginal_too_large_to_count_is_named_when_planning() -> None:
    big = domain(6_000, 2, 6_000)
    assert len(marginals(big, 1)) == 3
    with pytest.raises(EvidenceError, match="c0, c2 has 36000000 cells"):
        marginals(big, 2)


@given(st.lists(st.integers(1, 4_096), min_size=2, max_size=12))
def test_batches_keep_order_and_stay_within_bounds(sizes: list[int]) -> None:
    space = domain(*sizes)
    cliques = marginals(space, 2)
    parts = list(batches(space, cliques))
    assert tuple(clique for part in parts for clique in part) == cliques
    cells = [sum(math.prod(space.sizes[c] for c in clique) for clique in part) for part in parts]
    assert all(n <= CELLS_PER_BATCH or len(p) == 1 for n, p in zip(cells, parts, strict=True))
    # No batch could have taken the next one's first clique as well.
    first = [math.prod(space.sizes[c] for c in part[0]) for part in parts]
    assert all(n + f > CELLS_PER_BATCH for n, f in zip(cells, first[1:], strict=False))


def test_no_clique_is_no_batch() -> None:
    assert list(batches(domain(2), ())) == []
