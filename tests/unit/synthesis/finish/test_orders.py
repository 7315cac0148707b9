"""Order is kept, and at what price to the marginals."""

from __future__ import annotations

from decimal import Decimal

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dpgate.mechanisms.session import Mechanisms
from dpgate.model.domain import ColumnDomain
from dpgate.sources.arrow import table_source
from dpgate.sources.encode import encode
from dpgate.synthesis.finish.finisher import finisher
from dpgate.synthesis.finish.keys import Keyed
from dpgate.synthesis.finish.orders import broken, keep_ordered
from dpgate.synthesis.interface import Task
from dpgate.synthesis.mst.synthesizer import Mst
from dpgate.synthesis.sampling.decode import decode
from tests.suites import stays
from tests.suites.columns import cells

KINDS = {
    "integer": lambda low, high: cells(
        "integer", {"min": low, "max": high, "bins": 7}, nullable=True
    ),
    "number": lambda low, high: cells("number", {"min": low, "max": high, "bins": "log"}),
    "decimal": lambda low, high: cells(
        "decimal", {"min": low, "max": high, "bins": 5}, nullable=True
    ),
    "date": lambda low, high: cells(
        "date", {"min": f"20{30 + low}-03-04", "max": f"20{30 + high}-02-01"}
    ),
    "timestamp": lambda low, high: cells(
        "timestamp",
        {"min": f"20{30 + low}-03-04", "max": f"20{30 + high}-02-01T12:30", "precision": "hour"},
        nullable=True,
    ),
}
ORDERS = [("b", "a"), ("c", "b"), ("c", "a"), ("e", "d"), ("c", "d")]


def shares(values: pa.Array, column: ColumnDomain) -> np.ndarray:
    return np.bincount(encode(values, column), minlength=column.size) / len(values)


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=15, deadline=None)
@given(
    ends=st.lists(st.tuples(st.integers(-20, 0), st.integers(1, 20)), min_size=5, max_size=5),
    rows=st.integers(0, 60),
    seed=st.integers(0, 2**32),
)
def test_orders_hold_afterwards_whatever_comes_in(
    kind: str, ends: list[tuple[int, int]], rows: int, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    columns = {}
    for name, (low, high) in zip("abcde", ends, strict=True):
        domain = KINDS[kind](low, high)
        drawn = decode(rng.integers(0, domain.size, rows), domain, rng)
        columns[name] = Keyed.of(drawn, domain)
    before = {name: column.missing.copy() for name, column in columns.items()}
    keep_ordered(columns, ORDERS, rng)
    assert not broken(columns, ORDERS).any()
    for name, column in columns.items():
        np.testing.assert_array_equal(column.missing, before[name])
        made = column.array()
        made.validate(full=True)
        low, high = column.limits()
        known = column.keys[~column.missing]
        assert ((known >= low) & (known <= high)).all()


def test_rows_in_order_stay_as_they_are() -> None:
    domain = KINDS["date"](0, 9)
    rng = np.random.default_rng(5)
    values = decode(rng.integers(0, domain.size, 500), domain, rng)
    columns = {"low": Keyed.of(values, domain), "high": Keyed.of(values, domain)}
    keep_ordered(columns, [("high", "low")], rng)
    assert columns["low"].array().equals(values)
    assert columns["high"].array().equals(values)


def test_within_a_common_bin_no_cell_changes_and_draws_stay_even() -> None:
    domain = cells("integer", {"min": 0, "max": 99, "bins": 1})
    rng = np.random.default_rng(6)
    drawn = [decode(np.zeros(40_000, dtype=np.int64), domain, rng) for _ in range(2)]
    columns = {n: Keyed.of(v, domain) for n, v in zip(("low", "high"), drawn, strict=True)}
    keep_ordered(columns, [("high", "low")], rng)
    low, high = columns["low"].keys, columns["high"].keys
    assert (high >= low).all()
    # Uniform on the triangle: the means lie at thirds.
    assert abs(low.mean() - 33) < 0.6
    assert abs(high.mean() - 66) < 0.6


def test_independent_columns_keep_their_marginals_by_exchange() -> None:
    """A model without the pair: half of its rows are out of order, yet both marginals stay."""
    domain = cells("date", {"min": "2018-01-01", "max": "2020-12-31"})
    rng = np.random.default_rng(7)
    size = domain.size
    rising = np.arange(1, size + 1) / np.arange(1, size + 1).sum()
    low = decode(rng.choice(size, 50_000, p=rising[::-1]), domain, rng)
    high = decode(rng.choice(size, 50_000, p=rising), domain, rng)
    columns = {"low": Keyed.of(low, domain), "high": Keyed.of(high, domain)}
    out_of_order = (broken(columns, [("high", "low")]) > 0).mean()
    assert 0.1 < out_of_order < 0.2
    keep_ordered(columns, [("high", "low")], rng)
    for name, before in (("low", low), ("high", high)):
        after = columns[name].array()
        apart = np.abs(shares(after, domain) - shares(before, domain)).sum() / 2
        assert apart < 0.01, (name, apart, out_of_order)


def _moved(raw: pa.Table, done: pa.Table, column: ColumnDomain) -> float:
    before, after = (shares(made[column.name].combine_chunks(), column) for made in (raw, done))
    return float(np.abs(after - before).sum()) / 2


def test_the_price_on_a_fitted_model_is_small() -> None:
    """MST on hospital stays at ε about 1: what finishing does to one- and two-way marginals."""
    finish = finisher(stays.dataset(), stays.COLUMNS)
    private = stays.table(20_000)
    task = Task(domain=finish.domain, relation="add-remove", rows=20_000)
    events = Mst().plan(task, Decimal("0.02"))
    source = table_source(private, finish.domain)
    moved = []
    for _ in range(7):  # one tree in fourteen moves a third column by 0.055
        mechanisms = Mechanisms(events, "add-remove")
        model = Mst().fit(task, events, source, mechanisms, lambda *_: None)
        raw = model.sample(20_000, lambda *_: None)
        done = pa.Table.from_batches(finish.stream(raw.to_batches()), finish.schema)
        moved.append([_moved(raw, done, column) for column in finish.domain.columns])
    # Seen: 0.018 for the two columns in order, nothing but for what follows or is missing.
    assert (np.median(moved, axis=0) < 0.05).all(), moved
    real, before, after = (
        table_source(made, finish.domain).count([(0, 1)])[0] / 20_000
        for made in (private, raw, done)
    )
    # Together they come closer to the truth, in which no row is out of order (seen: 0.15 to 0.08).
    assert np.abs(after - real).sum() < np.abs(before - real).sum()
