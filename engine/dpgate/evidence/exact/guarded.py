"""Exact metrics in a release: planned without numerics, and with no way to fail by what rows hold.

An exact metric is computed from private rows without noise, and may find that it has no value: too few
rows, nothing that predicts the target, a class that is not there. An error would then tell of the rows,
by its words and by the exit code. So whatever happens inside, there is a value: the worst there is, which
no threshold lets pass.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING

from dpgate.errors import EvidenceError, SourceError
from dpgate.evidence.exact.interface import exact_of
from dpgate.evidence.measures.interface import Figure, Figures, Scene
from dpgate.model.utility import Threshold
from dpgate.model.values import Key

if TYPE_CHECKING:
    from dpgate.evidence.measures.subject import Subject


@dataclass(frozen=True, kw_only=True)
class Guarded:
    """One exact metric, loaded when it is computed.

    Attributes:
        threshold: of the manifest.
        scene: public documents.
    """

    threshold: Threshold
    scene: Scene

    @property
    def key(self) -> Key:
        """What its result is found by."""
        return self.threshold.key

    def check(self) -> None:
        """Whether the released columns suffice, before any data is opened.

        Raises:
            EvidenceError: they do not.
        """
        names = self.scene.domain.names
        for name in self.threshold.named:
            if name not in names or len(names) < 2:
                raise EvidenceError(
                    f"{self.key.metric}: {name} cannot be predicted in this release",
                    fix="name a released column with a domain, and release a column beside it",
                )

    def measure(self, subject: Subject) -> Figures:
        """What it comes to, or the worst value there is.

        Raises:
            SourceError: the data became unreadable; the message is fixed.

        Privacy:
            Restricted: an exact private number.
        """
        try:
            return exact_of(self.threshold, self.scene).measure(subject)
        except SourceError:
            raise
        except Exception:  # noqa: BLE001 - whatever it is, it may follow from a row
            worst = Fraction(0 if self.threshold.better == "high" else 1)
            figure = Figure(value=worst, low=worst, high=worst)
            return Figures(main=figure, given="it has no value on these rows")
