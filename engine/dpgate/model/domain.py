"""Cells: the finite public domain that each column is counted in.

Everything here follows from the Dataset document alone. The mapping from a value to a cell is
total, so no row can make it fail (`dpgate.sources.encode` applies it):

- numbers are clamped to [min, max]; a missing, NaN or unreadable number goes to the null cell of
  a nullable column, else to the cell of min;
- a value that is not listed goes to `other` if the column names one, else to the null cell of a
  nullable column, else to the first listed value.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from dpgate.model.dataset import (
    BooleanColumn,
    Dataset,
    DomainColumn,
    IdentifierColumn,
    IntegerColumn,
    NumberColumn,
    Range,
    bound,
)


@dataclass(frozen=True, kw_only=True)
class ColumnDomain:
    """The cells of one column, numbered from 0; the null cell, if any, comes last."""

    name: str
    kind: Literal["integer", "number", "text", "whole", "boolean"]
    """How cells become values: a draw within a bin (`integer`, `number`), or a listed value
    (`text`, `whole`: listed integers, `boolean`)."""
    lows: tuple[int | float, ...] = ()
    """Bins only: lowest value of each bin, inclusive, increasing."""
    highs: tuple[int | float, ...] = ()
    """Bins only: highest value of each bin, inclusive."""
    values: tuple[str | int | bool, ...] = ()
    """Listed values only: the value of each cell."""
    fallback: int = 0
    """Cell of a value that is missing, unreadable or unlisted."""
    null: int | None = None
    """The null cell, if the column is nullable."""
    decimals: int = 0
    """Decimal places of released numbers."""

    @property
    def size(self) -> int:
        """Number of cells, the null cell included."""
        return len(self.lows or self.values) + (self.null is not None)


def column_domain(name: str, column: DomainColumn | IdentifierColumn) -> ColumnDomain:
    """The cells of a column, from its public description."""
    if isinstance(column, IdentifierColumn):
        raise TypeError(f"identifier column {name} has no domain")
    if isinstance(column, IntegerColumn | NumberColumn):
        return _binned(name, column)
    if isinstance(column, BooleanColumn):
        values: tuple[str | int | bool, ...] = (False, True)
        kind: Literal["text", "whole", "boolean"] = "boolean"
        other = None
    else:
        values = column.domain
        kind = "text" if isinstance(values[0], str) else "whole"
        other = None if column.other is None else column.domain.index(column.other)
    null = len(values) if column.nullable else None
    fallback = next((cell for cell in (other, null) if cell is not None), 0)
    return ColumnDomain(name=name, kind=kind, values=values, fallback=fallback, null=null)


def _binned(name: str, column: IntegerColumn | NumberColumn) -> ColumnDomain:
    whole = isinstance(column, IntegerColumn)
    edges = _edges(column.domain, whole=whole)
    lows = tuple(bound(edge) for edge in edges[:-1])
    highs: tuple[int | float, ...]
    if whole:
        highs = (*(int(edge) - 1 for edge in edges[1:-1]), int(edges[-1]))
    else:
        highs = tuple(bound(edge) for edge in edges[1:])
    null = len(lows) if column.nullable else None
    return ColumnDomain(
        name=name,
        kind="integer" if whole else "number",
        lows=lows,
        highs=highs,
        fallback=0 if null is None else null,
        null=null,
        decimals=0 if isinstance(column, IntegerColumn) else column.decimals,
    )


def _edges(domain: Range, *, whole: bool) -> tuple[Decimal, ...]:
    """Increasing edges from min to max; for whole numbers each edge opens a bin."""
    low, high, bins = domain.min, domain.max, domain.bins
    span = high - low
    if isinstance(bins, tuple):
        inner = list(bins[1:-1])
    elif bins == "each":
        return (*(low + step for step in range(int(span) + 1)), high)
    elif bins == "log":
        inner = [low + offset for offset in _log_offsets(span, whole=whole)]
    else:
        inner = [low + span * step / bins for step in range(1, bins)]
    if whole:
        inner = [edge.to_integral_value(rounding="ROUND_CEILING") for edge in inner]
    kept = [low]
    for edge in inner:
        if kept[-1] < edge < high:  # rounding to whole numbers can make edges meet
            kept.append(edge)
    return (*kept, high)


def _log_offsets(span: Decimal, *, whole: bool) -> list[Decimal]:
    """Offsets from min that grow by √2 (whole numbers, from 1) or by 1.35 (from span/1000)."""
    ratio, offset = (Decimal(2).sqrt(), Decimal(1)) if whole else (Decimal("1.35"), span / 1000)
    offsets: list[Decimal] = []
    while offset < span:
        offsets.append(round(offset, 9))
        offset *= ratio
    return offsets


@dataclass(frozen=True, kw_only=True)
class Domain:
    """The cells of several columns, in the order of the release."""

    columns: tuple[ColumnDomain, ...]

    def __len__(self) -> int:
        return len(self.columns)

    @property
    def names(self) -> tuple[str, ...]:
        """Column names in order."""
        return tuple(column.name for column in self.columns)

    @property
    def sizes(self) -> tuple[int, ...]:
        """Cells of each column in order."""
        return tuple(column.size for column in self.columns)


def domain_of(dataset: Dataset, names: tuple[str, ...]) -> Domain:
    """The domain of the named columns of a dataset."""
    columns = dataset.spec.columns
    return Domain(columns=tuple(column_domain(name, columns[name]) for name in names))
