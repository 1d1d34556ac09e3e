"""Vouchers (记账凭证): entries as finance's own system takes them in. Pure.

A voucher is in CNY and balances to the fen: amounts in another currency are converted side by side
at one rate, debits and credits each shared by largest remainder, so that both sides stay equal.
A mirror is converted at the rate of what it mirrors, so that both together are nothing.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Final
from zoneinfo import ZoneInfo

from yuejie.kernel.money import FX_SCALE, FxRate, apportion, divide
from yuejie.kernel.period import BillingMonth
from yuejie.ledger.handover.codes import Auxiliary, Codes, Group
from yuejie.ledger.posting import Entry, Posting, net
from yuejie.ledger.statement import Written

_ZONE: Final = ZoneInfo("Asia/Shanghai")

KIND_NAMES: Final = {
    "bill.issue": "出账",
    "bill.credit": "贷项通知",
    "accrual": "暂估",
    "reverse": "冲销",
    "provider.bill": "供应商账单",
    "provider.payment": "付供应商",
    "provider.credit": "供应商贷项",
    "provider.refund": "供应商退款",
}
"""What a clerk calls a kind of entry; a kind without a name is called by its word."""
LATER_NAMES: Final = {
    **KIND_NAMES,
    "payment.receive": "收款",
    "payment.apportion": "认款",
    "payment.refund": "退款",
    "trial_cost": "试用成本",
}
"""The same, and what batches that were made before call by its word: they are written as then."""


@dataclass(frozen=True, slots=True)
class VoucherLine:
    """A line of a voucher: one side is zero. `foreign_fen` is the amount before conversion."""

    summary: str
    code: str
    name: str
    auxiliary: Auxiliary
    party_code: str
    party_name: str
    debit_fen: int
    credit_fen: int
    currency: str
    foreign_fen: int
    rate_e8: int


@dataclass(frozen=True, slots=True)
class Voucher:
    """A voucher: its day, its number within the month, its lines in CNY.

    In a batch without numbers of months it is the number within the batch, as it was given then.
    """

    day: date
    word: str
    number: int
    preparer: str
    lines: tuple[VoucherLine, ...]


def vouchers(written: Sequence[Written], codes: Codes) -> list[Voucher]:
    """Turn entries into numbered vouchers; empty entries have none."""
    found: list[Voucher] = []
    counted = Counter({month: number - 1 for month, number in codes.numbers.items()})
    for day, summary, parts, rates in _grouped([each.entry for each in written], codes):
        lines = [line for each in parts for line in _lines(summary, each, codes, rates)]
        if len(parts) > 1:
            lines = _added_up(lines)
        if lines:
            series = f"{day:%Y-%m}" if codes.numbers else ""
            counted[series] += 1
            number = counted[series]
            found.append(Voucher(day, codes.word, number, codes.preparer, tuple(lines)))
    return found


def month_of(at: datetime) -> BillingMonth:
    """Return the month of the books in which an instant lies."""
    return BillingMonth.of(at, _ZONE)


def _grouped(
    entries: Sequence[Entry], codes: Codes
) -> Iterable[tuple[date, str, Sequence[Sequence[Posting]], Mapping[str, FxRate]]]:
    """Yield what becomes a voucher: its day, its summary, and what of it is converted together."""
    if codes.group is Group.ENTRY:
        for entry in sorted(entries, key=lambda e: e.at):
            day = entry.at.astimezone(_ZONE).date()
            said = f"{_called(entry, codes)} {entry.memo or entry.key}"
            yield day, said, [entry.postings], codes.rates_of(entry.key)
        return
    days: dict[tuple[date, str, tuple[tuple[str, int], ...]], list[Entry]] = {}
    for entry in entries:
        day, own = entry.at.astimezone(_ZONE).date(), codes.mirrors.get(entry.key, {})
        apart = tuple(sorted((name, rate.e8) for name, rate in own.items()))
        days.setdefault((day, entry.kind, apart), []).append(entry)
    for (day, _, _), many in sorted(days.items(), key=lambda each: each[0]):
        said = f"{_called(many[0], codes)} {len(many)} 笔"
        # Each entry is converted by itself: added up first, what is taken back in another company
        # than it was given would come to a fen more or less.
        parts = [_sides([e]) for e in many] if codes.numbers else [_sides(many)]
        yield day, said, parts, codes.rates_of(many[0].key)


def _sides(entries: Sequence[Entry]) -> list[Posting]:
    """Add entries up, sides apart, so that a day's reversals do not vanish into its bills."""
    return [
        posting
        for sign in (1, -1)
        for posting in net(p for e in entries for p in e.postings if p.fen * sign > 0)
    ]


def _called(entry: Entry, codes: Codes) -> str:
    names = LATER_NAMES if codes.numbers else KIND_NAMES
    return names.get(entry.kind, entry.kind)


def _lines(
    summary: str, postings: Sequence[Posting], codes: Codes, rates: Mapping[str, FxRate]
) -> list[VoucherLine]:
    lines: list[VoucherLine] = []
    for currency in sorted({p.currency for p in postings}):
        mine = [p for p in postings if p.currency == currency]
        for sign in (1, -1):
            side = [p for p in mine if p.fen * sign > 0]
            rate = rates[currency].e8
            foreign = [abs(p.fen) for p in side]
            total = divide(sum(foreign) * rate, FX_SCALE)
            shares = apportion(total, foreign) if side else []
            lines += [
                _line(summary, posting, share, sign, codes, rate)
                for posting, share in zip(side, shares, strict=True)
            ]
    return lines


def _added_up(lines: Sequence[VoucherLine]) -> list[VoucherLine]:
    """Add up what stands on one side of one account and party; debits stand first."""
    found: dict[VoucherLine, list[VoucherLine]] = {}
    for line in lines:
        side = replace(line, debit_fen=line.debit_fen and 1, credit_fen=line.credit_fen and 1)
        found.setdefault(replace(side, foreign_fen=0), []).append(line)
    return [
        replace(
            same[0],
            debit_fen=sum(each.debit_fen for each in same),
            credit_fen=sum(each.credit_fen for each in same),
            foreign_fen=sum(each.foreign_fen for each in same),
        )
        for same in sorted(found.values(), key=lambda same: not same[0].debit_fen)
    ]


def _line(
    summary: str, posting: Posting, fen: int, sign: int, codes: Codes, rate_e8: int
) -> VoucherLine:
    account = codes.accounts[posting.account]
    party = codes.parties.get(posting.party) if account.auxiliary is not Auxiliary.NONE else None
    return VoucherLine(
        summary=summary,
        code=account.code_for(posting.party),
        name=account.name,
        auxiliary=account.auxiliary,
        party_code=party.code if party else "",
        party_name=party.name if party else "",
        debit_fen=fen if sign > 0 else 0,
        credit_fen=fen if sign < 0 else 0,
        currency=posting.currency,
        foreign_fen=abs(posting.fen),
        rate_e8=rate_e8,
    )
