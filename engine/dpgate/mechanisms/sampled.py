"""Steps of a Poisson-subsampled Gaussian: who is in a step, and noise on what they add up to.

By real arithmetic: sums and noise are doubles, so their low bits are not covered by the proof
(arXiv 2112.05307, 2207.13793). Events say so, and a policy must allow it by name.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from dpgate.errors import AccountingError
from dpgate.mechanisms.fresh import Fresh

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from dpgate.mechanisms.session import Mechanisms
    from dpgate.mechanisms.tape import Step, Sums

_WORDS = 2**32
_AT_ONCE = 2**22


class SampledGaussian:
    """The steps of one event, each in two halves: `sample`, then `noisy` once.

    Args:
        mechanisms: pays for each step when it is sampled.
        name: the event.
        clip: largest L2 norm of what one record adds to a sum, in the sum's own unit.

    Privacy:
        A step spends one of the event's `times`, before its records are chosen. The noise has the
        standard deviation σ·`clip` for the event's noise multiplier σ. The caller vouches that a
        sum is one of vectors of norm ≤ `clip`, one for each record that was sampled, each of which
        depends on that record and on public values alone.
    """

    def __init__(self, mechanisms: Mechanisms, name: str, clip: float) -> None:
        self._mechanisms = mechanisms
        self._name = name
        self._clip = clip
        self._random = Fresh()
        self._open: Step | None = None

    def sample(self, records: int) -> NDArray[np.int64]:
        """The records of the next step: each is in it by a coin of its own.

        Args:
            records: how many there are. It is private; nothing but which ones exist follows from it.

        Returns:
            Their places, rising; maybe none.

        Raises:
            InsufficientBudgetError: all steps were used.
            AccountingError: the step before got no noise yet.

        Privacy:
            A coin falls with the event's rate, rounded down to a multiple of 2^−32: exact, and
            never above what is accounted.
        """
        if self._open is not None:
            raise AccountingError(f"{self._name}: a step is sampled only after the one before it")
        self._open = self._mechanisms.sampled(self._name)
        rate = self._open.event.sampling_rate
        assert rate is not None  # noqa: S101 - events of this kind have one
        below = int(rate * _WORDS)
        found = [
            start + np.flatnonzero(self._random.words(min(_AT_ONCE, records - start)) < below)
            for start in range(0, records, _AT_ONCE)
        ]
        return np.concatenate([np.empty(0, dtype=np.int64), *found])

    def noisy(self, total: Sums) -> Sums:
        """The sum of a step with its noise, which is added once.

        Args:
            total: what the sampled records add up to, one vector of doubles.

        Raises:
            AccountingError: no step was sampled, or its sum was asked for already.

        Privacy:
            Reads a private sum and returns a protected one.
        """
        if self._open is None:
            raise AccountingError(f"{self._name}: a step has one noisy sum")
        step, self._open = self._open, None
        units = total / self._clip
        scale = float(step.event.scale)
        noisy = step.taped(units, lambda: units + scale * self._random.normal(len(units)))
        return noisy * self._clip
