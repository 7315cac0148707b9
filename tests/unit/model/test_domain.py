"""Cells: they partition what a column may hold, and depend on the document alone."""

from __future__ import annotations

import itertools
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter

from dpgate.loading.documents import load
from dpgate.model.columns import Column
from dpgate.model.dataset import Dataset
from dpgate.model.domain import ColumnDomain, column_domain, domain_of

DATASET = Path(__file__).parents[2] / "assets" / "documents" / "dataset.yaml"
COLUMNS: TypeAdapter[Any] = TypeAdapter(Column)


def cells(kind: str, domain: Any = None, **more: Any) -> ColumnDomain:
    given = {} if domain is None else {"domain": domain}
    source = {"public_codebook": "p"}
    column = {"type": kind, "sensitivity": "phi", "source": source, **given, **more}
    return column_domain("c", COLUMNS.validate_python(column))


def test_each_integer_is_a_cell() -> None:
    made = cells("integer", {"min": -1, "max": 2, "bins": "each"})
    assert made.lows == made.highs == (-1, 0, 1, 2)
    assert (made.kind, made.size, made.null, made.fallback) == ("integer", 4, None, 0)


def test_equal_bins_of_integers() -> None:
    made = cells("integer", {"min": 0, "max": 10, "bins": 3})
    assert (made.lows, made.highs) == ((0, 4, 7), (3, 6, 10))


def test_more_bins_than_integers_are_merged() -> None:
    made = cells("integer", {"min": 0, "max": 3, "bins": 100})
    assert (made.lows, made.highs) == ((0, 1, 2), (0, 1, 3))


def test_log_bins_widen_from_min() -> None:
    made = cells("integer", {"min": 10, "max": 110, "bins": "log"})
    widths = [high - low for low, high in zip(made.lows, made.highs, strict=True)]
    assert made.lows[:3] == (10, 11, 12)
    assert widths[:-1] == sorted(widths[:-1])


def test_edges_are_taken_as_given() -> None:
    made = cells("number", {"min": 0, "max": 10, "bins": (0, Decimal("2.5"), 10)}, decimals=1)
    assert (made.lows, made.highs, made.decimals) == ((0, 2.5), (2.5, 10), 1)


@pytest.mark.parametrize(
    ("kind", "domain", "values", "form"),
    [
        ("category", ("a", "b"), ("a", "b"), "text"),
        ("ordinal", (0, 25, 50), (0, 25, 50), "whole"),
        ("boolean", None, (False, True), "boolean"),
    ],
)
def test_listed_values(kind: str, domain: Any, values: tuple[object, ...], form: str) -> None:
    made = cells(kind, domain)
    assert (made.values, made.kind, made.size) == (values, form, len(values))


@pytest.mark.parametrize(
    ("more", "null", "fallback"),
    [
        ({}, None, 0),
        ({"nullable": True}, 2, 2),
        ({"other": "b"}, None, 1),
        ({"other": "a", "nullable": True}, 2, 0),
    ],
)
def test_where_unlisted_values_go(more: dict[str, Any], null: int | None, fallback: int) -> None:
    made = cells("category", ("a", "b"), **more)
    assert (made.null, made.fallback, made.size) == (null, fallback, 2 + (null is not None))


def test_the_null_cell_of_numbers_comes_last() -> None:
    made = cells("number", {"min": 0, "max": 1, "bins": 4}, nullable=True)
    assert (made.null, made.fallback, made.size) == (4, 4, 5)


def test_an_identifier_has_no_domain() -> None:
    identifier = COLUMNS.validate_python({"type": "identifier", "sensitivity": "phi"})
    with pytest.raises(TypeError, match="identifier column person has no domain"):
        column_domain("person", identifier)


def test_the_domain_of_a_dataset_keeps_the_order_of_the_release() -> None:
    dataset = load("d", DATASET.read_bytes()).document
    assert isinstance(dataset, Dataset)
    domain = domain_of(dataset, ("insured", "health", "coinsurance"))
    assert domain.names == ("insured", "health", "coinsurance")
    assert domain.sizes == (2, 5, 4)
    assert len(domain) == 3


@given(
    st.integers(-(10**6), 10**6),
    st.integers(1, 10**6),
    st.integers(1, 200) | st.just("log"),
)
def test_integer_bins_partition_the_range(low: int, span: int, bins: int | str) -> None:
    made = cells("integer", {"min": low, "max": low + span, "bins": bins})
    assert made.lows[0] == low
    assert made.highs[-1] == low + span
    assert all(a <= b for a, b in zip(made.lows, made.highs, strict=True))
    pairs = itertools.pairwise(zip(made.lows, made.highs, strict=True))
    assert all(left[1] + 1 == right[0] for left, right in pairs)


@given(
    st.decimals(-(2**53), 2**53, places=3),
    st.decimals("0.001", 10**6, places=3),
    st.integers(1, 200) | st.just("log"),
)
def test_number_bins_cover_the_range(low: Decimal, span: Decimal, bins: int | str) -> None:
    high = min(low + span, Decimal(2**53))
    if low >= high:
        return
    made = cells("number", {"min": low, "max": high, "bins": bins})
    assert float(made.lows[0]) == float(low)
    assert float(made.highs[-1]) == float(high)
    assert made.lows[1:] == made.highs[:-1]
    assert list(made.lows) == sorted(made.lows)
