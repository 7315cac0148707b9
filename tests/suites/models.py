"""Small public domains for tests of models."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from dpgate.model.domain import ColumnDomain, Domain
from dpgate.synthesis.sampling.directed import Coarsening


def domain(sizes: Sequence[int]) -> Domain:
    """Columns of so many listed integers."""
    return Domain(
        columns=tuple(
            ColumnDomain(name=f"c{place}", kind="whole", values=tuple(range(size)))
            for place, size in enumerate(sizes)
        )
    )


def unmerged(sizes: Sequence[int]) -> tuple[Coarsening, ...]:
    """Every cell for itself."""
    return tuple(Coarsening.none(size) for size in sizes)


def table(public: Domain, codes: NDArray[np.int64]) -> pa.Table:
    """Rows of codes as a table of the domain's columns."""
    return pa.table({name: codes[:, place] for place, name in enumerate(public.names)})
