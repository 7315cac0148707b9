"""Randomness that nobody can seed: NumPy's Philox under a key from the operating system.

torch's generators are made from a seed, its CPU one from 32 bits of it, and `torch.manual_seed` sets the
default one for everybody in the process. Here each generator has a key of 128 bits of its own, which
is kept nowhere and takes no seed, and every device sees the same numbers. Normal numbers are NumPy's
(ziggurat), in doubles.
"""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


class Fresh:
    """Random numbers from a key of its own, drawn from the operating system's entropy."""

    def __init__(self) -> None:
        self._generator = np.random.Generator(np.random.Philox(key=secrets.randbits(128)))

    def words(self, count: int) -> NDArray[np.uint32]:
        """So many uniform 32-bit numbers."""
        return self._generator.integers(0, 2**32, count, dtype=np.uint32)

    def normal(self, count: int) -> NDArray[np.float64]:
        """So many standard normal doubles."""
        return self._generator.standard_normal(count)
