"""Is a float written in the fewest digits, as Java 19 and later releases print it?"""

from __future__ import annotations

import math
import random
import struct
from decimal import Decimal, localcontext
from fractions import Fraction
from typing import TYPE_CHECKING

from scalar_tx.model.types import to_float32
from scalar_tx.storage.dynamo.codec import double_text, float_text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

# As Java 25 prints them; for many of these Java 17 has a digit more.
DOUBLES = {
    2.0**-24: "5.960464477539063E-8",
    2.0**-44: "5.684341886080802E-14",
    2.0**89: "6.189700196426902E26",
    2.0**-1017: "7.120236347223045E-307",
    5e-324: "4.9E-324",
    1e23: "1.0E23",
    2e23: "2.0E23",
    1.7976931348623157e308: "1.7976931348623157E308",
    1.0: "1.0",
    -(2.0**-24): "-5.960464477539063E-8",
}
FLOATS = {2.0**87: "1.5474251E26", 2.0**-149: "1.4E-45", 2.0**24: "1.6777216E7"}


def test_what_java_prints() -> None:
    assert {value: double_text(value) for value in DOUBLES} == DOUBLES
    assert {value: float_text(value) for value in FLOATS} == FLOATS


def means_double(number: Decimal) -> float:
    return float(number)


def means_float(number: Decimal) -> float:
    # Rounded once: by way of a double it could be rounded twice.
    near = to_float32(float(number)) if abs(number) < Decimal("3.4028235e38") else math.inf
    choices = [near]
    if math.isfinite(near):
        (bits,) = struct.unpack(">i", struct.pack(">f", near))
        choices += [struct.unpack(">f", struct.pack(">i", bits + step))[0] for step in (-1, 1)]
    finite = [one for one in choices if math.isfinite(one)]
    return min(finite, key=lambda one: abs(Fraction(one) - Fraction(number)), default=near)


def neighbours(value: float, digits: int) -> Iterator[Decimal]:
    """The decimals of so many digits on both sides of a float."""
    exact = Decimal(value)
    unit = Decimal(1).scaleb(exact.adjusted() - digits + 1)
    below = (exact / unit).to_integral_value(rounding="ROUND_FLOOR")
    yield below * unit
    yield (below + 1) * unit


def distance(number: Decimal, value: float) -> Fraction:
    return abs(Fraction(number) - Fraction(value))


def shortest(value: float, means: Callable[[Decimal], float]) -> Decimal:
    """By definition: of the shortest decimals that mean this float, the nearest, or the even one.

    Two digits are looked at, at least.
    """
    for digits in range(2, 18):
        found = [one for one in neighbours(value, digits) if means(one) == value]
        if found:
            return min(found, key=lambda one: (distance(one, value), one.as_tuple().digits[-1] % 2))
    raise AssertionError(value)


def test_every_power_of_two() -> None:
    with localcontext() as context:
        context.prec = 1200
        for exponent in range(-1074, 1024):
            value = math.ldexp(1.0, exponent)
            assert Decimal(double_text(value)) == shortest(value, means_double), exponent
        for exponent in range(-126, 127):
            value = math.ldexp(1.0, exponent)
            assert Decimal(float_text(value)) == shortest(value, means_float), exponent


def test_any_others() -> None:
    drawn = random.Random(11)
    with localcontext() as context:
        context.prec = 1200
        for _ in range(300):
            (value,) = struct.unpack(">d", drawn.randbytes(8))
            if math.isfinite(value):
                assert Decimal(double_text(value)) == shortest(value, means_double), value
