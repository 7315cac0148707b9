"""What expressions can begin with, and when each of it is known."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

ROOTS: Mapping[str, str] = {
    "release": "Release",
    "dataset": "Dataset",
    "clock": "Clock",
    "budget": "Budget",
    "history": "History",
    "history.recipients": "map(string, list(Past))",
    "approvals": "map(string, Approval)",
}
"""Names that an expression can begin with, and their types. `history.recipients` holds, for each
recipient of this release, the attempts that named them; `approvals` goes by role."""

CHECKED = frozenset({"release", "dataset", "clock"})
"""What `check` knows: documents and the day."""

Stage = Literal["documents", "ledger", "approvals"]
"""When a rule can be judged: from documents and the day; once budgets and history are known; once
approvals are, which depend on what a release costs and on the waivers that it uses."""


def stage_of(needs: frozenset[str]) -> Stage:
    """When a rule that uses these facts can be judged."""
    if "approvals" in needs:
        return "approvals"
    return "documents" if needs <= CHECKED else "ledger"
