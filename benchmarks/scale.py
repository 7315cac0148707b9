r"""Large data: MST from a Parquet file, and rows written to one, each against a bare peer.

`python -m benchmarks.scale count --rows 100000000 --folder /scratch` writes a file of random rows
there (public: drawn here, 14 columns with the cells of Adult; about 14 bytes a row), runs in
processes of their own

- the peer: one pass over the file that counts every table MST counts, all 14 one-way and 91
  two-way ones, with `np.bincount` and nothing else: no domain, no merging, no model;
- `mst.fit` of dpgate, everything from opening the file to the fitted model;
- DuckDB and pandas, if `--all`, counting the 91 pairs;

and deletes the file. `python -m benchmarks.scale write --rows 10000000` samples that many rows from
a model and writes them to Parquet; its peer is pyarrow writing the same table from memory.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa
    from numpy.typing import NDArray

    from dpgate.model.domain import ColumnDomain, Domain
    from dpgate.sources.interface import MarginalSource
    from dpgate.synthesis.sampling.directed import DirectedModel

SIZES = {
    "age": 85, "workclass": 9, "fnlwgt": 100, "education_num": 16, "marital_status": 7,
    "occupation": 15, "relationship": 6, "race": 5, "sex": 2, "capital_gain": 100,
    "capital_loss": 100, "hours_per_week": 99, "native_country": 42, "income": 2,
}  # fmt: skip
NUMBERS = {
    "age": 1, "fnlwgt": 500, "education_num": 1, "capital_gain": 1, "capital_loss": 1,
    "hours_per_week": 1,
}  # fmt: skip
"""Whole numbers and the width of their bins; the other columns are text."""
NAMES = list(SIZES)
PAIRS = list(combinations(range(len(NAMES)), 2))
EPSILON, DELTA = "1", "1e-9"
AT_MOST = 1.3
MEMORY_AT_MOST = 1.5 * 2**30
ROWS_A_SECOND = 1e6
_GROUP = 2**20


def domain() -> Domain:
    """The public cells."""
    from dpgate.model.domain import Domain

    return Domain(columns=tuple(_column(name) for name in NAMES))


def _column(name: str) -> ColumnDomain:
    from dpgate.model.domain import ColumnDomain

    if name not in NUMBERS:
        return ColumnDomain(name=name, kind="text", values=tuple(_labels(name)))
    lows = [cell * NUMBERS[name] for cell in range(SIZES[name])]
    highs = [low + NUMBERS[name] - 1 for low in lows]
    return ColumnDomain(name=name, kind="integer", lows=tuple(lows), highs=tuple(highs))


def _labels(name: str) -> list[str]:
    return [f"{name} {cell}" for cell in range(SIZES[name])]


def generate(path: Path, rows: int) -> None:
    """Random rows whose columns hang together a little, a row group at a time."""
    import numpy as np
    import pyarrow.parquet as pq

    rng = np.random.default_rng()
    writer = None
    for start in range(0, rows, _GROUP):
        batch = _random(rng, min(_GROUP, rows - start))
        if writer is None:
            writer = pq.ParquetWriter(path, batch.schema, compression="zstd")
        writer.write_batch(batch)
    if writer is not None:
        writer.close()


def _random(rng: np.random.Generator, rows: int) -> pa.RecordBatch:
    import pyarrow as pa

    shared = rng.random(rows)
    arrays = []
    for name, size in SIZES.items():
        cells = (size * (0.3 * shared + 0.7 * rng.random(rows) ** 2)).astype("int32")
        if name in NUMBERS:
            width = NUMBERS[name]
            arrays.append(pa.array(cells.astype("int64") * width + rng.integers(0, width, rows)))
        else:
            arrays.append(pa.DictionaryArray.from_arrays(pa.array(cells), _labels(name)))
    return pa.RecordBatch.from_arrays(arrays, NAMES)


def peer(path: Path) -> int:
    """Every table of an MST fit by `np.bincount` in one pass, as a person would write it."""
    import numpy as np
    import pyarrow.parquet as pq

    sizes = list(SIZES.values())
    ones = [np.zeros(size, dtype=np.int64) for size in sizes]
    twos = [np.zeros(sizes[a] * sizes[b], dtype=np.int64) for a, b in PAIRS]
    texts = [name for name in NAMES if name not in NUMBERS]
    with pq.ParquetFile(path, read_dictionary=texts) as file:
        for batch in file.iter_batches(batch_size=2**17, columns=NAMES):
            codes = [_codes(batch.column(name), name) for name in NAMES]
            for one, code in zip(ones, codes, strict=True):
                np.add(one, np.bincount(code, minlength=len(one)), out=one)
            for two, (a, b) in zip(twos, PAIRS, strict=True):
                index = codes[a] * sizes[b] + codes[b]
                np.add(two, np.bincount(index, minlength=len(two)), out=two)
    return int(ones[0].sum())


def _codes(values: pa.Array, name: str) -> NDArray[np.int64]:
    import numpy as np

    if name in NUMBERS:
        found: NDArray[np.int64] = values.to_numpy() // NUMBERS[name]
        return found
    # Dictionaries of row groups may be in any order.
    labels = {label: cell for cell, label in enumerate(_labels(name))}
    order = np.array([labels[text] for text in values.dictionary.to_pylist()], dtype=np.int64)
    return np.asarray(order[values.indices.to_numpy()], dtype=np.int64)


def duckdb(path: Path) -> int:
    """All pairs by DuckDB, one query a pair."""
    import duckdb as base

    done = 0
    for a, b in PAIRS:
        query = f'SELECT "{NAMES[a]}", "{NAMES[b]}", count(*) FROM "{path}" GROUP BY ALL'  # noqa: S608
        done += len(base.execute(query).fetchall())
    return done


def pandas(path: Path) -> int:
    """All pairs by pandas, the table in memory."""
    import pandas as pd

    frame = pd.read_parquet(path)
    frame = frame.astype({name: "category" for name in NAMES if name not in NUMBERS})
    return sum(len(frame.groupby([NAMES[a], NAMES[b]], observed=True).size()) for a, b in PAIRS)


def ours(path: Path) -> int:
    """An MST fit."""
    from dpgate.sources.arrow import ArrowSource
    from dpgate.sources.parquet import batches

    source = ArrowSource(domain(), lambda: batches(path, domain().names), path.parent)
    return round(_fit(source).total)


def fitted(rows: int) -> DirectedModel:
    """A model of so many random rows."""
    import numpy as np
    import pyarrow as pa

    from dpgate.sources.arrow import table_source

    source = table_source(pa.Table.from_batches([_random(np.random.default_rng(), rows)]), domain())
    return _fit(source)


def _fit(source: MarginalSource) -> DirectedModel:
    from decimal import Decimal

    from dpgate.accounting.calibrate import rho_for
    from dpgate.mechanisms.session import Mechanisms
    from dpgate.synthesis.interface import Task
    from dpgate.synthesis.registry import get

    task = Task(domain=domain(), relation="add-remove", rows=1)
    mst = get("mst")
    events = mst.plan(task, rho_for(Decimal(EPSILON), Decimal(DELTA)))
    model = mst.fit(task, events, source, Mechanisms(events, "add-remove"), lambda *_: None)
    return cast("DirectedModel", model)


def write(rows: int, folder: str | None) -> bool:
    """Rows drawn, spooled and written as a release does; then pyarrow writing the same table."""
    import pyarrow.parquet as pq

    from dpgate.synthesis.output.files import STAMP
    from dpgate.synthesis.output.files import write as write_files
    from dpgate.synthesis.output.spool import spooled
    from dpgate.synthesis.sampling.decode import schema

    model = fitted(200_000)
    with tempfile.TemporaryDirectory(dir=folder) as scratch:
        place = Path(scratch)
        before, start = time.process_time(), time.perf_counter()
        table = spooled(model.batches(rows, lambda *_: None), schema(domain()), place)
        drawn, drawn_s = time.perf_counter(), time.process_time() - before
        (file,) = write_files(table, place, ["parquet"], dict.fromkeys(STAMP, "a fact"))
        written, all_s = time.perf_counter(), time.process_time() - before
        pq.write_table(table, place / "peer.parquet", compression="zstd", compression_level=3)
        peer_s = time.perf_counter() - written
    seconds = written - start
    print(f"{rows:,} rows × {len(NAMES)} columns, {file.bytes / 2**20:.0f} MiB of Parquet")
    print(f"drawn and spooled {drawn - start:.1f} s, {drawn_s:.1f} s of processor")
    print(f"written {written - drawn:.1f} s, {all_s - drawn_s:.1f} s of processor")
    print(f"pyarrow writing alone {peer_s:.1f} s: {seconds / peer_s:.2f}×")
    print(f"{rows / seconds:,.0f} rows/s (goal: {ROWS_A_SECOND:,.0f})")
    return rows / seconds >= ROWS_A_SECOND


def child(what: str, path: str) -> None:
    """One of the programs; prints seconds and the peak of its memory."""
    import numpy as np  # noqa: F401 - timed without imports
    import opendp.prelude  # noqa: F401 - likewise
    import pyarrow.parquet  # noqa: F401 - likewise

    before = time.process_time()
    start = time.perf_counter()
    answer = {"peer": peer, "ours": ours, "duckdb": duckdb, "pandas": pandas}[what](Path(path))
    seconds = time.perf_counter() - start
    used = resource.getrusage(resource.RUSAGE_SELF)
    figures = {"seconds": seconds, "processor": used.ru_utime + used.ru_stime - before}
    print(json.dumps({**figures, "peak": used.ru_maxrss * 1024, "answer": answer}))


def _run(what: str, path: Path) -> dict[str, Any]:
    command = [sys.executable, "-m", "benchmarks.scale", "child", what, str(path)]
    # Threads of the linear algebra would only wait for each other: its matrices are small.
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, env=environment, check=True, capture_output=True, text=True)  # noqa: S603
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def count(rows: int, folder: str | None, programs: list[str]) -> bool:
    """Runs the programs one after another; says whether the goals were met."""
    with tempfile.TemporaryDirectory(dir=folder) as scratch:
        path = Path(scratch, "rows.parquet")
        generate(path, rows)
        print(f"{rows:,} rows × {len(NAMES)} columns, {path.stat().st_size / 2**20:.0f} MiB")
        figures = {what: _run(what, path) for what in programs}
    base = figures["peer"]["seconds"]
    for what, found in figures.items():
        print(
            f"{what:8}{found['seconds']:8.1f} s {found['seconds'] / base:6.2f}× "
            f"{found['processor']:8.1f} s of processor {found['peak'] / 2**20:7.0f} MiB"
        )
    own = figures["ours"]
    met = bool(own["seconds"] <= AT_MOST * base and own["peak"] <= MEMORY_AT_MOST)
    print(f"goal: ≤ {AT_MOST}× the peer, ≤ 1536 MiB: {'reached' if met else 'MISSED'}")
    return met


def main(arguments: list[str]) -> bool:
    """The command line of this benchmark."""
    if arguments[:1] == ["child"]:
        child(*arguments[1:])
        return True
    parser = argparse.ArgumentParser()
    parser.add_argument("what", choices=["count", "write"])
    parser.add_argument("--rows", type=int, default=10_000_000)
    parser.add_argument("--folder")
    parser.add_argument("--all", action="store_true")
    given = parser.parse_args(arguments)
    if given.what == "write":
        return write(given.rows, given.folder)
    others = ["duckdb", "pandas"] if given.all else []
    return count(given.rows, given.folder, ["peer", "ours", *others])


if __name__ == "__main__":
    sys.exit(0 if main(sys.argv[1:]) else 1)
