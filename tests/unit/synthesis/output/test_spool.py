"""Rows in a file without a name: the same rows, in bounded memory, and nothing left behind."""

from __future__ import annotations

import gc
import resource
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pytest

from dpgate.errors import SynthesisError
from dpgate.synthesis.output.spool import require_room, spooled

SCHEMA = pa.schema([pa.field("a", pa.int64()), pa.field("b", pa.string(), nullable=False)])


def batches(count: int, size: int = 1000) -> Iterator[pa.RecordBatch]:
    for turn in range(count):
        values = [pa.array(range(size)), pa.array([f"text {turn}"] * size)]
        yield pa.RecordBatch.from_arrays(values, schema=SCHEMA)


@pytest.mark.parametrize("count", [0, 1, 7])
def test_the_rows_come_back(tmp_path: Path, count: int) -> None:
    table = spooled(batches(count), SCHEMA, tmp_path)
    assert table.equals(pa.Table.from_batches(batches(count), SCHEMA))
    assert table.schema == SCHEMA


def test_the_file_has_no_name_and_goes_with_the_table(tmp_path: Path) -> None:
    def held() -> int:
        return Path("/proc/self/maps").read_text().count(str(tmp_path))

    table = spooled(batches(200), SCHEMA, tmp_path)
    assert not list(tmp_path.iterdir())
    assert held() == 1
    del table
    gc.collect()
    assert held() == 0


def test_too_many_rows_are_refused_beforehand(tmp_path: Path) -> None:
    require_room(SCHEMA, 1_000, tmp_path)
    rows = shutil.disk_usage(tmp_path).total // 12 + 1  # 8 bytes and 4
    with pytest.raises(SynthesisError, match=f"{rows:,} rows take at least") as caught:
        require_room(SCHEMA, rows, tmp_path)
    assert "release fewer rows" in caught.value.fix


def test_no_room_is_said_and_nothing_is_left(tmp_path: Path) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, hard))
    try:
        with pytest.raises(SynthesisError, match="no space left"):
            spooled(batches(10), SCHEMA, tmp_path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert not list(tmp_path.iterdir())


def test_a_source_of_rows_that_fails_leaves_nothing(tmp_path: Path) -> None:
    def failing() -> Iterator[pa.RecordBatch]:
        yield from batches(3)
        raise RuntimeError("no more")

    with pytest.raises(RuntimeError, match="no more"):
        spooled(failing(), SCHEMA, tmp_path)
    assert not list(tmp_path.iterdir())


PROGRAM = """
import sys, threading
from pathlib import Path
import numpy as np
from dpgate.evidence.schema import conformity
from dpgate.model.domain import ColumnDomain, Domain
from dpgate.sources.arrow import table_source
from dpgate.synthesis.output.files import STAMP, write
from dpgate.synthesis.output.spool import spooled
from dpgate.synthesis.sampling.decode import schema
from dpgate.synthesis.sampling.directed import Coarsening, DirectedModel, Step

rows, folder = int(sys.argv[1]), Path(sys.argv[2])
domain = Domain(columns=(
    ColumnDomain(name="a", kind="integer", lows=(0, 50), highs=(49, 99)),
    ColumnDomain(name="b", kind="text", values=("x", "y", "z")),
))
tables = (np.array([[0.25, 0.75]]), np.array([[0.2, 0.3, 0.5], [0.5, 0.5, 0.0]]))
model = DirectedModel(
    domain=domain, columns=(Coarsening.none(2), Coarsening.none(3)), total=1.0,
    steps=(Step(column=0, parents=(), table=tables[0]), Step(column=1, parents=(0,), table=tables[1])),
)
peak, ended = 0, threading.Event()

def watch():
    global peak
    while not ended.wait(0.01):
        status = Path("/proc/self/status").read_text()
        peak = max(peak, int(status.split("RssAnon:")[1].split()[0]))

watcher = threading.Thread(target=watch)
watcher.start()
quiet = lambda *_: None
table = spooled(model.batches(rows, quiet), schema(domain), folder)
assert conformity(table, domain, rows).value == 0
assert table_source(table, domain, folder).count([(0, 1)])[0].sum() == rows
write(table, folder, ["parquet", "csv"], dict.fromkeys(STAMP, "x"))
ended.set()
watcher.join()
print(peak)
"""


@pytest.mark.slow
def test_memory_does_not_grow_with_the_rows(tmp_path: Path) -> None:
    """Memory of the process alone: pages of a mapped file are the system's to keep or to drop."""
    peaks = []
    for rows in (2_000_000, 16_000_000):
        folder = tmp_path / str(rows)
        folder.mkdir()
        done = subprocess.run(
            [sys.executable, "-c", PROGRAM, str(rows), str(folder)],
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        peaks.append(int(done.stdout) * 1024)
    assert peaks[1] < peaks[0] + 64 * 2**20  # 14,000,000 more rows take 300 MB
