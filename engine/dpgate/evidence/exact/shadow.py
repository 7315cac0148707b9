"""Membership by shadow models: does an attacker who can rerun the program tell who was inside?

For some targets the attacker, who knows other rows of the kind, runs the synthesizer many times with and
without them and learns what released rows look like in either case (Shokri and others 2017, 1610.05820;
for synthetic data Stadler and others 2022, 2011.07018; Houssiau and others 2022, TAPAS). Here each
round draws half of a pool of rows by coins, refits, and scores each row of the pool by its
distance to the closest released row. Of every row, its own rounds but one tell a cut: half-way between
its mean score inside and outside; the last round is then called. The figure is advantage over
those calls, beside that of guessing: 0. It needs many refits, so that it is for small stand-ins.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from dpgate.errors import EvidenceError
from dpgate.evidence.attacks.knowledge import ordered
from dpgate.evidence.attacks.near import Near
from dpgate.evidence.exact.canaries import Refit, told
from dpgate.evidence.measures.interface import Figures, Scene
from dpgate.model.values import Key

if TYPE_CHECKING:
    from dpgate.evidence.whole_rows import Cells

ROUNDS = 16
POOL = 2_000
KEY = Key(metric="shadow")


def shadow(scene: Scene, rows: Cells, refit: Refit, rounds: int = ROUNDS) -> Figures:
    """Refits on random halves of a pool, and calls the last round.

    Args:
        scene: public documents.
        rows: stand-ins, of which the first `POOL` are used; never private rows.
        refit: the synthesizer.
        rounds: times that it is run, ≥ 4.

    Raises:
        EvidenceError: there are too few rows or rounds.

    Privacy:
        None is kept: for rows of nobody.
    """
    pool = rows[:POOL]
    if len(pool) < 2 or rounds < 4:
        raise EvidenceError("shadow models need 2 rows and 4 rounds, at least")
    coins, lines = np.random.default_rng(), ordered(scene)
    inside = coins.random((rounds, len(pool))) < 1 / 2
    scores = np.empty(inside.shape)
    for turn in range(rounds):
        released = refit(pool[inside[turn]])
        scores[turn] = Near(released, scene.domain.columns, lines).closest(pool)
    within = _mean(scores[:-1], inside[:-1])
    without = _mean(scores[:-1], ~inside[:-1])
    # Below 0: nearer to how it looks inside. Rounds without either case tell nothing: 0.
    calls = np.nan_to_num(scores[-1] - (within + without) / 2)
    calls = np.where(within <= without, calls, -calls)
    return told(np.sign(calls).astype(np.int64), inside[-1])


def _mean(scores: np.ndarray, kept: np.ndarray) -> np.ndarray:
    """The mean of each column's kept scores; NaN where none is."""
    count = kept.sum(axis=0)
    total: np.ndarray = np.where(kept, scores, 0).sum(axis=0)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)
