"""What every exact metric is: a number of a release, computed on private rows without noise."""

from __future__ import annotations

from functools import lru_cache
from importlib.metadata import entry_points
from typing import TYPE_CHECKING, Protocol, cast

from dpgate.errors import EvidenceError
from dpgate.evidence.measures.interface import Figure, Figures, Scene
from dpgate.model.utility import Threshold
from dpgate.model.values import Key

if TYPE_CHECKING:
    from dpgate.evidence.measures.subject import Subject

EXACT = "dpgate.exact"
"""Group of what makes an exact metric from a threshold of `utility`, by its metric."""


class Exact(Protocol):
    """One exact metric of one release."""

    @property
    def key(self) -> Key:
        """What its result is found by."""

    def measure(self, subject: Subject) -> Figures:
        """What it comes to; intervals, if any, are of sampling alone.

        Raises:
            EvidenceError: it cannot be computed on this domain or these sources.

        Privacy:
            Restricted: exact private numbers, for a document that is encrypted to stewards, or
            where all rows of `subject` are stand-ins.
        """


class FromThreshold(Protocol):
    """A member of the group `dpgate.exact`."""

    def __call__(self, threshold: Threshold, scene: Scene) -> Exact:
        """The metric of a threshold."""


def exact_of(threshold: Threshold, scene: Scene) -> Exact:
    """The exact metric of a threshold.

    Raises:
        EvidenceError: it is not installed, or several packages claim it.
    """
    return _loaded(threshold.metric)(threshold, scene)


@lru_cache(maxsize=64)
def _loaded(name: str) -> FromThreshold:
    found = tuple(entry_points(group=EXACT, name=name))
    if len(found) != 1:
        what = "is claimed by several packages" if found else "is not installed"
        raise EvidenceError(
            f"evidence {name} {what}", fix="reinstall dpgate, or the package that brings it"
        )
    return cast("FromThreshold", found[0].load())


def plain(label: str, value: float) -> Figure:
    """A number without an interval; below 0 it is 0."""
    from fractions import Fraction

    exact = Fraction(max(value, 0.0))
    return Figure(label=label, value=exact, low=exact, high=exact)
