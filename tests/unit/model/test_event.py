"""Events that cannot be accounted cannot be written down."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from dpgate.model.event import Event

GAUSSIAN: dict[str, Any] = {
    "name": "mst.two_way",
    "mechanism": "gaussian",
    "relation": "add-remove",
    "sensitivity_squared": "2",
    "scale": "10.5",
    "times": 13,
    "loss": "0.12",
    "delta0": "0",
    "proof": "opendp",
}
SAMPLED = GAUSSIAN | {
    "mechanism": "sampled-gaussian",
    "sensitivity_squared": "1",
    "sampling_rate": "0.02",
    "loss": "0",
    "proof": "real-arithmetic",
}
FOREIGN = GAUSSIAN | {"mechanism": "foreign", "proof": "real-arithmetic"}


@pytest.mark.parametrize(
    "given",
    [
        GAUSSIAN,
        GAUSSIAN | {"mechanism": "adaptive-gaussian"},
        GAUSSIAN | {"mechanism": "adaptive-noisy-max"},
        FOREIGN,
        SAMPLED,
        SAMPLED | {"sampling_rate": "1"},
    ],
)
def test_events_round_trip(given: dict[str, Any]) -> None:
    event = Event.model_validate(given)
    assert event.model_dump(mode="json", exclude_none=True) == given


@pytest.mark.parametrize(
    ("given", "change", "message"),
    [
        (GAUSSIAN, {"sampling_rate": "0.5"}, "goes with sampled-gaussian"),
        (SAMPLED, {"sampling_rate": None}, "goes with sampled-gaussian"),
        (SAMPLED, {"sampling_rate": "0"}, r"must lie in \(0, 1\]"),
        (SAMPLED, {"sampling_rate": "1.1"}, r"must lie in \(0, 1\]"),
        (SAMPLED, {"relation": "replace-one"}, "accounted under add-remove"),
        (SAMPLED, {"proof": "opendp"}, "by real arithmetic"),
        (FOREIGN, {"proof": "opendp"}, "by real arithmetic"),
        (GAUSSIAN, {"scale": "0"}, "must be above 0"),
        (GAUSSIAN, {"sensitivity_squared": "0"}, "must be above 0"),
        (GAUSSIAN, {"times": 0}, "times"),
        (GAUSSIAN, {"loss": "-1"}, "loss"),
        (GAUSSIAN, {"relation": "both"}, "relation"),
        (GAUSSIAN, {"name": "Two Way"}, "name"),
        (GAUSSIAN, {"mechanism": "magic"}, "mechanism"),
    ],
)
def test_inconsistent_events(given: dict[str, Any], change: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        Event.model_validate(given | change)
