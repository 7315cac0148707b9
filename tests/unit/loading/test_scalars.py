"""Plain scalars: YAML 1.2, exact numbers, and no guessing."""

from __future__ import annotations

import time
from decimal import Decimal

import pytest

from dpgate.loading.scalars import Scalar, ScalarError, resolve


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("7", 7),
        ("-7", -7),
        ("+7", 7),
        ("0", 0),
        ("1e-6", Decimal("0.000001")),
        ("1E+3", Decimal(1000)),
        ("0.10", Decimal("0.10")),
        (".5", Decimal("0.5")),
        ("1.", Decimal(1)),
        ("0.1000000000000000000000001", Decimal("0.1000000000000000000000001")),
        ("0e0", Decimal(0)),
        ("true", True),
        ("False", False),
        ("", None),
        ("~", None),
        ("null", None),
        ("yes", "yes"),
        ("no", "no"),
        ("on", "on"),
        ("2027-12-31", "2027-12-31"),
        ("12:30:00", "12:30:00"),
        ("1_000", "1_000"),
        ("1.2.3", "1.2.3"),
        ("-", "-"),
        ("mst", "mst"),
        ("inf", "inf"),
    ],
)
def test_values(text: str, value: Scalar) -> None:
    found = resolve(text)
    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (".inf", "not a finite number"),
        ("-.INF", "not a finite number"),
        (".NaN", "not a finite number"),
        ("012", "starts with a zero"),
        ("-00.5", "starts with a zero"),
        ("0o14", "not a decimal number"),
        ("0xFF", "not a decimal number"),
        ("9" * 41, "longer or further"),
        ("1e61", "longer or further"),
        ("1e-061", "longer or further"),
        ("1e999999999", "longer or further"),
    ],
)
def test_refusals(text: str, message: str) -> None:
    with pytest.raises(ScalarError, match=message) as caught:
        resolve(text)
    assert caught.value.fix


def test_a_million_digits_are_refused_cheaply() -> None:
    started = time.process_time()
    for text in ("9" * 10**6, "1e" + "9" * 10**6, "0." + "9" * 10**6):
        with pytest.raises(ScalarError) as caught:
            resolve(text)
        assert len(caught.value.message) < 200
    assert time.process_time() - started < 0.5
