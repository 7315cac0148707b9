"""Exact values: nothing is converted silently, records keep decimals as text."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Annotated, Any, Literal

import pytest
from pydantic import ValidationError

from dpgate.model.values import (
    Date,
    Digest,
    Frozen,
    Hour,
    Number,
    Positive,
    Probability,
    Recorded,
    Share,
    exactly,
    plain,
    short,
)


class Sample(Frozen):
    """One field of each kind."""

    number: Number = Decimal(0)
    positive: Positive = Decimal(1)
    probability: Probability = Decimal("0.5")
    share: Share = Decimal(0)
    recorded: Recorded = Decimal(0)
    date: Date = dt.date(2027, 1, 1)
    digest: Digest = "sha256:" + "0" * 64
    hour: Hour = "2027-01-01T00:00:00Z"
    one: Annotated[Literal[1, 2], exactly(int)] = 1
    yes: Annotated[Literal[True], exactly(bool)] = True


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("number", 3),
        ("number", Decimal("-1e-30")),
        ("positive", Decimal("1e-60")),
        ("probability", Decimal("1e-9")),
        ("share", 0),
        ("recorded", "0.000001"),
        ("recorded", "9" * 40 + "." + "9" * 60),
        ("recorded", Decimal("0.1")),
        ("date", "2028-02-29"),
        ("one", 2),
    ],
)
def test_accepted(field: str, value: object) -> None:
    Sample.model_validate({field: value})


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("number", 0.5),
        ("number", True),
        ("number", "3"),
        ("number", Decimal("NaN")),
        ("number", Decimal("Infinity")),
        ("positive", 0),
        ("positive", Decimal("-1e-30")),
        ("probability", 0),
        ("probability", 1),
        ("share", 1),
        ("share", -1),
        ("recorded", "-1"),
        ("recorded", "1e5"),
        ("recorded", "9" * 41),
        ("recorded", "NaN"),
        ("recorded", 0.5),
        ("recorded", 1),
        ("date", "2027-2-1"),
        ("date", "2027-02-30"),
        ("date", 20270101),
        ("digest", "sha256:" + "0" * 63),
        ("digest", "sha256:" + "A" * 64),
        ("digest", "sha256:" + "0" * 64 + "\n"),
        ("hour", "2027-01-01T00:30:00Z"),
        ("one", True),
        ("one", Decimal(1)),
        ("one", 3),
        ("yes", 1),
        ("unknown", 1),
    ],
)
def test_refused(field: str, value: object) -> None:
    with pytest.raises(ValidationError):
        Sample.model_validate({field: value})


def test_records_round_trip_as_text() -> None:
    made = Sample(recorded=Decimal("0.10"), positive=Decimal("1e-9"))
    written = made.model_dump(mode="json")
    assert written["recorded"] == "0.1"
    assert written["positive"] == "0.000000001"
    assert Sample.model_validate({"recorded": written["recorded"]}).recorded == made.recorded


def test_models_are_frozen() -> None:
    with pytest.raises(ValidationError):
        Sample().number = Decimal(1)  # type: ignore[misc]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("20", "20"),
        ("20.00", "20"),
        ("1E+2", "100"),
        ("1e-6", "0.000001"),
        ("0", "0"),
        ("0.0", "0"),
    ],
)
def test_plain_digits(value: str, text: str) -> None:
    assert plain(Decimal(value)) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [("0.000001", "1e-6"), ("0.00000012", "1.2e-7"), ("0.25", "0.25"), ("0", "0"), ("3.0", "3")],
)
def test_short_digits(value: str, text: str) -> None:
    assert short(Decimal(value)) == text


def test_positions_of_names_do_not_matter() -> None:
    values: dict[str, Any] = {"share": Decimal("0.1"), "number": 7}
    assert Sample.model_validate(values) == Sample.model_validate(dict(reversed(values.items())))
