"""Sources over Arrow data."""

from __future__ import annotations

import decimal
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from dpgate.errors import SourceError
from dpgate.sources import encoded
from dpgate.sources.arrow import ArrowSource, table_source
from dpgate.sources.interface import Sum
from tests.suites import worlds
from tests.suites.sources import SourceSuite


class TestTable(SourceSuite):
    def source(self, rows: list[worlds.Row], folder: Path) -> ArrowSource:
        return table_source(worlds.table(rows), worlds.domain())


class TestDictionaries(SourceSuite):
    """Text as Arrow dictionaries, as pandas categories arrive."""

    def source(self, rows: list[worlds.Row], folder: Path) -> ArrowSource:
        table = worlds.table(rows)
        for name in ("job", "grade", "age"):
            place = table.schema.get_field_index(name)
            table = table.set_column(place, name, table.column(name).dictionary_encode())
        return table_source(table, worlds.domain())


class TestRereading(SourceSuite):
    """Data too large to keep is read again for each count."""

    @pytest.fixture(autouse=True)
    def _small(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(encoded, "KEPT_BYTES", 16)

    def source(self, rows: list[worlds.Row], folder: Path) -> ArrowSource:
        table = worlds.table(rows)
        return ArrowSource(worlds.domain(), lambda: iter(table.to_batches(7)))


class TestFile(SourceSuite):
    """Data too large for memory is kept in a file between counts."""

    @pytest.fixture(autouse=True)
    def _small(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(encoded, "KEPT_BYTES", 16)

    def source(self, rows: list[worlds.Row], folder: Path) -> ArrowSource:
        return table_source(worlds.table(rows), worlds.domain(), folder)


def test_kept_codes_spare_a_second_reading() -> None:
    reads = []
    table = worlds.table(worlds.rows(20))

    def read() -> object:
        reads.append(1)
        return iter(table.to_batches(7))

    source = ArrowSource(worlds.domain(), read)  # type: ignore[arg-type]
    source.count([(0,)])
    source.count([(0, 1)])
    assert len(reads) == 1


def test_what_goes_wrong_while_reading_is_told_without_a_value() -> None:
    def read() -> object:
        yield from worlds.table(worlds.rows(5)).to_batches()
        raise pa.ArrowInvalid("could not convert 'eve@example.com'")

    source = ArrowSource(worlds.domain(), read)  # type: ignore[arg-type]
    with pytest.raises(SourceError) as caught:
        source.count([(0,)])
    assert "eve" not in str(caught.value) + caught.value.fix
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None


@pytest.mark.parametrize(
    ("column", "values"),
    [
        ("age", pa.array([[1]])),
        ("job", pa.array([{"a": 1}])),
        ("income", pa.array([1], pa.timestamp("s"))),
        ("grade", pa.array([1], pa.duration("s"))),
    ],
)
def test_types_that_cannot_be_counted_are_named_by_column(column: str, values: pa.Array) -> None:
    table = worlds.table(worlds.rows(1))
    table = table.set_column(table.schema.get_field_index(column), column, values)
    with pytest.raises(SourceError, match=rf"cannot be counted: {column}$"):
        table_source(table, worlds.domain())


def test_missing_and_repeated_columns_are_named() -> None:
    table = worlds.table(worlds.rows(1)).drop_columns(["age", "job"])
    table = table.append_column("grade", pa.array([1]))
    table = table.append_column("secret-extra", pa.array([1]))
    with pytest.raises(SourceError, match=r"once each: age, job, grade$"):
        table_source(table, worlds.domain())


@pytest.mark.parametrize(
    ("name", "values", "cells"),
    [
        ("age", pa.array(["7", " 8 ", "x", "1e1", None]), [0, 0, 0, 1, 0]),
        ("age", pa.array([7.9, -3.0, float("inf"), None]), [0, 0, 11, 0]),
        ("age", pa.array([decimal.Decimal("98.5"), None]), [11, 0]),
        ("age", pa.array([True, False]), [0, 0]),
        ("grade", pa.array(["3", "03", "5.0", "9" * 60, None]), [2, 2, 4, 4, 4]),
        ("grade", pa.array([5.0, 2.5, float("nan")]), [3, 4, 4]),
        ("grade", pa.array([decimal.Decimal("2.0"), decimal.Decimal("2.5")]), [1, 4]),
        ("grade", pa.nulls(2), [4, 4]),
        ("smokes", pa.array(["TRUE", "0", "yes", None]), [1, 0, 0, 0]),
        ("smokes", pa.array([1, 0, 2]), [1, 0, 0]),
        ("job", pa.array(["smith", "Smith", " smith", None]), [1, 2, 2, 2]),
        ("job", pa.array([1.5, None]), [2, 2]),
        ("job", pa.array([True]), [2]),
        ("job", pa.array(["clerk", None], pa.large_string()), [0, 2]),
        ("income", pa.array(["12.5", "nan", "-"], pa.large_string()), None),
    ],
)
def test_odd_types_have_cells(name: str, values: pa.Array, cells: list[int] | None) -> None:
    domain = worlds.domain((name,))
    counted = table_source(pa.table({name: values}), domain).count([(0,)])[0]
    if cells is None:
        assert counted[domain.columns[0].fallback] == 2
    else:
        np.testing.assert_array_equal(counted, np.bincount(cells, minlength=domain.sizes[0]))


def test_sums_follow_cells_that_were_given() -> None:
    domain = worlds.domain()
    table = pa.table(
        {"age": pa.array([3, 90, 40]), "job": pa.array(np.array([2, 0, 2], dtype=np.uint8))}
    )
    places = tuple(domain.names.index(name) for name in ("age", "job"))
    source = ArrowSource(domain, lambda: iter(table.to_batches()), coded=("job",))
    (found,) = source.sums([Sum(column=places[0], by=(places[1],), per=1, low=0, high=99)])
    assert found.tolist() == [90, 0, 43]
