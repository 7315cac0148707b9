"""Randomness that nobody can seed: a keystream under a key from the operating system.

torch's generators are made from a seed, its CPU one from 32 bits of it, so whoever sets or guesses
the seed knows the noise. A keystream of AES-256 in counter mode has 256 bits, takes no seed, and is
the same on every device.
"""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

import numpy as np
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

if TYPE_CHECKING:
    from numpy.typing import NDArray

_STEPS = 2**53
"""Uniform numbers lie halfway between multiples of 1 over this."""


class Keystream:
    """Random numbers from a key of its own, drawn from the operating system's entropy."""

    def __init__(self) -> None:
        cipher = Cipher(algorithms.AES(secrets.token_bytes(32)), modes.CTR(secrets.token_bytes(16)))
        self._encryptor = cipher.encryptor()

    def words(self, count: int) -> NDArray[np.uint32]:
        """So many uniform 32-bit numbers."""
        return np.frombuffer(self._encryptor.update(bytes(4 * count)), dtype=np.uint32)

    def uniform(self, count: int) -> NDArray[np.float64]:
        """So many doubles, uniform on the 2^53 midpoints of (0, 1): neither 0 nor 1."""
        bits = np.frombuffer(self._encryptor.update(bytes(8 * count)), dtype=np.uint64) >> 11
        return (bits + 0.5) / _STEPS

    def normal(self, count: int) -> NDArray[np.float64]:
        """So many standard normal doubles, by Box and Muller's transform."""
        half = (count + 1) // 2
        radius = np.sqrt(-2.0 * np.log(self.uniform(half)))
        angle = 2.0 * np.pi * self.uniform(half)
        return np.concatenate([radius * np.cos(angle), radius * np.sin(angle)])[:count]
