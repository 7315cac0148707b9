"""Members and holdout: every row is on one side, by a coin of its own, the same in every pass."""

from __future__ import annotations

from collections import Counter
from decimal import Decimal
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from dpgate.errors import SourceError
from dpgate.model.dataset import Dataset
from dpgate.model.domain import ColumnDomain, Domain
from dpgate.sources.arrow import ArrowSource, table_source
from dpgate.sources.open import open_halves
from dpgate.sources.split import split
from tests.suites import worlds

SHARE = Decimal("0.25")
COUNT = 20_000
DOMAIN = Domain(
    columns=(
        ColumnDomain(name="a", kind="whole", values=tuple(range(50))),
        ColumnDomain(name="b", kind="whole", values=(0, 1)),
    )
)


def table(rows: int = COUNT) -> pa.Table:
    numbers = np.arange(rows)
    return pa.table({"a": numbers % 50, "b": numbers % 2, "who": numbers // 4})


def ids(read: object) -> list[int]:
    return [value for batch in read() for value in batch.column("n").to_pylist()]  # type: ignore[operator]


def numbered(rows: int, size: int) -> pa.Table:
    return pa.table({"n": np.arange(rows)}).to_batches(size)


@pytest.mark.parametrize("size", [7, 1_000, 100_000])
def test_each_row_is_on_one_side_and_stays_there(size: int) -> None:
    read = lambda: iter(numbered(COUNT, size))  # noqa: E731 - as short as what it reads
    members, holdout = split(read, SHARE, None)
    first, out = ids(members), ids(holdout)
    assert sorted(first + out) == list(range(COUNT))
    assert ids(members) == first
    assert abs(len(out) / COUNT - 0.25) < 6 * (0.25 * 0.75 / COUNT) ** 0.5


def test_coins_do_not_depend_on_batches() -> None:
    sizes = iter((7, 997, 5_000))
    members, _ = split(lambda: iter(numbered(COUNT, next(sizes))), SHARE, None)
    first, second = ids(members), ids(members)
    assert first == second


def sides(rows: pa.Table, column: str | None) -> list[Counter[tuple[object, ...]]]:
    """What is on each side, by content, under one key."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("dpgate.sources.split.secrets.token_bytes", lambda size: b"k" * size)
        halves = split(lambda: iter(rows.to_batches(113)), SHARE, column)
    return [
        Counter(tuple(row.values()) for batch in side() for row in batch.to_pylist())
        for side in halves
    ]


@pytest.mark.parametrize("column", [None, "who"])
@pytest.mark.parametrize("place", [0, 500, 999])
def test_one_row_more_changes_one_side_by_that_row(column: str | None, place: int) -> None:
    few = table(1_000).set_column(1, "b", pa.array([1] * 1_000))  # many rows are alike
    more = pa.concat_tables([few.slice(0, place), few.slice(3, 1), few.slice(place)])
    before, after = sides(few, column), sides(more, column)
    gained = [after[k] - before[k] for k in (0, 1)]
    lost = [before[k] - after[k] for k in (0, 1)]
    assert sorted(sum(each.values()) for each in gained) == [0, 1]
    assert not any(lost)


def test_equal_rows_have_coins_of_their_own() -> None:
    same = pa.table({"a": [1] * COUNT})
    _, holdout = sides(same, None)
    assert abs(holdout.total() / COUNT - 0.25) < 6 * (0.25 * 0.75 / COUNT) ** 0.5


def test_two_splits_differ() -> None:
    read = lambda: iter(numbered(100, 10))  # noqa: E731 - as above
    assert ids(split(read, SHARE, None)[0]) != ids(split(read, SHARE, None)[0])


def test_neighbouring_coins_are_independent() -> None:
    members, _ = split(lambda: iter(numbered(COUNT, 1_000)), Decimal("0.5"), None)
    there = np.zeros(COUNT, dtype=bool)
    there[ids(members)] = True
    together = float((there[1:] == there[:-1]).mean())
    assert abs(together - 0.5) < 6 * (0.25 / COUNT) ** 0.5


def test_all_rows_of_a_person_are_on_one_side() -> None:
    data = table()
    members, holdout = split(lambda: iter(data.to_batches(999)), SHARE, "who")
    sides = [
        {name for batch in side() for name in batch.column("who").to_pylist()}
        for side in (members, holdout)
    ]
    assert not sides[0] & sides[1]
    assert len(sides[0] | sides[1]) == COUNT // 4


def test_halves_of_a_file_add_up(tmp_path: Path) -> None:
    rows = worlds.rows(400)
    path = tmp_path / "data.parquet"
    pq.write_table(worlds.table(rows), path)
    dataset = worlds.dataset()
    halves = open_halves(str(path), dataset, worlds.domain().names, SHARE, tmp_path)
    whole = table_source(worlds.table(rows), worlds.domain())
    cliques = [(0,), (1, 2)]
    for both, members, holdout in zip(
        whole.count(cliques),
        halves.members.count(cliques),
        halves.holdout.count(cliques),
        strict=True,
    ):
        assert (members + holdout == both).all()
        assert holdout.sum() > 0


def test_a_source_that_counts_elsewhere_is_refused() -> None:
    pytest.importorskip("ibis")
    dataset: Dataset = worlds.dataset()
    with pytest.raises(SourceError, match="whole rows"):
        open_halves("postgresql://nowhere/x?table=t", dataset, worlds.domain().names, SHARE)


def test_rows_yield_cells_and_hide_what_arrow_says() -> None:
    source = table_source(table(), DOMAIN)
    found = np.concatenate([batch[1] for batch in source.rows([1])])
    assert (found == np.arange(COUNT) % 2).all()

    def broken() -> object:
        yield table(10).select(["a", "b"]).to_batches()[0]
        raise pa.ArrowInvalid("a private value")

    with pytest.raises(SourceError, match="unreadable") as caught:
        list(ArrowSource(DOMAIN, broken).rows([0]))  # type: ignore[arg-type]
    assert "private" not in str(caught.value)
