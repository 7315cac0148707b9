"""Which columns a measure is about, and what their cells stand for on a line; from public documents.

*Ordered* columns are integers, numbers, decimals, dates, timestamps and ordinals. *Listed* ones are
categories, booleans and postal codes. A measure that is told no columns takes all of its kind. Told
some, it also takes a boolean for an ordered column (false before true), and an ordinal for a listed one.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from fractions import Fraction

from dpgate.errors import EvidenceError
from dpgate.evidence.marginals import CELLS_PER_MARGINAL, Clique
from dpgate.evidence.measures.interface import Scene
from dpgate.model.columns import DecimalColumn, IntegerColumn, NumberColumn
from dpgate.model.domain import ColumnDomain
from dpgate.model.grid import NumericColumn

ORDERED = ("integer", "number", "decimal", "date", "timestamp", "ordinal")
LISTED = ("category", "boolean", "zip")


def type_of(scene: Scene, name: str) -> str:
    """A column's type as its dataset says it; of the number of joined rows, `integer`."""
    column = scene.dataset.spec.columns.get(name)
    return scene.domain.columns[scene.place(name)].kind if column is None else column.type


def place_of(scene: Scene, name: str) -> int:
    """Index of a column in the domain.

    Raises:
        EvidenceError: it is not learned, so that there are no cells to count.
    """
    if name not in scene.domain.names:
        raise EvidenceError(
            f"{name} is no column that the release learns",
            fix=f"name one of {', '.join(scene.domain.names)}",
        )
    return scene.place(name)


def ordered(scene: Scene, names: Sequence[str] | None, metric: str) -> tuple[int, ...]:
    """Indices of the ordered columns that are named, or of all.

    Raises:
        EvidenceError: one has no order, or there are none.
    """
    fix = f"leave it out of {metric}, use chi_square for it, or declare it as ordinal"
    return _chosen(scene, names, ORDERED, (*ORDERED, "boolean"), f"{metric} needs an order", fix)


def listed(scene: Scene, names: Sequence[str] | None, metric: str) -> tuple[int, ...]:
    """Indices of the listed columns that are named, or of all.

    Raises:
        EvidenceError: one has bins, or there are none.
    """
    fix = f"leave it out of {metric}, and use ks or wasserstein for it"
    return _chosen(scene, names, LISTED, (*LISTED, "ordinal"), f"{metric} needs a list", fix)


def _chosen(
    scene: Scene,
    names: Sequence[str] | None,
    usual: Sequence[str],
    possible: Sequence[str],
    needs: str,
    fix: str,
) -> tuple[int, ...]:
    if names is None:
        found = tuple(
            p for p, name in enumerate(scene.domain.names) if type_of(scene, name) in usual
        )
        if not found:
            raise EvidenceError(
                f"{needs} of values, and none of {', '.join(scene.domain.names)} has one",
                fix=f"drop the threshold, or release a column that is {' or '.join(usual)}",
            )
        return found
    places = tuple(place_of(scene, name) for name in names)
    for name in names:
        if type_of(scene, name) not in possible:
            raise EvidenceError(f"{needs} of values, and {name} is {type_of(scene, name)}", fix=fix)
    return places


def values_of(column: ColumnDomain) -> int:
    """Cells of a column that hold values: all but the null cell."""
    return len(column.lows or column.values)


def pairs(scene: Scene, places: Sequence[int], metric: str) -> tuple[Clique, ...]:
    """All pairs of those columns that have two values at least.

    Raises:
        EvidenceError: there are none, or one has too many cells to count.
    """
    domain = scene.domain
    varied = [place for place in places if values_of(domain.columns[place]) > 1]
    if len(varied) < 2:
        raise EvidenceError(
            f"{metric} needs two columns that can vary; found {len(varied)}",
            fix="name at least two columns with two values or bins each",
        )
    found = tuple(itertools.combinations(sorted(varied), 2))
    for pair in found:
        fits(scene, pair, metric)
    return found


def fits(
    scene: Scene, places: Sequence[int], metric: str, at_most: int = CELLS_PER_MARGINAL
) -> int:
    """Cells of one table.

    Raises:
        EvidenceError: too many to count.
    """
    cells = math.prod(scene.domain.sizes[place] for place in places)
    if cells > at_most:
        names = ", ".join(scene.domain.names[place] for place in places)
        raise EvidenceError(
            f"{metric}: the table of {names} has {cells} cells; {at_most} can be measured",
            fix="declare fewer bins or categories, or name fewer columns",
        )
    return cells


def numeric(scene: Scene, name: str, metric: str, table: str | None) -> NumericColumn:
    """The description of a column whose values can be added up.

    Args:
        scene: public documents.
        name: of the column.
        metric: for messages.
        table: which of two tables.

    Raises:
        EvidenceError: it is not of numbers, or another table's, known by its cells alone.
    """
    place_of(scene, name)
    spec = scene.dataset.spec
    column, joined = spec.columns.get(name), spec.joined
    if joined is not None and table == joined.table and name not in joined.columns:
        raise EvidenceError(
            f"{metric}: {name} is of the persons; beside {table} its cells are known, not its values",
            fix=f"name a column of {table}, or use rate or quantile",
        )
    if not isinstance(column, IntegerColumn | NumberColumn | DecimalColumn):
        raise EvidenceError(
            f"{metric} needs numbers, and {name} is {type_of(scene, name)}"
            if column
            else f"{metric}: {name} is a number of rows, of which there are counts but no sums",
            fix="name an integer, number or decimal column; for others there are rate and quantile",
        )
    return column


def positions(column: ColumnDomain) -> tuple[Fraction, ...]:
    """Where the value cells of an ordered column lie: middles of bins, ranks of listed values."""
    if column.lows:
        return tuple(
            (Fraction(low) + Fraction(high)) / 2
            for low, high in zip(column.lows, column.highs, strict=True)
        )
    return tuple(Fraction(rank) for rank in range(len(column.values)))
