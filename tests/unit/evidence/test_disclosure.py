"""No result reaches a record without its class, or as dp without having been paid for."""

from __future__ import annotations

import json
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from pydantic import ValidationError
from pydantic_core import PydanticSerializationError

from dpgate.accounting.calibrate import gaussian_event
from dpgate.errors import EvidenceError
from dpgate.evidence.disclosure import (
    DpResult,
    PublicResult,
    RestrictedResult,
    Result,
    from_record,
    records,
)
from dpgate.model.values import Frozen

EVENT = gaussian_event(
    name="evidence.tvd_1",
    rho=Decimal("0.1"),
    times=1,
    sensitivity_squared=1,
    relation="add-remove",
)
DIGEST = "sha256:" + "ab" * 32
DP: dict[str, Any] = {
    "disclosure": "dp",
    "metric": "marginal_tvd",
    "events": ("evidence.tvd_1",),
    "value": Decimal("0.05"),
    "low": Decimal("0.04"),
    "high": Decimal("0.06"),
    "confidence": Decimal("0.95"),
    "conditional_on": "the noisy total",
    "order": 1,
    "marginals": 4,
}
PUBLIC: dict[str, Any] = {
    "disclosure": "public",
    "metric": "schema_conformity",
    "value": Decimal(0),
    "details": (),
}
RESTRICTED: dict[str, Any] = {
    "disclosure": "restricted",
    "metric": "marginal_tvd_exact",
    "ciphertext": DIGEST,
    "size": 65_536,
}
KINDS: list[tuple[type[Result], dict[str, Any]]] = [
    (PublicResult, PUBLIC),
    (DpResult, DP),
    (RestrictedResult, RESTRICTED),
]


class Holder(Frozen):
    """A record with a result inside."""

    result: Result


class Loose(DpResult):
    """What somebody might write to get around the rules."""

    events: tuple[str, ...] = ()
    raw: int = 7


def dumped_inside(result: Result) -> str:
    return Holder.model_construct(result=result).model_dump_json(serialize_as_any=True)


SERIALIZERS: list[Callable[[Result], object]] = [
    lambda result: result.model_dump(),
    lambda result: result.model_dump(mode="json"),
    lambda result: result.model_dump_json(),
    lambda result: records([result], [EVENT]),
    dumped_inside,
]


def without(fields: dict[str, Any], name: str) -> dict[str, Any]:
    return {key: value for key, value in fields.items() if key != name}


def stuffed(fields: dict[str, Any]) -> RestrictedResult:
    result = RestrictedResult(**fields)
    object.__setattr__(result, "__dict__", {**vars(result), "value": Decimal("0.123")})
    return result


FORGED = {
    "dp, not charged": DpResult.model_construct(**{**DP, "events": ()}),
    "dp, events forgotten": DpResult.model_construct(**without(DP, "events")),
    "dp, charge removed": DpResult(**DP).model_copy(update={"events": ()}),
    "dp called public": DpResult.model_construct(**{**DP, "disclosure": "public"}),
    "dp, value outside its interval": DpResult.model_construct(**{**DP, "value": Decimal(1)}),
    "public, unclassed": PublicResult.model_construct(**without(PUBLIC, "disclosure")),
    "public, class removed": PublicResult(**PUBLIC).model_copy(update={"disclosure": None}),
    "restricted called public": RestrictedResult(**RESTRICTED).model_copy(
        update={"disclosure": "public"}
    ),
    "restricted, holding its value": stuffed(RESTRICTED),
    "restricted, odd size": RestrictedResult.model_construct(**{**RESTRICTED, "size": 70_000}),
    "subclass": Loose(**{**DP, "events": ()}),
    "subclass, well behaved": Loose(**DP),
    "base": Result(disclosure="public", metric="anything"),
}


@pytest.mark.parametrize("serialize", SERIALIZERS)
@pytest.mark.parametrize("forged", FORGED.values(), ids=FORGED.keys())
def test_a_forged_result_cannot_be_serialized(
    forged: Result, serialize: Callable[[Result], object]
) -> None:
    # Inside another model pydantic wraps the error in its own.
    with pytest.raises((EvidenceError, PydanticSerializationError)) as caught:
        serialize(forged)
    if serialize is dumped_inside:
        assert "EvidenceError" in str(caught.value)
    else:
        assert caught.type is EvidenceError
    assert "0.123" not in str(caught.value)


@pytest.mark.parametrize("serialize", SERIALIZERS)
@pytest.mark.parametrize(("kind", "fields"), KINDS)
def test_a_true_result_can_be_serialized(
    kind: type[Result], fields: dict[str, Any], serialize: Callable[[Result], object]
) -> None:
    assert serialize(kind(**fields))


@pytest.mark.parametrize(("kind", "fields"), KINDS)
def test_every_kind_needs_its_class_stated(kind: type[Result], fields: dict[str, Any]) -> None:
    with pytest.raises(ValidationError, match="disclosure"):
        kind(**without(fields, "disclosure"))
    for other in {"public", "dp", "restricted"} - {fields["disclosure"]}:
        with pytest.raises(ValidationError, match="disclosure"):
            kind(**{**fields, "disclosure": other})


def test_a_restricted_result_has_no_place_for_a_value() -> None:
    with pytest.raises(ValidationError, match="value"):
        RestrictedResult(**RESTRICTED, value=Decimal("0.1"))  # type: ignore[call-arg]
    fields = {"disclosure", "metric", "about", "ciphertext", "size", "passed"}
    assert set(RestrictedResult.model_fields) == fields


@pytest.mark.parametrize(
    "change",
    [
        {"events": ()},
        {"events": ("a", "a")},
        {"low": Decimal("0.051")},
        {"high": Decimal("0.049")},
        {"confidence": Decimal(1)},
        {"confidence": Decimal(0)},
    ],
)
def test_a_dp_result_must_agree_with_itself(change: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        DpResult(**{**DP, **change})


def test_records_refuse_a_result_whose_event_was_not_charged() -> None:
    other = EVENT.model_copy(update={"name": "mst.one_way"})
    with pytest.raises(EvidenceError, match=r"evidence\.tvd_1"):
        records([DpResult(**DP)], [other])
    with pytest.raises(EvidenceError, match=r"evidence\.tvd_2"):
        records([DpResult(**{**DP, "events": ("evidence.tvd_1", "evidence.tvd_2")})], [EVENT])


def test_records_are_plain_json_with_decimals_as_text_and_can_be_read_back() -> None:
    results = [kind(**fields) for kind, fields in KINDS]
    written = records(results, [EVENT])
    assert written[1]["value"] == "0.05"
    again = json.loads(json.dumps(written))
    assert [from_record(record) for record in again] == results


@pytest.mark.parametrize(
    "record", [{}, {"disclosure": "secret"}, {**RESTRICTED, "value": "1"}, {"metric": object()}]
)
def test_a_malformed_record_is_refused(record: dict[str, Any]) -> None:
    with pytest.raises(EvidenceError):
        from_record(record)
