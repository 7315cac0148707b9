"""The life of a reservation, as a state machine. No I/O, no clock, no money back.

    reserved ──► released ──► withdrawn
        ├──────► gate-failed
        ├──────► failed ─────┐
        └──────► abandoned ──┴──► resumed

Every state is spent: there is no edge that returns anything. What is settled, abandoned or withdrawn
stays so; in particular an abandoned reservation can't be settled later, and a withdrawn release can't
be released again. A later reservation may take up the training of one that failed or was abandoned,
once: what it resumes is `resumed` then, and spent as before. While a release stands, rows may be drawn
from the model that it kept, any number of times; once it is withdrawn, no more, and those drawn before
are called back with it. Attempts of a release are counted, whatever became of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Literal

from dpgate.errors import ChainError

State = Literal[
    "reserved", "released", "gate-failed", "failed", "abandoned", "withdrawn", "resumed"
]

NEXT: Mapping[State, frozenset[State]] = MappingProxyType(
    {
        "reserved": frozenset({"released", "gate-failed", "failed", "abandoned"}),
        "released": frozenset({"withdrawn"}),
        "gate-failed": frozenset(),
        "failed": frozenset({"resumed"}),
        "abandoned": frozenset({"resumed"}),
        "withdrawn": frozenset(),
        "resumed": frozenset(),
    }
)
"""Every step that is allowed, and no other."""


def advance(state: State | None, to: State) -> State:
    """The state after a step.

    Args:
        state: the state before; None where nothing was reserved.
        to: the state that an entry claims.

    Raises:
        ChainError: there is no such step.
    """
    if state is None:
        raise ChainError(f"nothing was reserved that could be {to}")
    if to not in NEXT[state]:
        raise ChainError(f"what is {state} cannot become {to}")
    return to


def is_open(state: State) -> bool:
    """Whether the attempt may still be running."""
    return state == "reserved"


def may_sample(state: State | None) -> None:
    """Raise unless rows may be drawn from what became of a reservation.

    Args:
        state: its state; None where nothing was reserved.

    Raises:
        ChainError: it released nothing, or was withdrawn.
    """
    if state != "released":
        what = "what was never reserved" if state is None else f"what is {state}"
        raise ChainError(f"{what} cannot be sampled from")
