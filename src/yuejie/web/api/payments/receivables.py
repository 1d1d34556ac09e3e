"""Receivables: what is open, how old, statements and letters, waivers, how a customer stands."""

from datetime import date, timedelta
from typing import Annotated, Final, Literal

from fastapi import Depends, Path, Query, Response, status

from yuejie.customers.enrol import find_customer
from yuejie.kernel.errors import NotFound
from yuejie.payments.apportion.open import amounts_of
from yuejie.payments.apportion.store import slips, waivers
from yuejie.payments.apportion.waiver import WaiverState
from yuejie.payments.apportion.waivers import decide_waiver, request_waiver
from yuejie.payments.dunning.dun import grant_reprieve
from yuejie.payments.letters.letter import Asked, LetterKind
from yuejie.payments.letters.render import account_letter, deposit_slip
from yuejie.payments.receivables.show import age_receivables, position_of, statement_of_account
from yuejie.web.api.billing.bills import disposition
from yuejie.web.auth import AnyCaller, Caller, StampingHere, guarded, whose
from yuejie.web.desk import Db, DeskHere, Now
from yuejie.web.shapes.billing.review import DecisionIn
from yuejie.web.shapes.money.receivables import (
    AgedOut,
    OpenOut,
    ReprieveIn,
    StandingOut,
    StatementOut,
    WaiverIn,
    WaiverOut,
)
from yuejie.web.shapes.wire import Name

routes: Final = guarded("应收")

Since = Annotated[date, Query(description="从哪天起")]
Until = Annotated[date, Query(description="到哪天为止，不含")]
InCurrency = Annotated[
    Literal["CNY", "USD"] | None, Query(description="币种；不写为客户的结算币种")
]


async def _about(
    since: Since, until: Until, currency: InCurrency = None
) -> tuple[date, date, str | None]:
    return since, until, currency


About = Annotated[tuple[date, date, str | None], Depends(_about)]
"""The days that a letter is about, the last excluded, and the currency."""


@routes.get("/receivables/ageing", summary="账龄")
def ageing(
    db: Db,
    now: Now,
    customer: Annotated[Name | None, Query(description="只看这个客户")] = None,
    on: Annotated[date | None, Query(description="截至哪天；不写为今天")] = None,
) -> list[AgedOut]:
    """账龄表：未到期，逾期 30、60、90、180 天以内及以上。"""
    day = on or (now + timedelta(hours=8)).date()
    return [AgedOut.of(row) for row in age_receivables(db, day, customer=customer)]


@routes.get("/customers/{customer}/receivables", summary="未付账单")
def open_bills(db: Db, caller: AnyCaller, customer: Name) -> list[OpenOut]:
    """已出账的账单与未付金额，旧的在前。"""
    with db.read(consistent=True) as tx:
        customer_id = whose(tx, caller, customer)
        assert customer_id is not None, "a customer was named"
        return [OpenOut.of(row) for row in amounts_of(tx, customer_id)]


@routes.get("/customers/{customer}/statement", summary="对账单")
def account(
    db: Db,
    caller: AnyCaller,
    customer: Name,
    since: Since,
    until: Until,
    currency: InCurrency = None,
) -> StatementOut:
    """期初、每笔往来、期末；与总账一致。"""
    _own(db, caller, customer)
    return StatementOut.of(statement_of_account(db, customer, since, until, currency=currency))


@routes.get(
    "/customers/{customer}/letters/{letter}",
    summary="对账单、询证函 PDF",
    response_class=Response,
    responses={200: {"content": {"application/pdf": {}}}},
)
def get_letter(
    db: Db,
    desk: DeskHere,
    caller: AnyCaller,
    now: Now,
    customer: Name,
    letter: Annotated[LetterKind, Path(description="statement 对账单，confirmation 询证函")],
    about: About,
    stamping: StampingHere,
) -> Response:
    """下载对账单或询证函。"""
    _own(db, caller, customer)
    name, body = account_letter(
        db,
        customer,
        Asked(letter, *about),
        desk.seller,
        now=now,
        stamping=stamping,
    )
    return _pdf(name, body)


@routes.get("/customers/{customer}/deposit-slips", summary="押金收据")
def list_slips(db: Db, caller: AnyCaller, customer: Name) -> list[str]:
    """押金收据的编号。"""
    with db.read() as tx:
        customer_id = whose(tx, caller, customer)
        assert customer_id is not None, "a customer was named"
        return [slip.number for slip in slips(tx, customer_id)]


@routes.get(
    "/customers/{customer}/deposit-slips/{number}",
    summary="押金收据 PDF",
    response_class=Response,
    responses={200: {"content": {"application/pdf": {}}}},
)
def get_slip(
    db: Db,
    desk: DeskHere,
    caller: AnyCaller,
    customer: Name,
    number: Name,
    stamping: StampingHere,
) -> Response:
    """下载押金收据；同一收据每次字节相同。"""
    _own(db, caller, customer)
    return _pdf(*deposit_slip(db, customer, number, desk.seller, stamping=stamping))


@routes.get("/waivers", summary="待审批的减免")
def list_waivers(db: Db) -> list[WaiverOut]:
    """手续费差额与坏账核销的申请。"""
    with db.read() as tx:
        found = waivers(tx, state=WaiverState.REQUESTED, limit=1000)
        return [WaiverOut.of(row) for row in found]


@routes.post("/bills/{bill}/waivers", summary="申请减免", status_code=status.HTTP_201_CREATED)
def ask_waiver(
    db: Db, desk: DeskHere, caller: AnyCaller, now: Now, bill: Name, body: WaiverIn
) -> WaiverOut:
    """申请减免一张账单的全部未付金额，等另一人审批。"""
    done = request_waiver(
        db,
        bill,
        body.kind,
        why=body.why,
        by=caller.name,
        now=now,
        short_pay_fen=desk.short_pay_fen,
    )
    return WaiverOut.of(done)


@routes.post("/waivers/{waiver}/{decision}", summary="审批减免")
def decide(
    db: Db,
    caller: AnyCaller,
    now: Now,
    waiver: Name,
    decision: Annotated[Literal["approve", "reject"], Path(description="批准或驳回")],
    body: DecisionIn | None = None,
) -> WaiverOut:
    """批准或驳回他人申请的减免；驳回须写明原因。"""
    approve, why = decision == "approve", body.why if body else ""
    done = decide_waiver(db, waiver, approve=approve, by=caller.name, now=now, why=why)
    return WaiverOut.of(done)


@routes.get("/customers/{customer}/standing", summary="授信与服务状态")
def standing(db: Db, caller: AnyCaller, now: Now, customer: Name) -> StandingOut:
    """授信额度、已用、可用，以及是否停服、为何。"""
    with db.read(consistent=True) as tx:
        customer_id = whose(tx, caller, customer)
        assert customer_id is not None, "a customer was named"
        return StandingOut.of(position_of(tx, customer_id, now))


@routes.post("/customers/{customer}/reprieve", summary="延停")
def reprieve(db: Db, caller: AnyCaller, now: Now, customer: Name, body: ReprieveIn) -> StandingOut:
    """到那天为止不停服。"""
    grant_reprieve(db, customer, body.until, why=body.why, by=caller.name, now=now)
    with db.read(consistent=True) as tx:
        return StandingOut.of(position_of(tx, find_customer(tx, customer).customer_id, now))


def _own(db: Db, caller: Caller, customer: str) -> None:
    """Refuse a customer that the caller may not see, as one that is not there."""
    with db.read() as tx:
        if whose(tx, caller, customer) is None:
            raise NotFound(f"客户不存在：{customer}")


def _pdf(name: str, body: bytes) -> Response:
    headers = {"content-disposition": disposition(name), "content-type": "application/pdf"}
    return Response(body, headers=headers)
