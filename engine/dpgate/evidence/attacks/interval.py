"""Intervals of shares and of their difference, from noisy counts of finitely many records.

A side (members, or holdout) has B noisy counts: X_b + noise of variance σ². For a set of t bins let Y be
the sum of its noisy counts and T that of all. For the true share p, Y − pT = (X − pn) + noise has
mean 0 and variance

    k·n·p(1−p) + σ²·((1−p)²·t + p²·(B−t)),

the first term from n records that were drawn from many, at most k of one person (a sum over persons
varies at most k times as much as one over independent records), the second from the noise. The
interval holds every p at which Y − pT is within z standard deviations, after moving Y outwards
(Wilson's interval with a continuity correction; Fieller's, since T is noisy too). It needs no
estimate of p in a variance, so it holds where a count is 0.

Y moves by k·(1/2 + z²/3): half a step for counts being whole, and z²/3 for being skewed where few
are hit, or all but few. z²/6 is what skewness moves a quantile of one share (Cornish and Fisher's first
term); the widths of two, joined as below, need twice that. This is no theorem: of z²/6, z²/5, z²/4 and
z²/3 it is the least at which no end misses more often than it may, without noise, for tails of 2.5 % down to 0.3 %,
by exact binomials over thousands of shares and sizes of sides (tests/statistical/test_attack_intervals.py).
With noise the lower end of a difference has been seen to miss in 3.7 % (σ = 60 on sides of 1,200, all
members hit and nobody else); nothing is judged by it.

The difference of two independent shares is bounded by the squared widths of both (Newcombe 1998,
method 11), before shares and ends are moved into [0, 1]: what reaches beyond a bound belongs to a
width, and cutting it off there would make intervals too narrow near 0 and 1. Of a side with fewer
than `FEWEST` records that are certain, nothing is known: [0, 1].

Advantage is A = max over thresholds of p − q. *Upper end*: A belongs to some threshold that is no matter of
chance, so the highest of the upper ends, each good for its own threshold in 97.5 % of cases, is above A
in at least as many. *Lower end*: it must hold at all m thresholds at once: each at 1 − 0.025/m (Bonferroni).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf, sqrt
from statistics import NormalDist

FEWEST = 30
"""Records of a side below which its interval is [0, 1]."""
TAIL = 0.025


@dataclass(frozen=True, kw_only=True)
class Interval:
    """A number within its interval."""

    low: float
    value: float
    high: float

    def within(self, least: float, most: float) -> Interval:
        """All three moved into public bounds."""
        low, value, high = (min(max(v, least), most) for v in (self.low, self.value, self.high))
        return Interval(low=low, value=value, high=high)


@dataclass(frozen=True, kw_only=True)
class Side:
    """Noisy counts of one side.

    Attributes:
        counts: one for each bin, in records.
        sigma: σ of the noise on each, ≥ 0.
        together: most records of one person, ≥ 1.
    """

    counts: Sequence[float]
    sigma: float
    together: int = 1

    @property
    def total(self) -> float:
        """Noisy number of records."""
        return sum(self.counts)

    @property
    def speaks(self) -> bool:
        """Whether there are records enough, the noise of their number left out."""
        unsure = quantile(TAIL) * self.sigma * sqrt(len(self.counts))
        return self.total - unsure >= FEWEST * self.together

    def share(self, bins: Sequence[int], z: float) -> Interval:
        """The share of records in some bins, z standard deviations to each side."""
        return self.unbounded(bins, z).within(0.0, 1.0)

    def unbounded(self, bins: Sequence[int], z: float) -> Interval:
        """The same before it is moved into [0, 1]: what is noise on both sides of a bound stays so."""
        total, hits = self.total, sum(self.counts[place] for place in bins)
        if not self.speaks:
            value = min(max(hits / total, 0.0), 1.0) if total > 0 else 0.0
            return Interval(low=0.0, value=value, high=1.0)
        moved = self.together * (0.5 + z**2 / 3)
        low = self._end(hits - moved, len(bins), z, -1)
        high = self._end(hits + moved, len(bins), z, 1)
        return Interval(low=low, value=hits / total, high=high)

    def _end(self, hits: float, bins: int, z: float, side: int) -> float:
        """The lowest (−1) or highest (1) share at which `hits` is within z standard deviations.

        Beyond 0 and 1 there is no sampling, and an end may lie there: it is where the noise alone ends.
        """
        noise, ends = (z * self.sigma) ** 2, []
        for spread in (0.0, self.together * self.total):
            square = self.total**2 + z**2 * spread - noise * len(self.counts)
            linear = -2 * hits * self.total - z**2 * spread + 2 * noise * bins
            under = linear**2 - 4 * square * (hits**2 - noise * bins)
            if square <= 0:
                return side * inf
            if under >= 0 or not spread:  # the noise's own is never below 0, but for rounding
                ends.append((-linear + side * sqrt(max(under, 0.0))) / (2 * square))
        return side * max(side * end for end in ends)


def quantile(tail: float) -> float:
    """How many standard deviations leave `tail` above."""
    return NormalDist().inv_cdf(1 - tail)


def difference(members: Side, holdout: Side, bins: Sequence[int], z: float) -> Interval:
    """The share among members minus that among the holdout, within [−1, 1]."""
    p, q = members.unbounded(bins, z), holdout.unbounded(bins, z)
    value = p.value - q.value
    if not (members.speaks and holdout.speaks):
        return Interval(low=-1.0, value=value, high=1.0).within(-1.0, 1.0)
    low = value - sqrt((p.value - p.low) ** 2 + (q.high - q.value) ** 2)
    high = value + sqrt((p.high - p.value) ** 2 + (q.value - q.low) ** 2)
    return Interval(low=low, value=value, high=high).within(-1.0, 1.0)


def at_once(thresholds: int) -> float:
    """Z at which intervals of all thresholds hold together, each side at `TAIL`."""
    return quantile(TAIL / max(thresholds, 1))


def advantage(
    members: Side, holdout: Side, thresholds: Sequence[Sequence[int]]
) -> tuple[Interval, int]:
    """A = max over thresholds of p − q, at least 0, and the threshold where the noisy one is largest.

    Args:
        members: counts of rows that were learned from.
        holdout: counts of rows that were held out, in the same bins.
        thresholds: at least one set of bins, each what the attack could call a hit.
    """
    above = [difference(members, holdout, bins, quantile(TAIL)) for bins in thresholds]
    wide = at_once(len(thresholds))
    below = [difference(members, holdout, bins, wide) for bins in thresholds]
    best = max(range(len(above)), key=lambda place: above[place].value)
    value = max(above[best].value, 0.0)
    found = Interval(
        low=min(max(0.0, *(each.low for each in below)), value),
        value=value,
        high=max(value, *(each.high for each in above)),
    )
    return found, best
