"""OpenDP measurements on 64-bit integers, one per kind of event.

Imported inside functions, because planning must not pay for OpenDP's native library.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from functools import lru_cache
from typing import Any

from dpgate.errors import AccountingError
from dpgate.model.event import ADAPTIVE, Event

Run = Callable[[Any], Any]


@dataclass(frozen=True, kw_only=True)
class Measurement:
    """One measurement, ready to run as often as its event allows.

    Attributes:
        run: from an int64 vector to a list of integers (gaussian, laplace) or an index (noisy max).
        scale: of its noise.
        loss: ρ (laplace: ε) of one run at the event's sensitivity, by OpenDP's own privacy map.
    """

    run: Run
    scale: Decimal
    loss: Decimal


def measurement(event: Event) -> Measurement:
    """The measurement that an event describes; of an adaptive one, a run that costs all of it.

    Raises:
        AccountingError: OpenDP charges more for it than the event records, or there is no
            measurement of that kind here.

    Privacy:
        Reads no data. Noise is OpenDP's, in exact integer arithmetic.
    """
    built = measurement_at(event, event.scale)
    runs = 1 if event.mechanism in ADAPTIVE else event.times
    if Fraction(built.loss) * runs > Fraction(event.loss):
        raise AccountingError(
            f"{event.name}: OpenDP charges {built.loss} for each of {runs} runs, "
            f"the event records {event.loss} for all"
        )
    return built


def measurement_at(event: Event, scale: Decimal) -> Measurement:
    """One run of an event at a scale, with what OpenDP's own map charges for it.

    Raises:
        AccountingError: there is no measurement of that kind here.
    """
    if event.mechanism in ("gaussian", "adaptive-gaussian"):
        built = _gaussian(float(scale))
        loss = built.map(root_up(event.sensitivity_squared))
    elif event.mechanism in ("noisy-max", "adaptive-noisy-max"):
        built = _noisy_max(float(scale))
        loss = built.map(_whole_root(event))
    elif event.mechanism == "laplace":
        built = _laplace(float(scale))
        loss = built.map(_whole_root(event))
    else:
        raise AccountingError(f"{event.name}: no mechanism runs {event.mechanism} events")
    return Measurement(run=built, scale=scale, loss=Decimal(loss))


@lru_cache(maxsize=64)
def _gaussian(scale: float) -> Any:
    import opendp.prelude as dp

    dp.enable_features("contrib")
    # T="i64": plain `int` would mean 32 bits.
    space = dp.vector_domain(dp.atom_domain(T="i64")), dp.l2_distance(T=float)
    return dp.m.make_gaussian(*space, scale=scale)


@lru_cache(maxsize=64)
def _laplace(scale: float) -> Any:
    import opendp.prelude as dp

    dp.enable_features("contrib")
    space = dp.vector_domain(dp.atom_domain(T="i64")), dp.l1_distance(T="i64")
    return dp.m.make_laplace(*space, scale=scale)


@lru_cache(maxsize=64)
def _noisy_max(scale: float) -> Any:
    import opendp.prelude as dp

    dp.enable_features("contrib")
    space = dp.vector_domain(dp.atom_domain(T="i64")), dp.linf_distance(T="i64")
    return dp.m.make_noisy_max(*space, dp.zero_concentrated_divergence(), scale=scale)


def root_up(squared: Decimal) -> float:
    """A float that is not below the square root."""
    root = math.sqrt(float(squared))
    while Fraction(root) ** 2 < Fraction(squared):
        root = math.nextafter(root, math.inf)
    return root


def _whole_root(event: Event) -> int:
    """The L1 or L-infinity distance of integers: the root itself must be whole."""
    root = math.isqrt(int(event.sensitivity_squared))
    if Decimal(root * root) != event.sensitivity_squared:
        raise AccountingError(f"{event.name}: the distance between integers must be whole")
    return root
