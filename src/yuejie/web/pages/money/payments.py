"""Payments: where and how to pay, what is open and overdue, receipts, claims, credit, deposits."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Form, Request
from pydantic import BaseModel, Field
from starlette.responses import Response

from yuejie.contracts.life.limits import LimitWish, ask_limit
from yuejie.contracts.life.store import temporary_limits
from yuejie.contracts.store import contract_at
from yuejie.customers.customer import Customer
from yuejie.db.session import Tx
from yuejie.kernel.errors import Invalid
from yuejie.kernel.ids import CustomerId
from yuejie.kernel.money import CURRENCIES, Money
from yuejie.kernel.period import zone_of
from yuejie.payments.apportion.move import Use
from yuejie.payments.apportion.open import amounts_of
from yuejie.payments.apportion.shares import OpenAmount
from yuejie.payments.apportion.store import held, slips
from yuejie.payments.banks.keep import find_account
from yuejie.payments.banks.store import accounts, parent_of, virtuals
from yuejie.payments.claims.claim import Claimed, ClaimState
from yuejie.payments.claims.decide import claim_receipt
from yuejie.payments.claims.store import claims_of
from yuejie.payments.dunning.lifted import end_limit
from yuejie.payments.dunning.standing import overdue
from yuejie.payments.receipts.receipt import SAID
from yuejie.payments.receipts.store import receipts_of
from yuejie.payments.receivables.show import position_of
from yuejie.web.desk import Db, Now
from yuejie.web.pages.customers import SERVED
from yuejie.web.pages.frame.draw import HOUSE_ZONE, caller_of, draw, go
from yuejie.web.pages.frame.entry import refuse_strangers, visit
from yuejie.web.pages.money.party import choose, day_of
from yuejie.web.shapes.money.receipts import fen_of

routes: Final = APIRouter(
    include_in_schema=False, prefix="/payments", dependencies=[Depends(visit)]
)
ours: Final = [Depends(refuse_strangers)]

CLAIM_STATES: Final = {
    ClaimState.OPEN: "待审核",
    ClaimState.ACCEPTED: "已认款",
    ClaimState.REJECTED: "已驳回",
}
STOPPED: Final = {
    "overdue": "因逾期未付停服，付清后立即恢复",
    "credit_limit": "因授信额度用完停服，付款后立即恢复",
    "prepayment": "因预付余额用完停服，付款后立即恢复",
}
"""What a suspension is told as, by its reason."""
NEWEST: Final = 20
"""Receipts, settled bills and claims that are shown at once."""
MOST: Final = 1000
"""Receipts that are shown when all are asked for, the newest first."""


class ClaimForm(BaseModel):
    """What a customer says it paid, by its bank's word."""

    payer_name: str = Field("", max_length=200)
    payer_number: str = Field("", max_length=200)
    amount: str = Field("", max_length=200)
    paid_on: str = Field("", max_length=20)
    document: str = Field("", max_length=200)
    bill: list[str] = Field(default=[], max_length=100)

    def claimed(self) -> Claimed:
        """Return what the room is asked for. Raises Invalid, naming the field."""
        return Claimed(
            payer_name=self.payer_name,
            payer_number=self.payer_number,
            amount_fen=fen_of(self.amount),
            paid_on=day_of(self.paid_on, "付款日"),
            bill_numbers=tuple(self.bill),
            document=self.document,
        )


class LimitForm(BaseModel):
    """A temporary limit as it was typed; both days belong to it."""

    amount: str = Field("", max_length=200)
    starts_on: str = Field("", max_length=20)
    ends_on: str = Field("", max_length=20)
    why: str = Field("", max_length=500)

    def wish(self, party: Customer, currency: str) -> LimitWish:
        """Return what the room is asked for, in the customer's own days."""
        zone = zone_of(party.zone)
        last = day_of(self.ends_on, "止日")
        if last == date.max:
            raise Invalid(f"止日 {last} 太晚，请改正后重试")
        return LimitWish(
            limit_fen=fen_of(self.amount),
            currency=currency,
            starts_at=datetime.combine(day_of(self.starts_on, "起日"), time(), zone),
            ends_at=datetime.combine(last + timedelta(days=1), time(), zone),
            why=self.why,
        )


@dataclass(frozen=True, slots=True)
class Into:
    """A number to pay into; `own`: it is this customer's alone."""

    holder: str
    bank: str
    number: str
    currency: str
    own: bool


@dataclass(frozen=True, slots=True)
class Owed:
    """A bill of which something is open, and how many days it is overdue; 0: it is not."""

    bill: OpenAmount
    late_days: int


@routes.get("")
def show_payments(
    request: Request, db: Db, now: Now, customer: str = "", receipts: str = ""
) -> Response:
    """Show what is to be paid and how, what came in, and how the customer stands."""
    caller = caller_of(request)
    whole = receipts == "all"
    with db.read(consistent=True) as tx:
        chosen = choose(tx, caller, customer)
        facts = _facts(tx, chosen.party, now, whole=whole) if chosen.party else {}
    return draw(
        request,
        "money/payments.html",
        zone=zone_of(chosen.party.zone) if chosen.party else HOUSE_ZONE,
        chosen=chosen,
        served=SERVED,
        stopped=STOPPED,
        received=SAID,
        claim_states=CLAIM_STATES,
        newest=NEWEST,
        all_receipts=whole,
        **facts,
    )


def _facts(tx: Tx, party: Customer, now: datetime, *, whole: bool) -> dict[str, Any]:
    """Return everything about one customer's payments; `whole`: the receipts of years."""
    today = now.astimezone(zone_of(party.zone)).date()
    position = position_of(tx, party.customer_id, now)
    contract = contract_at(tx, party.customer_id, now)
    amounts = amounts_of(tx, party.customer_id)
    return {
        "position": position,
        "into": _into(tx, party),
        "parented": parent_of(tx, party.customer_id) is not None,
        "slips": slips(tx, party.customer_id),
        "claims": claims_of(tx, party.customer_id)[:NEWEST],
        "receipts": receipts_of(tx, party.customer_id, limit=MOST if whole else NEWEST + 1),
        "today": today,
        "now": now,
        "limits": [e for e in temporary_limits(tx, party.customer_id) if e.over_at > now],
        "owed": _owed(amounts, today),
        "settled": [a for a in reversed(amounts) if a.open_fen <= 0][:NEWEST],
        "late": overdue(amounts, today, contract.terms.grace_days if contract else 0),
        "told": _figures(tx, party.customer_id, amounts, position.credit.currency),
    }


def _figures(
    tx: Tx, customer_id: CustomerId, amounts: list[OpenAmount], own: str
) -> dict[str, str]:
    """Return what is owed and what lies ready, in every currency in which there is any."""
    owed = Counter({own: 0})
    for amount in amounts:
        owed[amount.currency] += max(amount.open_fen, 0)
    ready = {
        what: {each: held(tx, customer_id, what, each) for each in sorted(CURRENCIES)}
        for what in (Use.PREPAYMENT, Use.DEPOSIT)
    }
    return {
        "owed": _said(owed, own),
        "prepayment": _said(ready[Use.PREPAYMENT], own),
        "deposit": _said(ready[Use.DEPOSIT], own),
    }


def _said(fen: Mapping[str, int], own: str) -> str:
    """Write amounts of several currencies beside each other; nothing is none of its own."""
    some = {currency: each for currency, each in sorted(fen.items()) if each}
    return " + ".join(
        f"{Money(each, currency)} {currency}" for currency, each in (some or {own: 0}).items()
    )


def _into(tx: Tx, party: Customer) -> list[Into]:
    """Return where a customer pays: its own numbers where it has some, else our accounts."""
    given = virtuals(tx, party.customer_id)
    if given:
        pairs = [(find_account(tx, each.account_id), each.number) for each in given]
        return [Into(a.holder, a.bank, number, a.currency, own=True) for a, number in pairs]
    return [Into(a.holder, a.bank, a.number, a.currency, own=False) for a in accounts(tx)]


def _owed(amounts: list[OpenAmount], today: date) -> list[Owed]:
    """Return the bills of which something is open, the first due first."""
    owed = [
        Owed(each, max((today - each.due_on).days, 0) if each.due_on else 0)
        for each in amounts
        if each.open_fen > 0
    ]
    return sorted(owed, key=lambda each: (each.bill.due_on or date.max, each.bill.number))


@routes.post("/claims", dependencies=ours)
def claim(
    request: Request,
    db: Db,
    now: Now,
    typed: Annotated[ClaimForm, Form()],
    customer: str = "",
) -> Response:
    """Take a customer's word that money is its own; another person accepts or rejects it."""
    caller = caller_of(request)
    with db.read() as tx:
        chosen = choose(tx, caller, customer)
        party = chosen.needed
    done = claim_receipt(db, party.customer_id, typed.claimed(), by=caller.name, now=now)
    found = "已找到对应的到账" if done.receipt_id else "银行流水里还没有这笔到账，到账后核对"
    return go(request, f"/payments{chosen.query}", f"认领已提交：{found}；审核后认款并答复")


@routes.post("/limits", dependencies=ours)
def limit(
    request: Request,
    db: Db,
    now: Now,
    typed: Annotated[LimitForm, Form()],
    customer: str = "",
) -> Response:
    """Ask for a temporary credit limit; another person approves it."""
    caller = caller_of(request)
    with db.read() as tx:
        chosen = choose(tx, caller, customer)
        party = chosen.needed
        contract = contract_at(tx, party.customer_id, now)
    wish = typed.wish(party, contract.currency if contract else party.currency)
    ask_limit(db, party.customer_id, wish, by=caller.name, now=now)
    return go(
        request, f"/payments{chosen.query}", "临时额度已申请，须由另一人在“待审批”页批准后生效"
    )


@routes.post("/limits/{limit}/end", dependencies=ours)
def end_one(
    request: Request,
    db: Db,
    now: Now,
    limit: str,
    why: Annotated[str, Form(max_length=500)] = "",
    customer: str = "",
) -> Response:
    """Take an approved limit back before its end."""
    caller = caller_of(request)
    with db.read() as tx:
        chosen = choose(tx, caller, customer)
    end_limit(db, limit, why=why, by=caller.name, now=now)
    return go(request, f"/payments{chosen.query}", "临时额度已收回，授信额度恢复为合同的")
