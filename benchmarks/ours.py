"""One of our synthesizers on coded data, in a process of its own (see `benchmarks.adult`).

`python -m benchmarks.ours NAME data.csv domain.json out.npy epsilon delta relation`. The last line
printed is JSON.
"""

from __future__ import annotations

import json
import resource
import sys
import time
from decimal import Decimal
from pathlib import Path


def main(
    name: str, data: str, domain: str, out: str, epsilon: str, delta: str, relation: str
) -> None:
    """Plan, fit and sample from the file; write the codes that came out."""
    import numpy as np
    import opendp.prelude  # noqa: F401 - the call is timed without imports, like its peer's

    import dpgate.synthesis.aim.fit
    import dpgate.synthesis.mst.fit  # noqa: F401 - likewise
    from dpgate.accounting.calibrate import rho_for
    from dpgate.mechanisms.session import Mechanisms
    from dpgate.model.domain import ColumnDomain, Domain
    from dpgate.sources.arrow import ArrowSource
    from dpgate.sources.delimited import batches
    from dpgate.synthesis.interface import Task
    from dpgate.synthesis.registry import get

    sizes = json.loads(Path(domain).read_text())
    columns = [
        ColumnDomain(name=column, kind="whole", values=tuple(range(size)))
        for column, size in sizes.items()
    ]
    rows = len(np.loadtxt(data, delimiter=",", skiprows=1, dtype=np.int16, usecols=0))
    task = Task(domain=Domain(columns=tuple(columns)), relation=relation, rows=rows)

    def silent(stage: str, done: float) -> None:
        pass

    start = time.perf_counter()
    synthesizer = get(name)
    events = synthesizer.plan(task, rho_for(Decimal(epsilon), Decimal(delta)))
    source = ArrowSource(task.domain, lambda: batches(Path(data), task.domain.names))
    model = synthesizer.fit(task, events, source, Mechanisms(events, relation), silent)
    fitted = time.perf_counter()
    table = model.sample(rows, silent)
    done = time.perf_counter()
    np.save(out, np.stack([column.to_numpy() for column in table.columns], axis=1))
    figures = {
        "fit_s": fitted - start,
        "call_s": done - start,
        "peak_bytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
    }
    print(json.dumps(figures))


if __name__ == "__main__":
    main(*sys.argv[1:])
