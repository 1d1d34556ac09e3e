"""What stands on the face of a simulated fapiao, blue or red, in words. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Final

from yuejie.demo.tax.rules import CENT, SHORT_NAMES, Line, Order
from yuejie.demo.tax.world import CHINA, Blue, Form
from yuejie.kernel.capitals import capitals
from yuejie.paper.printable import drawable, printable

MARK: Final = "测试样张 · 模拟税局开具 · 不是发票"
UNSIGNED: Final = "本文件由模拟税局开具，未经电子签名，只供练习"
HEADS: Final = (
    "项目名称", "规格型号", "单位", "数量", "单价", "金额", "税率/征收率", "税额",
)  # fmt: skip
PAGED: Final = 40
"""With more lines than that a fapiao goes over several pages."""
FEWEST_ROWS: Final = 9
"""So many rows have room on the usual sheet, whether they are filled or not."""
_SOMEBODY: Final = "测试纳税人"
"""A seller whose name the bureau was not told."""
_TEST: Final = "（测试）"
_TITLES: Final = {"01": "电子发票（增值税专用发票）", "02": "电子发票（普通发票）"}


@dataclass(frozen=True, slots=True)
class Row:
    """A line of a fapiao; of a red one the amounts are below zero and the price is not."""

    item: str
    spec: str
    unit: str
    quantity: str
    price: str
    net: Decimal
    rate: Decimal
    tax: Decimal

    def cells(self) -> list[str]:
        """Return what stands in its columns."""
        return [
            printable(self.item, drawable),
            printable(self.spec, drawable),
            printable(self.unit, drawable),
            self.quantity,
            self.price,
            written(self.net),
            percent(self.rate),
            written(self.tax),
        ]


@dataclass(frozen=True, slots=True)
class Face:
    """A fapiao or a red one as it is shown."""

    number: str
    issued_at: datetime
    order: Order
    rows: tuple[Row, ...]
    net: Decimal
    tax: Decimal
    reversed_number: str = ""
    """Of a red one: the blue one that it reverses."""

    @property
    def title(self) -> str:
        """Return the kind of the fapiao, as its heading says it."""
        return _TITLES.get(self.order.kind, "电子发票")

    @property
    def day(self) -> str:
        """Return 开票日期."""
        return f"{self.issued_at.astimezone(CHINA):%Y年%m月%d日}"

    @property
    def buyer(self) -> tuple[str, str]:
        """Return the buyer's name and number, fit to print."""
        name, number = self.order.buyer_name, self.order.buyer_tax_number
        return printable(name, drawable), printable(number, drawable)

    @property
    def seller(self) -> tuple[str, str]:
        """Return the seller's name and number; the name says that this is a test."""
        name = f"{self.order.seller_name}{_TEST}" if self.order.seller_name else _SOMEBODY
        return printable(name, drawable), printable(self.order.seller_tax_number, drawable)

    @property
    def gross(self) -> Decimal:
        """Return 价税合计."""
        return self.net + self.tax

    @property
    def in_capitals(self) -> str:
        """Return 价税合计 in capitals."""
        return capitals(int(self.gross * 100))

    @property
    def remarks(self) -> list[str]:
        """Return what stands in 备注, the reversed number first."""
        reverses = self.reversed_number and f"被红冲蓝字数电票号码：{self.reversed_number}"
        words = (reverses, printable(self.order.remark, drawable))
        return [each for each in words if each]

    @property
    def clerk(self) -> str:
        """Return 开票人."""
        return printable(self.order.clerk, drawable)


def blue_face(blue: Blue) -> Face:
    """Return the face of a fapiao that has its number."""
    assert blue.issued_at is not None
    order = blue.order
    rows = tuple(_row(line, line.net, line.tax, line.quantity) for line in order.lines)
    return Face(blue.number, blue.issued_at, order, rows, order.net, order.tax)


def red_face(form: Form) -> Face:
    """Return the face of a red fapiao: normal lines below zero, discounts taken off theirs."""
    assert form.issued_at is not None
    return Face(
        form.red_number,
        form.issued_at,
        form.blue.order,
        tuple(_red_rows(form)),
        form.net,
        form.tax,
        form.blue.number,
    )


def written(amount: Decimal) -> str:
    """Write an amount to the fen."""
    return str(amount.quantize(CENT))


def percent(rate: Decimal) -> str:
    """Write a rate: 0.06 as 6%, 0.015 as 1.5%."""
    text = f"{rate * 100:f}"
    return f"{text.rstrip('0').rstrip('.') if '.' in text else text}%"


def _row(line: Line, net: Decimal, tax: Decimal, quantity: str) -> Row:
    """Return a line as it is shown; without a quantity neither unit nor price is shown."""
    unit, price = (line.unit, line.price) if quantity else ("", "")
    item = line.item if line.item.startswith("*") else f"*{SHORT_NAMES[line.code]}*{line.item}"
    return Row(item, line.spec, unit, quantity, price, net, line.rate, tax)


def _red_rows(form: Form) -> Iterator[Row]:
    lines = form.blue.order.lines
    if form.lines:
        yield from (_row(lines[at - 1], net, tax, "") for at, net, tax in form.lines)
        return
    for at, line in enumerate(lines):
        if line.nature == "1":
            continue
        cut = lines[at + 1] if line.nature == "2" else None
        if cut is None:
            quantity = f"-{line.quantity}" if line.quantity else ""
            yield _row(line, -line.net, -line.tax, quantity)
        elif line.gross + cut.gross:
            yield _row(line, -line.net - cut.net, -line.tax - cut.tax, "")
