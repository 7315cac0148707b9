"""A tighter ε of a training, which `plan` tells for information: charged nowhere, in no record."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from dpgate.accounting import prv
from dpgate.model.event import Event
from dpgate.model.values import Frozen, Recorded


class TighterEpsilon(Frozen):
    """ε of a training by another accountant. For information: charged nowhere, and in no record."""

    accountant: str
    epsilon: Recorded
    """Upper end of what the accountant says, its own error included, at `release_delta`."""
    charged: Recorded
    """ε of the same events as it is charged, by Rényi orders."""
    events: tuple[str, ...]
    """What it is of."""
    left_out: tuple[str, ...]
    """What the release runs beside, which this accountant cannot compose."""


def tighter_epsilon(events: Sequence[Event], delta: Decimal) -> TighterEpsilon | None:
    """The figure, if something is trained and the accountant is installed and has one."""
    found = prv.tighter(events, delta)
    if found is None:
        return None
    return TighterEpsilon(
        accountant="PRV, by Opacus",
        epsilon=found.epsilon,
        charged=found.charged,
        events=found.events,
        left_out=found.left_out,
    )
