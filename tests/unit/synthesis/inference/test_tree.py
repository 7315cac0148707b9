"""Rooting trees."""

from __future__ import annotations

import pytest

from dpgate.synthesis.inference.tree import Edge, rooted


def test_parents_come_first() -> None:
    assert rooted([(3, 1), (1, 0), (3, 2)], 4) == (Edge(0, 1), Edge(1, 3), Edge(3, 2))


def test_a_single_node_has_no_edges() -> None:
    assert rooted([], 1) == ()


@pytest.mark.parametrize("edges", [[(0, 1)], [(0, 1), (0, 1)], [(0, 1), (1, 2), (2, 0)]])
def test_what_is_no_tree_is_refused(edges: list[tuple[int, int]]) -> None:
    with pytest.raises(ValueError, match="do not make a tree over 3 nodes"):
        rooted(edges, 3)
