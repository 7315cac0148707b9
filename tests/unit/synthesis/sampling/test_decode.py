"""Values of cells: inside the domain, in the cell they were drawn for."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dpgate.model.columns import IntegerColumn, NumberColumn
from dpgate.model.domain import ColumnDomain, column_domain
from dpgate.sources.encode import encode
from dpgate.synthesis.sampling.decode import decode
from tests.suites import worlds
from tests.suites.columns import KINDS, cells

COMMON: dict[str, Any] = {"sensitivity": "plain", "source": {"public_codebook": "x"}}


def number(low: str, high: str, bins: Any, decimals: int) -> ColumnDomain:
    domain = {"min": Decimal(low), "max": Decimal(high), "bins": bins}
    column = {"type": "number", "domain": domain, "decimals": decimals, **COMMON}
    return column_domain("x", NumberColumn.model_validate(column))


def integer(low: int, high: int, bins: Any) -> ColumnDomain:
    domain = {"min": Decimal(low), "max": Decimal(high), "bins": bins}
    column = {"type": "integer", "domain": domain, **COMMON}
    return column_domain("x", IntegerColumn.model_validate(column))


def drawn(column: ColumnDomain, each: int = 100) -> tuple[np.ndarray, pa.Array]:
    cells = np.repeat(np.arange(column.size), each)
    return cells, decode(cells, column, np.random.default_rng(0))


@pytest.mark.parametrize(
    "column",
    [
        *worlds.domain().columns,
        *KINDS.values(),
        integer(-7, 40, "log"),
        integer(0, 99, "each"),
        integer(0, 10**15, 7),
        number("-1", "1", 8, 3),
        number("0.1", "0.7", 6, 1),
        number("0", "100000", "log", 2),
        number("-3.5", "12.25", 32, 9),
    ],
    ids=lambda column: f"{column.kind}{column.size}",
)
def test_values_return_to_their_cells(column: ColumnDomain) -> None:
    cells, values = drawn(column)
    np.testing.assert_array_equal(encode(values, column), cells)


@given(
    st.decimals(-1000, 1000, places=4),
    st.decimals("0.0001", 500, places=4),
    st.one_of(st.integers(1, 40), st.just("log")),
    st.integers(0, 6),
)
def test_numbers_stay_inside_with_their_decimals(
    low: Decimal, width: Decimal, bins: Any, decimals: int
) -> None:
    column = number(str(low), str(low + width), bins, decimals)
    _, values = drawn(column, each=5)
    found = values.to_numpy()
    assert found.min() >= float(low)
    assert found.max() <= float(low + width)


def test_draws_fill_the_bin_evenly_to_both_ends() -> None:
    values = decode(np.zeros(60_000, dtype=np.int64), integer(1, 6, 1), np.random.default_rng(1))
    counted = np.bincount(values.to_numpy(), minlength=7)
    assert counted[0] == 0
    assert np.abs(counted[1:] - 10_000).max() < 500
    tenths = decode(
        np.zeros(60_000, dtype=np.int64), number("0", "0.5", 1, 1), np.random.default_rng(2)
    )
    counted = np.bincount(np.rint(tenths.to_numpy() * 10).astype(int), minlength=6)
    assert np.abs(counted - 10_000).max() < 500


def test_a_bin_without_any_such_decimal_gives_its_lowest_value() -> None:
    _, values = drawn(number("0.12", "0.14", 2, 1))
    assert set(values.to_pylist()) == {0.12, 0.13}


def test_a_bin_without_any_exact_decimal_gives_the_step_below_it() -> None:
    column = cells("decimal", {"min": 3, "max": 5, "bins": 7}, decimals=0)
    values = decode(np.arange(7), column, np.random.default_rng(1)).to_pylist()
    assert [int(value) for value in values] == [3, 3, 3, 4, 4, 4, 5]


def test_types_are_those_of_the_domain() -> None:
    kinds = [drawn(column)[1].type for column in worlds.domain().columns]
    assert kinds == [pa.int64(), pa.float64(), pa.string(), pa.int64(), pa.bool_()]


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("days", pa.date32()),
        ("hours", pa.timestamp("s")),
        ("millis", pa.timestamp("ms")),
        ("micros", pa.timestamp("us")),
        ("cost", pa.decimal128(18, 2)),
        ("zip", pa.string()),
    ],
)
def test_new_kinds_have_types_of_their_own(name: str, kind: pa.DataType) -> None:
    values = drawn(KINDS[name], each=1)[1]
    assert values.type == kind
    values.validate(full=True)


def test_released_moments_are_whole_steps_of_their_precision() -> None:
    hours = drawn(KINDS["hours"])[1].cast(pa.int64()).to_numpy()
    assert not (hours % 3600).any()
    assert hours.min() == 1585396800  # 2020-03-28T12:00, which holds the first moment


def test_decimals_are_exact() -> None:
    values = drawn(KINDS["cost"])[1].drop_null().to_pylist()
    assert all(value == round(value, 2) for value in values)
    assert max(values) <= 1_000_000
    assert decode(np.array([0]), KINDS["signed"], np.random.default_rng(0)).to_pylist() == [
        Decimal("-12.50")
    ]


def test_log_draws_favor_what_is_close_to_the_finest_place() -> None:
    within = {"min": 0, "max": 9999, "bins": 1}
    flat, log = (
        decode(np.zeros(20_000, dtype=np.int64), cells("integer", {**within, "within": rule}),
               np.random.default_rng(3)).to_numpy()
        for rule in ("uniform", "log")
    )  # fmt: skip
    assert abs(np.median(flat) - 5000) < 200
    assert abs(np.median(log) - 99) < 15  # as many below sqrt(10000) - 1 as above
    assert (log.min(), log.max() <= 9999) == (0, True)
    left = cells("integer", {"min": -10_000, "max": -1, "bins": 1, "within": "log"})
    drawn = decode(np.zeros(20_000, dtype=np.int64), left, np.random.default_rng(3)).to_numpy()
    assert abs(np.median(drawn) + 100) < 15


def test_zip_digits_after_the_prefix_are_each_as_likely_as_any() -> None:
    codes = decode(np.full(50_000, 21), KINDS["zip"], np.random.default_rng(4)).to_pylist()
    assert {code[:3] for code in codes} == {"021"}
    assert {len(code) for code in codes} == {5}
    counted = np.bincount([int(code[3:]) for code in codes], minlength=100)
    assert np.abs(counted - 500).max() < 130
    assert decode(np.array([0]), KINDS["zips"], np.random.default_rng(0)).to_pylist() == ["02100"]
