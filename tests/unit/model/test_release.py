"""A release that contradicts itself is refused."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from dpgate.loading.yaml import parse
from dpgate.model.release import Release

RELEASE = Path(__file__).parents[2] / "assets" / "documents" / "release.yaml"
GOOD: dict[str, Any] = parse("release.yaml", RELEASE.read_bytes()).value
TVD = {"metric": "marginal_tvd", "order": 1, "at_most": 0}


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("columns", ("a", "a"), "columns must be listed once each"),
        ("columns", ("a",), "at least 2"),
        ("recipients", ("a", "a"), "recipients must be listed once each"),
        ("regions", ("US", "US"), "regions must be listed once each"),
        ("terms", ("a", "a"), "terms must be listed once each"),
        ("utility", (TVD, TVD), "one threshold for each measure"),
    ],
)
def test_contradictions(key: str, value: object, message: str) -> None:
    document = copy.deepcopy(GOOD)
    document["spec"][key] = value
    with pytest.raises(ValidationError, match=message):
        Release.model_validate(document)


def test_thresholds_need_a_share_of_the_budget() -> None:
    document = copy.deepcopy(GOOD)
    document["spec"]["privacy"]["evidence_share"] = 0
    with pytest.raises(ValidationError, match="evidence_share must be above 0"):
        Release.model_validate(document)
    document["spec"]["utility"] = ()
    assert Release.model_validate(document).spec.utility == ()


def test_formats_default_to_parquet() -> None:
    document = copy.deepcopy(GOOD)
    del document["spec"]["synthesize"]["formats"]
    made = Release.model_validate(document).spec.synthesize
    assert made is not None
    assert made.formats == ("parquet",)
