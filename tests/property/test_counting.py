"""Counting by few large tables and by look-up: always what plain counting gives."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dpgate.model.domain import ColumnDomain
from dpgate.sources.count import tables
from dpgate.sources.cover import cover
from dpgate.sources.encode import encode
from dpgate.sources.lookup import Lookup
from tests.suites import worlds

SIZES = st.lists(st.integers(1, 40), min_size=1, max_size=6)


@st.composite
def wanted(draw: st.DrawFn) -> tuple[list[int], list[tuple[int, ...]]]:
    sizes = draw(SIZES)
    columns = st.lists(st.integers(0, len(sizes) - 1), min_size=1, max_size=4, unique=True)
    return sizes, [tuple(c) for c in draw(st.lists(columns, min_size=1, max_size=12))]


@given(wanted(), st.integers(1, 2000))
def test_every_clique_lies_in_a_set_that_is_small_enough(
    case: tuple[list[int], list[tuple[int, ...]]], at_most: int
) -> None:
    sizes, cliques = case
    groups = cover(cliques, sizes, at_most)
    whole = {frozenset(clique) for clique in cliques}
    assert all(any(clique <= set(group) for group in groups) for clique in whole)
    for group in groups:
        assert list(group) == sorted(set(group))
        assert frozenset(group) in whole or np.prod([sizes[c] for c in group]) <= at_most
    assert len(groups) <= len(whole)


def test_all_pairs_of_many_columns_take_few_tables() -> None:
    sizes = [85, 9, 100, 16, 7, 15, 6, 5, 2, 100, 100, 99, 42, 2]
    pairs = [(a, b) for a in range(14) for b in range(a)]
    assert len(pairs) == 91
    assert len(cover(pairs, sizes)) <= 30


@given(wanted(), st.integers(0, 60), st.booleans(), st.randoms(use_true_random=False))
def test_tables_are_those_of_plain_counting(
    case: tuple[list[int], list[tuple[int, ...]]], rows: int, merging: bool, random: Any
) -> None:
    sizes, cliques = case
    codes = [np.array([random.randrange(s) for _ in range(rows)], dtype=np.uint8) for s in sizes]
    merged = [np.arange(size) // 2 for size in sizes] if merging else None
    cut = random.randrange(rows + 1)
    batches = [[c[:cut] for c in codes], [c[cut:] for c in codes]]
    found = tables(batches, cliques, sizes, merged)
    coarse = codes if merged is None else [m[c] for m, c in zip(merged, codes, strict=True)]
    coarser = sizes if merged is None else [int(m.max()) + 1 for m in merged]
    for clique, table in zip(cliques, found, strict=True):
        expected = np.zeros([coarser[c] for c in clique], dtype=np.int64)
        np.add.at(expected, tuple(coarse[c] for c in clique), 1)
        assert table.dtype == np.int64
        assert table.flags.c_contiguous
        np.testing.assert_array_equal(table, expected)


def test_columns_of_many_cells_are_counted_too() -> None:
    rng = np.random.default_rng()
    sizes = [65_536, 300, 3]
    codes = [rng.integers(0, size, 5000).astype(np.uint16) for size in sizes]
    cliques = [(0, 1), (1, 2), (2,), (0,), (2, 0)]
    merged = [np.arange(size) for size in sizes]
    for found in (tables([codes], cliques, sizes), tables([codes], cliques, sizes, merged)):
        for clique, table in zip(cliques, found, strict=True):
            assert table.shape == tuple(sizes[c] for c in clique)
            np.add.at(table, tuple(codes[c] for c in clique), -1)
            assert not table.any()


COLUMNS = {
    **{column.name: column for column in worlds.domain().columns},
    "nullable": ColumnDomain(
        name="n", kind="integer", lows=(-5, 0, 7), highs=(-1, 6, 300), fallback=3, null=3
    ),
    "far": ColumnDomain(name="f", kind="integer", lows=(2**61,), highs=(2**61 + 5,)),
    "beyond": ColumnDomain(name="b", kind="integer", lows=(0,), highs=(2**70,)),
    "wide": ColumnDomain(name="w", kind="whole", values=tuple(range(0, 3000, 3))),
    "spread": ColumnDomain(name="s", kind="whole", values=(-(2**40), 2**40), fallback=1),
}
TYPES = [pa.int8(), pa.uint8(), pa.int32(), pa.int64(), pa.uint64()]


def numbers(kind: pa.DataType) -> st.SearchStrategy[int]:
    bits = kind.bit_width
    low, high = (0, 2**bits - 1) if "u" in str(kind) else (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)
    odd = [n for n in (low, high, -6, -1, 0, 3, 99, 100, 300, 2**61 + 3) if low <= n <= high]
    return st.one_of(st.integers(low, high), st.sampled_from(odd), st.integers(0, 100))


@pytest.mark.parametrize("kind", TYPES, ids=str)
@pytest.mark.parametrize("column", COLUMNS.values(), ids=COLUMNS)
@given(data=st.data())
def test_looking_up_gives_the_cells_of_encoding(
    column: ColumnDomain, kind: pa.DataType, data: st.DataObject
) -> None:
    values = pa.array(data.draw(st.lists(st.none() | numbers(kind), max_size=20)), kind)
    lookup = Lookup(column)
    _same(lookup.cells, values, column)
    _same(lookup.cells, values[1:], column)
    _same(lookup.cells, values.dictionary_encode(), column)


@given(st.lists(st.sampled_from([None, "", "smith", "other", "x" * 99, "clerk", "é"]), max_size=20))
def test_looking_up_text_gives_the_cells_of_encoding(texts: list[str | None]) -> None:
    column = COLUMNS["job"]
    lookup = Lookup(column)
    for part in (texts, texts[::-1], [*texts, "clerk"]):
        _same(lookup.cells, pa.array(part, pa.string()), column)
        _same(lookup.cells, pa.array(part, pa.string()).dictionary_encode(), column)
        _same(lookup.cells, pa.array(part, pa.string()).dictionary_encode("encode"), column)


def _same(cells: Callable[[pa.Array], Any], values: pa.Array, column: ColumnDomain) -> None:
    found = cells(values)
    assert found.dtype == (np.uint8 if column.size <= 256 else np.uint16)
    np.testing.assert_array_equal(found, encode(values, column))
