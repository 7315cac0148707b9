"""The marginal of any columns, also of those that lie in no bag together."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from dpgate.synthesis.inference.propagate import Beliefs
from dpgate.synthesis.inference.triangulate import Clique

if TYPE_CHECKING:
    from dpgate.synthesis.inference.propagate import Table


def marginal(beliefs: Beliefs, wanted: Clique) -> Table:
    """Exact probabilities, axes in the order wanted.

    Args:
        beliefs: of any junction tree.
        wanted: columns, all different. Those that share no bag are brought together by
            eliminating bags from the leaves; tables of separator × wanted columns must fit.

    Privacy:
        Post-processing.
    """
    if beliefs.tree.home(wanted) >= 0:
        return beliefs.within(wanted)
    bags = beliefs.tree.bags
    messages: dict[int, list[tuple[Clique, Table]]] = {}
    for place in range(len(bags) - 1, -1, -1):
        bag = bags[place]
        below = messages.pop(place, [])
        found = [c for c in wanted if c in bag.rest or any(c in columns for columns, _ in below)]
        kept = (*bag.separator, *(c for c in found if c not in bag.separator))
        if not place:
            return _product([(bag.columns, beliefs.joints[0]), *below], wanted)
        if len(kept) > len(bag.separator):
            factors = [(bag.columns, beliefs.conditionals[place]), *below]
            messages.setdefault(bag.parent, []).append((kept, _product(factors, kept)))
    raise ValueError("a junction tree has at least one bag")


def _product(factors: list[tuple[Clique, Table]], kept: Clique) -> Table:
    """Factors multiplied, and summed over the columns that are not kept."""
    label = {
        c: n for n, c in enumerate(dict.fromkeys(c for columns, _ in factors for c in columns))
    }
    given: list[Any] = []
    for columns, table in factors:
        given += [table, [label[c] for c in columns]]
    return np.asarray(np.einsum(*given, [label[c] for c in kept], optimize=True))
