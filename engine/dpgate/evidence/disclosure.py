"""What a result of evidence discloses, and the one way it becomes a record.

Rules, enforced whenever a result is serialized, alone or inside another model:

1. A result is a `PublicResult`, a `DpResult` or a `RestrictedResult`; the family is closed, so a
   subclass with fields of its own is refused.
2. Its class is stated. No field has a default class.
3. A `dp` result names the events that paid for it; `records` also checks that they were charged.
4. A `restricted` result has no field for its value: the value lives in a ciphertext alone.

A result is validated again when it is serialized, so `model_construct`, `model_copy` and writing
to its attributes lead nowhere.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Annotated, Any, Literal, TypeVar

from pydantic import (
    Field,
    SerializerFunctionWrapHandler,
    StrictBool,
    StrictInt,
    TypeAdapter,
    ValidationError,
    model_serializer,
    model_validator,
)

from dpgate.errors import EvidenceError
from dpgate.model.event import Event
from dpgate.model.values import Digest, Frozen, Recorded, Text

MetricName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,62}$")]
EventName = Annotated[str, Field(pattern=r"^[a-z0-9_]+(\.[a-z0-9_]+)*$")]
SEALED_BLOCK = 65_536
"""Bytes; sealed documents are padded to a multiple of it, so their size says next to nothing."""


class Result(Frozen):
    """Base of the closed family: a metric, and the class of what it discloses."""

    disclosure: Literal["public", "dp", "restricted"]
    metric: MetricName

    @model_serializer(mode="wrap")
    def _serialized(self, handler: SerializerFunctionWrapHandler) -> Any:
        return handler(_checked(self))

    def model_dump(self, *args: Any, **kwargs: Any) -> dict[str, Any]:
        """As pydantic's, but an invalid result raises EvidenceError by its own name."""
        _checked(self)
        return super().model_dump(*args, **kwargs)

    def model_dump_json(self, *args: Any, **kwargs: Any) -> str:
        """As pydantic's, but an invalid result raises EvidenceError by its own name."""
        _checked(self)
        return super().model_dump_json(*args, **kwargs)


def _none(value: object) -> bool:
    """Left out of a record: those made before there was such a field keep their one form."""
    return not value


class PublicResult(Result):
    """Computed from the synthetic data and public documents alone."""

    disclosure: Literal["public"]
    value: Recorded
    about: Annotated[Text | None, Field(exclude_if=_none)] = None
    """What tells it apart from others of its metric."""
    details: Annotated[tuple[Text, ...], Field(max_length=100)] = ()
    """What was found, in words; public like the value."""


class Subresult(Frozen):
    """A further number from the same noisy vectors as a result's own."""

    label: Annotated[str, Field(min_length=1, max_length=200)]
    """What it is about, from public documents."""
    value: Recorded
    low: Recorded
    high: Recorded


class DpResult(Result):
    """Measured on the private data by mechanisms, and charged."""

    disclosure: Literal["dp"]
    events: Annotated[tuple[EventName, ...], Field(min_length=1, max_length=100)]
    """Names of the events that paid for it."""
    value: Recorded
    """The noisy value that is reported; thresholds judge `high`."""
    low: Recorded
    high: Recorded
    confidence: Recorded
    """Coverage of [low, high] over the noise of the measurement: 0.95."""
    conditional_on: Text
    """What the interval takes as given."""
    order: Annotated[StrictInt, Field(ge=1, le=16)] | None = None
    """Number of columns in each marginal."""
    marginals: Annotated[StrictInt, Field(ge=1)] | None = None
    """How many marginals the value is the mean of."""
    table: Text | None = None
    """Which of two tables it is about."""
    about: Annotated[Text | None, Field(exclude_if=_none)] = None
    """What tells it apart from others of its metric: `visits by health`."""
    parts: Annotated[tuple[Subresult, ...], Field(max_length=200, exclude_if=_none)] = ()
    """Further numbers, such as those of each subgroup, each with an interval of its own."""

    @model_validator(mode="after")
    def _consistent(self) -> DpResult:
        parts = [(part.low, part.value, part.high) for part in self.parts]
        stated = [(self.low, self.value, self.high), *parts]
        if any(not low <= value <= high for low, value, high in stated):
            raise ValueError("value must lie within its interval")
        if not 0 < self.confidence < 1:
            raise ValueError("confidence must lie between 0 and 1")
        if len(set(self.events)) != len(self.events):
            raise ValueError("events must be named once each")
        return self


class RestrictedResult(Result):
    """Computed on the private data without noise; its value is sealed, never held here."""

    disclosure: Literal["restricted"]
    ciphertext: Digest
    """Digest of the encrypted document. Encryption is randomized, so it tells nothing."""
    about: Annotated[Text | None, Field(exclude_if=_none)] = None
    """What tells it apart from others of its metric."""
    passed: Annotated[StrictBool | None, Field(exclude_if=lambda value: value is None)] = None
    """Whether it met the manifest's threshold: one bit about the private data that no ε covers.
    Only where the policy lets this metric gate; it is counted in the claim."""
    size: Annotated[StrictInt, Field(ge=SEALED_BLOCK, multiple_of=SEALED_BLOCK)]
    """Bytes of the padded document before encryption."""


_FAMILY = (PublicResult, DpResult, RestrictedResult)
_ANY: TypeAdapter[PublicResult | DpResult | RestrictedResult] = TypeAdapter(
    Annotated[PublicResult | DpResult | RestrictedResult, Field(discriminator="disclosure")]
)
R = TypeVar("R", bound=Result)


def _checked(result: R) -> R:
    """The result, validated from scratch with everything it holds.

    The message names fields, never values: a wrongly built result may hold a private one.
    """
    kind = type(result)
    if kind not in _FAMILY:
        raise EvidenceError(
            f"{kind.__name__} is no class of evidence; it cannot be serialized",
            fix="build a PublicResult, a DpResult or a RestrictedResult",
        )
    held = {**vars(result), **(result.__pydantic_extra__ or {})}
    try:
        return kind.model_validate(held)
    except ValidationError as error:
        places = {str(item["loc"][0]) for item in error.errors() if item["loc"]}
        fields = ", ".join(sorted(places & set(kind.model_fields))) or "fields that do not agree"
        raise EvidenceError(
            f"a {kind.__name__} is unclassed, uncharged or malformed ({fields}) and cannot be "
            "serialized"
        ) from None


def records(results: Iterable[Result], charged: Iterable[Event]) -> tuple[dict[str, Any], ...]:
    """Results as they go into the ledger: plain JSON values, decimals as strings.

    Args:
        results: results of one attempt.
        charged: the events that this attempt was charged for.

    Raises:
        EvidenceError: a result is unclassed or malformed, or is `dp` and names an event that was
            not charged.

    Privacy:
        Reads no private data. It is the only door from evidence to the ledger.
    """
    paid = {event.name for event in charged}
    checked = [_checked(result) for result in results]
    for result in checked:
        unpaid = set(result.events) - paid if isinstance(result, DpResult) else set()
        if unpaid:
            raise EvidenceError(
                f"{result.metric} names events that were not charged: {', '.join(sorted(unpaid))}"
            )
    return tuple(result.model_dump(mode="json") for result in checked)


def from_record(record: Mapping[str, Any]) -> PublicResult | DpResult | RestrictedResult:
    """Reads back one result of a record.

    Raises:
        EvidenceError: it is not one that `records` writes.
    """
    try:
        return _ANY.validate_json(json.dumps(record))
    except (ValidationError, TypeError, ValueError):
        raise EvidenceError("a result of evidence in a record is malformed") from None
