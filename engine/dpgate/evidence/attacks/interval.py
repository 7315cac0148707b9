"""Intervals of shares and of their difference, from noisy counts of finitely many records.

A side (members, or holdout) has B noisy counts: X_b + noise of variance σ². For a set of t bins let Y be
the sum of its noisy counts and T that of all. For the true share p, Y − pT = (X − pn) + noise has
mean 0 and variance

    k·n·p(1−p) + σ²·((1−p)²·t + p²·(B−t)),

the first term from n records that were drawn from many, at most k of one person (a sum over persons
varies at most k times as much as one over independent records), the second from the noise. The
interval holds every p at which Y − pT is within z standard deviations, after moving Y half a step (k/2)
outwards for counts being whole (Wilson's interval with a continuity correction; Fieller's, since T is
noisy too). It needs no estimate of p in a variance, so it holds where a count is 0. Y is first moved
into [0, T], which only takes it nearer to what it may be.

The difference of two independent shares is bounded by the squared widths of both (Newcombe 1998,
method 11). Of a side with fewer than `FEWEST` records that are certain, nothing is known: [0, 1].

Advantage is A = max over thresholds of p − q. *Upper end*: A belongs to some threshold that is no matter of
chance, so the highest of the upper ends, each good for its own threshold in 97.5 % of cases, is above A
in at least as many. *Lower end*: it must hold at all m thresholds at once: each at 1 − 0.025/m (Bonferroni).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt
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


UNKNOWN = Interval(low=0.0, value=0.0, high=1.0)


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
        total = max(self.total, 0.0)
        hits = min(max(sum(self.counts[place] for place in bins), 0.0), total)
        value = hits / total if total else 0.0
        if not self.speaks:
            return Interval(low=0.0, value=value, high=1.0)
        half = self.together / 2
        low, _ = self._roots(max(hits - half, 0.0), len(bins), z)
        _, high = self._roots(min(hits + half, total), len(bins), z)
        return Interval(low=min(low, value), value=value, high=max(high, value))

    def _roots(self, hits: float, bins: int, z: float) -> tuple[float, float]:
        """The lowest and the highest share at which `hits` is within z standard deviations."""
        total, spread = self.total, self.together * self.total
        noise = (z * self.sigma) ** 2
        square = total**2 + z**2 * spread - noise * len(self.counts)
        linear = -2 * hits * total - z**2 * spread + 2 * noise * bins
        rest = hits**2 - noise * bins
        under = linear**2 - 4 * square * rest
        if square <= 0 or under < 0:
            return 0.0, 1.0
        low, high = ((-linear + sign * sqrt(under)) / (2 * square) for sign in (-1, 1))
        return min(max(low, 0.0), 1.0), min(max(high, 0.0), 1.0)


def quantile(tail: float) -> float:
    """How many standard deviations leave `tail` above."""
    return NormalDist().inv_cdf(1 - tail)


def difference(members: Side, holdout: Side, bins: Sequence[int], z: float) -> Interval:
    """The share among members minus that among the holdout, within [−1, 1]."""
    p, q = members.share(bins, z), holdout.share(bins, z)
    value = p.value - q.value
    if not (members.speaks and holdout.speaks):
        return Interval(low=-1.0, value=value, high=1.0)
    low = value - sqrt((p.value - p.low) ** 2 + (q.high - q.value) ** 2)
    high = value + sqrt((p.high - p.value) ** 2 + (q.value - q.low) ** 2)
    return Interval(low=max(low, -1.0), value=value, high=min(high, 1.0))


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
