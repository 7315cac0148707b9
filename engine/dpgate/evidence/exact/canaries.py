"""Canaries: made-up rows, planted by coins, that a model should not remember; for stand-ins alone.

Of each canary a coin decides whether it is planted among the rows that a model learns from (one-run audit
of Steinke and others 2023, 2305.08846, here for whole synthesizers). Each is a combination of the
rarest cells of all columns, so that nothing but itself makes released rows like it. An attacker who sees
the released rows ranks the canaries by their distance to the closest of them. The figure is advantage over
coins: the highest TPR − FPR, with an interval. It says whether the generator copies; a low one
proves nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from dpgate.evidence.attacks.interval import Side, advantage
from dpgate.evidence.attacks.knowledge import ordered
from dpgate.evidence.attacks.near import Near
from dpgate.evidence.attacks.tally import figure
from dpgate.evidence.measures.interface import Figures, Scene
from dpgate.model.values import Key

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from dpgate.evidence.whole_rows import Cells

Refit = Callable[["Cells"], "Cells"]
"""Rows to learn from in, released rows out; cells, one row each. It learns everything anew."""

CANARIES = 200
KEY = Key(metric="canaries")


def canaries(scene: Scene, rows: Cells, refit: Refit, count: int = CANARIES) -> Figures:
    """Plants canaries, has a model learned, and looks for them.

    Args:
        scene: public documents.
        rows: stand-ins; never private rows.
        refit: the synthesizer.
        count: canaries, half of which are planted, about.

    Privacy:
        None is kept: for rows of nobody.
    """
    coins = np.random.default_rng()
    made = _made(scene, rows, count, coins)
    planted = coins.random(count) < 1 / 2
    released = refit(np.concatenate([rows, made[planted]]))
    near = Near(released, scene.domain.columns, ordered(scene))
    return told(near.closest(made), planted)


def told(scores: NDArray[np.int64], inside: NDArray[np.bool_]) -> Figures:
    """Advantage of whoever calls those with the lowest scores members.

    Args:
        scores: lower ones look more like members; in few different values, best 10 or fewer.
        inside: who is one.
    """
    # Cuts by the scores of both together: whatever a cut is, being inside is a coin.
    cuts = np.unique(np.quantile(scores, np.arange(10) / 10, method="lower"))
    bins = np.searchsorted(cuts, scores)
    sides = tuple(
        Side(counts=np.bincount(bins[kept], minlength=len(cuts) + 1).tolist(), sigma=0.0)
        for kept in (inside, ~inside)
    )
    found, best = advantage(sides[0], sides[1], [range(k) for k in range(1, len(cuts) + 1)])
    hit = range(best + 1)
    shares = [side.share(hit, 1.96) for side in sides]
    return Figures(
        main=figure("", found),
        given="one set of coins; the interval covers that there are finitely many",
        parts=(
            figure("success among those inside", shares[0]),
            figure("success among those outside", shares[1]),
        ),
    )


def _made(scene: Scene, rows: Cells, count: int, coins: np.random.Generator) -> Cells:
    """Combinations of cells, the rarer the likelier."""
    made = []
    for c, column in enumerate(scene.domain.columns):
        counts = np.bincount(rows[:, c], minlength=column.size)[: column.size]
        rare = 1 / (1.0 + counts)
        made.append(coins.choice(column.size, count, p=rare / rare.sum()))
    return np.stack(made, axis=1).astype(np.uint16)
