"""Tables of numbers keep their shape, and departures are counted without their content."""

from __future__ import annotations

import math

import pyarrow as pa
import pytest

from dpgate.evidence.numbers import conformity

GOOD = {"value": [1.0, 2.0], "low": [0.0, 2.0], "high": [1.5, 2.0]}


def test_a_table_that_conforms() -> None:
    result = conformity({"means": (pa.table(GOOD), 2)})
    assert result.metric == "schema_conformity"
    assert result.value == 0


@pytest.mark.parametrize(
    ("change", "lines", "fault"),
    [
        ({}, 3, "query means has 2 lines instead of 3"),
        ({"value": [1.0, 7.25]}, 2, "query means has 1 values outside their intervals"),
        ({"value": [math.nan, 2.0]}, 2, "query means has 1 values outside their intervals"),
        ({"high": [math.inf, 2.0]}, 2, "query means has intervals without an end"),
    ],
)
def test_departures(change: dict[str, list[float]], lines: int, fault: str) -> None:
    result = conformity({"means": (pa.table({**GOOD, **change}), lines)})
    assert result.value == 1
    assert result.details == (fault,)
    assert "7.25" not in str(result)
