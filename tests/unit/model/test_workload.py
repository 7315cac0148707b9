"""Workloads that make no sense cannot be written down."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from pydantic import ValidationError

from dpgate.model.workload import Workload


def test_nothing_said_means_all_pairs() -> None:
    assert Workload.model_validate({}) == Workload()
    assert Workload().order == 2
    assert Workload().named == frozenset()


def test_every_column_that_is_mentioned_is_known() -> None:
    workload = Workload.model_validate(
        {
            "weights": {"a": Decimal(2)},
            "target": "b",
            "subgroups": (("c", "d"),),
            "marginals": ({"columns": ("d", "e"), "weight": Decimal(1)},),
        }
    )
    assert workload.named == {"a", "b", "c", "d", "e"}


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"order": 4}, "order"),
        ({"order": True}, "order"),
        ({"weights": {"a": Decimal(0)}}, "greater than 0"),
        ({"weights": {"a": Decimal(1001)}}, "less than or equal to 1000"),
        ({"subgroups": (("a", "a"),)}, "name each column once"),
        ({"subgroups": (("a",),)}, "at least 2"),
        ({"marginals": ({"columns": ("a", "b", "c", "d"), "weight": Decimal(1)},)}, "at most 3"),
        ({"marginals": ({"columns": ("a", "a"), "weight": Decimal(1)},)}, "name each column once"),
        ({"columns": ("a",)}, "columns"),
    ],
)
def test_workloads_that_are_refused(given: dict[str, Any], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        Workload.model_validate(given)
