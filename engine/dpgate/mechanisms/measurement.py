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
from dpgate.model.event import Event

Run = Callable[[Any], Any]


@dataclass(frozen=True, kw_only=True)
class Measurement:
    """One measurement, ready to run as often as its event allows.

    Attributes:
        run: from an int64 vector to a list of integers (gaussian, laplace) or an index (noisy max).
        loss: ρ (laplace: ε) of one run at the event's sensitivity, by OpenDP's own privacy map.
    """

    run: Run
    loss: Decimal


def measurement(event: Event) -> Measurement:
    """The measurement that an event describes.

    Raises:
        AccountingError: OpenDP charges more for it than the event records, or there is no
            measurement of that kind here.

    Privacy:
        Reads no data. Noise is OpenDP's, in exact integer arithmetic.
    """
    if event.mechanism == "gaussian":
        built = _gaussian(float(event.scale))
        loss = built.map(root_up(event.sensitivity_squared))
    elif event.mechanism == "noisy-max":
        built = _noisy_max(float(event.scale))
        loss = built.map(_whole_root(event))
    elif event.mechanism == "laplace":
        built = _laplace(float(event.scale))
        loss = built.map(_whole_root(event))
    else:
        raise AccountingError(f"{event.name}: no mechanism runs {event.mechanism} events")
    if Fraction(loss) * event.times > Fraction(event.loss):
        raise AccountingError(
            f"{event.name}: OpenDP charges {loss} for each of {event.times} runs, "
            f"the event records {event.loss} for all"
        )
    return Measurement(run=built, loss=Decimal(loss))


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
