"""Schema conformity finds every departure, and repeats no value."""

from __future__ import annotations

import dataclasses
import datetime as dt
import re
from decimal import Decimal
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from dpgate.evidence.schema import conformity
from dpgate.model.domain import ColumnDomain, Domain
from dpgate.synthesis.sampling.decode import decode, schema
from tests.suites.columns import KINDS
from tests.unit.evidence.worlds import DOMAIN, SYNTHETIC, table

GOOD = table(SYNTHETIC)


def test_a_table_of_the_domain_conforms() -> None:
    result = conformity(GOOD, DOMAIN, 4)
    assert (result.value, result.details, result.disclosure) == (Decimal(0), (), "public")


@pytest.mark.parametrize(
    ("column", "values"),
    [
        ("job", pa.array(["none", "full", None, "part"]).dictionary_encode()),
        ("job", pa.array(["none", "full", None, "part"], pa.large_string())),
        (
            "job",
            pa.chunked_array(
                [pa.array(["none", "full"]).dictionary_encode(),
                 pa.array(["part", None]).dictionary_encode()]
            ),
        ),
        ("age", pa.array([0, 120, 17, 18], pa.int32())),
        ("income", pa.array([0.0, 100.0, 10.0, 9.9])),
    ],
)  # fmt: skip
def test_other_storage_of_domain_values_conforms(column: str, values: Any) -> None:
    changed = GOOD.set_column(DOMAIN.names.index(column), column, values)
    assert conformity(changed, DOMAIN, 4).details == ()


BROKEN = [
    ("job", pa.array(["none", "canary", "canary", "thief"]), "2 distinct values"),
    ("job", pa.array(["none", "canary", None, "x"]).dictionary_encode(), "2 distinct values"),
    ("job", pa.array([1, 2, 3, 4]), "stored as int64, not as text"),
    ("age", pa.array([-1, 121, 5, 5]), r"2 values outside \[0, 120\]"),
    ("age", pa.array([1, None, 5, 5]), "1 missing values"),
    ("age", pa.array([1.0, 2.0, 3.0, 4.0]), "stored as double, not as integer"),
    ("income", pa.array([float("nan"), 1.0, float("inf"), 5.0]), "2 values outside"),
    ("income", pa.array([1, 2, 3, 4]), "stored as int64, not as number"),
    ("smokes", pa.array([0, 1, 1, 0]), "stored as int64, not as boolean"),
    ("smokes", pa.array([None, True, True, False]), "1 missing values"),
]


@pytest.mark.parametrize(("column", "values", "message"), BROKEN)
def test_a_departure_is_counted_and_described(column: str, values: Any, message: str) -> None:
    changed = GOOD.set_column(DOMAIN.names.index(column), column, values)
    result = conformity(changed, DOMAIN, 4)
    assert result.value == 1
    assert re.search(message, result.details[0])
    assert column in result.details[0]
    assert "canary" not in result.model_dump_json()


@pytest.mark.parametrize(("rows", "promised"), [(4, 5), (4, 3)])
def test_the_row_count_must_be_the_promised_one(rows: int, promised: int) -> None:
    assert conformity(GOOD, DOMAIN, promised).details == (f"{rows} rows instead of {promised}",)


def test_names_and_their_order_matter() -> None:
    turned = GOOD.select(["age", "job", "income", "smokes"])
    assert conformity(turned, DOMAIN, 4).value == 1
    extra = GOOD.append_column("person", pa.array([1, 2, 3, 4]))
    assert conformity(extra, DOMAIN, 4).value == 1
    lost = GOOD.drop_columns(["age"])
    assert any("age is not there" in text for text in conformity(lost, DOMAIN, 4).details)


def test_many_faults_are_counted_and_twenty_described() -> None:
    wide = Domain(
        columns=tuple(ColumnDomain(name=f"c{i}", kind="whole", values=(0, 1)) for i in range(30))
    )
    result = conformity(pa.table({f"c{i}": [7] for i in range(30)}), wide, 1)
    assert (result.value, len(result.details)) == (Decimal(30), 20)


NEW = Domain(
    columns=tuple(
        dataclasses.replace(KINDS[name], name=name)
        for name in ("days", "hours", "cost", "zip", "weeks")
    )
)


def drawn() -> pa.Table:
    rng = np.random.default_rng(0)
    arrays = [decode(rng.integers(0, c.size, 50), c, rng) for c in NEW.columns]
    return pa.Table.from_arrays(arrays, schema=schema(NEW))


def test_dates_moments_decimals_and_postal_codes_conform() -> None:
    assert conformity(drawn(), NEW, 50).details == ()


@pytest.mark.parametrize(
    ("name", "values", "message"),
    [
        ("days", pa.array([dt.date(2019, 12, 31), None]), "has 1 values outside its bounds"),
        ("weeks", pa.array([dt.date(2019, 12, 30), None]), "has 1 missing values"),
        ("weeks", pa.array(["2019-12-30", "2019-12-31"]), "stored as string, not as date"),
        ("hours", pa.array([0, 1585396800], pa.timestamp("s")), "has 1 values outside its bounds"),
        ("hours", pa.array([1585396800] * 2, pa.timestamp("s", tz="UTC")), "not as timestamp"),
        ("cost", pa.array([Decimal("1.5")] * 2, pa.decimal128(18, 1)), "not as decimal"),
        ("cost", pa.array([Decimal("-0.01"), None], pa.decimal128(18, 2)), "1 values outside"),
        ("zip", pa.array(["2139", "0213x"]), "2 distinct values that its domain does not list"),
    ],
)
def test_departures_of_the_new_kinds(name: str, values: pa.Array, message: str) -> None:
    table = drawn().slice(0, 2)
    table = table.set_column(NEW.names.index(name), name, values)
    details = conformity(table, NEW, 2).details
    assert len(details) == 1
    assert message in details[0]
