"""Rules that come with dpgate: a policy switches them on by name and sets their options."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from dpgate.model.rule import Enforcement, Rule
from dpgate.model.values import Frozen, Name, Number, Text

OptionType = Literal["number", "count", "flag", "name", "names", "numbers", "counts", "lists"]
"""`numbers`, `counts` and `lists` go by name: {phi: 0.5}, {phi: 365}, {phi: [US]}."""

Domain = Literal[
    "class", "purpose", "class/purpose", "country", "role", "format", "recipient", "term", "column",
    "group",
]  # fmt: skip
"""What names in an option stand for. A word that the policy does not have is an error where it
would have to have it: classes, purposes, roles; so is a format or a country code that is none."""

Value = Any
"""A value as YAML has it. What an option takes is held against its type where a policy is read:
`dpgate.loading.catalogue.choose`."""


class Option(Frozen):
    """A number or a list that an organization sets for a rule."""

    type: OptionType
    about: Text
    """What it says, for people."""
    unit: Text | None = None
    """What it is counted in: ε, days, rows."""
    default: Value | None = None
    """Absent: the option must be given."""
    keys: Domain | None = None
    """What the names of `numbers`, `counts` and `lists` stand for."""
    entries: Domain | None = None
    """What the entries of `names` and `lists` stand for."""
    at_most: Number | None = None
    """The highest number that makes sense; the lowest is 0."""
    suggested: Value | None = None
    """A value to begin with, where there is no default."""


class Fragment(Frozen):
    """Keys of `spec`, or `metadata`, in place of those that the example of `init` has."""

    release: str = ""
    dataset: str = ""


class Example(Frozen):
    """A release that a rule denies, and one that it lets pass."""

    options: dict[Name, Value] = Field(default_factory=dict)
    """As the policy sets them."""
    given: Text | None = None
    """What else is the case: earlier releases, budgets, approvals."""
    fails: Fragment
    points_at: Text
    """The words that the finding points at."""
    says: Text
    """Its message."""
    passes: Fragment


class CatalogueRule(Frozen):
    """A rule of the catalogue.

    Under its id it means the same for ever: policies that were adopted long ago are judged by it.
    """

    rule: Rule
    """Its id, expressions, message and default enforcement."""
    topic: Literal[
        "privacy loss", "people and columns", "recipients", "places and time", "evidence and files",
        "who decides",
    ]  # fmt: skip
    rationale: Annotated[str, Field(min_length=1, max_length=3_000)]
    """Why an organization would want it."""
    options: dict[Name, Option] = Field(default_factory=dict)
    example: Example


class Chosen(Frozen):
    """A rule of the catalogue as a policy switches it on."""

    enforcement: Enforcement | None = None
    """Absent: the rule's own."""
    options: dict[Text, Value] = Field(default_factory=dict)
    """Values of its options; absent ones have their defaults."""
