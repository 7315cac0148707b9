"""Directed rounding of exact decimals: costs go up, remainders go down.

Nothing here depends on the caller's decimal context: each function works in a context of its
own, wide enough to be exact on every value that an event can hold.
"""

from __future__ import annotations

import math
from decimal import (
    MAX_EMAX,
    MIN_EMIN,
    ROUND_CEILING,
    ROUND_FLOOR,
    Context,
    Decimal,
    DivisionByZero,
    InvalidOperation,
    Overflow,
)
from fractions import Fraction

_TRAPS = [InvalidOperation, DivisionByZero, Overflow]

WORKING = Context(prec=50, rounding=ROUND_CEILING, Emax=MAX_EMAX, Emin=MIN_EMIN, traps=_TRAPS)
"""For roots, logarithms and exponentials; their error is below `SLACK` by a wide margin."""

EXACT = Context(prec=600, rounding=ROUND_CEILING, Emax=MAX_EMAX, Emin=MIN_EMIN, traps=_TRAPS)
"""For sums and products: wide enough that none of them is rounded."""

SLACK = Decimal("1e-36")
"""Added to transcendental results, relative and absolute, before they are rounded up."""

Exact = Decimal | Fraction | int


def up(value: Exact, places: int) -> Decimal:
    """The lowest decimal with `places` decimal places that is not below `value`."""
    return _at(value, -places, ROUND_CEILING)


def down(value: Exact, places: int) -> Decimal:
    """The highest decimal with `places` decimal places that is not above `value`."""
    return _at(value, -places, ROUND_FLOOR)


def significant_up(value: Exact, digits: int) -> Decimal:
    """The lowest decimal with `digits` significant digits that is not below `value` ≥ 0."""
    return _at(value, magnitude(value) - digits + 1, ROUND_CEILING)


def significant_down(value: Exact, digits: int) -> Decimal:
    """The highest decimal with `digits` significant digits that is not above `value` ≥ 0."""
    return _at(value, magnitude(value) - digits + 1, ROUND_FLOOR)


def next_up(value: Decimal, digits: int) -> Decimal:
    """The next decimal with `digits` significant digits above a `value` > 0 of that kind."""
    return EXACT.add(value, EXACT.scaleb(Decimal(1), magnitude(value) - digits + 1))


def magnitude(value: Exact) -> int:
    """The exponent e with 10^e ≤ `value` < 10^(e+1); 0 for zero."""
    if not value:
        return 0
    if isinstance(value, Decimal):
        return value.adjusted()
    exact = Fraction(value)
    exponent = len(str(abs(exact.numerator))) - len(str(exact.denominator))
    return exponent if abs(exact) >= Fraction(10) ** exponent else exponent - 1


def sqrt_up(value: Fraction) -> Decimal:
    """An upper bound on the square root of `value` ≥ 0, exact to 49 digits."""
    root = WORKING.sqrt(WORKING.divide(Decimal(value.numerator), Decimal(value.denominator)))
    # sqrt rounds to nearest whatever the context says, so step up unless it was exact.
    return root if Fraction(root) ** 2 >= value else WORKING.next_plus(root)


def float_up(value: Decimal) -> float:
    """The lowest binary float that is not below `value`."""
    nearest = float(value)
    if Decimal(nearest) >= value:
        return nearest
    return math.nextafter(nearest, math.inf)


def _at(value: Exact, exponent: int, rounding: str) -> Decimal:
    """`value` as a whole multiple of 10^exponent."""
    if isinstance(value, Decimal):
        return value.quantize(Decimal((0, (1,), exponent)), rounding=rounding, context=EXACT)
    scaled = Fraction(value) / Fraction(10) ** exponent
    whole = math.ceil(scaled) if rounding == ROUND_CEILING else math.floor(scaled)
    return EXACT.scaleb(Decimal(whole), exponent)
