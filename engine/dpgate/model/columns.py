"""What a column may hold: its type, its public domain, and where that domain comes from."""

from __future__ import annotations

import itertools
from typing import Annotated, Literal

from pydantic import Field, StrictBool, StrictInt, StrictStr, model_validator

from dpgate.model.ranges import DateRange, Range, TimeRange
from dpgate.model.values import Digest, Frozen, Name, Text


class Assumption(Frozen):
    """A domain that somebody vouches for; it needs an approval by the `privacy` role."""

    by: Text
    """Who vouches for it."""
    because: Text
    """Why it holds without looking at the private data."""


class DpEstimate(Frozen):
    """A domain learned with a mechanism that was charged.

    No release of this version makes one, so `check` refuses it.
    """

    entry: Digest
    """Digest of the ledger entry that paid for it."""


class Provenance(Frozen):
    """Where a domain comes from. Exactly one key."""

    public_codebook: Text | None = None
    """A public document that states the domain, with the place in it."""
    dp_estimate: DpEstimate | None = None
    assumption: Assumption | None = None
    private_data: Text | None = None
    """The domain was read off the private data: `check` refuses it."""

    @model_validator(mode="after")
    def _exactly_one(self) -> Provenance:
        given = [name for name in type(self).model_fields if getattr(self, name) is not None]
        if len(given) != 1:
            raise ValueError(
                "exactly one of public_codebook, dp_estimate, assumption says where the domain "
                f"comes from; found {', '.join(given) or 'none'}"
            )
        return self

    @property
    def kind(self) -> str:
        """The one key that is given."""
        return next(n for n in type(self).model_fields if getattr(self, n) is not None)


class _Column(Frozen):
    title: Text | None = None
    """What the column means, for people."""
    sensitivity: Name
    """Sensitivity class; the policy must know it."""
    nullable: StrictBool = False
    """Whether a missing value is a value of its own."""
    quasi_identifier: StrictBool = False
    groups: tuple[Name, ...] = ()
    """Column groups that quotas can count: `mental-health`."""
    source: Provenance
    """Where the domain comes from."""


class IntegerColumn(_Column):
    """Whole numbers within public bounds."""

    type: Literal["integer"]
    domain: Range

    @model_validator(mode="after")
    def _whole(self) -> IntegerColumn:
        for bound in (self.domain.min, self.domain.max, self.domain.finest):
            if bound != int(bound) or abs(bound) > 2**53:
                raise ValueError(
                    f"bounds of an integer column must be whole and below 2^53: {bound}"
                )
        if self.domain.bins == "each" and self.domain.max - self.domain.min >= 10_000:
            raise ValueError("bins: each is for at most 10,000 integers; give a number of bins")
        return self


class _Real(_Column):
    domain: Range

    @model_validator(mode="after")
    def _bins(self) -> _Real:
        if self.domain.bins == "each":
            raise ValueError("bins: each is for integer columns; give a number of bins or edges")
        for bound in (self.domain.min, self.domain.max):
            if abs(bound) > 2**53:
                raise ValueError(f"bounds of a number column must lie within ±2^53: {bound}")
        return self


class NumberColumn(_Real):
    """Real numbers within public bounds, released as floating-point numbers."""

    type: Literal["number"]
    decimals: Annotated[StrictInt, Field(ge=0, le=9)] = 3
    """Decimal places of the values that are released."""


class DecimalColumn(_Real):
    """Real numbers within public bounds, released as exact decimals: amounts of money."""

    type: Literal["decimal"]
    decimals: Annotated[StrictInt, Field(ge=0, le=9)] = 2
    """Decimal places of the values that are released."""

    @model_validator(mode="after")
    def _exact(self) -> DecimalColumn:
        for bound in (self.domain.min, self.domain.max):
            if bound.scaleb(self.decimals) % 1:
                raise ValueError(f"{bound} has more than {self.decimals} decimals")
            if abs(bound.scaleb(self.decimals)) > 2**53:
                raise ValueError(f"{bound} with {self.decimals} decimals is beyond 2^53 steps")
        return self


class DateColumn(_Column):
    """Calendar dates within public bounds."""

    type: Literal["date"]
    domain: DateRange


class TimestampColumn(_Column):
    """Moments within public bounds, as wall-clock times of one time zone."""

    type: Literal["timestamp"]
    domain: TimeRange
    timezone: Annotated[str, Field(pattern=r"^[A-Za-z]+(/[A-Za-z0-9_+-]+){0,2}$")] = "UTC"
    """IANA name. Values with an offset or a zone of their own are converted to it; values
    without one are taken to be in it. Released values are wall-clock times of it."""


_Value = Annotated[StrictStr, Field(max_length=200)] | StrictInt


class _Listed(_Column):
    domain: Annotated[tuple[_Value, ...], Field(min_length=1, max_length=10_000)]
    """Every value the column can take."""
    other: _Value | None = None
    """The listed value that any unlisted one counts as; without it, the missing value of a
    nullable column, else the first listed value."""

    @model_validator(mode="after")
    def _distinct(self) -> _Listed:
        texts = [str(value) for value in self.domain]
        if len(set(texts)) != len(texts):
            raise ValueError("values of a domain must differ from each other")
        if len({type(value) for value in self.domain}) != 1:
            raise ValueError("values of a domain must be all text or all whole numbers")
        if self.other is not None and self.other not in self.domain:
            raise ValueError(f"other: {self.other!r} is not in the domain")
        return self


class CategoryColumn(_Listed):
    """Unordered categories."""

    type: Literal["category"]


class OrdinalColumn(_Listed):
    """Ordered categories, lowest first."""

    type: Literal["ordinal"]


class BooleanColumn(_Column):
    """True or false; in files also 0 and 1."""

    type: Literal["boolean"]


_Prefix = Annotated[str, Field(pattern=r"^[0-9]{1,9}$")]


class ZipColumn(_Column):
    """Postal codes of a fixed number of digits, kept as text: leading zeros count.

    The first `prefix` digits are learned, the others made up.
    """

    type: Literal["zip"]
    digits: Annotated[StrictInt, Field(ge=1, le=12)] = 5
    """Digits of a whole code. Longer ones (ZIP+4) are cut, numbers get their leading zeros."""
    prefix: Annotated[StrictInt, Field(ge=1, le=9)] = 3
    """Digits that are learned."""
    domain: Annotated[tuple[_Prefix, ...], Field(min_length=1, max_length=10_000)] | None = None
    """The prefixes that occur; without it, all of that length."""
    other: _Prefix | None = None
    """The prefix that an unlisted one counts as; without it, the missing value of a nullable
    column, else the first prefix."""
    within: Literal["uniform", "lowest"] = "uniform"
    """The digits after the prefix: `uniform`, each as likely as any, or `lowest`, zeros."""

    @model_validator(mode="after")
    def _prefixes(self) -> ZipColumn:
        if self.prefix > self.digits:
            raise ValueError(f"a prefix of {self.prefix} is longer than {self.digits} digits")
        if self.domain is None and self.prefix > 4:
            raise ValueError("without a domain, a prefix has at most 4 digits; list the prefixes")
        listed = self.prefixes
        odd = [value for value in listed if len(value) != self.prefix]
        if odd:
            raise ValueError(f"{odd[0]} does not have {self.prefix} digits, as prefix says")
        if len(set(listed)) != len(listed):
            raise ValueError("values of a domain must differ from each other")
        if self.other is not None and self.other not in listed:
            raise ValueError(f"other: {self.other!r} is not in the domain")
        return self

    @property
    def prefixes(self) -> tuple[str, ...]:
        """Every prefix, in order."""
        if self.domain is not None:
            return self.domain
        return tuple(map("".join, itertools.product("0123456789", repeat=self.prefix)))


class Numbering(Frozen):
    """Made-up identifiers with a prefix: `P-00000001`."""

    prefix: Annotated[str, Field(pattern=r"^[A-Za-z0-9._:/-]{0,40}$")]
    digits: Annotated[StrictInt, Field(ge=1, le=18)] = 8
    """Digits at least; numbers are padded with zeros."""


class IdentifierColumn(Frozen):
    """Names a person or a row. It is never read into a release."""

    type: Literal["identifier"]
    title: Text | None = None
    sensitivity: Name
    regenerate: Literal["sequence", "uuid"] | Numbering | None = None
    """How a release that lists the column makes up new ones: `sequence` (1, 2, 3 …), `uuid`
    (random), or a numbering with a prefix. Without it the column cannot be released."""


class TextColumn(Frozen):
    """Free text. It is never read, and a release that lists it goes without it."""

    type: Literal["text"]
    title: Text | None = None
    sensitivity: Name


DomainColumn = (
    IntegerColumn
    | NumberColumn
    | DecimalColumn
    | DateColumn
    | TimestampColumn
    | CategoryColumn
    | OrdinalColumn
    | BooleanColumn
    | ZipColumn
)
"""Columns that a release learns."""

Column = Annotated[DomainColumn | IdentifierColumn | TextColumn, Field(discriminator="type")]
