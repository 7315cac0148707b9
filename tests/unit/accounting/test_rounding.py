"""Costs go up, remainders go down, whatever the caller's decimal context is."""

from __future__ import annotations

import decimal
import math
from decimal import Decimal
from fractions import Fraction

import pytest

from dpgate.accounting import rounding

NARROW = decimal.Context(prec=3, rounding=decimal.ROUND_DOWN)


def test_a_cost_just_above_a_round_number_is_never_shown_as_round() -> None:
    assert rounding.up(Decimal("1.0004"), 2) == Decimal("1.01")
    assert rounding.down(Decimal("1.0004"), 2) == Decimal("1.00")


@pytest.mark.parametrize("value", [Decimal("1.25"), Fraction(5, 4)])
def test_what_fits_is_left_alone(value: Decimal | Fraction) -> None:
    assert rounding.up(value, 2) == rounding.down(value, 2) == Decimal("1.25")


def test_fractions_round_outwards() -> None:
    assert rounding.up(Fraction(1, 3), 4) == Decimal("0.3334")
    assert rounding.down(Fraction(1, 3), 4) == Decimal("0.3333")
    assert rounding.up(7, 0) == 7


@pytest.mark.parametrize(
    ("value", "digits", "above", "below"),
    [
        (Decimal("0.0012341"), 3, "0.00124", "0.00123"),
        (Decimal("99.99"), 2, "1E+2", "99"),
        (Fraction(2, 3000), 2, "0.00067", "0.00066"),
        (Decimal(123456), 3, "124000", "123000"),
        (0, 5, "0", "0"),
    ],
)
def test_significant_digits(value: rounding.Exact, digits: int, above: str, below: str) -> None:
    assert rounding.significant_up(value, digits) == Decimal(above)
    assert rounding.significant_down(value, digits) == Decimal(below)


def test_the_next_value_of_so_many_digits() -> None:
    assert rounding.next_up(Decimal("1.23"), 3) == Decimal("1.24")
    assert rounding.next_up(Decimal("9.99"), 3) == Decimal("10.00")


@pytest.mark.parametrize(
    ("value", "exponent"),
    [
        (Decimal("0.01"), -2),
        (Decimal(99), 1),
        (Fraction(1, 1000), -3),
        (Fraction(999, 1000), -1),
        (Fraction(1001, 10), 2),
        (10, 1),
        (0, 0),
    ],
)
def test_magnitude(value: rounding.Exact, exponent: int) -> None:
    assert rounding.magnitude(value) == exponent


@pytest.mark.parametrize("value", [Fraction(4), Fraction(2), Fraction(1, 3), Fraction(10**40 + 1)])
def test_square_roots_are_upper_bounds_and_tight(value: Fraction) -> None:
    root = Fraction(rounding.sqrt_up(value))
    assert root**2 >= value
    assert (root * (1 - Fraction(1, 10**48))) ** 2 < value


def test_floats_are_upper_bounds() -> None:
    third = Decimal("0.1")  # the nearest float is above
    assert rounding.float_up(third) == 0.1
    low = Decimal("0.3")  # the nearest float is below
    assert Fraction(0.3) < Fraction(low)
    assert rounding.float_up(low) == math.nextafter(0.3, 1)


def test_a_narrow_context_of_the_caller_changes_nothing() -> None:
    value = Decimal("123456789.123456789123456789")
    with decimal.localcontext(NARROW):
        assert rounding.up(value, 15) == Decimal("123456789.123456789123457")
        assert rounding.sqrt_up(Fraction(2)) ** 1
        assert rounding.significant_up(value, 12) == Decimal("123456789.124")
        assert rounding.next_up(Decimal("1.23456789"), 9) == Decimal("1.23456790")
