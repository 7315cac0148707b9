"""What a plan says of the evidence that an attempt will measure."""

from __future__ import annotations

from typing import Literal

from dpgate.model.values import Frozen, Recorded


class EvidenceRow(Frozen):
    """Something that the attempt will measure of what it makes."""

    metric: str
    about: str
    """What tells it apart from others of its metric; may be empty."""
    disclosure: Literal["dp", "restricted"]
    rho: Recorded
    """ρ that it is charged; 0 where it is sealed."""
    half_width: Recorded | None
    """Of the 95 % interval that its noise implies at `rows_at_most`; null where nobody can know."""
    limit: Recorded | None
    """The manifest's threshold."""
    better: Literal["low", "high"]
    """Which values are good."""
