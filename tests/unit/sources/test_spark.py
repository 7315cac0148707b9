"""Spark: the kernel inside its workers, and its own queries, count what we count here."""

from __future__ import annotations

import datetime as dt
import os
import shutil
import signal
import subprocess
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from dpgate.errors import SourceError
from dpgate.model.dataset import Dataset
from dpgate.sources.interface import MarginalSource
from dpgate.sources.open import describe, open_source
from tests.suites import worlds
from tests.suites.sources import SUMS, SourceSuite
from tests.suites.teams import all_gone
from tests.unit.sources.test_duck import stored
from tests.unmeasured import unmeasured

pytestmark = pytest.mark.slow

ROWS = [*worlds.rows(400), *worlds.HOSTILE.values()]
CLIQUES = SourceSuite.cliques


@pytest.fixture(scope="module", autouse=True)
def _spark() -> Iterator[None]:
    """A session of two threads, which the sources find; with few partitions, as tests have few rows."""
    if not shutil.which("java"):
        pytest.skip("Java is not installed, which Spark runs on")
    pytest.importorskip("pyspark.sql")
    from dpgate.sources.spark import _session

    with warnings.catch_warnings(), pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYSPARK_PYTHON", sys.executable)  # what a source would set
        # JAX, if a test before has loaded it, does not like that Spark's launcher forks.
        warnings.filterwarnings("ignore", r"os\.fork\(\) was called", RuntimeWarning)
        session = _session("local[2]")
    session.conf.set("spark.sql.shuffle.partitions", "2")
    yield
    session.stop()


def opened(path: Path, dataset: Dataset | None = None, options: str = "") -> MarginalSource:
    uri = f"spark:{path}?master=local[2]{options}"
    return open_source(uri, dataset or worlds.dataset(), list(worlds.COLUMNS))


def people() -> Dataset:
    plain = worlds.dataset().model_dump(mode="python", by_alias=True)
    plain["spec"]["unit"] |= {"column": "name", "max_rows_per_person": 3}
    return Dataset.model_validate(plain)


@pytest.mark.slow
class TestSpark(SourceSuite):
    def source(self, rows: list[worlds.Row], folder: Path) -> MarginalSource:
        pq.write_table(worlds.table(rows), folder / "rows.parquet", row_group_size=64)
        return opened(folder / "rows.parquet")

    def spoil(self, folder: Path) -> bool:
        (folder / "rows.parquet").unlink()
        return True


def test_the_same_rows_count_the_same_everywhere(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """A DuckDB file, Spark's workers, and Spark's own queries."""
    stored(ROWS, tmp_path / "a.duckdb")
    (tmp_path / "rows").mkdir()
    for number, some in enumerate((ROWS[:150], ROWS[150:])):
        pq.write_table(worlds.table(some), tmp_path / "rows" / f"{number}.parquet")
    merged = [np.arange(size) // 2 for size in worlds.domain().sizes]
    found = []
    for source in (
        open_source(f"{tmp_path}/a.duckdb?table=rows", worlds.dataset(), list(worlds.COLUMNS)),
        opened(tmp_path / "rows"),
        opened(tmp_path / "rows", options="&count=sql"),
    ):
        tables = [*source.count(CLIQUES), *source.count(CLIQUES[-1:], merged=merged)]
        found.append([*tables, *source.sums(SUMS)])
    for tables in found[1:]:
        for one, other in zip(found[0], tables, strict=True):
            assert one.dtype == other.dtype
            np.testing.assert_array_equal(one, other)
    assert "WARN" not in capfd.readouterr().err


def test_persons_are_cut_where_the_data_lies(tmp_path: Path) -> None:
    names = [f"p{number % 50}" for number in range(len(ROWS))]
    names[-7:] = ["mallory"] * 7
    table = worlds.table(ROWS).append_column("name", pa.array(names))
    pq.write_table(table, tmp_path / "a.parquet")
    counted = opened(tmp_path / "a.parquet", people()).count([(0, 2)])[0]
    assert counted.sum() == 3 * 51


def test_old_dates_are_counted_whatever_a_site_has_set(tmp_path: Path) -> None:
    from dpgate.sources.spark import _session

    _session(None).conf.set("spark.sql.parquet.datetimeRebaseModeInRead", "EXCEPTION")
    plain = worlds.dataset().model_dump(mode="python", by_alias=True)
    plain["spec"]["columns"]["born"] = {
        "type": "date",
        "sensitivity": "phi",
        "domain": {"min": "1900-01-01", "max": "2019-12-31", "bins": "year"},
        "source": {"public_codebook": "intake form"},
    }
    born = pa.array([dt.date(1500, 1, 1), dt.date(1950, 6, 1), None], pa.date32())
    pq.write_table(pa.table({"born": born}), tmp_path / "a.parquet")
    source = open_source(
        f"spark:{tmp_path}/a.parquet?master=local[2]", Dataset.model_validate(plain), ["born"]
    )
    (counted,) = source.count([(0,)])
    assert counted[0] == 2  # the old one and the missing one
    assert counted[50] == 1


def test_an_interrupt_means_what_it_meant_before() -> None:
    """Spark's own handler asks a session that may be gone, which is another error."""
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


INTERRUPTED = """
import os, signal, threading
from dpgate.sources.silence import silence
from dpgate.sources.spark import _session

threading.Timer(0.5, os.kill, (os.getpid(), signal.SIGINT)).start()
try:
    with silence():
        _session("local[1]")
except KeyboardInterrupt:
    from pyspark import SparkContext
    print(SparkContext._gateway.proc.pid)
"""


def test_an_interrupt_while_spark_starts_leaves_no_java_behind() -> None:
    done = subprocess.run(
        [sys.executable, "-c", INTERRUPTED],
        env=unmeasured(os.environ), capture_output=True, text=True, check=True, timeout=120,
    )  # fmt: skip
    assert all_gone([int(done.stdout)])
    assert "Traceback" not in done.stderr


def test_what_spark_cannot_find(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "secret.parquet").write_text("eve@example.com")
    for place in (f"{tmp_path}/none", f"{tmp_path}/secret.parquet", "?table=secret"):
        with pytest.raises(SourceError, match="has no such table") as caught:
            describe(f"spark:{place}", worlds.dataset(), ["age"])
        said = f"{caught.value}{caught.value.fix}{caught.value.__context__}"
        assert "secret" not in said
    with pytest.raises(SourceError, match="names no table"):
        describe("spark:", worlds.dataset(), ["age"])
    said = "".join(capfd.readouterr())
    assert "eve" not in said
    assert "secret" not in said


def test_files_that_break_while_they_are_read(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    pq.write_table(worlds.table(ROWS), tmp_path / "a.parquet", compression="snappy")
    source = opened(tmp_path / "a.parquet")
    whole = bytearray((tmp_path / "a.parquet").read_bytes())
    whole[8:400] = b"\xff" * 392
    (tmp_path / "a.parquet").write_bytes(bytes(whole))
    with pytest.raises(SourceError, match="unreadable while it was being counted"):
        source.count([(0,)])
    assert str(tmp_path) not in "".join(capfd.readouterr())
