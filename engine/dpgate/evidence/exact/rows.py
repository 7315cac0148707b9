"""Private rows in memory, for exact metrics."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import numpy as np

from dpgate.errors import EvidenceError
from dpgate.evidence.whole_rows import blocks

if TYPE_CHECKING:
    from dpgate.evidence.measures.subject import Subject
    from dpgate.evidence.whole_rows import Cells
    from dpgate.sources.interface import MarginalSource, RowSource

ROWS = 100_000
"""Rows that are looked at, about: of more, each by a coin."""


def gathered(source: MarginalSource, total: int) -> Cells:
    """The cells of all rows, or of about `ROWS` of them.

    Args:
        source: private rows.
        total: the noisy number of rows, ≥ 1.

    Raises:
        EvidenceError: they do not pass through this machine, or there are none.

    Privacy:
        Private.
    """
    if not hasattr(source, "rows"):
        raise EvidenceError("exact metrics need a source of whole rows")
    parts = list(blocks(cast("RowSource", source), min(1.0, ROWS / max(total, 1))))
    if not sum(map(len, parts)):
        raise EvidenceError("there are no rows to compare with")
    return np.concatenate(parts)


def tested(subject: Subject, coins: np.random.Generator) -> tuple[Cells, Cells]:
    """Rows to train a reference on, and rows to test with: the holdout, or half of all by coins.

    Privacy:
        Private, both.
    """
    members = gathered(subject.source, subject.total)
    if subject.holdout is not None:
        return members, gathered(subject.holdout, subject.total)
    kept = coins.random(len(members)) < 1 / 2
    if kept.all() or not kept.any():
        raise EvidenceError("there are too few rows to test with")
    return members[kept], members[~kept]
