"""Fidelity within subgroups: the worst one's mean distance of the other columns.

Subgroups are the combinations of public cells of some columns. Two vectors are measured, half the budget
each, one entry for every subgroup:

1. *sizes*, in records. A row is in one subgroup: squared distance 1; replaced it is in another, 2.
2. *distances* T_g, in steps: the mean over all other columns of ½‖x_g − ĉ_g·p_g‖₁, where x_g are the
   subgroup's private counts in that column, p_g released shares within it, and ĉ_g its noisy size, which is
   public by then. A row is in one subgroup and in one cell of each column: it moves one T_g by at most ½
   record, squared distance (K/2)². Replaced by a row of another subgroup it moves two of them by ½;
   within its subgroup two cells of each column, so one T_g by 1: squared distance K², the larger.
   Both bounds are whole steps and survive rounding down.

Value: max over g of T_g/ĉ_g among subgroups *large enough*: at least five times the half-width of either
vector's noise, so that a size is known to a fifth and T_g/ĉ_g to ±0.1 (±0.15 under replace-one). A
large subgroup that the release lacks counts as 1. If none is large enough, nothing was shown and the
value is 1.

The upper end is the largest of the subgroups' own upper ends: the worst one is below its own with 97.5 %.
The lower end is a maximum over many noisy numbers, so each is taken at 97.5 % over all of them
together (Bonferroni).
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from statistics import NormalDist
from typing import TYPE_CHECKING, ClassVar

from dpgate.errors import EvidenceError
from dpgate.evidence.measures.columns import fits, place_of
from dpgate.evidence.measures.interface import (
    NORMAL_95,
    RESOLUTION,
    Figure,
    Figures,
    Scene,
    Vector,
)
from dpgate.evidence.measures.marginal_tvd import compared
from dpgate.model.conditions import label
from dpgate.model.utility import Subgroups
from dpgate.model.values import Key

if TYPE_CHECKING:
    from dpgate.evidence.measures.interface import Ints
    from dpgate.evidence.measures.subject import Subject

GROUPS_AT_MOST = 4096
"""Subgroups beyond these are all but certain to be too small."""
SIZE_AT_MOST = 2**40
"""No dataset has more rows; noisy sizes are cut there, so that sums of steps fit 64 bits."""
PARTS = 200
"""Subgroups that are listed, worst first."""
TIMES = 5
"""How many half-widths of noise a subgroup must hold to be judged."""


def of_threshold(threshold: Subgroups, scene: Scene, event: str) -> SubgroupDistance:
    """The measure of a threshold; a member of `dpgate.measures`."""
    return SubgroupDistance(
        key=threshold.key,
        event=event,
        weight=threshold.weight,
        scene=scene,
        columns=threshold.columns,
    )


@dataclass(frozen=True, kw_only=True)
class SubgroupDistance:
    """The worst subgroup's mean distance of the other columns.

    Attributes:
        key: what its result is found by.
        event: what the names of its events begin with.
        weight: its part of the budget for evidence, in proportion.
        scene: public documents.
        columns: whose combinations are the subgroups.
    """

    key: Key
    event: str
    weight: Decimal
    scene: Scene
    columns: tuple[str, ...]

    whole_rows: ClassVar[bool] = False

    @property
    def places(self) -> tuple[int, ...]:
        """Indices of the columns."""
        return tuple(place_of(self.scene, name) for name in self.columns)

    @property
    def others(self) -> tuple[int, ...]:
        """Indices of the columns whose distances are taken."""
        return tuple(p for p in range(len(self.scene.domain)) if p not in self.places)

    @property
    def groups(self) -> int:
        """How many subgroups there are, in public."""
        return math.prod(self.scene.domain.sizes[place] for place in self.places)

    def vectors(self) -> tuple[Vector, ...]:
        """Sizes, then distances.

        Raises:
            EvidenceError: a column is not learned, none is left, or there are too many subgroups.
        """
        metric = self.key.metric
        fits(self.scene, self.places, metric, GROUPS_AT_MOST)
        if not self.others:
            raise EvidenceError(
                f"{metric}: there are no columns but those of the subgroups",
                fix="name fewer columns",
            )
        for other in self.others:
            fits(self.scene, (*self.places, other), metric)
        one_more = self.scene.relation == "add-remove"
        half = Fraction(1, 2)
        return (
            Vector(suffix="sizes", distance_squared=1 if one_more else 2, share=half),
            Vector(
                suffix="distances",
                distance_squared=(RESOLUTION // 2 if one_more else RESOLUTION) ** 2,
                share=half,
            ),
        )

    def half_width(self, scales: Sequence[Decimal], total: int) -> Fraction:
        """Of a subgroup of average size."""
        return min(
            NORMAL_95 * Fraction(scales[1]) * self.groups / (RESOLUTION * total), Fraction(1)
        )

    def exact(self, place: int, subject: Subject, before: Sequence[Ints]) -> Ints:
        """Sizes, or distances given noisy sizes."""
        import numpy as np

        if place == 0:
            sizes: Ints = subject.source.count([self.places])[0].ravel()
            return sizes
        noisy = np.clip(before[0], 0, SIZE_AT_MOST).astype(float)[:, None]
        found = np.zeros(self.groups, dtype=np.int64)
        cliques = [(*self.places, other) for other in self.others]
        for _, counts, released in compared(
            subject.source, subject.counts, cliques, subject.progress
        ):
            private, public = (t.reshape(self.groups, -1) for t in (counts, released))
            shares = public / np.maximum(public.sum(axis=1, keepdims=True), 1)
            target = np.rint(shares * noisy * RESOLUTION).astype(np.int64)
            found += np.abs(private * RESOLUTION - target).sum(axis=1)
        distances: Ints = found // (2 * len(self.others))
        return distances

    def figures(
        self, subject: Subject, measured: Sequence[Ints], scales: Sequence[Decimal]
    ) -> Figures:
        """The worst of the subgroups that are large enough, and each of them."""
        released = subject.counts.count([self.places])[0].ravel()
        fewest = self._fewest(scales)
        half = Fraction(scales[1]) / RESOLUTION
        judged: list[tuple[Figure, Fraction]] = []
        small: list[Figure] = []
        for g, name in enumerate(self._labels()):
            size, steps = int(measured[0][g]), int(measured[1][g])
            if size < fewest:
                small.append(_figure(steps, max(size, 1), NORMAL_95 * half, f"{name} (too small)"))
            elif not released[g]:
                judged.append((Figure(value=_ONE, low=_ONE, high=_ONE, label=name), _ONE))
            else:
                surely = _kept(Fraction(steps, RESOLUTION * size) - self._all_at_once * half / size)
                judged.append((_figure(steps, size, NORMAL_95 * half, name), surely))
        judged.sort(key=lambda each: -each[0].value)
        return Figures(
            main=_worst(judged),
            given=f"noisy sizes; {len(small)} of {self.groups} subgroups have fewer than "
            f"{math.ceil(fewest)} rows, too few to judge",
            parts=tuple([each for each, _ in judged] + small)[:PARTS],
            marginals=len(self.others),
        )

    def _fewest(self, scales: Sequence[Decimal]) -> Fraction:
        """Rows that a subgroup must hold to be judged."""
        widest = max(Fraction(scales[0]), Fraction(scales[1]) / RESOLUTION)
        return max(TIMES * NORMAL_95 * widest, Fraction(1))

    @property
    def _all_at_once(self) -> Fraction:
        """Deviations that none of the subgroups exceeds, with 97.5 %."""
        return Fraction(NormalDist().inv_cdf(1 - 0.025 / self.groups))

    def _labels(self) -> Iterator[str]:
        """Subgroups in words, in the order of the vectors."""
        columns = [self.scene.domain.columns[place] for place in self.places]
        cells = itertools.product(*(range(column.size) for column in columns))
        for group in cells:
            yield ", ".join(map(label, columns, group))


_ONE = Fraction(1)


def _kept(value: Fraction) -> Fraction:
    return min(max(value, Fraction(0)), _ONE)


def _figure(steps: int, size: int, half: Fraction, name: str) -> Figure:
    """A subgroup's distance with its interval; `half` is in records."""
    value = Fraction(steps, RESOLUTION * size)
    # Rounding down took less than one step.
    high = Fraction(steps + 1, RESOLUTION * size) + half / size
    return Figure(value=_kept(value), low=_kept(value - half / size), high=_kept(high), label=name)


def _worst(judged: Sequence[tuple[Figure, Fraction]]) -> Figure:
    """The largest; 1 where there are none."""
    if not judged:
        return Figure(value=_ONE, low=Fraction(0), high=_ONE)
    return Figure(
        value=max(each.value for each, _ in judged),
        low=max(surely for _, surely in judged),
        high=max(each.high for each, _ in judged),
    )
