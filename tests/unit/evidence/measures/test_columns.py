"""Which columns a measure can be about, with two tables too."""

from __future__ import annotations

from decimal import Decimal

import pytest

from dpgate.errors import EvidenceError
from dpgate.evidence.measures.columns import numeric, ordered, type_of
from dpgate.evidence.measures.interface import Scene
from dpgate.evidence.measures.mean import of_threshold
from dpgate.model.tables import Tables
from dpgate.model.utility import MeanError
from tests.suites.members import dataset


def scene(table: str) -> Scene:
    data = dataset()
    assert data.spec.joined is not None
    tables = Tables(
        dataset=data,
        joined=data.spec.joined,
        key="member",
        persons=("member", "age", "plan", "joined_on"),
        rows=("member", "service", "cost"),
        context=("age", "claims"),
    )
    domain = tables.rows_domain if table == "claims" else tables.persons_domain
    return Scene(dataset=data, domain=domain, relation="add-remove")


def test_the_number_of_joined_rows_has_an_order() -> None:
    assert type_of(scene("persons"), "claims") == "integer"
    assert ordered(scene("persons"), None, "ks") == (0, 2, 3)


def test_the_number_of_joined_rows_has_no_sums() -> None:
    with pytest.raises(EvidenceError, match="claims is a number of rows") as caught:
        numeric(scene("persons"), "claims", "mean", "persons")
    assert caught.value.fix


def test_a_column_of_the_persons_has_cells_but_no_values_beside_the_second_table() -> None:
    with pytest.raises(EvidenceError, match="age is of the persons; beside claims") as caught:
        numeric(scene("claims"), "age", "mean", "claims")
    assert caught.value.fix == "name a column of claims, or use rate or quantile"


def test_a_mean_by_a_column_of_the_persons_is_measured() -> None:
    given = {"metric": "mean", "of": "cost", "by": ("age",), "table": "claims"}
    threshold = MeanError.model_validate({**given, "relative_error_at_most": Decimal("0.1")})
    (vector,) = of_threshold(threshold, scene("claims"), "evidence.mean_1").vectors()
    assert vector.distance_squared == 1025**2
