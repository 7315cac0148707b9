"""What the released rows will be used for, so that a synthesizer can spend its budget there."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, field_validator

from dpgate.model.values import ColumnName, Frozen, Positive, exactly

_HEAVIEST = 1000

Weight = Annotated[Positive, Field(le=_HEAVIEST)]


class Marginal(Frozen):
    """One table that matters."""

    columns: Annotated[tuple[ColumnName, ...], Field(min_length=2, max_length=3)]
    weight: Weight

    @field_validator("columns")
    @classmethod
    def _once(cls, columns: tuple[str, ...]) -> tuple[str, ...]:
        return _distinct(columns)


Subgroup = Annotated[tuple[ColumnName, ...], Field(min_length=2, max_length=4)]


class Workload(Frozen):
    """The tables that should come out right, and how much each matters.

    Left out, all pairs of columns matter alike.
    """

    order: Annotated[Literal[2, 3], exactly(int)] = 2
    """All tables of up to so many columns matter."""
    weights: dict[ColumnName, Weight] = Field(default_factory=dict)
    """Columns that matter more (or less) than 1; a table's weight is the product of its columns'."""
    target: ColumnName | None = None
    """What a downstream model predicts: its pairs weigh twice, and its tables with two other
    columns matter too."""
    subgroups: tuple[Subgroup, ...] = ()
    """Combinations of columns that are measured whatever they hold, before anything is chosen."""
    marginals: tuple[Marginal, ...] = ()
    """Tables with a weight of their own."""

    @field_validator("subgroups")
    @classmethod
    def _once(cls, subgroups: tuple[tuple[str, ...], ...]) -> tuple[tuple[str, ...], ...]:
        return tuple(_distinct(subgroup) for subgroup in subgroups)

    @property
    def named(self) -> frozenset[str]:
        """Every column that it mentions."""
        target = () if self.target is None else (self.target,)
        tables = (*self.subgroups, *(marginal.columns for marginal in self.marginals))
        return frozenset((*self.weights, *target, *(name for table in tables for name in table)))


def _distinct(columns: tuple[str, ...]) -> tuple[str, ...]:
    if len(set(columns)) != len(columns):
        raise ValueError("a table must name each column once")
    return columns
