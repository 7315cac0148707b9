"""What is said of a rule that is built into dpgate."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Judged = Literal["check", "plan"]


@dataclass(frozen=True)
class Builtin:
    """One rule that is built in."""

    id: str
    title: str
    """What it demands."""
    because: str
    """What it protects."""
    reads: tuple[str, ...]
    """Keys of manifest, dataset and policy that it looks at."""
    where: str
    """Function that makes the finding."""
    level: Literal["deny", "warn"] = "deny"
    judged: Judged = "check"
    """`check`: from documents alone. `plan`: from the ledger or from the release's cost, too."""
    about: Literal["release", "policy", "request", "approvals"] = "release"
    """`policy`: of the policy document itself. `request`: of a pull request, whatever it releases.
    `approvals`: of what people signed, whatever it says."""
