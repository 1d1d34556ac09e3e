"""What a letter says, as text; how it looks is letter.typ's business. Pure."""

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Final

from yuejie.bills.documents.document import Seller
from yuejie.bills.documents.stamp.picture import Stamp
from yuejie.bills.documents.wording import in_capitals
from yuejie.customers.customer import Customer
from yuejie.kernel.money import Money
from yuejie.kernel.period import zone_of
from yuejie.payments.apportion.move import Source
from yuejie.payments.apportion.store import Slip
from yuejie.payments.receivables.show import AccountStatement


class LetterKind(StrEnum):
    """Which letter."""

    STATEMENT = "statement"
    """对账单: everything that moved in a span."""
    CONFIRMATION = "confirmation"
    """询证函: what we say is owed on a day, for the customer to confirm or correct."""


@dataclass(frozen=True, slots=True)
class Asked:
    """Which letter is wanted, about which days (`until` is excluded) and currency.

    No currency named is the customer's own.
    """

    kind: LetterKind
    since: date
    until: date
    currency: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """Everything on the paper. `rows` are cells of text under `heads`; figures to the right."""

    title: str
    number: str
    to: str
    dated: datetime
    facts: tuple[tuple[str, str], ...]
    paragraphs: tuple[str, ...] = ()
    heads: tuple[str, ...] = ()
    rows: tuple[tuple[str, ...], ...] = ()
    total: tuple[str, ...] = ()
    closing: tuple[str, ...] = ()
    answers: tuple[tuple[str, str], ...] = ()
    """Boxes that the customer fills in: a heading, and what it confirms by its seal."""
    signed_by: str
    stamp: Stamp | None = None
    """The picture of the seal of whoever signs."""


def statement_letter(found: AccountStatement, seller: Seller, *, now: datetime) -> Letter:
    """Return a statement of account: opening, every movement, closing, and what is open."""
    last = _last_day(found, now)
    return Letter(
        title="对账单",
        number=f"{found.customer.slug} {found.since:%Y%m%d}-{last:%Y%m%d}{_apart(found)}",
        to=found.customer.legal_name,
        dated=now,
        facts=(
            ("对账期间", f"{found.since} 至 {last}"),
            ("币种", found.currency),
            ("期初应收", _money(found.opening_fen, found.currency)),
            ("期末应收", _money(found.closing_fen, found.currency)),
            ("预收余额", _money(found.prepayment_fen, found.currency)),
            ("押金余额", _money(found.deposit_fen, found.currency)),
        ),
        heads=("日期", "事项", "说明", "增加", "减少", "余额"),
        rows=tuple(
            (
                str(row.on),
                row.what,
                row.memo,
                _money(row.fen, found.currency) if row.fen > 0 else "",
                _money(-row.fen, found.currency) if row.fen < 0 else "",
                _money(row.balance_fen, found.currency),
            )
            for row in found.rows
        ),
        total=("", "期末应收", "", "", "", _money(found.closing_fen, found.currency)),
        closing=_open(found),
        signed_by=seller.legal_name,
    )


def _last_day(found: AccountStatement, now: datetime) -> date:
    """Return the day whose balance a letter tells: of a span that goes on, the day it is made.

    What will stand there at the end of the month nobody knows, and nobody confirms.
    """
    last = date.fromordinal(found.until.toordinal() - 1)
    return max(found.since, min(last, now.astimezone(zone_of(found.customer.zone)).date()))


def _apart(found: AccountStatement) -> str:
    """Tell the letter of another currency apart: one customer, one day, one number."""
    return "" if found.currency == found.customer.currency else f" {found.currency}"


_PLEASE: Final = (
    "为核对往来账项，请贵公司核对下列数据。与贵公司记录相符的，请在“信息证明无误”处签章；"
    "不符的，请在“信息不符”处列明不符金额及原因。"
)


def _open(found: AccountStatement) -> tuple[str, ...]:
    """Say which bills make up what is owed now."""
    return tuple(
        f"未结清账单 {a.number}（账期 {a.month}，应付日 {a.due_on or '待定'}）："
        f"{_money(a.open_fen, a.currency)} {a.currency}"
        for a in found.open
    )


def confirmation_letter(found: AccountStatement, seller: Seller, *, now: datetime) -> Letter:
    """Return a balance confirmation: what we have on the books, and two boxes for an answer."""
    on = _last_day(found, now)
    owed = Money(found.closing_fen, found.currency)
    return Letter(
        title="往来款项询证函",
        number=f"{found.customer.slug} {on:%Y%m%d}{_apart(found)}",
        to=found.customer.legal_name,
        dated=now,
        facts=(("截止日期", str(on)), ("币种", found.currency)),
        paragraphs=(
            _PLEASE,
            "本函仅为复核账目之用，并非催款结算。若款项在截止日期之后已经付清，仍请及时函复为盼。",
        ),
        heads=("项目", "贵公司欠", "欠贵公司"),
        rows=(
            ("应收账款", str(owed) if owed.fen > 0 else "", str(-owed) if owed.fen < 0 else ""),
            ("预收款", "", _money(found.prepayment_fen, found.currency)),
            ("押金", "", _money(found.deposit_fen, found.currency)),
        ),
        closing=(f"应收账款大写：{in_capitals(owed)}",),
        answers=(
            ("信息证明无误", "（公司盖章）　　经办人：　　　　日期："),
            ("信息不符，请列明不符金额及原因", "（公司盖章）　　经办人：　　　　日期："),
        ),
        signed_by=seller.legal_name,
    )


def slip_letter(slip: Slip, customer: Customer, seller: Seller) -> Letter:
    """Return a slip (收据) for a deposit: not income, so no fapiao."""
    amount = Money(slip.amount_fen, slip.currency)
    return Letter(
        title="收据",
        number=slip.number,
        to=customer.legal_name,
        dated=slip.made_at,
        facts=(
            ("交款单位", customer.legal_name),
            ("收款日期", str(slip.effective_on)),
            ("收款方式", "银行转账" if slip.source == Source.RECEIPT else "预收款转入"),
            ("款项内容", "押金（保证金）"),
            ("金额", f"{amount} {slip.currency}"),
            ("大写", in_capitals(amount)),
        ),
        paragraphs=("押金在合同终止并结清款项后原路退还；本收据不是发票，不作为报销与抵扣凭证。",),
        signed_by=seller.legal_name,
    )


def _money(fen: int, currency: str) -> str:
    return str(Money(fen, currency))
