"""The bank: our accounts, numbers of customers' own, statements, who may pay for whom."""

from typing import Annotated, Final

from fastapi import Query, Response, status

from yuejie.jobs.job import Upload
from yuejie.jobs.kinds.statement import order_statement
from yuejie.payments.banks import store
from yuejie.payments.banks.keep import (
    Paper,
    file_authorisation,
    find_account,
    give_number,
    open_account,
    set_parent,
)
from yuejie.payments.receipts.load import import_statement
from yuejie.payments.receipts.match import match_open
from yuejie.web.api.watch.jobs import ACCEPTED, Prefer, accepted, wants_async
from yuejie.web.auth import AnyCaller, guarded, whose
from yuejie.web.desk import Db, Now
from yuejie.web.shapes.money.receipts import (
    AuthorisationIn,
    AuthorisationOut,
    BankAccountIn,
    BankAccountOut,
    ImportedOut,
    ParentIn,
    ParentOut,
    PayInto,
    StatementIn,
    VirtualIn,
    bytes_of,
)
from yuejie.web.shapes.wire import Name

routes: Final = guarded("银行")


@routes.get("/bank/accounts", summary="我方账户")
def list_accounts(db: Db) -> list[BankAccountOut]:
    """列出我方银行账户。"""
    with db.read() as tx:
        return [BankAccountOut.of(account) for account in store.accounts(tx)]


@routes.post("/bank/accounts", summary="登记账户", status_code=status.HTTP_201_CREATED)
def add_account(db: Db, caller: AnyCaller, now: Now, body: BankAccountIn) -> BankAccountOut:
    """登记一个我方账户，或更改其户名、开户行。"""
    account = open_account(
        db,
        holder=body.holder,
        bank=body.bank,
        number=body.number,
        currency=body.currency,
        by=caller.name,
        now=now,
    )
    return BankAccountOut.of(account)


@routes.post(
    "/bank/accounts/{account}/statements",
    summary="导入流水",
    response_model=ImportedOut,
    responses=ACCEPTED,
)
def take_in(
    db: Db, caller: AnyCaller, now: Now, account: Name, body: StatementIn, prefer: Prefer = ""
) -> ImportedOut | Response:
    """导入银行流水文件，随后自动匹配。重复的流水跳过，读不懂的整份拒绝并指出行号。"""
    content = bytes_of(body.content, "content")
    if wants_async(prefer):
        order = order_statement(db, account, Upload(body.name, content))
        return accepted(db, order, caller, now)
    done = import_statement(db, account, content, body.name, by=caller.name, now=now)
    return ImportedOut.of(done, match_open(db, now=now))


@routes.get("/pay-into", summary="付款到哪里")
def pay_into(
    db: Db,
    caller: AnyCaller,
    customer: Annotated[Name | None, Query(description="客户；客户密钥不必写")] = None,
) -> list[PayInto]:
    """客户的收款账户：有专属账号时是专属账号，否则是我方账户。"""
    with db.read() as tx:
        customer_id = whose(tx, caller, customer)
        if customer_id is not None:
            given = store.virtuals(tx, customer_id)
            if given:
                return [PayInto.of(find_account(tx, v.account_id), v) for v in given]
        return [PayInto.of(account) for account in store.accounts(tx)]


@routes.post(
    "/customers/{customer}/virtual-accounts",
    summary="分配专属账号",
    status_code=status.HTTP_201_CREATED,
)
def give(db: Db, caller: AnyCaller, now: Now, customer: Name, body: VirtualIn) -> PayInto:
    """把一个专属账号分配给客户；号码一经分配不再给别的客户。"""
    given = give_number(
        db, customer, account=body.account, number=body.number, by=caller.name, now=now
    )
    with db.read() as tx:
        return PayInto.of(find_account(tx, given.account_id), given)


@routes.put("/customers/{customer}/parent", summary="由谁付款")
def put_parent(db: Db, caller: AnyCaller, now: Now, customer: Name, body: ParentIn) -> ParentOut:
    """设定由哪个上级客户付款，或取消。"""
    set_parent(db, customer, body.parent, by=caller.name, now=now)
    return ParentOut(customer=customer, parent=body.parent)


@routes.post(
    "/customers/{customer}/payer-authorisations",
    summary="登记代付协议",
    status_code=status.HTTP_201_CREATED,
)
def authorise(
    db: Db, caller: AnyCaller, now: Now, customer: Name, body: AuthorisationIn
) -> AuthorisationOut:
    """登记谁可以替客户付款；之后的匹配就会放行。"""
    paper = Paper(
        payer_name=body.payer_name,
        payer_number=body.payer_number,
        document_name=body.document_name,
        document=bytes_of(body.document, "document"),
        starts_on=body.starts_on,
        ends_on=body.ends_on,
    )
    return AuthorisationOut.of(file_authorisation(db, customer, paper, by=caller.name, now=now))
