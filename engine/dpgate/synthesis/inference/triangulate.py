"""Junction trees: which tables an exact model over given cliques of columns needs.

Pure Python on public sizes, so that a model too large is refused before anything is measured.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import prod

Clique = tuple[int, ...]


@dataclass(frozen=True, kw_only=True)
class Bag:
    """One table of a junction tree.

    Attributes:
        parent: place of its parent in the tree; −1 for the first.
        separator: columns that it shares with its parent, in the parent's order.
        rest: its other columns, at least one; no earlier table holds them.
    """

    parent: int
    separator: Clique
    rest: Clique

    @property
    def columns(self) -> Clique:
        """Axes of its table: the separator's columns first."""
        return self.separator + self.rest


@dataclass(frozen=True, kw_only=True)
class JunctionTree:
    """Tables over maximal cliques of a triangulated graph, parents first.

    Each column is in the `rest` of exactly one bag, and all bags that hold it are connected
    (running intersection), so the bags in this order are a perfect elimination order reversed.
    """

    sizes: tuple[int, ...]
    bags: tuple[Bag, ...]

    @property
    def cells(self) -> int:
        """Cells of all tables together."""
        return sum(prod(self.sizes[c] for c in bag.columns) for bag in self.bags)

    def home(self, clique: Clique) -> int:
        """Place of the smallest bag that holds all of these columns, −1 if there is none."""
        wanted = set(clique)
        held = [place for place, bag in enumerate(self.bags) if wanted <= set(bag.columns)]
        return min(
            held, key=lambda p: prod(self.sizes[c] for c in self.bags[p].columns), default=-1
        )


def junction_tree(sizes: Sequence[int], cliques: Iterable[Clique]) -> JunctionTree:
    """A junction tree whose bags hold every clique, and every column.

    Args:
        sizes: cells of each column, ≥ 1.
        cliques: sets of columns that must lie within one bag.

    Returns:
        The smaller of two: eliminating by fewest new edges, and by fewest cells. Columns that
        nothing connects hang on the first bag with an empty separator.
    """
    graph = _graph(len(sizes), cliques)
    found = [_eliminate(sizes, graph, by_fill=by_fill) for by_fill in (False, True)]
    return _rooted(sizes, min(found, key=lambda bags: _cells(sizes, bags)))


def cells_with(sizes: Sequence[int], cliques: Iterable[Clique]) -> int:
    """Cells of a junction tree for these cliques: an upper bound on that of `junction_tree`."""
    return _cells(sizes, _eliminate(sizes, _graph(len(sizes), cliques), by_fill=False))


def _graph(columns: int, cliques: Iterable[Clique]) -> list[int]:
    """Neighbours of each column as bits of a number."""
    graph = [0] * columns
    for clique in cliques:
        together = sum(1 << column for column in clique)
        for column in clique:
            graph[column] |= together & ~(1 << column)
    return graph


def _eliminate(sizes: Sequence[int], graph: Sequence[int], *, by_fill: bool) -> list[int]:
    """Maximal cliques (bits) of the graph after greedy elimination."""
    links = list(graph)
    left = (1 << len(sizes)) - 1
    costs: dict[int, tuple[int, int]] = {}
    bags: list[int] = []
    while left:
        for column in _bits(left):
            if column not in costs:
                weight = prod(sizes[c] for c in _bits(links[column])) * sizes[column]
                fill = sum(
                    (links[column] & ~links[c]).bit_count() - 1 for c in _bits(links[column])
                )
                costs[column] = (fill, weight) if by_fill else (weight, fill)
        column = min(costs, key=lambda c: costs[c])
        around = links[column]
        bag = around | 1 << column
        if not any(bag & ~other == 0 for other in bags):
            bags.append(bag)
        del costs[column]
        left &= ~(1 << column)
        for c in _bits(around):
            grown = (links[c] | around) & left & ~(1 << c)
            if grown != links[c]:
                links[c] = grown
            # The fill of a neighbour's neighbours depends on these links too.
            for other in _bits(grown | 1 << c):
                costs.pop(other, None)
    return bags


@lru_cache(maxsize=2**16)
def _bits(number: int) -> tuple[int, ...]:
    """Places of the ones; the same few sets come again and again while candidates are tried."""
    found = []
    while number:
        low = number & -number
        found.append(low.bit_length() - 1)
        number ^= low
    return tuple(found)


def _cells(sizes: Sequence[int], bags: Iterable[int]) -> int:
    return sum(prod(sizes[c] for c in _bits(bag)) for bag in bags)


def _rooted(sizes: Sequence[int], cliques: Sequence[int]) -> JunctionTree:
    """Bags from the largest outward: a spanning tree of largest separators (Prim)."""
    waiting = set(cliques)
    first = max(cliques, key=lambda bag: (_cells(sizes, [bag]), -bag))
    placed = [first]
    bags = [Bag(parent=-1, separator=(), rest=_bits(first))]
    waiting.discard(first)
    best = dict.fromkeys(waiting, 0)
    while waiting:
        newest = len(placed) - 1
        for bag in waiting:
            if (bag & placed[newest]).bit_count() > (bag & placed[best[bag]]).bit_count():
                best[bag] = newest
        bag = max(waiting, key=lambda b: ((b & placed[best[b]]).bit_count(), -b))
        shared = bag & placed[best[bag]]
        around = bags[best[bag]].columns
        separator = tuple(c for c in around if shared >> c & 1)
        bags.append(Bag(parent=best[bag], separator=separator, rest=_bits(bag & ~shared)))
        placed.append(bag)
        waiting.discard(bag)
    return JunctionTree(sizes=tuple(sizes), bags=tuple(bags))
