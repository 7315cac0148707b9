"""The tables that AIM chooses among, with their weights, from the manifest alone. No NumPy here."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from itertools import combinations
from math import prod

from dpgate.errors import SynthesisError
from dpgate.synthesis.inference.triangulate import Clique
from dpgate.synthesis.interface import Task

SCORE_UNIT = 16
"""Scores of the heaviest table count sixteenths of a record, so that fractions still show."""

_TARGET = 2
"""Weight of a pair that holds the target of a downstream model."""


@dataclass(frozen=True, kw_only=True)
class Candidates:
    """Tables of a workload.

    Attributes:
        units: for each clique (columns increasing) the steps per record of its scores, from 1 to
            `SCORE_UNIT`: its weight.
        required: cliques that are measured first, whatever they hold.
    """

    units: dict[Clique, int]
    required: tuple[Clique, ...]


def candidates(task: Task) -> Candidates:
    """All tables that matter for a task.

    Raises:
        SynthesisError: the workload names a column that is not released.
    """
    workload, names = task.workload, task.domain.names
    unknown = sorted(workload.named - set(names))
    if unknown:
        raise SynthesisError(
            f"the workload names columns that are not released: {', '.join(unknown)}",
            fix=f"columns of the release: {', '.join(names)}",
        )

    def clique(columns: tuple[str, ...]) -> Clique:
        return tuple(sorted(names.index(column) for column in columns))

    weights: dict[Clique, Decimal] = {}
    for order in range(2, workload.order + 1):
        for columns in combinations(names, order):
            heavy = order == 2 and workload.target in columns
            weights[clique(columns)] = Decimal(_TARGET if heavy else 1)
    if workload.target is not None:
        others = [name for name in names if name != workload.target]
        for pair in combinations(others, 2):
            weights.setdefault(clique((*pair, workload.target)), Decimal(1))
    for columns_of in weights:
        for column in columns_of:
            weights[columns_of] *= workload.weights.get(names[column], Decimal(1))
    for marginal in workload.marginals:
        weights[clique(marginal.columns)] = marginal.weight
    heaviest = max(weights.values(), default=Decimal(1))
    return Candidates(
        units={
            columns: max(1, round(SCORE_UNIT * weight / heaviest))
            for columns, weight in weights.items()
        },
        required=tuple(dict.fromkeys(clique(group) for group in workload.subgroups)),
    )


def cells(sizes: tuple[int, ...], columns: Clique) -> int:
    """Cells of one table."""
    return prod(sizes[column] for column in columns)
