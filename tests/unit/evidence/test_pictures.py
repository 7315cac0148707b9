"""Bars and heat: every cell is somewhere, labels say where, dependence is Cramér's V."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from dpgate.evidence.pictures import BARS, bars, cramers_v, heat, joined
from dpgate.model.dataset import Dataset
from dpgate.model.domain import domain_of
from dpgate.sources.arrow import table_source
from tests.suites import worlds

SOURCE = {"public_codebook": "made up"}


def dataset(**columns: dict[str, Any]) -> Dataset:
    body = worlds.dataset().model_dump(by_alias=True)
    made = {n: {"sensitivity": "plain", "source": SOURCE, **c} for n, c in columns.items()}
    return Dataset.model_validate({**body, "spec": {**body["spec"], "columns": made}})


def drawn(described: Dataset, released: pa.Table, reference: pa.Table | None = None) -> Any:
    domain = domain_of(described, tuple(described.spec.columns))
    sources = [None if t is None else table_source(t, domain) for t in (released, reference)]
    assert sources[0] is not None
    return (
        bars(described, domain, sources[0], sources[1]),
        heat(described, domain, sources[0], sources[1]),
    )


def test_bars_are_shares_in_the_document_s_order() -> None:
    made = worlds.table(worlds.rows(400))
    found, map_ = drawn(worlds.dataset(), made, worlds.table(worlds.rows(100, seed=8)))
    by = {each.column: each for each in found}
    assert list(by) == list(worlds.COLUMNS)
    assert by["job"].labels == ("clerk", "smith", "other")
    assert by["grade"].labels == ("1", "2", "3", "5", "missing")
    assert by["smokes"].labels == ("false", "true")
    assert by["age"].labels[0] == "0…8"
    for each in found:
        assert abs(sum(each.released) - 1) < Decimal("0.0001")
        assert abs(sum(each.reference or ()) - 1) < Decimal("0.0001")
        assert len(each.labels) == len(each.released) <= BARS + 1
    assert map_ is not None
    assert map_.columns == tuple(worlds.COLUMNS)
    assert all(map_.released[place][place] == 1 for place in range(5))
    assert map_.released[0][4] == map_.released[4][0] > Decimal("0.5")
    assert map_.reference is not None


def test_a_release_has_no_reference() -> None:
    found, map_ = drawn(worlds.dataset(), worlds.table(worlds.rows(50)))
    assert all(each.reference is None for each in found)
    assert map_ is not None
    assert map_.reference is None


def test_many_ordered_cells_are_joined_to_neighbours() -> None:
    described = dataset(
        age={"type": "integer", "nullable": True,
             "domain": {"min": Decimal(0), "max": Decimal(99), "bins": "each"}},
        other={"type": "boolean"},
    )  # fmt: skip
    table = pa.table({"age": pa.array([*range(100), None]), "other": [True] * 101})
    domain = domain_of(described, ("age", "other"))
    join, _ = joined(described, domain, table_source(table, domain))
    assert (join.labels[0], join.labels[-2], join.labels[-1]) == ("0…2", "98…99", "missing")
    assert (np.diff(join.cells[:100]) >= 0).all()
    assert set(join.cells) == set(range(BARS + 1))


def test_of_many_values_without_an_order_the_rarest_are_joined() -> None:
    values = tuple(f"v{place:02}" for place in range(60))
    described = dataset(kind={"type": "category", "domain": values}, other={"type": "boolean"})
    rows = [value for place, value in enumerate(values) for _ in range(1 + (place >= 21))]
    table = pa.table({"kind": rows, "other": [True] * len(rows)})
    (kind, _), _ = drawn(described, table)
    assert kind.labels == (*values[21:], "21 others")
    assert kind.released[-1] == Decimal(f"{21 / len(rows):.6f}")


def test_one_column_has_no_heat_map() -> None:
    described = dataset(other={"type": "boolean"})
    _, map_ = drawn(described, pa.table({"other": [True, False]}))
    assert map_ is None


@pytest.mark.parametrize(
    ("counts", "value"),
    [
        ([[50, 0], [0, 50]], 1.0),
        ([[25, 25], [25, 25]], 0.0),
        ([[0, 0], [0, 0]], 0.0),
        ([[5, 5], [0, 0]], 0.0),
        ([[1, 0], [0, 1]], 0.0),
        ([[900, 0, 0], [0, 700, 0], [0, 0, 800]], 1.0),
    ],
)
def test_cramers_v(counts: list[list[int]], value: float) -> None:
    assert cramers_v(np.array(counts)) == pytest.approx(value, abs=1e-6)


def test_cramers_v_of_chance_alone_is_near_zero_however_small_the_table() -> None:
    rng = np.random.default_rng(3)
    found = [cramers_v(rng.multinomial(200, np.full(100, 0.01)).reshape(10, 10)) for _ in range(50)]
    assert float(np.mean(found)) < 0.08
