"""The threat model of a manifest: who is feared, what they know, and which attacks must fail."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Literal

from pydantic import Field, field_validator

from dpgate.model.values import ColumnName, Frozen, Key, Share
from dpgate.model.workload import Weight

AttackName = Annotated[
    str,
    Field(
        pattern=r"^(membership|membership_density|linkage|singling_out|copies|attribute\.[A-Za-z_][A-Za-z0-9_]{0,62})$"
    ),
]
"""`membership`: is a row among those that were learned from, by its distance to released rows;
`membership_density`: the same by how likely released rows make it. `attribute.COLUMN`: what is a
person's value. `linkage`: do two parts of what is known belong to one person. `singling_out`: is
there one person with these quasi-identifiers. `copies`: released rows that are a real one, or nearly."""

HOLDOUT = Decimal("0.1")


class ThreatModel(Frozen):
    """Whom the release is to withstand."""

    adversary: Literal["recipient", "public", "insider"]
    """Who tries: named in reports; what is known is said by `knows`."""
    knows: tuple[ColumnName, ...] = ()
    """Released columns that they know of a person; none: the released quasi-identifiers."""
    fears: Annotated[tuple[AttackName, ...], Field(min_length=1, max_length=100)]
    """Attacks that are run, each at a cost; thresholds stand under `attacks`."""
    holdout: Annotated[Share, Field(ge=Decimal("0.01"), le=Decimal("0.5"))] = HOLDOUT
    """Share of rows (or persons) that nothing is learned from, drawn by coins: attacks compare them
    with the others."""

    @field_validator("knows", "fears")
    @classmethod
    def _once(cls, given: tuple[str, ...]) -> tuple[str, ...]:
        if len(set(given)) != len(given):
            raise ValueError("each must be listed once")
        return given


class AttackLimit(Frozen):
    """An attack that is run, and how well it may do at most."""

    attack: AttackName
    advantage_at_most: Share
    """Largest upper end of the interval of its advantage: how much more often it is right about
    rows that were learned from than about rows that were held out."""
    weight: Weight = Decimal(1)
    """Its part of the budget for evidence, in proportion to the others' weights."""

    @property
    def key(self) -> Key:
        """What its result is found by."""
        return key_of(self.attack)


def key_of(attack: str) -> Key:
    """What the result of an attack is found by."""
    metric, _, about = attack.partition(".")
    return Key(metric=metric, about=about or None)
