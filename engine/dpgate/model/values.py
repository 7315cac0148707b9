"""Base classes and exact values that all documents and records share."""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass
from decimal import Decimal
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    WithJsonSchema,
)
from pydantic_core import PydanticKnownError

API_VERSION = "dpgate/v1"


@dataclass(frozen=True, kw_only=True)
class Key:
    """What one result of evidence is found by.

    Attributes:
        metric: what was measured.
        order: number of columns of each marginal, of metrics that have one.
        about: what tells it apart from others of its metric.
        table: which of two tables.
    """

    metric: str
    order: int | None = None
    about: str | None = None
    table: str | None = None

    def __str__(self) -> str:
        parts = [self.metric]
        parts += [] if self.order is None else [f"of order {self.order}"]
        parts += [] if self.about is None else [f"({self.about})"]
        parts += [] if self.table is None else [f"of {self.table}"]
        return " ".join(parts)


class Frozen(BaseModel):
    """An immutable model in which unknown keys and silent conversions are errors."""

    model_config = ConfigDict(
        defer_build=True,  # a command builds only the models that it uses
        frozen=True,
        extra="forbid",
        strict=True,
        use_attribute_docstrings=False,
        populate_by_name=True,
    )


def _decimal(value: Any) -> Any:
    """Integers and decimals become Decimal; a string is read only if it is one of ours."""
    if isinstance(value, bool):
        return value
    if isinstance(value, int):
        return Decimal(value)
    return value


_DIGITS = re.compile(r"[0-9]{1,40}(\.[0-9]{1,60})?")


def _recorded(value: Any) -> Any:
    """Records hold decimals as strings (JSON numbers are binary floats in most readers)."""
    if isinstance(value, str) and _DIGITS.fullmatch(value):
        return Decimal(value)
    return value


def plain(value: Decimal) -> str:
    """A decimal as plain digits without exponent or trailing zeros: ``0.000001``, ``20``."""
    text = format(value, "f")
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return text or "0"


def short(value: Decimal) -> str:
    """A decimal for people: plain digits, or ``1e-6`` where those would be mostly zeros."""
    if value and abs(value) < Decimal("0.001"):
        digits, _, exponent = format(value.normalize(), "e").partition("e")
        return f"{digits}e{int(exponent)}"
    return plain(value)


def counted(number: int, noun: str) -> str:
    """A number and what it counts: ``1 approval``, ``2 approvals``."""
    return f"{number} {noun}{'s' * (number != 1)}"


def plus_bits(bits: int) -> str:
    """What stands beside every ε of a release whose thresholds without noise let out so many bits."""
    return f" plus {counted(bits, 'unprotected bit')}" if bits else ""


def _date(value: Any) -> Any:
    if isinstance(value, str) and re.fullmatch(r"\d{4}-\d{2}-\d{2}", value):
        return dt.date.fromisoformat(value)
    return value


def exactly(kind: type[int | bool]) -> BeforeValidator:
    """For literals: equal is not enough, since in Python True == 1 == Decimal("1.0")."""

    def check(value: Any) -> Any:
        if type(value) is not kind:
            raise PydanticKnownError("int_type" if kind is int else "bool_type")
        return value

    return BeforeValidator(check)


_AS_TEXT = PlainSerializer(plain, return_type=str, when_used="json")

Number = Annotated[
    Decimal,
    BeforeValidator(_decimal),
    Field(allow_inf_nan=False),
    _AS_TEXT,
    WithJsonSchema({"type": "number"}),
]
"""A finite exact decimal, read from the document's own text."""

Positive = Annotated[
    Decimal,
    BeforeValidator(_decimal),
    Field(gt=0, allow_inf_nan=False),
    _AS_TEXT,
    WithJsonSchema({"type": "number", "exclusiveMinimum": 0}),
]
"""A finite exact decimal above zero."""

Probability = Annotated[
    Decimal,
    BeforeValidator(_decimal),
    Field(gt=0, lt=1, allow_inf_nan=False),
    _AS_TEXT,
    WithJsonSchema({"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 1}),
]
"""An exact decimal strictly between 0 and 1 (a δ)."""

Share = Annotated[
    Decimal,
    BeforeValidator(_decimal),
    Field(ge=0, lt=1, allow_inf_nan=False),
    _AS_TEXT,
    WithJsonSchema({"type": "number", "minimum": 0, "exclusiveMaximum": 1}),
]
"""A part of a whole, in [0, 1)."""

Recorded = Annotated[
    Decimal,
    Field(ge=0, allow_inf_nan=False),  # before the next, so that pydantic-core checks it itself
    BeforeValidator(_recorded),
    _AS_TEXT,
    WithJsonSchema({"type": "string", "pattern": r"^\d{1,40}(\.\d{1,60})?$"}),
]
"""A non-negative exact decimal, kept as a string of plain digits in records."""

Date = Annotated[
    dt.date, BeforeValidator(_date), WithJsonSchema({"type": "string", "format": "date"})
]

Name = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9._-]{0,62}$")]
"""Names of datasets, releases, roles, purposes, recipients: lower case, digits, ``. _ -``."""

ReleaseId = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9._-]{0,62}/[a-z0-9][a-z0-9._-]{0,62}$")]
"""``dataset/release``."""

ColumnName = Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]{0,62}$")]

Region = Annotated[str, Field(pattern=r"^[A-Z]{2}$")]
"""ISO 3166 code of a country."""

Text = Annotated[str, Field(min_length=1, max_length=500)]


def printable(text: str) -> bool:
    """Whether a text is one line for people, safe on every terminal, as records may hold it."""
    return 1 <= len(text) <= 500 and text.isprintable()


Digest = Annotated[str, Field(pattern=r"^sha256:[0-9a-f]{64}$")]
"""``sha256:`` and 64 hexadecimal digits."""

Relation = Annotated[str, Field(pattern=r"^(add-remove|replace-one)$")]
"""Neighboring relation: ``add-remove`` (one row more or less) or ``replace-one``."""


def _hour(value: str) -> str:
    dt.datetime.fromisoformat(value)  # the pattern lets month 13 pass
    return value


Hour = Annotated[
    str,
    Field(pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:00:00Z$"),
    AfterValidator(_hour),
]
"""A UTC time coarsened to the hour, so that records do not carry running times."""
