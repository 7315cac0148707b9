"""What a measure without noise is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from dpgate.evidence.measures.interface import Figures
from dpgate.model.values import Key

if TYPE_CHECKING:
    from dpgate.evidence.measures.subject import Subject


class Exact(Protocol):
    """One measure of one release that has no noisy form."""

    @property
    def key(self) -> Key:
        """What its result is found by."""

    def measure(self, subject: Subject) -> Figures:
        """What it comes to.

        Privacy:
            Restricted: exact private numbers.
        """
