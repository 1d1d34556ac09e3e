"""Whose money is it? Evidence, points and reasons. Pure.

The points are those of china-finance §3.2: the number of its own it was paid into 100, a bill's
number in the memo 60, a payer's account that was confirmed before 40, the payer's name 30, an
amount that equals a bill 25 or a sum of the oldest ones 20, booked after the bill's issue 5. Ninety
points, nobody else near, a payer who may pay, and no other bills that come to the same amount: then
no person need look.
"""

import re
import unicodedata
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import Enum
from typing import Final

from yuejie.kernel.ids import CustomerId
from yuejie.payments.apportion.shares import OpenAmount, Shared, share_out
from yuejie.payments.receipts.receipt import Receipt
from yuejie.payments.sums import Ways

AUTO: Final = 90
PROPOSE: Final = 60
INTO: Final = 100
BILL_NUMBER: Final = 60
PAYER_NUMBER: Final = 40
PAYER_NAME: Final = 30
EXACT: Final = 25
SUBSET: Final = 20
AFTER_ISSUE: Final = 5
CANDIDATES: Final = 5
"""So many are kept for a person to choose from."""

_NUMBER: Final = re.compile(r"YJ\d{10}")
_FORMS: Final = (("有限责任公司", "有限公司"),)
"""Two ways of writing the same legal form; nothing else of a name may differ."""


class Verdict(Enum):
    """What to do with a receipt without asking anybody."""

    APPORTION = "apportion"
    PROPOSE = "propose"
    HOLD = "hold"
    SUSPEND = "suspend"


@dataclass(frozen=True, slots=True, kw_only=True)
class Payers:
    """Who may pay for a customer: by name without a word, by an account known, by a paper.

    `authorised` are names and accounts (either may be "") with a 代付协议 in force on that day.
    """

    names: tuple[str, ...]
    known_numbers: Collection[str]
    authorised: Collection[tuple[str, str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What is known about one customer that may have paid.

    `open` are the amounts it may be paying: its own bills and those of its subsidiaries, the oldest
    first.
    """

    customer_id: CustomerId
    payers: Payers
    into: Collection[str]
    open: Sequence[OpenAmount]


@dataclass(frozen=True, slots=True)
class Candidate:
    """A customer, its points, and each reason in a sentence."""

    customer_id: CustomerId
    score: int
    reasons: tuple[str, ...]
    may_pay: bool
    shared: Shared
    elsewhere: tuple[str, ...] = ()
    """Open bills that the memo names, and that this currency cannot pay."""


@dataclass(frozen=True, slots=True)
class Judgement:
    """What a receipt's evidence comes to: a verdict, why, and the candidates, the best first."""

    verdict: Verdict
    why: str
    candidates: tuple[Candidate, ...]


def same_name(text: str) -> str:
    """Return a name as it is compared: full width, brackets, spaces and legal forms made equal.

    Part of a name is never a name: 北京甲 does not match 北京甲乙, and no letter of any script is
    left out, for names that differ in a rare character alone are two.
    """
    plain = "".join(each for each in unicodedata.normalize("NFKC", text) if each.isalnum()).upper()
    for one, other in _FORMS:
        plain = plain.replace(one, other)
    return plain


def numbers_in(memo: str) -> list[str]:
    """Return the bill numbers in a memo, though payers space them and write full width."""
    plain = re.sub(r"[\s\-_.]", "", unicodedata.normalize("NFKC", memo)).upper()
    return list(dict.fromkeys(_NUMBER.findall(plain)))


def judge(receipt: Receipt, known: Iterable[Facts]) -> Judgement:
    """Weigh everything known about everybody who may have paid."""
    named = numbers_in(receipt.memo)
    weighed = [_weigh(receipt, facts, named) for facts in known]
    candidates = sorted(
        (c for c in weighed if c.score > 0), key=lambda c: (-c.score, c.customer_id)
    )[:CANDIDATES]
    verdict, why = _verdict(candidates)
    return Judgement(verdict, why, tuple(candidates))


def _weigh(receipt: Receipt, facts: Facts, named: Sequence[str]) -> Candidate:
    points = dict(_identity(receipt, facts, named))
    shared = share_out(receipt.amount_fen, receipt.currency, facts.open, named)
    if points:
        points |= _amount(receipt, facts, shared)
    reasons = tuple(f"{reason} +{score}" for reason, score in points.items())
    return Candidate(
        facts.customer_id,
        sum(points.values()),
        reasons,
        may_pay(receipt, facts.payers),
        shared,
        tuple(a.number for a in facts.open if a.number in named and a.currency != receipt.currency),
    )


def _identity(receipt: Receipt, facts: Facts, named: Sequence[str]) -> Iterable[tuple[str, int]]:
    """Yield what says who paid; an amount alone says nothing about that."""
    if receipt.into_number and receipt.into_number in facts.into:
        yield f"付入专属账号 {receipt.into_number}", INTO
    theirs = [amount.number for amount in facts.open if amount.number in named]
    if theirs:
        yield f"附言写明账单 {'、'.join(theirs)}", BILL_NUMBER
    if receipt.payer_number and receipt.payer_number in facts.payers.known_numbers:
        yield f"付款账号 {receipt.payer_number} 已确认过", PAYER_NUMBER
    name = same_name(receipt.payer_name)
    if name and name in {same_name(each) for each in facts.payers.names}:
        yield f"付款户名“{receipt.payer_name}”一致", PAYER_NAME


def _amount(receipt: Receipt, facts: Facts, shared: Shared) -> Mapping[str, int]:
    """Return what the amount and the day add to what is known already."""
    points = {}
    if shared.exact == 1:
        points[f"金额等于账单 {shared.shares[0].number} 的未付额"] = EXACT
    elif shared.exact > 1:
        points[f"金额等于 {shared.exact} 张未付账单之和"] = SUBSET
    issued = [a.issued_on for a in facts.open if a.bill_id in {s.bill_id for s in shared.shares}]
    if issued and receipt.received_on >= max(issued):
        points["到账在出账之后"] = AFTER_ISSUE
    return points


def may_pay(receipt: Receipt, payers: Payers) -> bool:
    """Say whether the payer is the customer, its parent, or named by a paper on file.

    A payer without a name is known by an account that was confirmed before, or not at all.
    """
    name = same_name(receipt.payer_name)
    if not name:
        return bool(receipt.payer_number) and receipt.payer_number in payers.known_numbers
    if name in {same_name(each) for each in payers.names}:
        return True
    return any(
        (not known or same_name(known) == name) and (not number or number == receipt.payer_number)
        for known, number in payers.authorised
    )


def _verdict(candidates: Sequence[Candidate]) -> tuple[Verdict, str]:
    if not candidates or candidates[0].score < PROPOSE:
        return Verdict.SUSPEND, "没有足够依据判断付款方，挂待认领"
    best = candidates[0]
    said = f"{best.score} 分：{'；'.join(best.reasons)}"
    if not best.may_pay:
        return Verdict.HOLD, f"付款方与客户名称不一致且没有代付协议，挂代付待核（{said}）"
    rivals = [each for each in candidates[1:] if each.score >= PROPOSE]
    if rivals:
        return Verdict.PROPOSE, f"另有 {len(rivals)} 个客户也可能，待人工确认（{said}）"
    if best.score < AUTO:
        return Verdict.PROPOSE, f"不足 {AUTO} 分，待人工确认（{said}）"
    if best.elsewhere:
        bills = "、".join(best.elsewhere)
        return Verdict.PROPOSE, f"附言写明的账单 {bills} 是另一币种，待人工确认（{said}）"
    if best.shared.ways is Ways.UNKNOWN:
        return Verdict.PROPOSE, f"未付账单太多，数不清有几种组合等于到账金额，待人工确认（{said}）"
    if best.shared.ways is Ways.SEVERAL:
        return Verdict.PROPOSE, f"有多种账单组合之和等于到账金额，待人工确认（{said}）"
    return Verdict.APPORTION, said


def in_force(starts_on: date, ends_on: date | None, day: date) -> bool:
    """Say whether a paper holds on a day; its last day is the one before `ends_on`."""
    return starts_on <= day and (ends_on is None or day < ends_on)
