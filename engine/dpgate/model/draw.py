"""What a draw from a kept model was asked for: rows, conditions, balance. Public values alone."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Annotated, Literal, Required, TypedDict

from pydantic import Field, StrictInt, model_validator

from dpgate.model.formats import Formats
from dpgate.model.values import ColumnName, Frozen

Operator = Literal["=", "!=", ">=", ">", "<=", "<"]
Value = Annotated[str, Field(max_length=500)]
"""A value as text; empty for a missing one."""

_WRITTEN = re.compile(r"\s*([A-Za-z_][A-Za-z0-9_]*)\s*(>=|<=|!=|=|>|<)(.*)", re.DOTALL)


class Restriction(Frozen):
    """What every row must satisfy."""

    column: ColumnName
    operator: Operator
    values: Annotated[tuple[Value, ...], Field(min_length=1, max_length=10_000)]
    """`=`: one of them; `!=`: none of them; else the one bound."""

    @model_validator(mode="after")
    def _bounded(self) -> Restriction:
        if self.operator not in ("=", "!=") and len(self.values) != 1:
            raise ValueError(f"{self.column} {self.operator} takes one bound")
        if len(set(self.values)) != len(self.values):
            raise ValueError(f"{self.column} {self.operator}: values are given once each")
        return self

    def __str__(self) -> str:
        return f"{self.column}{self.operator}{'|'.join(self.values)}"


class Balance(Frozen):
    """A column whose values get as many rows each."""

    column: ColumnName
    values: Annotated[tuple[Value, ...], Field(max_length=1_000)] = ()
    """Those of its values (bins: none can be listed); if empty, all but missing ones."""

    def __str__(self) -> str:
        return f"{self.column}={'|'.join(self.values)}" if self.values else self.column


class Draw(Frozen):
    """One draw."""

    rows: Annotated[StrictInt, Field(ge=1, le=10**10)]
    where: Annotated[tuple[Restriction, ...], Field(max_length=100)] = ()
    """All of them hold for every row."""
    balance: Balance | None = None
    formats: Formats

    @property
    def representative(self) -> bool:
        """Whether the rows stand for the whole population, as those of the release do."""
        return not self.where and self.balance is None


class Asked(TypedDict, total=False):
    """A draw as people ask for it."""

    rows: Required[int]
    """1 to 10^10."""
    where: Sequence[str]
    """Conditions that every row satisfies: ``health=poor|fair``, ``income>=20000``."""
    balance: str | None
    """A column whose values get as many rows each: ``health``, or ``health=poor|fair``."""
    formats: Sequence[str]
    """Of the files; those of the release if empty."""


def parse(asked: Asked, formats: Sequence[str]) -> Draw:
    """A draw as people ask for it.

    Args:
        asked: rows, conditions, balance and formats.
        formats: those of the release, where none are asked for.

    Raises:
        ValueError: it cannot be meant so.
    """
    balance = asked.get("balance")
    given = {
        "rows": asked["rows"],
        "where": tuple(map(parse_condition, asked.get("where", ()))),
        "balance": None if balance is None else parse_balance(balance),
        "formats": tuple(asked.get("formats", ())) or tuple(formats),
    }
    return Draw.model_validate(given)


def parse_condition(text: str) -> Restriction:
    """A condition as people write it: `health=poor`, `health=poor|fair`, `income>=20000`.

    Raises:
        ValueError: it is not of that form.
    """
    found = _WRITTEN.fullmatch(text)
    if found is None:
        raise ValueError(f"{text!r} is no condition: expected COLUMN=VALUE, COLUMN>=VALUE, …")
    column, operator, rest = found.groups()
    values = rest.split("|") if operator in ("=", "!=") else [rest]
    given = {"column": column, "operator": operator, "values": tuple(v.strip() for v in values)}
    return Restriction.model_validate(given)


def parse_balance(text: str) -> Balance:
    """A balanced column as people write it: `health`, or `health=poor|fair`.

    Raises:
        ValueError: it is not of that form.
    """
    column, given, rest = text.partition("=")
    values = tuple(value.strip() for value in rest.split("|")) if given else ()
    if len(set(values)) != len(values):
        raise ValueError(f"{column}: values are given once each")
    return Balance(column=column.strip(), values=values)
