"""Rules as text, and what compiling and judging say of them. Nothing here needs CEL itself."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from decimal import Decimal
from typing import Any, Literal, NamedTuple

Options = tuple[tuple[str, str], ...]
"""Name and type of each option of a catalogue rule: (("at_most", "double"),)."""


class Source(NamedTuple):
    """A rule as text, as far as judging needs it."""

    id: str
    when: str
    assertion: str
    message: str
    options: Options = ()
    """Names and types of the options that it can use."""
    early: bool = False
    """Whether it can use documents and the day alone."""


class Fault(NamedTuple):
    """Why a rule cannot be used."""

    key: str
    """`when`, `assert` or `message`."""
    offset: int
    """Where in its text, in characters."""
    message: str
    fix: str


class RuleError(Exception):
    """A rule has faults."""

    def __init__(self, rule: str, faults: tuple[Fault, ...]) -> None:
        super().__init__(f"rule {rule}: {faults[0].message}")
        self.rule = rule
        self.faults = faults


Outcome = Literal["holds", "not-about", "violated", "error"]
"""`not-about`: `when` is false. `error`: it could not be evaluated."""


class Verdict(NamedTuple):
    """What one rule says of one release."""

    rule: str
    outcome: Outcome
    message: str = ""
    """What is wrong, or why it could not be evaluated."""


def plain(fact: object) -> Any:
    """A fact as JSON holds it: mappings, lists, text and numbers."""
    if isinstance(fact, Decimal):
        return double(fact)
    if isinstance(fact, Mapping):
        return {key: plain(value) for key, value in fact.items()}
    if isinstance(fact, tuple | list):
        if fact and hasattr(fact[0], "DESCRIPTOR"):  # messages already, and there may be many
            return fact
        return [plain(value) for value in fact]
    if is_dataclass(fact):
        return {field.name: plain(getattr(fact, field.name)) for field in fields(fact)}
    return fact


def double(value: Decimal) -> float:
    """A decimal as CEL's `double`.

    Up to 15 digits it is the number that the same text is in a rule; a longer one is rounded up, so
    that no cost looks lower than it is.
    """
    nearest = float(value)
    if len(value.normalize().as_tuple().digits) <= 15 or Decimal(nearest) >= value:
        return nearest
    return math.nextafter(nearest, math.inf)
