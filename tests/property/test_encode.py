"""Encoding is total: whatever a value is, it has a cell, and says nothing."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dpgate.model.domain import ColumnDomain
from dpgate.sources.encode import encode
from tests.suites import worlds

DOMAIN = worlds.domain()

texts = st.one_of(
    st.none(),
    st.text(max_size=20),
    st.from_regex(r"[+-]?[0-9]{0,400}\.?[0-9]{0,5}([eE][+-]?[0-9]{1,6})?", fullmatch=True),
    st.sampled_from(["nan", "inf", "-Infinity", "0x10", "1_000", "٣", "smith", "true", " 5 "]),
)
ARRAYS = {
    "float": (st.floats() | st.none(), pa.float64()),
    "float32": (st.floats(width=32) | st.none(), pa.float32()),
    "int64": (st.integers(-(2**63), 2**63 - 1) | st.none(), pa.int64()),
    "uint64": (st.integers(0, 2**64 - 1) | st.none(), pa.uint64()),
    "bool": (st.booleans() | st.none(), pa.bool_()),
    "text": (texts, pa.string()),
    "large": (texts, pa.large_string()),
    "bytes": (st.binary(max_size=20) | st.none(), pa.binary()),
    "decimal": (
        st.decimals(-(10**30), 10**30, places=3, allow_nan=False) | st.none(),
        pa.decimal128(38, 3),
    ),
}


@pytest.mark.parametrize("kind", ARRAYS)
@pytest.mark.parametrize("column", DOMAIN.columns, ids=lambda column: column.name)
@given(data=st.data())
def test_every_value_has_a_cell(kind: str, column: ColumnDomain, data: st.DataObject) -> None:
    place = DOMAIN.columns.index(column)
    values, type_ = ARRAYS[kind]
    made = data.draw(st.lists(values, max_size=12))
    array = pa.array(made, type_)
    cells = encode(array, DOMAIN.columns[place])
    assert cells.dtype == np.uint16
    assert cells.shape == (len(made),)
    assert (cells < DOMAIN.sizes[place]).all()
    # Alone or among others, a value has the same cell; so has it inside a dictionary.
    for one, cell in zip(made, cells, strict=True):
        assert encode(pa.array([one], type_), DOMAIN.columns[place])[0] == cell
    if kind not in ("decimal", "bool"):
        np.testing.assert_array_equal(
            encode(array.dictionary_encode(), DOMAIN.columns[place]), cells
        )
