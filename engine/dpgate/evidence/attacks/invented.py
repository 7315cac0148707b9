"""A baseline: records that nobody has, each column drawn by itself from the released rows."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import TYPE_CHECKING

from dpgate.evidence.measures.interface import Figure

if TYPE_CHECKING:
    from dpgate.evidence.attacks.tally import Scorer
    from dpgate.evidence.measures.subject import Subject

INVENTED = 4_000


def invented(scorer: Scorer, subject: Subject, hit: Sequence[int]) -> Figure:
    """The share of invented records that an attack hits; public, and exact for those drawn."""
    import numpy as np

    coins = np.random.default_rng()
    cells = subject.cells
    drawn = np.stack(
        [cells[coins.integers(0, len(cells), INVENTED), c] for c in range(cells.shape[1])], axis=1
    )
    hits = int(np.isin(scorer.place(drawn), list(hit)).sum())
    share = Fraction(hits, INVENTED)
    return Figure(label="success among invented records", value=share, low=share, high=share)
