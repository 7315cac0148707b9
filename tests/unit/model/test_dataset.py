"""What a Dataset may say about its columns."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from dpgate.model.columns import Column, Provenance
from dpgate.model.dataset import Dataset, DatasetMetadata, Unit
from dpgate.model.ranges import Range
from tests.suites import worlds

SOURCE = {"public_codebook": "page 7"}
COLUMNS: TypeAdapter[Any] = TypeAdapter(Column)


def column(kind: str, domain: Any = None, **more: Any) -> Any:
    given = {} if domain is None else {"domain": domain}
    return COLUMNS.validate_python(
        {"type": kind, "sensitivity": "phi", "source": SOURCE, **given, **more}
    )


@pytest.mark.parametrize(
    ("given", "kind"),
    [
        (SOURCE, "public_codebook"),
        ({"dp_estimate": {"entry": "sha256:" + "0" * 64}}, "dp_estimate"),
        ({"assumption": {"by": "a", "because": "b"}}, "assumption"),
        ({"private_data": "profile"}, "private_data"),
    ],
)
def test_provenance_names_its_kind(given: dict[str, Any], kind: str) -> None:
    assert Provenance.model_validate(given).kind == kind


@pytest.mark.parametrize("given", [{}, {"public_codebook": "a", "private_data": "b"}])
def test_provenance_is_exactly_one(given: dict[str, Any]) -> None:
    with pytest.raises(ValidationError, match="exactly one of"):
        Provenance.model_validate(given)


@pytest.mark.parametrize(
    ("bins", "message"),
    [
        ((0,), "at least two"),
        ((0, 5, 5, 10), "strictly increasing"),
        ((0, 7, 5, 10), "strictly increasing"),
        ((1, 5, 10), "must start at min"),
        ((0, 5, 9), "end at max"),
    ],
)
def test_edges(bins: tuple[int, ...], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        Range.model_validate({"min": 0, "max": 10, "bins": bins})


@pytest.mark.parametrize("bins", [1, 10_000, "log", "each", (0, Decimal("2.5"), 10)])
def test_bins(bins: object) -> None:
    assert Range.model_validate({"min": 0, "max": 10, "bins": bins}).bins == bins


@pytest.mark.parametrize(("low", "high"), [(3, 3), (4, 3)])
def test_min_is_below_max(low: int, high: int) -> None:
    with pytest.raises(ValidationError, match="must be below max"):
        Range.model_validate({"min": low, "max": high})


@pytest.mark.parametrize(
    ("kind", "domain", "message"),
    [
        ("integer", {"min": Decimal("0.5"), "max": 3}, "must be whole"),
        ("integer", {"min": 0, "max": 2**53 + 1}, "below 2.53"),
        ("integer", {"min": 0, "max": 10_000, "bins": "each"}, "at most 10,000 integers"),
        ("number", {"min": 0, "max": 3, "bins": "each"}, "for integer columns"),
        ("number", {"min": 0, "max": Decimal("1e30"), "bins": "log"}, "within ±2.53"),
        ("category", ("a", "b", "a"), "must differ"),
        ("category", ("a", 1), "all text or all whole"),
        ("ordinal", (1, 1), "must differ"),
        ("ordinal", (True, False), "."),
    ],
)
def test_impossible_domains(kind: str, domain: Any, message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        column(kind, domain)


def test_the_largest_domain_of_single_integers() -> None:
    assert column("integer", {"min": 0, "max": 9_999, "bins": "each"}).domain.bins == "each"


def test_other_is_a_listed_value() -> None:
    assert column("category", ("a", "b"), other="b").other == "b"
    with pytest.raises(ValidationError, match="'c' is not in the domain"):
        column("category", ("a", "b"), other="c")


def test_ledger_names_no_dataset() -> None:
    with pytest.raises(ValidationError, match="ledger is reserved"):
        DatasetMetadata(name="ledger", steward="x")


@pytest.mark.parametrize(
    ("given", "protected", "together"),
    [
        ({}, "visit", 1),
        ({"protect": "row"}, "visit", 1),
        ({"protect": "person"}, "person", 5),
        ({"column": "pid"}, "person", 5),
        ({"column": "pid", "protect": "person"}, "person", 5),
    ],
)
def test_what_is_protected(given: dict[str, str], protected: str, together: int) -> None:
    unit = Unit.model_validate({"row": "visit", "max_rows_per_person": 5, "source": "x", **given})
    assert (unit.protected, unit.rows_together) == (protected, together)


def test_a_column_of_persons_protects_persons() -> None:
    given = {"row": "visit", "max_rows_per_person": 5, "source": "x", "column": "pid"}
    with pytest.raises(ValidationError, match="protect: person"):
        Unit.model_validate({**given, "protect": "row"})


@pytest.mark.parametrize("name", ["none", "age"])
def test_persons_are_named_by_an_identifier_column(name: str) -> None:
    plain = worlds.dataset().model_dump(mode="python", by_alias=True)
    plain["spec"]["unit"]["column"] = name
    with pytest.raises(ValidationError, match=f"{name} is no identifier column"):
        Dataset.model_validate(plain)
