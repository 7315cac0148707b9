"""What was reserved before: one line for each attempt, as rules and plans see it."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from dpgate.model.record import Facts

PastOutcome = Literal[
    "open", "released", "gate-failed", "failed", "abandoned", "withdrawn", "resumed"
]
"""How an attempt stands: `open` until something closes it. All of them are spent."""


@dataclass(frozen=True, kw_only=True, slots=True)
class PastRelease:
    """One attempt at a release that the ledger holds."""

    release: str
    """``dataset/release``."""
    entry: int
    """Number of its reservation."""
    time: str
    """UTC hour of its reservation."""
    outcome: PastOutcome
    facts: Facts
    epsilon: Decimal
    """ε that it claims of itself, at its own δ."""
