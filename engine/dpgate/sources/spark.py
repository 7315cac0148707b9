"""Tables of a Spark cluster: the counting kernel runs inside its workers, counts come back.

`spark:?table=schema.table` or `spark:PATH` (Parquet, any file system that Spark knows). The cluster
is the one of Spark's own configuration, or `master=`. Workers need dpgate with its `synth` extra;
with `count=sql` Spark counts by queries of its own instead, and needs nothing.
"""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from dpgate.errors import MissingExtraError, SourceError
from dpgate.model.dataset import Unit
from dpgate.model.domain import Domain
from dpgate.sources.arrow import ArrowSource, check_schema, unreadable
from dpgate.sources.interface import TOTAL_AT_MOST
from dpgate.sources.silence import silence

if TYPE_CHECKING:
    from pathlib import Path

    from dpgate.sources.interface import Cells, Counts, MarginalSource, Sum
    from dpgate.sources.sql import SqlTable

_FOUND = "turn long, place long, number long"
_SETTINGS = {
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",  # its width would tell the number of partitions
    "spark.sql.execution.arrow.maxRecordsPerBatch": "65536",
    # A site could have dates of the old calendar fail, and so one row the whole count.
    "spark.sql.parquet.datetimeRebaseModeInRead": "CORRECTED",
    "spark.sql.parquet.int96RebaseModeInRead": "CORRECTED",
}

Frame = Any
"""A Spark data frame."""
Kernel = Callable[[Iterator[pa.RecordBatch]], Iterator[pa.RecordBatch]]
Measured = Callable[[ArrowSource], "list[Counts]"]


class SparkTable:
    """A table, or Parquet files, that Spark reads.

    Args:
        path: what Spark's Parquet reader takes; empty if a table is named.
        table: parts of a table's name.
        options: `master`, `count`.
    """

    def __init__(self, path: str, table: Sequence[str], options: Mapping[str, str]) -> None:
        self._path = path
        self._table = ".".join(table)
        self._master = options.get("master")
        self._by_query = options.get("count") == "sql"

    def check(self, domain: Domain, unit: Unit) -> None:
        """Holds the schema against the dataset, see `dpgate.sources.sql.SqlTable.check`.

        Raises:
            SourceError: Spark or the table cannot be reached, or columns cannot be counted.
            MissingExtraError: Spark's Python is not installed.
        """
        if self._counts_itself(unit):
            self._as_table().check(domain, unit)
            return
        _need_spark()
        schema = None
        with silence():
            from pyspark.sql.pandas.types import to_arrow_schema

            schema = to_arrow_schema(self._frame().schema)
        if schema is None:
            raise SourceError(
                "Spark cannot be started, or has no such table",
                fix="check Java, Spark's configuration, and the table that the address names",
            )
        check_schema(schema, domain)

    def source(self, domain: Domain, unit: Unit, folder: Path | None = None) -> MarginalSource:  # noqa: ARG002 - nothing is kept here
        """A source over the table, which was checked."""
        if self._counts_itself(unit):
            return self._as_table().source(domain, unit)
        return SparkSource(self._frame, domain)

    def _counts_itself(self, unit: Unit) -> bool:
        """Whether Spark's own queries count: rows of persons are ranked there."""
        return self._by_query or unit.column is not None

    def _as_table(self) -> SqlTable:
        from dpgate.sources.sql import SqlTable

        @contextlib.contextmanager
        def connected() -> Iterator[Any]:
            import ibis

            engine = ibis.pyspark.connect(session=_session(self._master))
            yield engine.read_parquet(self._path) if self._path else engine.table(self._table)

        _need_spark()
        return SqlTable(connected)

    def _frame(self) -> Frame:
        session = _session(self._master)
        return session.read.parquet(self._path) if self._path else session.table(self._table)


class SparkSource:
    """Counts that Spark's workers make with the kernel of `dpgate.sources.count`.

    Args:
        frame: gives the rows.
        domain: the cells.

    Privacy:
        Each worker sends its part of the tables, no row.
    """

    def __init__(self, frame: Callable[[], Frame], domain: Domain) -> None:
        self._frame = frame
        self._domain = domain

    @property
    def domain(self) -> Domain:
        """The cells of every column."""
        return self._domain

    def count(
        self, cliques: Sequence[tuple[int, ...]], *, merged: Sequence[Cells] | None = None
    ) -> list[Counts]:
        """Contingency tables, see `MarginalSource.count`."""
        sizes = self._domain.sizes if merged is None else [int(m.max()) + 1 for m in merged]
        shapes = [tuple(sizes[column] for column in clique) for clique in cliques]
        domain = self._domain

        def counted(source: ArrowSource) -> list[Counts]:
            return source.count(cliques, merged=merged)

        return self._added(shapes, lambda batches: _parts(batches, domain, counted))

    def sums(self, wanted: Sequence[Sum]) -> list[Counts]:
        """Totals of clamped values, see `MarginalSource.sums`."""
        shapes = [tuple(self._domain.sizes[column] for column in each.by) for each in wanted]
        domain = self._domain

        def summed(source: ArrowSource) -> list[Counts]:
            return source.sums(wanted)

        return self._added(shapes, lambda batches: _parts(batches, domain, summed))

    def _added(self, shapes: Sequence[tuple[int, ...]], kernel: Kernel) -> list[Counts]:
        if not shapes:
            return []
        with silence():
            names = list(self._domain.names)
            found = self._frame().select(*names).mapInArrow(kernel, _FOUND).toArrow()
            # Python's own numbers: 64 bits might not hold what workers found together.
            totals = [np.zeros(shape, dtype=object).ravel() for shape in shapes]
            for turn, place, number in zip(*(c.to_pylist() for c in found.columns), strict=True):
                totals[turn][place] += number
            return [
                np.clip(total, -TOTAL_AT_MOST, TOTAL_AT_MOST).astype(np.int64).reshape(shape)
                for total, shape in zip(totals, shapes, strict=True)
            ]
        raise unreadable()


def _parts(
    batches: Iterator[pa.RecordBatch], domain: Domain, measured: Measured
) -> Iterator[pa.RecordBatch]:
    """In a worker: what one partition adds to each table, the cells that it adds something to."""
    for turn, table in enumerate(measured(ArrowSource(domain, lambda: batches))):
        flat = table.ravel()
        places = np.flatnonzero(flat)
        turns = np.full(len(places), turn)
        yield pa.record_batch({"turn": turns, "place": places, "number": flat[places]})


def _need_spark() -> None:
    try:
        import pandas  # noqa: F401 - Spark's Arrow exchange needs it
        import pyspark  # noqa: F401 - only whether it is there
    except ImportError:
        raise MissingExtraError(extra="spark", what="reading from Spark") from None


def _session(master: str | None) -> Any:
    """The session of this process, or a new one; it is left open for what comes next.

    It starts in a thread of its own. In the main one Spark takes interrupts for itself, also when it
    has ended, and then fails; and an interrupt while Java starts would leave Java behind.
    """
    with ThreadPoolExecutor(1) as starter:
        return starter.submit(_started, master).result()


def _started(master: str | None) -> Any:
    from pyspark.sql import SparkSession

    # Workers on this machine run the same Python.
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    builder = SparkSession.builder.appName("dpgate")
    if master:
        builder = builder.master(master)
    for key, value in _SETTINGS.items():
        builder = builder.config(key, value)
    session = builder.getOrCreate()
    session.sparkContext.setLogLevel("OFF")  # its logs quote rows and paths
    return session
