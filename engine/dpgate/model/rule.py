"""A rule of a policy: expressions in CEL over the facts of a release."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from dpgate.model.values import Frozen, Name, Text

Enforcement = Literal["advisory", "soft", "hard"]
"""`advisory` warns; `soft` denies and can be waived; `hard` denies and cannot."""

Expression = Annotated[str, Field(min_length=1, max_length=2_000)]
"""An expression in the Common Expression Language over the facts of docs/rules.md."""


class Rule(Frozen):
    """One rule of an organization or of a dataset.

    It holds for a release if `when` is false or `assert` is true.
    """

    id: Name
    title: Text
    when: Expression = "true"
    """Which releases it is about."""
    assert_: Annotated[Expression, Field(alias="assert")]
    """What must hold for them."""
    message: Annotated[str, Field(min_length=1, max_length=1_000)]
    """What is wrong where it does not hold; `{expression}` stands for its value."""
    help: Text | None = None
    """What to do about it, or where to read on."""
    at: Annotated[str, Field(pattern=r"^(dataset\.)?[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*$")] | None = (
        None
    )
    """The key that a finding points at: `privacy.epsilon` of the manifest's spec, or
    `dataset.columns` of the dataset's."""
    enforcement: Enforcement = "hard"


def once_each(rules: tuple[Rule, ...]) -> tuple[Rule, ...]:
    """The rules, no two of which have one id.

    Raises:
        ValueError: two have.
    """
    ids = [rule.id for rule in rules]
    twice = sorted({name for name in ids if ids.count(name) > 1})
    if twice:
        raise ValueError(f"each rule needs an id of its own; {twice[0]} is given twice")
    return rules
