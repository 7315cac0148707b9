"""What is told of waivers: one row each in checks and plans, and what `waive` wrote."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from dpgate.model.values import Frozen

Shown = Literal["in-force", "claimed", "unused", "unsigned", "expired", "refused"]


class WaiverRow(Frozen):
    """One waiver, and what became of it."""

    name: str
    release: str
    rule: str
    reason: str
    ticket: str
    expires: str
    """The last day it counts."""
    state: Shown
    """`claimed`: plan judges its signatures. `unused`: nothing that it would set aside was found."""
    why: str
    """Why it is not in force."""
    path: str


class WaiveResult(Frozen):
    """A signature under a waiver that was written."""

    schema_: Annotated[Literal["dpgate.waive/v1"], Field(alias="schema")] = "dpgate.waive/v1"
    waiver: str
    rule: str
    release: str
    ticket: str
    role: str
    key: str
    path: str
    expires: str
    in_force: bool
    """Whether every role has now signed."""
    lacking: tuple[str, ...]
    """Roles that have still to sign."""
    next: str
