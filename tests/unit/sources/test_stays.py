"""Every kind of column, from Arrow and from text: a hostile row moves one count of each table."""

from __future__ import annotations

from itertools import combinations
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from dpgate.model.domain import domain_of
from dpgate.sources.arrow import table_source
from dpgate.sources.open import open_source
from tests.suites import stays

DOMAIN = domain_of(stays.dataset(), stays.COLUMNS)
WIDE = DOMAIN.names.index("diagnosis")
CLIQUES = [(place,) for place in range(len(DOMAIN))] + [
    pair for pair in combinations(range(len(DOMAIN)), 2) if WIDE not in pair
]

ODD = ["", "nan", "eve@example.com", "2020-02-30", "9999-12-31T23:59:59.999999999Z", "0000-00-00",
       "2020-01-01T00:00:00+23:59", "-1e300", "1e-300", "٣", "x" * 100_000, "\udcff", "021", "true",
       "\x00", "2020-01-01 10:00:00 Europe/Paris"]  # fmt: skip


def texts(rows: int) -> dict[str, list[str]]:
    columns = stays.table(rows).select(list(DOMAIN.names)).to_pydict()
    return {
        name: ["" if value is None else str(value) for value in values]
        for name, values in columns.items()
    }


def counted(columns: dict[str, list[str]]) -> list[np.ndarray]:
    raw = {
        name: pa.array([value.encode("utf-8", "surrogateescape") for value in values])
        for name, values in columns.items()
    }
    return table_source(pa.table(raw), DOMAIN).count(CLIQUES)


def test_text_and_typed_columns_have_the_same_cells() -> None:
    typed = table_source(stays.table(2000), DOMAIN).count(CLIQUES)
    for one, other in zip(typed, counted(texts(2000)), strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("odd", ODD, ids=lambda text: ascii(text[:20]))
def test_a_hostile_row_moves_one_count_of_each_table(
    odd: str, capfd: pytest.CaptureFixture[str]
) -> None:
    rows = texts(30)
    before = counted(rows)
    after = counted({name: [*values[:9], odd, *values[9:]] for name, values in rows.items()})
    for without, with_it in zip(before, after, strict=True):
        moved = with_it - without
        assert (moved.min(), moved.sum()) == (0, 1)
    assert capfd.readouterr() == ("", "")


def test_identifiers_and_text_need_not_be_in_the_source(tmp_path: Path) -> None:
    place = tmp_path / "stays.csv"
    rows = texts(5)
    lines = [",".join(rows), *map(",".join, zip(*rows.values(), strict=True))]
    place.write_text("\n".join(lines) + "\n", encoding="utf-8")
    source = open_source(str(place), stays.dataset(), stays.COLUMNS, tmp_path)
    assert source.count([(0,)])[0].sum() == 5
