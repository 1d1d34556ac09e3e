"""What the tax platform refuses, computed with decimals and by nothing that it is to check."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from typing import Final

CENT: Final = Decimal("0.01")
SHORT_NAMES: Final = {
    "3040201030000000000": "软件维护服务",
    "3040201040000000000": "软件测试服务",
    "3040201990000000000": "其他软件服务",
    "3040203000000000000": "信息系统服务",
    "3040204000000000000": "业务流程管理服务",
    "3040205000000000000": "信息系统增值服务",
    "6010000000000000000": "预付卡销售和充值",
}
LINES: Final = 2000
REMARK: Final = 200
_ALPHABET: Final = "0123456789ABCDEFGHJKLMNPQRTUWXY"


class Refusal(Exception):
    """A refusal, with Nuonuo's code (or ours) and words."""

    def __init__(self, code: str, words: str) -> None:
        super().__init__(words)
        self.code = code
        self.words = words


@dataclass(frozen=True, slots=True)
class Line:
    """A line as it came over the wire."""

    item: str
    code: str
    nature: str
    quantity: str
    price: str
    rate: Decimal
    net: Decimal
    tax: Decimal
    gross: Decimal
    spec: str = ""
    unit: str = ""


@dataclass(frozen=True, slots=True)
class Order:
    """An order as it came over the wire, whichever."""

    key: str
    kind: str
    buyer_name: str
    buyer_tax_number: str
    natural_person: bool
    seller_tax_number: str
    clerk: str
    remark: str
    callback: str
    lines: tuple[Line, ...]
    seller_name: str = ""
    """No wire says it: the bureau knows who has the number."""

    @property
    def net(self) -> Decimal:
        """Return 合计金额."""
        return sum((line.net for line in self.lines), Decimal(0))

    @property
    def tax(self) -> Decimal:
        """Return 合计税额."""
        return sum((line.tax for line in self.lines), Decimal(0))


def check(order: Order) -> None:
    """Refuse an order that breaks a rule."""
    if not re.fullmatch(r"[0-9A-Za-z]{1,20}", order.key):
        raise Refusal("E9302", "订单号应为不超过20位的字母或数字")
    if not order.clerk:
        raise Refusal("E9302", "开票员不能为空")
    if len(order.remark) > REMARK:
        raise Refusal("E9302", "备注不能超过200个字符")
    _check_buyer(order)
    if not 0 < len(order.lines) <= LINES:
        raise Refusal("E9302", f"商品明细应为1到{LINES}行")
    for number, line in enumerate(order.lines, 1):
        _check_line(order, line, number)
    _check_discounts(order.lines)
    if order.net + order.tax <= 0:
        raise Refusal("E9302", "价税合计必须大于0")


def _check_buyer(order: Order) -> None:
    number = order.buyer_tax_number
    if not order.buyer_name:
        raise Refusal("E9302", "购方名称不能为空")
    if order.kind == "01" and (not number or order.natural_person):
        raise Refusal("E9303", "专用发票购方税号不能为空")
    if len(number) == 18 and not _uscc_holds(number):
        raise Refusal("E9303", f"购方税号{number}校验不通过")


def _check_line(order: Order, line: Line, number: int) -> None:
    if line.code not in SHORT_NAMES:
        raise Refusal("E9304", f"第{number}行商品编码不存在")
    starred = re.match(r"\*(.+?)\*", line.item)
    if starred and starred[1] != SHORT_NAMES[line.code]:
        legal = SHORT_NAMES[line.code]
        raise Refusal("E9304", f"第{number}行商品简称不合法,合法值为:{legal}")
    if line.net + line.tax != line.gross:
        raise Refusal("E9302", f"第{number}行金额与税额之和不等于含税金额")
    due = (line.net * line.rate).quantize(CENT, ROUND_HALF_UP)
    if abs(due - line.tax) > CENT:
        raise Refusal("E9302", f"第{number}行税额误差过大")
    if order.kind == "01" and line.rate == 0:
        raise Refusal("E9302", f"第{number}行专票税率不能为0")
    if bool(line.quantity) != bool(line.price):
        raise Refusal("E9302", f"第{number}行单价和数量须同时为空或同时不为空")
    if line.quantity:
        product = (Decimal(line.quantity) * Decimal(line.price)).quantize(CENT, ROUND_HALF_UP)
        if abs(product - line.net) > CENT:
            raise Refusal("E9302", f"第{number}行单价乘数量与金额不符")


def _check_discounts(lines: Sequence[Line]) -> None:
    for at, line in enumerate(lines):
        before = lines[at - 1] if at else None
        after = lines[at + 1] if at + 1 < len(lines) else None
        if line.nature == "1":
            wrong = (
                before is None
                or before.nature != "2"
                or (before.item, before.code, before.rate) != (line.item, line.code, line.rate)
                or line.quantity
                or line.gross >= 0
                or min(before.net + line.net, before.tax + line.tax) < 0
            )
            if wrong:
                raise Refusal("E9105", f"第{at + 1}行折扣行不合规则")
        elif line.gross <= 0:
            raise Refusal("E9105", f"第{at + 1}行非折扣行金额必须大于0")
        elif (line.nature == "2") != (after is not None and after.nature == "1"):
            raise Refusal("E9105", f"第{at + 1}行被折扣行与折扣行不成对")


def _uscc_holds(code: str) -> bool:
    if any(char not in _ALPHABET for char in code):
        return False
    total = sum(_ALPHABET.index(char) * pow(3, at, 31) for at, char in enumerate(code[:17]))
    return code[17] == _ALPHABET[(31 - total % 31) % 31]
