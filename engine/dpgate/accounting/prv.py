"""A tighter ε of a training, for information: privacy losses composed numerically by Opacus.

Rényi orders overstate what many steps of DP-SGD cost. Here the distributions of privacy loss are convolved
instead (Gopi, Lee, Wutschitz 2021, arXiv 2106.02848; Opacus's `PRVAccountant`). Nothing is charged by it, no record
holds it and no gate asks for it: it is computed in floats, and needs the extra `gan`.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from dpgate.accounting.compose import release_epsilon
from dpgate.accounting.rounding import EXACT, up
from dpgate.model.event import Event

ERROR = 0.01
"""Of ε, within which the accountant bounds its own error; more where losses have too many points."""

DELTA_AT_LEAST = Decimal("1e-11")
"""Below it rounding of doubles says more than the losses do."""
EPSILON_AT_MOST = 30
"""Above it exponentials of losses leave the range of doubles, and the figure would help nobody."""

_DELTA_ERROR = 1e-3
"""Of δ, relative."""
_POINTS = 2**19
"""Of a discretized loss: about a second on one core."""


@dataclass(frozen=True, kw_only=True)
class Tighter:
    """A figure for information.

    Attributes:
        epsilon: upper end of what the accountant says, rounded up to 4 decimals.
        charged: ε of the same events by Rényi orders, as `release_epsilon` has it.
        events: names of those that it is of.
        left_out: names of those that the accountant cannot compose.
    """

    epsilon: Decimal
    charged: Decimal
    events: tuple[str, ...]
    left_out: tuple[str, ...]


def tighter(events: Sequence[Event], delta: Decimal) -> Tighter | None:
    """ε of a training and of all Gaussian noise beside it, by numerical composition.

    Args:
        events: everything that a release runs.
        delta: δ of the release.

    Returns:
        None where nothing is trained, where Opacus is not installed, where δ or ε is out of the accountant's
        reach, or where it says nothing tighter.

    Privacy:
        Reads no data. Composed are Poisson-sampled Gaussians and Gaussians, each with parameters that are fixed
        beforehand; integer Gaussians are taken for continuous ones of the same scale. Loss under add-remove
        is that of a row more (`PoissonSubsampledGaussianPRV`).
    """
    able = [event for event in events if event.mechanism in ("gaussian", "sampled-gaussian")]
    left = EXACT.subtract(delta, sum((event.delta0 for event in events), start=Decimal(0)))
    if not any(event.mechanism == "sampled-gaussian" for event in able) or left < DELTA_AT_LEAST:
        return None
    charged = release_epsilon(able, left)
    if charged > EPSILON_AT_MOST:
        return None
    found = _upper(_history(able), float(left), float(charged))
    if found is None or not 0 < found < charged:
        return None
    return Tighter(
        epsilon=up(Decimal(found), 4),
        charged=charged,
        events=tuple(event.name for event in able),
        left_out=tuple(event.name for event in events if event not in able),
    )


def _history(events: Sequence[Event]) -> list[tuple[float, float, int]]:
    """Noise multiplier, sampling rate and steps of each training; all Gaussians are one, of rate 1."""
    history, squares = [], 0.0
    for event in events:
        multiplier = float(event.scale) / math.sqrt(event.sensitivity_squared)
        rate = float(event.sampling_rate or 1)
        if rate < 1:
            history.append((multiplier, rate, event.times))
        else:
            squares += event.times / multiplier**2
    if squares:
        history.append((1 / math.sqrt(squares), 1.0, 1))
    return history


def _upper(history: list[tuple[float, float, int]], delta: float, near: float) -> float | None:
    """Upper end of ε at δ, which lies near a figure; None if Opacus is missing or cannot tell."""
    steps = sum(times for _, _, times in history)
    # Points are twice the largest loss over a mesh that narrows with the error (Opacus's own choice).
    mesh = math.sqrt(steps * math.log(12 / (delta * _DELTA_ERROR)) / 2)
    error = max(ERROR, 2 * (1.5 * near + 3) * mesh / _POINTS)
    try:
        import numpy as np
        from opacus.accountants import PRVAccountant
    except ImportError:
        return None
    accountant = PRVAccountant()
    accountant.history = history
    # A rate of 1 gives ln 0, which the accountant means; its choice of a domain warns of orders.
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        try:
            found = float(
                accountant.get_epsilon(delta, eps_error=error, delta_error=delta * _DELTA_ERROR)
            )
        except (RuntimeError, ValueError):  # it says so where its own errors would be too large
            return None
    return found if math.isfinite(found) else None
