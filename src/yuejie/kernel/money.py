"""Rate, charge, money: three kinds of number and one rounding.

A *rate* is a price, a *charge* is what usage is worth, exactly, and *money* is what somebody owes,
in fen, on paper. Rates carry at most six decimals per million tokens, so tokens × rate is a whole
number of picos (10⁻¹²) and sums of charges are exact in any order, any batch, any process.
`settle` is the only road from charge to money; it is one-way and rounds half away from zero.
Splitting is not rounding: `apportion` shares a total by largest remainder and loses nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Context, Decimal, FloatOperation, Inexact, InvalidOperation
from typing import Final, Self

from yuejie.kernel.errors import Invalid
from yuejie.kernel.limits import AMOUNT_FEN

PICO: Final = 10**12
"""Picos in one currency unit."""
FEN: Final = 100
"""Fen (cents) in one currency unit."""
PICO_PER_FEN: Final = PICO // FEN
FX_SCALE: Final = 10**8
"""An exchange rate carries at most eight decimals."""
PPM: Final = 10**6
"""Percentages are parts per million: 6 % is 60 000."""

CURRENCIES: Final = frozenset({"CNY", "USD"})
MTOK: Final = 10**6
"""Tokens are priced per million."""

_DIGITS: Final = 18
_EXACT = Context(prec=60, Emin=-60, Emax=60, traps=[Inexact, FloatOperation, InvalidOperation])
"""Nobody's amount has sixty digits; “1e999999” would be a million of them."""


def exact(text: str, scale: int, what: str) -> int:
    """Read a decimal as a whole number of 1/`scale`; a finer one, or no number, is refused."""
    try:
        scaled = _EXACT.multiply(_EXACT.create_decimal(text.strip()), Decimal(scale))
        whole = int(scaled.to_integral_exact(context=_EXACT))
    except (Inexact, InvalidOperation, FloatOperation, ValueError, OverflowError):
        places = len(str(scale)) - 1
        raise Invalid(
            f"{what}“{text}”不是最多 {places} 位小数的数字，请改正后重试", text=text
        ) from None
    return whole


def whole(text: str) -> int | None:
    """Read a whole number, not negative, of up to eighteen digits; None for any other text."""
    digits = text.strip()
    known = digits.isascii() and digits.isdecimal() and len(digits) <= _DIGITS
    return int(digits) if known else None


def whole_fen(text: str, what: str) -> int:
    """Read “200.00” as fen; what no books could hold is refused."""
    fen = exact(text, FEN, what)
    if abs(fen) > AMOUNT_FEN:
        raise Invalid(f"{what}“{text}”超出可记的范围，请改正后重试", text=text)
    return fen


def plain(value: int, scale: int, least: int = 2) -> str:
    """Write value/scale as a plain decimal with at least `least` places and no more than needed."""
    places = len(str(scale)) - 1
    whole, rest = divmod(abs(value), scale)
    digits = str(rest).zfill(places).rstrip("0").ljust(least, "0")
    return f"{'-' if value < 0 else ''}{whole}{'.' + digits if digits else ''}"


def divide(numerator: int, denominator: int) -> int:
    """Divide and round half away from zero. `denominator` is positive."""
    whole, rest = divmod(abs(numerator), denominator)
    rounded = whole + (2 * rest >= denominator)
    return rounded if numerator >= 0 else -rounded


@dataclass(frozen=True, slots=True, order=True)
class Money:
    """What somebody owes: whole fen of one currency."""

    fen: int
    currency: str

    @classmethod
    def parse(cls, text: str, currency: str) -> Self:
        """Read “1122.25”; more than two decimals is refused."""
        return cls(whole_fen(text, "金额"), currency)

    def __add__(self, other: "Money") -> "Money":
        _same(self.currency, other.currency)
        return Money(self.fen + other.fen, self.currency)

    def __sub__(self, other: "Money") -> "Money":
        _same(self.currency, other.currency)
        return Money(self.fen - other.fen, self.currency)

    def __neg__(self) -> "Money":
        return Money(-self.fen, self.currency)

    def __str__(self) -> str:
        """Two decimals, thousands separated: 1,122.25."""
        whole, rest = divmod(abs(self.fen), FEN)
        return f"{'-' if self.fen < 0 else ''}{whole:,}.{rest:02d}"

    @property
    def amount(self) -> str:
        """Two decimals without separators, as JSON and files carry it: 1122.25."""
        return plain(self.fen, FEN)


@dataclass(frozen=True, slots=True)
class FxRate:
    """How much of `quote` one unit of `base` is worth, at most eight decimals."""

    base: str
    quote: str
    e8: int

    @classmethod
    def parse(cls, text: str, base: str, quote: str) -> Self:
        """Read “7.2”; zero and negative are refused."""
        e8 = exact(text, FX_SCALE, "汇率")
        if e8 <= 0:
            raise Invalid(f"汇率“{text}”必须大于零，请改正后重试")
        return cls(base, quote, e8)

    def __str__(self) -> str:
        return plain(self.e8, FX_SCALE)


@dataclass(frozen=True, slots=True)
class Charge:
    """Exact worth of usage, in picos of the currency unit. Nobody pays a charge."""

    pico: int
    currency: str

    def __add__(self, other: "Charge") -> "Charge":
        _same(self.currency, other.currency)
        return Charge(self.pico + other.pico, self.currency)

    def __str__(self) -> str:
        return plain(self.pico, PICO)

    def settle(self, fx: FxRate | None = None) -> Money:
        """Round half away from zero to fen, through `fx` where given. The only rounding.

        Conversion and rounding are one step: fen = settle(exact charge × rate).
        """
        if fx is None:
            return Money(divide(self.pico, PICO_PER_FEN), self.currency)
        _same(self.currency, fx.base)
        return Money(divide(self.pico * fx.e8, PICO_PER_FEN * FX_SCALE), fx.quote)


@dataclass(frozen=True, slots=True)
class Rate:
    """A price per unit (token, image, second, character, request), in whole picos."""

    pico: int
    currency: str

    @classmethod
    def parse(cls, text: str, currency: str, *, per: int = MTOK) -> Self:
        """Read a rate per `per` units as the contract writes it; finer than a pico is refused.

        Per million tokens this means at most six decimals, per piece at most twelve.
        """
        if currency not in CURRENCIES:
            raise Invalid(f"币种“{currency}”不支持，只支持 CNY 和 USD")
        pico = exact(text, PICO // per, "单价")
        if pico < 0:
            raise Invalid(f"单价“{text}”不能为负，请改正后重试")
        return cls(pico, currency)

    def charge(self, quantity: int) -> Charge:
        """Worth of a quantity; corrections may be negative."""
        return Charge(quantity * self.pico, self.currency)

    def card(self, fx: FxRate) -> "Rate":
        """Convert for a price card: quantised to a pico per unit, half away from zero.

        The converted rate is written down when the card is published (HOUSE 8); charges
        are then exact in the card's currency.
        """
        _same(self.currency, fx.base)
        return Rate(divide(self.pico * fx.e8, FX_SCALE), fx.quote)

    def per(self, units: int) -> str:
        """Write the rate per `units`, e.g. per million tokens: 2.50."""
        return plain(self.pico, PICO // units)


def apportion(total: int, weights: Sequence[int]) -> list[int]:
    """Share `total` by `weights`, largest remainder first, ties to the earlier part.

    The parts add up to the total exactly. Weights are not negative; all zero shares equally.
    """
    if not weights:
        raise Invalid("没有可分摊的对象")
    if any(weight < 0 for weight in weights):
        raise Invalid("分摊权重不能为负")
    whole = sum(weights)
    if whole == 0:
        return apportion(total, [1] * len(weights))
    sign = 1 if total >= 0 else -1
    shares = [divmod(abs(total) * weight, whole) for weight in weights]
    parts = [share for share, _ in shares]
    short = abs(total) - sum(parts)
    order = sorted(range(len(shares)), key=lambda i: (-shares[i][1], i))
    for i in order[:short]:
        parts[i] += 1
    return [sign * part for part in parts]


def _same(one: str, other: str) -> None:
    if one != other:
        raise Invalid(f"不能把 {one} 与 {other} 直接相加减，请先按汇率折算")
