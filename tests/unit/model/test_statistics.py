"""Queries that contradict themselves are refused, and so is a release of both kinds or none."""

from __future__ import annotations

import copy
from decimal import Decimal
from typing import Any

import pytest
from pydantic import ValidationError

from dpgate.errors import DocumentError
from dpgate.loading.documents import load
from dpgate.model.columns import IntegerColumn, NumberColumn
from dpgate.model.grid import Grid, grid_of
from dpgate.model.release import Release
from tests.suites import queries
from tests.unit.model.test_release import GOOD

COUNT = {"name": "rows", "type": "count"}
QUARTILES = {"name": "q", "type": "quantiles", "of": "age"}


def document(*asked: dict[str, Any], **privacy: Any) -> dict[str, Any]:
    made = copy.deepcopy(GOOD)
    del made["spec"]["synthesize"], made["spec"]["utility"]
    made["spec"]["statistics"] = {"queries": asked or (COUNT,)}
    made["spec"]["privacy"] = {"epsilon": Decimal(1), "delta": Decimal("1e-9"), **privacy}
    return made


def test_a_release_of_statistics() -> None:
    release = Release.model_validate(document())
    assert release.spec.type == "statistics"
    assert release.spec.synthesize is None
    assert Release.model_validate(GOOD).spec.type == "synthetic"


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ((COUNT, COUNT), "names of their own"),
        (({**COUNT, "by": ("a", "a")},), "by must name each column once"),
        (({**QUARTILES, "at": (Decimal("0.5"), Decimal("0.5"))},), "strictly increasing"),
        (({**QUARTILES, "at": (Decimal(1),)},), "less than 1"),
        (({**QUARTILES, "at": (Decimal(0),)},), "greater than 0"),
        (({**QUARTILES, "at": ()},), "at least 1"),
        (({"name": "top", "type": "top", "of": "job", "k": 0},), "greater than or equal to 1"),
        (({**COUNT, "name": "Rows"},), "pattern"),
        (({**COUNT, "weight": Decimal(0)},), "greater than 0"),
        (({"name": "median", "type": "median", "of": "age"},), "does not match any"),
    ],
)
def test_queries_that_contradict_themselves(
    asked: tuple[dict[str, Any], ...], message: str
) -> None:
    with pytest.raises(ValidationError, match=message):
        Release.model_validate(document(*asked))


def test_rows_or_numbers_and_not_both() -> None:
    both, none = document(), document()
    both["spec"]["synthesize"] = GOOD["spec"]["synthesize"]
    del none["spec"]["statistics"]
    for wrong in (both, none):
        with pytest.raises(ValidationError, match="give synthesize or statistics"):
            Release.model_validate(wrong)


def test_what_is_for_rows_alone() -> None:
    with pytest.raises(ValidationError, match="say error_at_most in a query"):
        Release.model_validate(document(evidence_share=Decimal("0.1")))
    made = document()
    made["spec"]["utility"] = GOOD["spec"]["utility"]
    with pytest.raises(ValidationError, match="say error_at_most in a query"):
        Release.model_validate(made)


def test_pure_epsilon_is_for_laplace_noise_alone() -> None:
    with pytest.raises(ValidationError, match="Gaussian noise needs delta above 0"):
        Release.model_validate(document(delta=Decimal(0)))
    laplace = {**COUNT, "noise": "laplace"}
    assert Release.model_validate(document(laplace, delta=Decimal(0))).spec.privacy.delta == 0
    with pytest.raises(ValidationError, match="query rows2"):
        Release.model_validate(document(laplace, {**COUNT, "name": "rows2"}, delta=Decimal(0)))
    rows = copy.deepcopy(GOOD)
    rows["spec"]["privacy"]["delta"] = Decimal(0)
    with pytest.raises(ValidationError, match="delta must be above 0"):
        Release.model_validate(rows)


def test_all_kinds_are_read() -> None:
    spec = queries.release().spec.statistics
    assert spec is not None
    assert {query.type for query in spec.queries} == {"count", "sum", "mean", "quantiles", "top"}


def test_a_wrong_quantile_has_its_place() -> None:
    text = """\
apiVersion: dpgate/v1
kind: Release
metadata: {name: numbers, owner: me}
spec:
  dataset: d
  purpose: p
  recipients: [r]
  regions: [US]
  columns: [age]
  statistics:
    queries:
      - {name: ages, type: quantiles, of: age, at: [0.5, 1.5]}
  privacy: {epsilon: 1, delta: 1e-9}
  retention: {expires: 2027-01-01}
"""
    with pytest.raises(DocumentError) as refused:
        load("release.yaml", text.encode())
    (problem,) = refused.value.problems
    assert (problem.line, problem.column) == (12, 58)
    assert "expected a number below 1; found 1.5" in problem.message


def column(kind: type[IntegerColumn | NumberColumn], low: str, high: str, **more: Any) -> Any:
    domain = {"min": Decimal(low), "max": Decimal(high)}
    source = {"public_codebook": "made up"}
    named = {"type": "integer" if kind is IntegerColumn else "number", "sensitivity": "plain"}
    return kind.model_validate({**named, "domain": domain, "source": source, **more})


def test_grids() -> None:
    whole = grid_of(column(IntegerColumn, "-3", "10"))
    assert whole == Grid(decimals=0, low=-3, high=10)
    assert (whole.per, whole.middle, whole.radius, whole.largest, whole.fits) == (1, 3, 7, 10, True)
    money = grid_of(column(NumberColumn, "0.005", "99.999", decimals=2))
    assert (money.low, money.high, money.per) == (1, 9999, 100)
    assert money.value(1234) == Decimal("12.34")
    assert not grid_of(column(NumberColumn, "0.1", "0.2"), 0).fits
    assert not grid_of(column(NumberColumn, "0", "9000"), 9).fits
