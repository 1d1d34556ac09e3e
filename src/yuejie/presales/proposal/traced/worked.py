"""A figure worked out: its formula with the values put in, as a person would write it. Pure.

Every number is written in its unit, and what turns the units into each other is one factor: where
nothing is left over, none is written. `5 × 9.4 × 31 × 3,600 = 5,245,200`.
"""

from collections.abc import Mapping
from fractions import Fraction
from typing import Final

from yuejie.kernel.money import FX_SCALE, PICO, PPM, Money, plain
from yuejie.presales.trace import Figure, Op

_DAY_PARTS: Final = 10**9
_MTOK: Final = 10**6
_MILLION: Final = "百万"
_SCALES: Final = {
    "fen": 100,
    "pico": PICO,
    "ppm": PPM,
    "fen_ppm": 100 * PPM,
    "milli": 1_000,
    "e8": FX_SCALE,
    "e2": 100,
    "percent": 100,
    "parts": _DAY_PARTS,
}
"""How many of a unit make one of what people say."""


def is_rate(figure: Figure) -> bool:
    """Tell whether a figure is a price: what is priced by the token is told for a million."""
    stem = figure.name.split(".")
    return figure.unit == "pico" and (stem[0] == "rate" or "rate" in stem[1:3])


def is_by_piece(figure: Figure) -> bool:
    """Tell whether a price is not for a million, but for one: its words say for what."""
    return bool(figure.words) and _MILLION not in figure.words


def scale_of(figure: Figure) -> int:
    """Return how many of a figure's own unit make one as it is written."""
    if figure.op is Op.POWER:
        return int(figure.by**figure.times)
    if is_rate(figure):
        return PICO if is_by_piece(figure) else PICO // _MTOK
    return _SCALES.get(figure.unit, 1)


def shown(figure: Figure) -> str:
    """Write a figure's value, without its unit: grouped, exact, money with two decimals."""
    value = figure.value
    if figure.unit == "fen":
        return str(Money(value, figure.currency))
    if figure.unit == "ppm" and figure.op is not Op.POWER:
        return f"{_decimal(value, PPM // 100)}%"
    if figure.unit == "e8":
        return plain(value, FX_SCALE)
    return _decimal(value, scale_of(figure))


def _decimal(value: int, scale: int) -> str:
    """Write value ÷ scale, exact where it ends within eight decimals of the scale's."""
    if scale == 1:
        return f"{value:,}"
    digits = len(str(scale)) - 1
    if scale != 10**digits:
        return str(Fraction(value, scale))
    whole, _, rest = plain(abs(value), scale, 0).partition(".")
    return f"{'-' if value < 0 else ''}{int(whole):,}{'.' if rest else ''}{rest}"


def worked(figure: Figure, known: Mapping[str, Figure], *, most: int) -> str:
    """Write how a figure follows from others, with their values; nothing for what is given.

    Of a sum of more than `most` only the first and the last are written out.
    """
    parts = [known[name] for name in figure.of]
    values = [shown(part) for part in parts]
    match figure.op:
        case Op.GIVEN:
            return ""
        case Op.SUM:
            return _sum(values, most)
        case Op.MINUS:
            return " − ".join(values)
        case Op.EXCESS:
            return f"max(0, {' − '.join(values)})"
        case Op.STEPS:
            return f"⌈{values[0]} ÷ {values[1]}⌉ × {values[1]}"
        case Op.POWER:
            one = _decimal(figure.by, scale_of(parts[0]))
            return f"({one} + {values[0]})^{figure.times}"
        case Op.DIVIDED:
            factor = Fraction(
                figure.times * scale_of(parts[0]), scale_of(parts[1]) * scale_of(figure)
            )
            return f"{values[0]} ÷ {values[1]}{_factor(factor)}"
        case Op.RATIO:
            factor = Fraction(figure.times, figure.by * scale_of(figure))
            for part in parts:
                factor *= scale_of(part)
            return " × ".join(values) + _factor(factor)


def _sum(values: list[str], most: int) -> str:
    if not values:
        return "0"
    if len(values) <= most:
        return " + ".join(values)
    return f"{values[0]} + {values[1]} + … + {values[-1]}"


def _factor(factor: Fraction) -> str:
    """Write what is multiplied and divided by besides, where it is not one."""
    times = f" × {factor.numerator:,}" if factor.numerator != 1 else ""
    by = f" ÷ {factor.denominator:,}" if factor.denominator != 1 else ""
    return f"{times}{by}"
