"""Conditions on every kind of column: dates, moments, exact decimals, postal codes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from dpgate.errors import SynthesisError, UsageError
from dpgate.model.conditions import label
from dpgate.model.dataset import Dataset
from dpgate.model.domain import domain_of
from dpgate.model.draw import Draw, parse_balance, parse_condition
from dpgate.synthesis import redraw
from dpgate.synthesis.finish.finisher import finisher
from dpgate.synthesis.sampling.directed import Coarsening, DirectedModel, Step

COLUMNS: dict[str, dict[str, Any]] = {
    "day": {
        "type": "date",
        "domain": {"min": "2020-01-01", "max": "2021-12-31", "bins": "month"},
        "nullable": True,
    },
    "moment": {
        "type": "timestamp",
        "timezone": "UTC",
        "domain": {
            "min": "2020-01-01T00:00:00",
            "max": "2020-12-31T23:59:59",
            "bins": 12,
            "precision": "second",
        },
    },
    "pay": {"type": "decimal", "decimals": 2, "domain": {"min": 0, "max": 1000, "bins": 10}},
    "zip": {"type": "zip", "domain": ("021", "100", "945")},
}
DATASET = Dataset.model_validate(
    {
        "apiVersion": "dpgate/v1",
        "kind": "Dataset",
        "metadata": {"name": "made-up", "steward": "tests"},
        "spec": {
            "population": "made-up",
            "neighboring": "add-remove",
            "unit": {"row": "person", "max_rows_per_person": 1, "source": "made up"},
            "rows": {"at_most": 1000},
            "columns": {
                name: {"sensitivity": "plain", "source": {"public_codebook": "x"}, **column}
                for name, column in COLUMNS.items()
            },
        },
    }
)
DOMAIN = domain_of(DATASET, tuple(COLUMNS))
FINISH = finisher(DATASET, tuple(COLUMNS))


def drawn(*where: str, balance: str | None = None) -> pa.Table:
    flat = tuple(
        Step(column=place, parents=(), table=np.full((1, size), 1 / size))
        for place, size in enumerate(DOMAIN.sizes)
    )
    columns = tuple(Coarsening.none(size) for size in DOMAIN.sizes)
    model = DirectedModel(domain=DOMAIN, columns=columns, steps=flat, total=1.0)
    draw = Draw(
        rows=300,
        where=tuple(map(parse_condition, where)),
        balance=None if balance is None else parse_balance(balance),
        formats=("csv",),
    )
    rows = redraw.batches(model, FINISH, draw, lambda stage, part: None)
    return pa.Table.from_batches(FINISH.stream(rows))


@pytest.mark.parametrize(
    ("column", "where", "low", "high"),
    [
        ("day", ["day>=2020-03-15", "day<2020-04-02"], "2020-03-15", "2020-04-01"),
        ("day", ["day=2020-03-15|2020-03-31"], "2020-03-15", "2020-03-31"),
        ("day", ["day>2020-03-31", "day<=2020-04-30"], "2020-04-01", "2020-04-30"),
        ("moment", ["moment>=2020-06-15T12:00:00", "moment<2020-06-20"],
         "2020-06-15 12:00:00", "2020-06-19 23:59:59"),
        ("pay", ["pay>=33.33", "pay<34"], "33.33", "33.99"),
        ("zip", ["zip=021|100"], "02100", "10099"),
        ("zip", ["zip!=021", "zip!=945"], "10000", "10099"),
    ],
)  # fmt: skip
def test_every_row_lies_between_the_bounds(
    column: str, where: list[str], low: str, high: str
) -> None:
    found = [str(value) for value in drawn(*where).column(column).to_pylist()]
    assert len(found) == 300
    assert low <= min(found)
    assert max(found) <= high


def test_missing_values_are_asked_for_by_nothing() -> None:
    assert drawn("day=").column("day").null_count == 300
    assert drawn("day!=").column("day").null_count == 0
    assert drawn("day!=2020-01-01").column("day").null_count > 0
    assert drawn(balance="day").column("day").null_count == 0


@pytest.mark.parametrize(
    ("where", "message"),
    [
        ("zip=02101", "zip has no '02101'"),
        ("zip>=021", "zip is zip: it has no order"),
        ("day>=yesterday", "'yesterday' is no date"),
        ("day=2019-12-31", "it goes from 2020-01-01 to 2021-12-31"),
        ("moment<2019-01-01", "it goes from 2020-01-01 00:00:00 to 2020-12-31 23:59:59"),
        ("moment>=noon", "'noon' is no timestamp"),
        ("pay>1e3", "'1e3' is no number"),
        ("pay=", "'' is no number"),
    ],
)
def test_a_value_of_another_kind_is_told(where: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        drawn(where)


def test_a_value_that_no_row_can_have_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(redraw, "_PATIENCE", 1_000)
    with pytest.raises(SynthesisError, match="hardly any row satisfies pay=5") as caught:
        drawn("pay=5.125")
    assert "pay 0…100" in caught.value.fix


def test_cells_have_names() -> None:
    day, moment, pay, zip_ = DOMAIN.columns
    assert label(day, 0) == "day 2020-01-01…2020-01-31"
    assert label(day, 24) == "day missing"
    assert label(moment, 0).startswith("moment 2020-01-01 00:00:00…")
    assert label(pay, 9) == "pay 900…1000"
    assert label(zip_, 2) == "zip=945"
