"""Keys that match, and those that do not."""

from __future__ import annotations

import pyarrow as pa
import pytest

from dpgate.evidence.keys import faults


@pytest.mark.parametrize(
    ("persons", "rows", "found"),
    [
        ([1, 2, 3], [1, 1, 3], []),
        ([1, 2, 3], [], []),
        (["a", "b"], ["b", "b"], []),
        ([1, 1, 2], [2], ["keys that name several persons: 1"]),
        ([1, 2], [3, 3, 2], ["rows whose key names no person: 2"]),
        ([1, 2], [1, 1, 1, 2, 2, 2], ["persons with more than 2 rows: 2"]),
    ],
)
def test_whether_tables_fit(persons: list[object], rows: list[object], found: list[str]) -> None:
    kind = pa.array(persons).type
    first = pa.table({"order": persons, "x": ["y"] * len(persons)})
    second = pa.table({"order": pa.array(rows, kind)})
    assert list(faults(first, second, "order", 2)) == found
