"""红字信息确认单: its states at the tax office, its reasons, its 72 hours, its lines.

A blue fapiao that the buyer has used (用途确认, 入账) needs the other side's confirmation; if that
does not come within 72 hours the form is void and may be asked for again (公告2024年第11号).
Two encodings of the reason exist, the bureau's and Nuonuo's, and they disagree.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from yuejie.fapiao.amounts import (
    NOTHING,
    Amounts,
    FapiaoLine,
    FapiaoRefused,
    LineNature,
    from_gross,
    read_fen,
)
from yuejie.fapiao.fapiao import Fapiao, RedFapiao, RedLine
from yuejie.fapiao.life import RedEvent, RedState
from yuejie.kernel.errors import Invalid
from yuejie.kernel.money import Money

CONFIRM_WITHIN: Final = timedelta(hours=72)
REMIND_AFTER: Final = (timedelta(0), timedelta(hours=24), timedelta(hours=48))
"""When the other side's finance contact is reminded, counted from the application."""


class RedReason(StrEnum):
    """Why a fapiao is reversed."""

    MISTAKE = "mistake"
    """开票有误: the whole fapiao only."""
    RETURN = "return"
    """销货退回: for goods."""
    TERMINATION = "termination"
    """服务中止."""
    ALLOWANCE = "allowance"
    """销售折让."""


BUREAU_REASON: Final = {
    RedReason.MISTAKE: "01",
    RedReason.RETURN: "02",
    RedReason.TERMINATION: "03",
    RedReason.ALLOWANCE: "04",
}
"""`redInvoiceLabel` of the bureau and of Baiwang."""
NUONUO_REASON: Final = {
    RedReason.RETURN: "1",
    RedReason.MISTAKE: "2",
    RedReason.TERMINATION: "3",
    RedReason.ALLOWANCE: "4",
}
"""`redReason` of Nuonuo, `redIssueReason` of Baiwang."""
REASON_WORDS: Final = {
    RedReason.MISTAKE: "开票有误",
    RedReason.RETURN: "销货退回",
    RedReason.TERMINATION: "服务中止",
    RedReason.ALLOWANCE: "销售折让",
}

FORM_STATES: Final[dict[str, tuple[str, RedEvent | None]]] = {
    "01": ("无需确认", RedEvent.CONFIRM),
    "02": ("销方录入待购方确认", RedEvent.WAIT),
    "03": ("购方录入待销方确认", RedEvent.WAIT),
    "04": ("购销双方已确认", RedEvent.CONFIRM),
    "05": ("作废（销方录入购方否认）", RedEvent.VOID),
    "06": ("作废（购方录入销方否认）", RedEvent.VOID),
    "07": ("作废（超72小时未确认）", RedEvent.VOID),
    "08": ("作废（发起方已撤销）", RedEvent.VOID),
    "09": ("作废（确认后撤销）", RedEvent.VOID),
    "10": ("作废（异常凭证）", RedEvent.VOID),
    "15": ("申请中", None),
    "16": ("申请失败", RedEvent.VOID),
}
"""The tax office's states (15 and 16 are Nuonuo's) and what each means for the red fapiao."""


WAITS_FOR_SELLER: Final = "03"
LAPSED: Final = "07"
AGREE: Final = "agree"
DENY: Final = "deny"
"""What a form that the buyer started is answered with."""
ANSWERS: Final = {AGREE: "确认", DENY: "拒绝"}


class FormEnd(StrEnum):
    """What became of a form that a person follows on the tax office's own site."""

    CONFIRMED = "confirmed"
    DENIED = "denied"
    LAPSED = "lapsed"
    WITHDRAWN = "withdrawn"


AGREED: Final = "04"
WE_DENIED: Final = "06"


def code_of(end: FormEnd, red: RedFapiao) -> str:
    """Return the tax office's state for an end that a person tells of a form as it stands here."""
    if end is FormEnd.DENIED:
        return WE_DENIED if red.is_buyers else "05"
    if end is FormEnd.WITHDRAWN:
        return "09" if red.state is RedState.CONFIRMED else "08"
    return AGREED if end is FormEnd.CONFIRMED else LAPSED


def is_contrary(red: RedFapiao, code: str) -> bool:
    """Tell whether a buyer's form came to an end that two of us did not approve.

    The tax office's word counts all the same; that one person gave it there is to be known.
    """
    given = {AGREED: AGREE, WE_DENIED: DENY}.get(code, "")
    approved = red.answer if red.approved_by is not None else ""
    return red.is_buyers and bool(given) and given != approved


@dataclass(frozen=True, slots=True)
class RedPick:
    """How much to take back of one blue line, gross and positive; None takes all that is left."""

    position: int
    gross_fen: int | None = None
    net_fen: int | None = None
    """The net of it, where somebody else has rounded already: the buyer, on its own form."""


def read_pick(text: str) -> RedPick:
    """Read a line as a person writes it: its number, its gross, its net where that is given."""
    position, _, amounts = text.strip().partition("=")
    gross, _, net = amounts.partition("/")
    if not position.isdecimal():
        raise Invalid(f"红冲的行“{text}”应写作 行号=金额，例如 1=33.33")
    return RedPick(
        int(position),
        read_fen(gross, "金额") if gross else None,
        read_fen(net, "不含税金额") if net else None,
    )


def draw_red(
    fapiao: Fapiao, left: dict[int, Amounts], picks: Sequence[RedPick], reason: RedReason
) -> tuple[RedLine, ...]:
    """Return the lines of a red fapiao; without picks, of everything, which must be untouched.

    Of a discounted line its own index alone is sent, with what is left after the discount.
    """
    if not picks:
        if any(left[line.position] != line.amounts for line in fapiao.lines):
            raise FapiaoRefused(
                f"发票 {fapiao.number} 已部分红冲，不能再全额红冲；请按行红冲剩余部分"
            )
        return tuple(
            RedLine(number, line.position, -line.net_fen, -line.tax_fen, -line.gross_fen)
            for number, line in enumerate(fapiao.lines, 1)
        )
    if reason is RedReason.MISTAKE:
        raise FapiaoRefused("“开票有误”只能全额红冲；部分红冲请用“服务中止”或“销售折让”")
    if len({pick.position for pick in picks}) < len(picks):
        raise FapiaoRefused("同一行在一张红字发票中只能出现一次，请合并后重试")
    return tuple(_red_line(fapiao, left, pick, number) for number, pick in enumerate(picks, 1))


def draw_buyers(
    fapiao: Fapiao,
    left: dict[int, Amounts],
    amounts: Amounts,
    lines: Sequence[tuple[int, Amounts]],
    reason: RedReason,
) -> tuple[RedLine, ...]:
    """Return the lines of a form as its buyer wrote it; amounts are negative.

    Raises FapiaoRefused where they cannot be found on the blue fapiao, or do not add up.
    """
    if amounts == -fapiao.amounts:
        return draw_red(fapiao, left, (), reason)
    if not lines:
        raise FapiaoRefused(f"部分红冲的确认单没有写明是发票 {fapiao.number} 的哪几行")
    picks = [RedPick(position, -each.gross_fen, -each.net_fen) for position, each in lines]
    drawn = tuple(_red_line(fapiao, left, pick, number) for number, pick in enumerate(picks, 1))
    if sum((line.amounts for line in drawn), NOTHING) != amounts or len(
        {pick.position for pick in picks}
    ) < len(picks):
        raise FapiaoRefused(f"确认单各行之和与其合计不符（发票 {fapiao.number}）")
    return drawn


def reminders_due(applied_at: datetime, reminded: int, now: datetime) -> int:
    """Return how many reminders ought to have been sent by now; more than `reminded` means one."""
    due = sum(applied_at + after <= now for after in REMIND_AFTER)
    return max(due, reminded)


def _red_line(fapiao: Fapiao, left: dict[int, Amounts], pick: RedPick, number: int) -> RedLine:
    line = next((each for each in fapiao.lines if each.position == pick.position), None)
    if line is None or line.nature is LineNature.DISCOUNT:
        raise FapiaoRefused(
            f"发票 {fapiao.number} 没有可红冲的第 {pick.position} 行（折扣行随被折扣行一起红冲）"
        )
    whole, rest = (
        _pair(fapiao, line, {p: fapiao.lines[p - 1].amounts for p in left}),
        _pair(fapiao, line, left),
    )
    want = rest.gross_fen if pick.gross_fen is None else pick.gross_fen
    if not 0 < want <= rest.gross_fen:
        raise FapiaoRefused(
            f"发票 {fapiao.number} 第 {pick.position} 行"
            f"还可红冲 {Money(rest.gross_fen, 'CNY')} 元，"
            f"不能红冲 {Money(want, 'CNY')} 元；请改正金额"
        )
    net = rest.net_fen - _net_left(whole, rest.gross_fen - want, line.tax_ppm)
    if pick.net_fen is not None:
        net = pick.net_fen
        if not 0 < net <= rest.net_fen or not 0 <= want - net <= rest.tax_fen:
            raise FapiaoRefused(
                f"发票 {fapiao.number} 第 {pick.position} 行还可红冲不含税 "
                f"{Money(rest.net_fen, 'CNY')} 元、税额 {Money(rest.tax_fen, 'CNY')} 元，"
                "确认单所写超出；请核对"
            )
    if not 0 <= net <= want:
        raise FapiaoRefused(
            f"发票 {fapiao.number} 第 {pick.position} 行按 {Money(want, 'CNY')} 元红冲，"
            "四舍五入后金额或税额的正负不对；请换一个金额"
        )
    return RedLine(number, pick.position, -net, -(want - net), -want)


def _pair(fapiao: Fapiao, line: FapiaoLine, amounts: dict[int, Amounts]) -> Amounts:
    """Return the amounts of a line with its discount."""
    below = fapiao.lines[line.position : line.position + 1]
    discount = amounts[below[0].position] if line.nature is LineNature.DISCOUNTED else NOTHING
    return amounts[line.position] + discount


def _net_left(whole: Amounts, gross_left: int, tax_ppm: int) -> int:
    """Return the net that stays on a line when this much gross stays: cumulative rounding."""
    if gross_left == whole.gross_fen:
        return whole.net_fen
    return from_gross(gross_left, tax_ppm).net_fen
