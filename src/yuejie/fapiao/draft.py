"""From tax lines to the lines of a fapiao: whole, in part, discounted, over several fapiao.

A whole tax line keeps the figures of its bill. A part is the difference of two cumulative
roundings, so that parts add up to the line whatever the order of asking. Lines of several bills
stand one below the other and are never added into one: each stays a line of its own bill.
A negative tax line becomes a discount behind positive ones of the same bill and rate.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate, pairwise
from typing import Final

from yuejie.fapiao.amounts import (
    LINES,
    NOTHING,
    REMARK_LENGTH,
    SPEC_LENGTH,
    Amounts,
    FapiaoLine,
    FapiaoRefused,
    LineNature,
    can_be_printed,
    fits_below,
    from_gross,
    price_of,
    tax_is_close,
)
from yuejie.fapiao.codes import DEFAULT_ITEM
from yuejie.kernel.money import Money, divide

UNIT: Final = "项"

Place = tuple[str, int]
"""A tax line: its bill and its position there."""


@dataclass(frozen=True, slots=True)
class TaxLine:
    """What a bill says is taxed together; frozen with the bill. Amounts in fen of CNY."""

    bill_id: str
    position: int
    item: str
    model: str
    tax_ppm: int
    net_fen: int
    tax_fen: int
    gross_fen: int
    credited_net_fen: int = 0
    credited_tax_fen: int = 0
    """What credit notes took back of it, of its own sign."""
    number: str = ""
    """The bill's number, by which people know it."""

    @property
    def bill(self) -> str:
        """Return what a person calls its bill."""
        return self.number or self.bill_id

    @property
    def place(self) -> Place:
        """Return which tax line this is."""
        return self.bill_id, self.position

    @property
    def credited_fen(self) -> int:
        """Return what credit notes took back, gross."""
        return self.credited_net_fen + self.credited_tax_fen

    @property
    def due(self) -> Amounts:
        """Return what fapiao of it may come to: the line less what credit notes took back."""
        return Amounts(
            self.net_fen - self.credited_net_fen,
            self.tax_fen - self.credited_tax_fen,
            self.gross_fen - self.credited_fen,
        )


@dataclass(frozen=True, slots=True)
class Part:
    """What is to be put on a fapiao of one tax line."""

    line: TaxLine
    amounts: Amounts
    whole: bool


@dataclass(frozen=True, slots=True)
class Wording:
    """How the seller names what it sells: tax code, its short name that day, item where none."""

    code: str
    short_name: str
    item: str = DEFAULT_ITEM


def is_open(due: Amounts, taken: Amounts) -> bool:
    """Tell whether something may still be taken of a tax line: what is taken leads towards its due.

    A line that is on fapiao beyond its credit notes has less than nothing left: nothing to take.
    """
    left = due.gross_fen - taken.gross_fen
    return left * due.gross_fen > 0 and abs(left) <= abs(due.gross_fen)


def part_of(line: TaxLine, taken: Amounts, gross_fen: int | None = None) -> Part:
    """Take the rest of a tax line, or `gross_fen` of it; more than is left is refused.

    The net amount is N(after) − what was taken, N being the cumulative rounding, and at the line's
    end the net amount that credit notes have left of it.
    """
    due = line.due
    left = due.gross_fen - taken.gross_fen
    want = left if gross_fen is None else gross_fen
    if not is_open(due, taken):
        raise FapiaoRefused(f"账单 {line.bill} 计税行 {line.position} 已无可开金额，请选其他行")
    if want * left <= 0 or abs(want) > abs(left):
        raise FapiaoRefused(
            f"账单 {line.bill} 计税行 {line.position} 可开 {Money(left, 'CNY')} 元，"
            f"不能开 {Money(want, 'CNY')} 元；请改小金额"
        )
    after = taken.gross_fen + want
    net_after = due.net_fen if after == due.gross_fen else from_gross(after, line.tax_ppm).net_fen
    net = net_after - taken.net_fen
    return Part(line, Amounts(net, want - net, want), want == due.gross_fen)


def split(line: TaxLine, grosses: Sequence[int]) -> list[Amounts]:
    """Split a tax line into parts of given gross amounts, which add up to it."""
    if sum(grosses) != line.gross_fen:
        raise FapiaoRefused(f"账单 {line.bill} 计税行 {line.position} 的各部分之和不等于全额")
    taken, parts = NOTHING, []
    for gross in grosses:
        part = part_of(line, taken, gross).amounts
        taken += part
        parts.append(part)
    return parts


def draw_lines(parts: Sequence[Part], wordings: Mapping[int, Wording]) -> list[FapiaoLine]:
    """Write parts as lines: positive ones in order, each with its discount right behind it.

    `wordings` names what is sold at each tax rate.
    """
    lines = [_line(part, wordings[part.line.tax_ppm]) for part in parts if _positive(part)]
    # A line has one discount at most, so the largest discounts choose first.
    for part in sorted(parts, key=lambda part: part.amounts.gross_fen):
        if not _positive(part):
            lines = _discounted(lines, part)
    return [replace(line, position=number) for number, line in enumerate(lines, 1)]


def pages(lines: Sequence[FapiaoLine], most: int = LINES) -> list[list[FapiaoLine]]:
    """Share lines over fapiao of at most `most` lines; a discount stays with its line."""
    found: list[list[FapiaoLine]] = [[]]
    for at, line in enumerate(lines):
        needs = 2 if line.nature is LineNature.DISCOUNTED else 1
        if line.nature is not LineNature.DISCOUNT and len(found[-1]) + needs > most:
            found.append([])
        assert at == 0 or found[-1] or line.nature is not LineNature.DISCOUNT
        found[-1].append(line)
    return [
        [replace(line, position=number) for number, line in enumerate(page, 1)] for page in found
    ]


def remark_of(purchase_order: str, numbers: Sequence[str], free: str = "") -> str:
    """Write the remark: purchase order, bills, then free words; the bills are cut if too many.

    What is typed over several lines becomes one.
    """
    fixed = [f"采购订单 {purchase_order}"] if purchase_order else []
    if free.strip():
        fixed.append(" ".join(free.split()))
    if not all(map(can_be_printed, fixed)):
        raise FapiaoRefused("备注含有不可见字符，请去掉后重试")
    for shown in range(len(numbers), 0, -1):
        rest = f" 等 {len(numbers)} 张" if shown < len(numbers) else ""
        words = "；".join([*fixed[:1], f"账单 {'、'.join(numbers[:shown])}{rest}", *fixed[1:]])
        if len(words) <= REMARK_LENGTH:
            return words
    words = "；".join(fixed)
    if len(words) > REMARK_LENGTH:
        raise FapiaoRefused(f"备注共 {len(words)} 个字，不能超过 {REMARK_LENGTH} 个，请缩短")
    return words


def _positive(part: Part) -> bool:
    return part.amounts.gross_fen > 0


def _line(part: Part, wording: Wording) -> FapiaoLine:
    line, amounts = part.line, part.amounts
    return FapiaoLine(
        position=0,
        nature=LineNature.NORMAL,
        bill_id=line.bill_id,
        tax_position=line.position,
        code=wording.code,
        short_name=wording.short_name,
        item=line.item or wording.item,
        spec=line.model[:SPEC_LENGTH],
        unit=UNIT if part.whole else "",
        quantity="1" if part.whole else "",
        price=price_of(amounts.net_fen, "1") if part.whole else "",
        tax_ppm=line.tax_ppm,
        net_fen=amounts.net_fen,
        tax_fen=amounts.tax_fen,
        gross_fen=amounts.gross_fen,
    )


def _with(line: FapiaoLine, amounts: Amounts) -> FapiaoLine:
    return replace(
        line,
        unit="",
        quantity="",
        price="",
        net_fen=amounts.net_fen,
        tax_fen=amounts.tax_fen,
        gross_fen=amounts.gross_fen,
    )


def _discounted(lines: Sequence[FapiaoLine], part: Part) -> list[FapiaoLine]:
    """Put a negative part behind lines of its bill and rate: the largest first, else behind all.

    Whole lines leave no room for rounding: what they leave of a discount may have no legal tax.
    """
    source, whole = part.line, -part.amounts
    fitting = sorted(
        (
            at
            for at, line in enumerate(lines)
            if line.nature is LineNature.NORMAL
            and (line.bill_id, line.tax_ppm) == (source.bill_id, source.tax_ppm)
        ),
        key=lambda at: (-lines[at].gross_fen, at),
    )
    room = [lines[at].gross_fen for at in fitting]
    if sum(room) < whole.gross_fen:
        raise FapiaoRefused(
            f"账单 {source.bill} 的减项 {Money(whole.gross_fen, 'CNY')} 元大于同税率的正项，"
            "不能作为折扣开票；请连同该账单的其他计税行一起申请，或结转到下一账期"
        )
    found: dict[int, Amounts] = {}
    for grosses in (_filled(whole.gross_fen, room), _spread(whole.gross_fen, room)):
        found = found or _rounded([lines[at] for at in fitting], grosses, whole)
    if not found:
        raise FapiaoRefused(
            f"账单 {source.bill} 的减项 {Money(whole.gross_fen, 'CNY')} 元"
            "作为折扣四舍五入后税额不合规；请按计税行或金额分开申请"
        )
    drawn: list[FapiaoLine] = []
    shares = {fitting[at]: amounts for at, amounts in found.items()}
    for at, line in enumerate(lines):
        if at not in shares:
            drawn.append(line)
            continue
        discounted = replace(line, nature=LineNature.DISCOUNTED)
        drawn += [discounted, _discount(discounted, source, -shares[at])]
    return drawn


def _filled(gross_fen: int, room: Sequence[int]) -> list[int]:
    """Share an amount over lines, each as far as it goes, in their order."""
    shares: list[int] = []
    for most in room:
        shares.append(min(most, gross_fen - sum(shares)))
    return shares


def _spread(gross_fen: int, room: Sequence[int]) -> list[int]:
    """Share an amount over lines by their size: the differences of cumulative roundings."""
    ends = [divide(gross_fen * upto, sum(room)) for upto in accumulate(room)]
    return [end - before for before, end in pairwise([0, *ends])]


def _rounded(
    lines: Sequence[FapiaoLine], grosses: Sequence[int], whole: Amounts
) -> dict[int, Amounts]:
    """Return the discount of each line, adding up to the whole, or nothing where none is legal.

    A net may be a fen off what its gross rounds to: that is how the sum comes out.
    """
    found: dict[int, Amounts] = {}
    legal: dict[int, list[Amounts]] = {}
    for at, gross in enumerate(grosses):
        if gross:
            legal[at] = _legal(lines[at], gross)
            if not legal[at]:
                return {}
            found[at] = legal[at][0]
    for at, others in legal.items():
        missing = whole.net_fen - sum(each.net_fen for each in found.values())
        found[at] = min(others, key=lambda each: abs(found[at].net_fen + missing - each.net_fen))
    return found if sum(found.values(), NOTHING) == whole else {}


def _legal(line: FapiaoLine, gross_fen: int) -> list[Amounts]:
    """Return what a discount of so much gross may be: the nearest first, never above its line.

    What it leaves of its line has a legal tax too: a red fapiao takes the two back together.
    """
    nearest = from_gross(gross_fen, line.tax_ppm).net_fen
    return [
        each
        for net in (nearest, nearest - 1, nearest + 1)
        if tax_is_close(each := Amounts(net, gross_fen - net, gross_fen), line.tax_ppm)
        and fits_below(-each, line.amounts)
        and tax_is_close(line.amounts + -each, line.tax_ppm)
    ]


def _discount(line: FapiaoLine, source: TaxLine, amounts: Amounts) -> FapiaoLine:
    return replace(
        _with(line, amounts),
        nature=LineNature.DISCOUNT,
        bill_id=source.bill_id,
        tax_position=source.position,
    )
