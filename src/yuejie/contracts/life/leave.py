"""Leaving a contract: from which day, and what it costs, with every figure explained. Pure.

The fee is `fixed + share × what the rest of the term was promised`. The rest counts by days: a
monthly promise by the days of each month, a yearly one by the days of each year of the term, a
promise for the whole term by its days. A term that was renewed ahead is left as well, and promised
as much again. It is exact until the one rounding to fen at the end.

What was promised for the whole of a term that is left within it counts by the days until then: the
rest is what the fee is a share of. Promises for a month or a year do so by themselves.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from fractions import Fraction
from itertools import groupby
from typing import Final

from yuejie.contracts.terms import (
    CommercialTerms,
    Commitment,
    CommitmentPeriod,
    ContractType,
    Renewal,
)
from yuejie.kernel.errors import Conflict
from yuejie.kernel.money import PPM, Money, divide, plain
from yuejie.kernel.period import BillingMonth, months_after

_NAMES: Final = {
    CommitmentPeriod.MONTH: "每月",
    CommitmentPeriod.YEAR: "每合同年",
    CommitmentPeriod.TERM: "整个合同期",
}


@dataclass(frozen=True, slots=True)
class TermLeft:
    """A term of the contract that is left: its first day, the first behind it, and its promise."""

    since: date
    ends_on: date
    commitment: Commitment | None


@dataclass(frozen=True, slots=True)
class Leaving:
    """The first day after the contract, the fee in fen, and the sentences that explain both."""

    ends_on: date
    fee_fen: int
    reasons: tuple[str, ...]


def leave(
    terms: CommercialTerms,
    *,
    left: Sequence[TermLeft],
    asked_on: date,
    wished_on: date,
    currency: str,
    say_until: date | None = None,
) -> Leaving:
    """Return when a contract ends that somebody wants to leave, and what leaving costs.

    `left` are the contract's terms, `wished_on` the first day on which it is not wanted. Where that
    is the day on which it would go on by itself, it ends there for nothing: also until `say_until`,
    which is later than its notice says where it was written down late.
    """
    earliest = asked_on + timedelta(days=terms.notice_days)
    ends_on = max(wished_on, earliest)
    told = f"{asked_on} 提出，通知期 {terms.notice_days} 天，最早自 {earliest} 起终止"
    over = terms.ends_on
    if over is not None and say_until is not None and asked_on <= say_until < over < ends_on:
        ends_on = over if wished_on <= over else ends_on
        told += f"；合同写入系统较晚，到期不续约可在 {say_until} 及以前提出"
    reasons = [f"{told}；希望自 {wished_on} 起，故自 {ends_on} 起终止。"]
    if terms.ends_on == ends_on and asked_on < ends_on and terms.renewal is Renewal.AUTO:
        return Leaving(ends_on, 0, (*reasons, "到该日合同期满，不再自动续约，没有解约费。"))
    if terms.ends_on is not None and ends_on >= terms.ends_on:
        raise Conflict(
            f"按通知期最早只能自 {ends_on} 起终止，合同到 {terms.ends_on} 已自然到期，无需终止；"
            "如不再续约，请改为不续约"
        )
    reasons += [
        f"整个合同期承诺 {_money(was, currency)}，按已履行的 {held}/{whole} 天计为"
        f" {_money(kept, currency)}。"
        for term in left
        for was, kept, held, whole in _kept(term, ends_on)
    ]
    if terms.type is ContractType.OPEN or terms.ends_on is None:
        return Leaving(ends_on, 0, (*reasons, "无期限合同，随时可终止，没有解约费。"))
    rest, how = remaining_promise(left, start=ends_on)
    share = terms.break_fee.remaining_commitment_ppm
    fee = divide(rest.numerator * share, rest.denominator * PPM) + terms.break_fee.fixed_fen
    reasons += how
    reasons.append(
        f"解约费 = 剩余承诺 {_money(divide(rest.numerator, rest.denominator), currency)}"
        f" × {plain(share, PPM // 100, 0)}% + 固定 {_money(terms.break_fee.fixed_fen, currency)}"
        f" = {_money(fee, currency)}。"
    )
    return Leaving(ends_on, fee, tuple(reasons))


def remaining_promise(left: Sequence[TermLeft], *, start: date) -> tuple[Fraction, list[str]]:
    """Return what was promised from a day until the contract's end, exact, in fen, and why."""
    found, reasons = Fraction(0), list[str]()
    for term in left:
        if term.commitment is not None and term.ends_on > start:
            share, reason = _share(term, term.commitment.period, max(start, term.since))
            found += term.commitment.amount_fen * share
            reasons.append(reason)
    return found, reasons or ["合同没有承诺消费，剩余承诺为 0。"]


def promised_until(term: TermLeft, over: date) -> Commitment | None:
    """Return what a term still promises that is left: nothing where that is less than a fen."""
    for _, kept, _, _ in _kept(term, over):
        return Commitment(kept, CommitmentPeriod.TERM) if kept else None
    return term.commitment


def _kept(term: TermLeft, over: date) -> Iterator[tuple[int, int, int, int]]:
    """Yield what was promised for a whole term that is left within it.

    That is what was said and what counts, in fen, the days that it held and those it should have.
    """
    promise = term.commitment
    if promise is None or promise.period is not CommitmentPeriod.TERM:
        return
    if term.since < over < term.ends_on:
        held, whole = (over - term.since).days, (term.ends_on - term.since).days
        yield promise.amount_fen, divide(promise.amount_fen * held, whole), held, whole


def _share(term: TermLeft, period: CommitmentPeriod, start: date) -> tuple[Fraction, str]:
    """Return for how many periods a term still holds from one of its days on, and why."""
    parts = [
        (held, whole)
        for first, after in _periods(period, term.since, term.ends_on, start)
        if (held := (min(after, term.ends_on) - max(first, start)).days) > 0
        and (whole := (after - first).days)
    ]
    days = (term.ends_on - start).days
    count = " + ".join(_counted(parts))
    said = (
        f"自 {start} 到 {term.ends_on} 尚余 {days} 天，{_NAMES[period]}承诺按天折算为 {count} 期。"
    )
    return sum((Fraction(held, whole) for held, whole in parts), Fraction(0)), said


def _counted(parts: Sequence[tuple[int, int]]) -> Iterator[str]:
    """Yield what is added up, in order: periods that are held whole are counted."""
    for is_whole, held in groupby(parts, key=lambda part: part[0] == part[1]):
        if is_whole:
            yield str(len([*held]))
        else:
            yield from (f"{days}/{of_days}" for days, of_days in held)


def _periods(
    period: CommitmentPeriod, since: date, ends_on: date, start: date
) -> list[tuple[date, date]]:
    """Return the periods of a promise that reach beyond a day: first day, and the day after."""
    if period is CommitmentPeriod.TERM:
        return [(since, ends_on)]
    found: list[tuple[date, date]] = []
    first = BillingMonth(start.year, start.month).first_day
    number = 0
    while period is CommitmentPeriod.MONTH and first < ends_on:
        after = BillingMonth(first.year, first.month).next.first_day
        found.append((first, after))
        first = after
    while period is CommitmentPeriod.YEAR and months_after(since, 12 * number) < ends_on:
        found.append((months_after(since, 12 * number), months_after(since, 12 * (number + 1))))
        number += 1
    return found


def _money(fen: int, currency: str) -> str:
    return f"{Money(fen, currency)} {currency}"
