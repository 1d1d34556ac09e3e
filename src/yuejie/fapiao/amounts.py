"""The rules of amounts on a fapiao (china-finance §1.4), as pure functions and refusals.

Amounts are fen, rates ppm, all rounding half away from zero. Header figures are sums of lines and
are never computed again from other header figures.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import ROUND_DOWN, Context, Decimal
from enum import IntEnum
from typing import Final
from unicodedata import category

from yuejie.contracts.terms import FapiaoKind
from yuejie.kernel.errors import Invalid
from yuejie.kernel.money import FEN, PPM, Money, divide, plain, whole_fen

LINES: Final = 2_000
"""Most lines of one fapiao, discount lines included (Nuonuo)."""
TAX_TOLERANCE_FEN: Final = 1
"""How far a line's tax may lie from round(net × rate); the design bound, not the providers' ±6."""
PRICE_TOLERANCE_FEN: Final = 1
ITEM_LENGTH: Final = 90
SPEC_LENGTH: Final = 40
UNIT_LENGTH: Final = 22
REMARK_LENGTH: Final = 200
"""Longest remark of a 数电票 (Nuonuo allows 230 for others)."""
FIGURE_LENGTH: Final = 16
"""Longest quantity or price, its point included."""
PRICE_DECIMALS: Final = 13
PRICE_DIGITS: Final = 12
"""Most digits before a price's point."""
_CONTEXT: Final = Context(prec=60)


class FapiaoRefused(Invalid):
    """A fapiao breaks a rule of the tax office; nothing was sent."""

    code = "fapiao_refused"


class LineNature(IntEnum):
    """行性质: a line of its own, a discount, or the line that is discounted."""

    NORMAL = 0
    DISCOUNT = 1
    DISCOUNTED = 2


@dataclass(frozen=True, slots=True)
class Amounts:
    """Net, tax and gross of one line or of a sum of lines, in fen."""

    net_fen: int
    tax_fen: int
    gross_fen: int

    def __add__(self, other: "Amounts") -> "Amounts":
        return Amounts(
            self.net_fen + other.net_fen,
            self.tax_fen + other.tax_fen,
            self.gross_fen + other.gross_fen,
        )

    def __neg__(self) -> "Amounts":
        return Amounts(-self.net_fen, -self.tax_fen, -self.gross_fen)


NOTHING: Final = Amounts(0, 0, 0)


@dataclass(frozen=True, slots=True)
class FapiaoLine:
    """One line as the tax office sees it; `bill_id` and `tax_position` say which tax line it is of.

    `quantity` and `price` (net, per unit) are decimal texts, both empty where there is none.
    """

    position: int
    nature: LineNature
    bill_id: str
    tax_position: int
    code: str
    short_name: str
    item: str
    spec: str
    unit: str
    quantity: str
    price: str
    tax_ppm: int
    net_fen: int
    tax_fen: int
    gross_fen: int

    @property
    def printed(self) -> str:
        """Return 项目名称 as it is printed: *简称*名称."""
        return f"*{self.short_name}*{self.item}"

    @property
    def amounts(self) -> Amounts:
        """Return the three figures."""
        return Amounts(self.net_fen, self.tax_fen, self.gross_fen)


def can_be_printed(text: str) -> bool:
    """Tell whether every character of a text can stand on a fapiao: no control, none unseen."""
    return not any(category(char).startswith("C") for char in text)


def from_gross(gross_fen: int, tax_ppm: int) -> Amounts:
    """Split a gross amount: net = round2(g ÷ (1 + r)), tax = g − net (§1.4, 1)."""
    net = divide(gross_fen * PPM, PPM + tax_ppm)
    return Amounts(net, gross_fen - net, gross_fen)


def from_net(net_fen: int, tax_ppm: int) -> Amounts:
    """Add the tax to a net amount: tax = round2(net × r) (§1.4, 2)."""
    tax = divide(net_fen * tax_ppm, PPM)
    return Amounts(net_fen, tax, net_fen + tax)


def total(lines: Sequence[FapiaoLine]) -> Amounts:
    """Return 合计金额, 合计税额, 价税合计: the sums of the lines (§1.4, 3)."""
    return sum((line.amounts for line in lines), NOTHING)


def tax_is_close(amounts: Amounts, tax_ppm: int) -> bool:
    """Tell whether a tax is within one fen of round(net × rate) (§1.4, 5)."""
    due = divide(amounts.net_fen * tax_ppm, PPM)
    return abs(amounts.tax_fen - due) <= TAX_TOLERANCE_FEN


def fits_below(discount: Amounts, line: Amounts) -> bool:
    """Tell whether a discount leaves neither a net nor a tax below zero of its line (§1.4, 7)."""
    return (
        discount.net_fen <= 0
        and discount.tax_fen <= 0
        and line.net_fen + discount.net_fen >= 0
        and line.tax_fen + discount.tax_fen >= 0
    )


def price_of(net_fen: int, quantity: str) -> str:
    """Solve the price for a net amount and a quantity, truncated to the field (§1.4, 4)."""
    count = Decimal(quantity)
    if count <= 0:
        raise FapiaoRefused(f"数量“{quantity}”须大于零，请改正后重试")
    whole = _CONTEXT.divide(Decimal(net_fen).scaleb(-2), count)
    digits = len(str(int(whole)))
    if digits > PRICE_DIGITS:
        raise FapiaoRefused(f"单价 {int(whole)} 超过 12 位整数，请换用更大的计量单位")
    places = min(PRICE_DECIMALS, FIGURE_LENGTH - digits - 1)
    cut = whole.quantize(Decimal(1).scaleb(-places), rounding=ROUND_DOWN, context=_CONTEXT)
    return f"{cut:f}".rstrip("0").rstrip(".") if "." in f"{cut:f}" else f"{cut:f}"


def price_fits(price: str, quantity: str, net_fen: int) -> bool:
    """Tell whether price × quantity is the net amount to within one fen (§1.4, 4)."""
    product = _CONTEXT.multiply(Decimal(price), Decimal(quantity))
    ten_to_27 = int(_CONTEXT.scaleb(product, 27).to_integral_value())
    return abs(divide(ten_to_27 * FEN, 10**27) - net_fen) <= PRICE_TOLERANCE_FEN


def check_lines(lines: Sequence[FapiaoLine], kind: FapiaoKind) -> None:
    """Refuse lines that the tax office would refuse, naming the line and the rule."""
    if not 0 < len(lines) <= LINES:
        raise FapiaoRefused(f"一张发票应有 1 至 {LINES} 行（现为 {len(lines)} 行），请拆分或补充")
    for number, line in enumerate(lines, 1):
        where = f"第 {number} 行“{line.item}”"
        _check_words(line, where)
        _check_figures(line, where, kind)
        before = lines[number - 2] if number > 1 else None
        after = lines[number] if number < len(lines) else None
        _check_discount(line, before, after, where)
    if total(lines).gross_fen <= 0:
        raise FapiaoRefused("发票价税合计须大于零；负数账单请结转到下一账期")


def _check_words(line: FapiaoLine, where: str) -> None:
    for name, text, most in (
        ("项目名称", line.item, ITEM_LENGTH),
        ("规格型号", line.spec, SPEC_LENGTH),
        ("单位", line.unit, UNIT_LENGTH),
        ("数量", line.quantity, FIGURE_LENGTH),
        ("单价", line.price, FIGURE_LENGTH),
    ):
        if len(text) > most:
            raise FapiaoRefused(f"{where}的{name}超过 {most} 个字，请缩短")
        if not can_be_printed(text):
            raise FapiaoRefused(f"{where}的{name}含有换行或不可见字符，请去掉")
    if not line.item or not line.short_name:
        raise FapiaoRefused(f"{where}缺少项目名称或税收分类简称，请补全")
    if not (len(line.code) == 19 and line.code.isdecimal()):
        raise FapiaoRefused(f"{where}的税收分类编码“{line.code}”应为 19 位数字，请核对编码表")


def _check_figures(line: FapiaoLine, where: str, kind: FapiaoKind) -> None:
    if line.net_fen + line.tax_fen != line.gross_fen:
        raise FapiaoRefused(f"{where}金额加税额不等于价税合计，请重新生成")
    if not tax_is_close(line.amounts, line.tax_ppm):
        raise FapiaoRefused(f"{where}税额与金额乘税率相差超过 0.01 元，请换一个拆分金额")
    if kind is FapiaoKind.SPECIAL and line.tax_ppm == 0:
        raise FapiaoRefused(f"{where}税率为 0，不能开专用发票；请改开普通发票")
    if bool(line.quantity) != bool(line.price):
        raise FapiaoRefused(f"{where}的数量和单价应同时填写或同时为空")
    if line.quantity and not price_fits(line.price, line.quantity, line.net_fen):
        raise FapiaoRefused(f"{where}单价乘数量与金额相差超过 0.01 元，请重算单价")


def _check_discount(
    line: FapiaoLine, before: FapiaoLine | None, after: FapiaoLine | None, where: str
) -> None:
    """A discount follows its line at once: same item, same rate, no quantity, not above it."""
    if line.nature is LineNature.DISCOUNT:
        if before is None or before.nature is not LineNature.DISCOUNTED:
            raise FapiaoRefused(f"{where}是折扣行，须紧跟被折扣行")
        if (line.item, line.code, line.tax_ppm) != (before.item, before.code, before.tax_ppm):
            raise FapiaoRefused(f"{where}是折扣行，项目名称、编码、税率须与被折扣行相同")
        if line.quantity or line.price:
            raise FapiaoRefused(f"{where}是折扣行，不能有数量和单价")
        if line.gross_fen >= 0 or not fits_below(line.amounts, before.amounts):
            raise FapiaoRefused(f"{where}折扣额须为负，金额和税额均不超过被折扣行")
        return
    if line.gross_fen <= 0 or line.net_fen < 0:
        raise FapiaoRefused(f"{where}金额须大于零；减项只能作为折扣行")
    follows = after is not None and after.nature is LineNature.DISCOUNT
    if follows is not (line.nature is LineNature.DISCOUNTED):
        raise FapiaoRefused(f"{where}标为被折扣行，但其后没有折扣行，或反之；请重新生成")


def read_fen(text: str, what: str) -> int:
    """Read an amount of two decimals as fen."""
    return whole_fen(text, what)


def write_fen(fen: int) -> str:
    """Write fen as providers take them: two decimals, no separators."""
    return Money(fen, "CNY").amount


def write_rate(tax_ppm: int) -> str:
    """Write a tax rate as providers take it: 0.06."""
    return plain(tax_ppm, PPM)
