"""Numbers for people: four digits, costs rounded up, and coordinates of drawings."""

from __future__ import annotations

from decimal import ROUND_CEILING, ROUND_FLOOR, ROUND_HALF_EVEN, Decimal

from dpgate.accounting.rounding import EXACT, magnitude
from dpgate.model.values import counted, short

DIGITS = 4


def figure(value: Decimal, rounding: str = ROUND_HALF_EVEN, digits: int = DIGITS) -> str:
    """A number ≥ 0 to so many significant digits."""
    exponent = min(magnitude(value) - digits + 1, 0)
    near = value.quantize(Decimal((0, (1,), exponent)), rounding=rounding, context=EXACT)
    if near >= 1_000_000:
        return f"{near:.3e}"
    if near >= 10_000:
        return f"{near:,.0f}"
    return short(near)


def cost(value: Decimal) -> str:
    """What was spent, never shown as less than it is."""
    return figure(value, ROUND_CEILING)


def span(low: Decimal, high: Decimal) -> str:
    """An interval, never shown as narrower than it is; empty where it is one number."""
    if low == high:
        return ""
    return f"{figure(low, ROUND_FLOOR)} to {figure(high, ROUND_CEILING)}"


def percent(share: Decimal) -> str:
    """A share of rows."""
    return f"{figure(share * 100, digits=3)} %"


def epsilon(value: Decimal, unprotected_bits: int) -> str:
    """ε, with what it does not cover."""
    beyond = f" plus {counted(unprotected_bits, 'unprotected bit')}" if unprotected_bits else ""
    return cost(value) + beyond


def at(coordinate: float) -> str:
    """A coordinate of a drawing: a tenth of a pixel is enough."""
    text = f"{coordinate:.1f}".removesuffix(".0")
    return "0" if text == "-0" else text


def ceiling(highest: float) -> float:
    """Where a scale from 0 ends: 1, 1.5, 2, 2.5, 3, 4, 5, 6, 8 or 10 times a power of ten."""
    if highest <= 0:
        return 1.0
    power = 10.0 ** magnitude(Decimal(repr(highest)))
    steps = (1, 1.5, 2, 2.5, 3, 4, 5, 6, 8, 10)
    return next((step * power for step in steps if step * power >= highest), highest)
