"""The bank: our accounts, statements taken in, receipts to be placed, claims of customers."""

from datetime import date, datetime
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, File, Form, Request, UploadFile
from starlette.responses import Response

from yuejie.customers.store import customers
from yuejie.db.session import Database, Tx
from yuejie.jobs.job import Upload
from yuejie.jobs.kinds.statement import is_short, matched_said, order_statement
from yuejie.kernel.errors import Invalid
from yuejie.payments.banks.keep import open_account
from yuejie.payments.banks.store import accounts
from yuejie.payments.claims.claim import ClaimState
from yuejie.payments.claims.decide import accept_claim, reject_claim
from yuejie.payments.claims.store import claims
from yuejie.payments.receipts.load import import_statement
from yuejie.payments.receipts.match import match_open
from yuejie.payments.receipts.receipt import SAID, Receipt, ReceiptState
from yuejie.payments.receipts.store import open_receipts, receipts
from yuejie.payments.receivables.show import BankCheck, check_bank
from yuejie.web.cursor import PAGE, Window
from yuejie.web.desk import Db, Now
from yuejie.web.pages.frame.draw import HOUSE_ZONE, caller_of, draw, go, redraw
from yuejie.web.pages.frame.entry import refuse_strangers, visit
from yuejie.web.pages.frame.leaf import leaf
from yuejie.web.pages.ops.jobs import begin

routes: Final = APIRouter(include_in_schema=False, prefix="/bank", dependencies=[Depends(visit)])
ours: Final = [Depends(refuse_strangers)]

Text = Annotated[str, Form(max_length=1000)]

WAITING: Final = "waiting"
"""The filter for receipts of which something has no place yet; what one comes for."""
FILTERS: Final[dict[str, str]] = {
    WAITING: "待认款",
    **{str(state): word for state, word in SAID.items()},
    "": "全部",
}


@routes.get("")
def show_bank(
    request: Request, db: Db, now: Now, state: str = WAITING, cursor: str | None = None
) -> Response:
    """Show accounts, and receipts of a state, those that wait unless another is asked for."""
    return draw(request, "desk/bank.html", **_facts(request, db, now, state=state, cursor=cursor))


@routes.post("/accounts", dependencies=ours)
def add_account(
    request: Request,
    db: Db,
    now: Now,
    number: Text,
    holder: Text,
    bank: Text,
    currency: Text = "CNY",
) -> Response:
    """Enter an account of ours, or change its holder and bank."""
    made = open_account(
        db,
        number=number.strip(),
        holder=holder.strip(),
        bank=bank.strip(),
        currency=currency,
        by=caller_of(request).name,
        now=now,
    )
    return go(request, "/bank", f"账户 {made.number} 已登记")


@routes.post("/statements", dependencies=ours)
def take_in(
    request: Request, db: Db, now: Now, account: Text, file: Annotated[UploadFile, File()]
) -> Response:
    """Take a statement in, match what came in, and say what became of its lines.

    A large one is begun as a job, which does the same.
    """
    if not file.filename:
        raise Invalid("没有选择流水文件，请选择网银导出的文件后重试")
    body = file.file.read()
    if not is_short(body, file.filename):
        return begin(request, db, order_statement(db, account, Upload(file.filename, body)), now)
    done = import_statement(db, account, body, file.filename, by=caller_of(request).name, now=now)
    matched = match_open(db, now=now)
    told = {"done": done, "matched": matched, "file": file.filename}
    return redraw(request, "desk/bank.html", **_facts(request, db, now) | told)


@routes.post("/match", dependencies=ours)
def match_all(request: Request, db: Db, now: Now) -> Response:
    """Judge every receipt that waits; what is sure and the only one is apportioned."""
    return go(request, "/bank", matched_said(match_open(db, now=now)))


@routes.post("/claims/{claim}/accept", dependencies=ours)
def accept(request: Request, db: Db, now: Now, claim: str, receipt: Text = "") -> Response:
    """Say yes to a claim, and apportion its receipt."""
    by = caller_of(request).name
    done = accept_claim(db, claim, receipt_id=receipt.strip() or None, by=by, now=now)
    return go(request, f"/bank/receipts/{done.receipt.receipt_id}", "已同意认领并认款")


@routes.post("/claims/{claim}/reject", dependencies=ours)
def reject(request: Request, db: Db, now: Now, claim: str, answer: Text) -> Response:
    """Say no to a claim, and why."""
    reject_claim(db, claim, answer=answer, by=caller_of(request).name, now=now)
    return go(request, "/bank", "认领已驳回，客户在付款页看到答复")


def _facts(
    request: Request,
    db: Database,
    now: datetime,
    *,
    state: str = WAITING,
    cursor: str | None = None,
) -> dict[str, Any]:
    window = Window.read(f"page:bank:{state}", cursor, PAGE)
    with db.read() as tx:
        found = _receipts(tx, state, window)
        ours = accounts(tx)
        names = {party.customer_id: party for party in customers(tx)}
        claimed = claims(tx, state=ClaimState.OPEN)
    page = found[:PAGE]
    return {
        "checks": _checks(db, [each.number for each in ours], now.astimezone(HOUSE_ZONE).date()),
        "receipts": page,
        "older": window.write(page[-1].receipt_id) if len(found) > PAGE else None,
        "state": state,
        "filters": FILTERS,
        "names": names,
        "claims": leaf(request, "claims", claimed, lambda each: each.claim_id),
        "done": None,
    }


def _receipts(tx: Tx, state: str, window: Window) -> list[Receipt]:
    if state == WAITING:
        return open_receipts(tx, after=window.after, limit=window.fetch)
    if state and state not in set(ReceiptState):
        raise Invalid(f"没有“{state}”这种到账状态，请在页面上选择")
    wanted = ReceiptState(state) if state else None
    return receipts(tx, state=wanted, after=window.after, limit=window.fetch)


def _checks(db: Database, numbers: list[str], on: date) -> list[BankCheck]:
    return [check_bank(db, number, on=on) for number in numbers]
