"""Exact total variation of every marginal, for stewards alone.

No noise protects these numbers. The document goes from here straight into
`dpgate.evidence.seal.seal`; a record holds its metric, the ciphertext's digest and a padded size.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING

from dpgate.evidence.marginals import marginals
from dpgate.evidence.utility import compared

if TYPE_CHECKING:
    import pyarrow as pa

    from dpgate.sources.interface import MarginalSource
    from dpgate.synthesis.interface import Progress, Task

METRIC = "marginal_tvd_exact"


def exact_tvd(
    task: Task,
    orders: Sequence[int],
    source: MarginalSource,
    synthetic: pa.Table,
    progress: Progress,
) -> bytes:
    """Total variation ½‖x/n − p‖₁ of each marginal, as a JSON document.

    Args:
        task: what is released.
        orders: numbers of columns per marginal.
        source: private counts.
        synthetic: the released rows.
        progress: called with a stage and a fraction.

    Returns:
        UTF-8 JSON. Its length follows from the public columns alone: every number has nine
        decimal places. A marginal of an empty source has distance 1.

    Raises:
        EvidenceError: an order cannot be measured on this domain.

    Privacy:
        Restricted: exact private values. Never write, print or log the return value.
    """
    from dpgate.sources.arrow import table_source

    rows_released = max(1, synthetic.num_rows)
    released = table_source(synthetic, task.domain)
    entries = []
    means = {}
    for order in sorted(set(orders)):
        sum_of_distances = 0.0
        cliques = marginals(task.domain, order)
        for clique, counts, others in compared(source, released, cliques, progress):
            rows = int(counts.sum())
            apart = abs(counts / max(1, rows) - others / rows_released)
            value = float(apart.sum()) / 2 if rows else 1.0
            columns = [task.domain.names[column] for column in clique]
            entries.append({"columns": columns, "tvd": f"{min(value, 1.0):.9f}"})
            sum_of_distances += value
        means[str(order)] = f"{min(sum_of_distances / len(cliques), 1.0):.9f}"
    document = {
        "class": "restricted", "marginals": entries, "mean": means, "metric": METRIC, "version": 1,
    }  # fmt: skip
    return json.dumps(document, ensure_ascii=True, sort_keys=True).encode()
