"""From ρ to ε: the conversion that OpenDP has for zCDP, in pure Python.

`check` plans what a manifest trains, and must not wait for OpenDP, which imports NumPy where it is there.
Tests hold the figures against OpenDP's own.
"""

from __future__ import annotations

import math
from decimal import Decimal

from dpgate.accounting.filter import convert
from dpgate.accounting.rounding import EXACT, WORKING
from dpgate.errors import AccountingError

_LEAST = 0.01
"""Of α − 1: OpenDP looks no lower, and an ε below its own would break promises in its eyes."""
_SMALLEST = 1e-300
"""A ρ that is smaller still is taken for this one where an order is chosen; any order is valid."""
_HALVINGS = 80


def epsilon_of_rho(rho: Decimal, delta: Decimal) -> Decimal:
    """ε of a ρ-zCDP mechanism at δ, rounded up to 6 decimals.

    Args:
        rho: ≥ 0.
        delta: in (0, 1).

    Raises:
        AccountingError: δ is out of range.

    Privacy:
        The least of αρ + ln(1 − 1/α) − ln(δα)/(α−1) over real α ≥ 1.01 (Canonne, Kamath, Steinke
        2020, proposition 12). Every α gives an upper bound, so the one that is used need only be
        near the best: it is a float, and what it gives is computed to 36 digits.
    """
    if not 0 < delta < 1:
        raise AccountingError(f"delta must lie strictly between 0 and 1: {delta}")
    if not rho:
        return Decimal(0)
    order = Decimal(1 + _best(max(float(rho), _SMALLEST), float(WORKING.ln(delta))))
    return convert(EXACT.multiply(rho, order), order, delta)


def _best(rho: float, log_delta: float) -> float:
    """The a = α − 1 at which the bound is least: the only zero of ρa² + ln(1 + a) + ln δ."""
    low, high = 0.0, math.sqrt(-log_delta / rho)  # there the sum is ln(1 + a), not below 0
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        if rho * middle**2 + math.log1p(middle) + log_delta < 0:
            low = middle
        else:
            high = middle
    return max(high, _LEAST)
