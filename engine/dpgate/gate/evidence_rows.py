"""What a plan says of the evidence that an attempt will measure, and what a steward finds in it."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

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


class ExactRow(Frozen):
    """One figure without noise."""

    metric: str
    about: str
    value: str
    """Nine decimal places."""


class EvidenceOpenResult(Frozen):
    """What sealed evidence holds."""

    schema_: Annotated[Literal["dpgate.evidence-open/v1"], Field(alias="schema")] = (
        "dpgate.evidence-open/v1"
    )
    release: str
    attempt: int
    entry: int
    """Ledger entry that settled the attempt and holds the digest of what was opened."""
    outcome: str
    digest: str
    rows: tuple[ExactRow, ...]
    """Exact and restricted: no ε covers them."""
    written: str = ""
    """Where the whole document was written, if it was."""

    @property
    def exit_code(self) -> int:
        """What the command ends with."""
        return 0
