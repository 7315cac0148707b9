"""What measures look at: released rows, which are public, and the private rows beside them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from dpgate.errors import EvidenceError
from dpgate.sources.arrow import ArrowSource, table_source
from dpgate.synthesis.interface import Progress, Task

if TYPE_CHECKING:
    import pyarrow as pa
    from numpy.typing import NDArray

    from dpgate.sources.interface import MarginalSource, RowSource

ROWS_LOOKED_AT = 100_000
"""Released rows that measures of whole rows look at: the first ones, which are as random as any."""


@dataclass(frozen=True, kw_only=True)
class Subject:
    """One release under measurement.

    Attributes:
        task: what was to be released; public.
        released: the rows as they will be written, at least one; public.
        total: the noisy number of rows of `source`, ≥ 1; public.
        source: rows that the model learned from; private.
        holdout: rows that it never saw, drawn by coins; private. None where there are none.
        progress: told about the stage `evidence`.
    """

    task: Task
    released: pa.Table
    total: int
    source: MarginalSource
    progress: Progress
    holdout: RowSource | None = None

    @cached_property
    def counts(self) -> ArrowSource:
        """Counts of the released rows in the same cells."""
        if not self.released.num_rows:
            raise EvidenceError("there are no synthetic rows to compare with")
        return table_source(self.released, self.task.domain)

    @cached_property
    def cells(self) -> NDArray[np.uint16]:
        """Cells of the first `ROWS_LOOKED_AT` released rows, one row each; public."""
        domain = self.task.domain
        some = table_source(self.released.slice(0, ROWS_LOOKED_AT), domain)
        parts = [
            np.stack([batch[c].astype(np.uint16) for c in range(len(domain))], axis=1)
            for batch in some.rows(range(len(domain)))
        ]
        return np.concatenate(parts)

    def sides(self) -> tuple[RowSource, RowSource]:
        """The members and the holdout, for attacks; each yields whole rows.

        Raises:
            EvidenceError: there is no holdout.
        """
        if self.holdout is None or not hasattr(self.source, "rows"):
            raise EvidenceError("attacks need rows that were held out, and sources of whole rows")
        return self.source, self.holdout  # type: ignore[return-value]  # it has rows
