"""One receipt: whose it may be, apportioned by hand over open bills, taken back, sent back."""

from dataclasses import dataclass
from datetime import date
from typing import Annotated, Final
from urllib.parse import quote

from fastapi import APIRouter, Depends, File, Form, Query, Request, UploadFile
from starlette.responses import Response

from yuejie.bills.find import find_bill
from yuejie.customers.customer import Customer
from yuejie.customers.enrol import find_customer
from yuejie.customers.store import customers
from yuejie.db.session import Tx
from yuejie.fapiao.request import owed_back
from yuejie.kernel.errors import Invalid
from yuejie.payments.apportion.move import Apportionment, Source, Use
from yuejie.payments.apportion.open import amounts_of_all
from yuejie.payments.apportion.place import Placing, apportion_receipt, family_of, find_receipt
from yuejie.payments.apportion.refund import SAID as REFUND_STATES
from yuejie.payments.apportion.refunds import Wanted, bounce, refundable, request_refund
from yuejie.payments.apportion.shares import OpenAmount, share_out
from yuejie.payments.apportion.store import held, is_undone, refunds_of
from yuejie.payments.apportion.undo import undo_batch
from yuejie.payments.banks.keep import Paper, file_authorisation
from yuejie.payments.receipts.payer import payers_of
from yuejie.payments.receipts.receipt import OPEN, SAID
from yuejie.payments.receipts.score import may_pay, numbers_in
from yuejie.payments.receipts.show import ReceiptWhole, whole_receipt
from yuejie.payments.receipts.store import open_receipts
from yuejie.web.desk import Db, Now
from yuejie.web.pages.frame.draw import caller_of, draw, go
from yuejie.web.pages.frame.entry import refuse_strangers, visit
from yuejie.web.shapes.money.receipts import fen_of

routes: Final = APIRouter(
    include_in_schema=False, prefix="/bank/receipts/{receipt}", dependencies=[Depends(visit)]
)
ours: Final = [Depends(refuse_strangers)]

Text = Annotated[str, Form(max_length=1000)]
Texts = Annotated[list[str], Form(max_length=1000)]

SOURCES: Final = {
    Source.RECEIPT: "未认款",
    Source.PREPAYMENT: "预收款",
    Source.DEPOSIT: "押金",
    Source.BANK_CHARGES: "手续费",
    Source.BAD_DEBT: "坏账",
}
USES: Final = {Use.BILL: "账单", Use.PREPAYMENT: "预收款", Use.DEPOSIT: "押金"}


@dataclass(frozen=True, slots=True)
class Batch:
    """What was apportioned in one go, and whether it can be taken back."""

    batch_id: str
    rows: list[tuple[Apportionment, str]]
    """Each row, and the number of its bill where it has one."""
    undoable: bool


@dataclass(frozen=True, slots=True)
class Choice:
    """A customer for whom a receipt may be apportioned: what is open, what the rule proposes."""

    customer: Customer
    amounts: list[OpenAmount]
    proposed: dict[str, int]
    """Fen by bill number, as apportioning without naming bills would do it."""
    left_fen: int
    prepayment_fen: int
    deposit_fen: int
    may_pay: bool
    """Whether the payer is the customer, its parent, or somebody named by a paper on file."""


@routes.get("")
def show_receipt(
    request: Request,
    db: Db,
    receipt: str,
    customer: Annotated[str, Query(max_length=200)] = "",
) -> Response:
    """Show a receipt, and the open bills of whoever is chosen; the best candidate's at first."""
    with db.read(consistent=True) as tx:
        whole = whole_receipt(tx, receipt)
        refunds, free = refunds_of(tx, receipt), refundable(tx, whole.receipt)
        chosen = _choice(tx, whole, customer)
        parties = customers(tx)
        batches = _batches(tx, whole)
        waiting = open_receipts(tx, after=receipt, limit=1) or open_receipts(tx, limit=1)
    return draw(
        request,
        "desk/receipt.html",
        receipt=whole.receipt,
        whole=whole,
        open=whole.receipt.state in OPEN and whole.left_fen > 0,
        chosen=chosen,
        parties=parties,
        names={party.customer_id: party for party in parties},
        batches=batches,
        refunds=refunds,
        refundable=free,
        carried_back=_carried_back(whole),
        refund_states=REFUND_STATES,
        states=SAID,
        sources=SOURCES,
        uses=USES,
        next=next((each for each in waiting if each.receipt_id != receipt), None),
    )


def _carried_back(whole: ReceiptWhole) -> str:
    """Return the id of the line that is taken for the bank's return: to the payer's very number."""
    number = whole.receipt.payer_number
    exact = [each.line_id for each in whole.outgoing if number and each.payer_number == number]
    return exact[0] if exact else ""


def _placing(
    customer: Text,
    bill: Texts = [],  # noqa: B006 - FastAPI copies what a form does not send
    amount: Texts = [],  # noqa: B006 - the same
    deposit: Text = "",
    rest: Text = "prepayment",
    why: Text = "",
) -> Placing:
    """Return what was typed into the form; a bill without an amount gets nothing."""
    if len(bill) != len(amount):
        raise Invalid("表单不完整，未入账；请刷新页面后重新填写")
    pairs = zip(bill, amount, strict=True)
    typed = {number: typed_fen(text) for number, text in pairs if text.strip()}
    return Placing(
        customer=customer,
        bills={number: fen for number, fen in typed.items() if fen},
        deposit_fen=typed_fen(deposit) if deposit.strip() else 0,
        rest=Use.PREPAYMENT if rest == "prepayment" else None,
        why=why,
    )


@routes.post("/apportion", dependencies=ours)
def apportion(
    request: Request,
    db: Db,
    now: Now,
    receipt: str,
    placing: Annotated[Placing, Depends(_placing)],
) -> Response:
    """Apportion what is left by the amounts typed."""
    apportion_receipt(db, receipt, placing, by=caller_of(request).name, now=now)
    return go(request, f"/bank/receipts/{receipt}", "已认款入账")


@routes.post("/authorise", dependencies=ours)
def authorise(
    request: Request,
    db: Db,
    now: Now,
    receipt: str,
    customer: Text,
    starts_on: Annotated[date, Form()],
    document: Annotated[UploadFile, File()],
) -> Response:
    """File the paper by which this receipt's payer may pay for a customer."""
    with db.read() as tx:
        payer = find_receipt(tx, receipt)
    paper = Paper(
        payer_name=payer.payer_name,
        payer_number="",
        document_name=document.filename or "",
        document=document.file.read(),
        starts_on=starts_on,
        ends_on=None,
    )
    file_authorisation(db, customer, paper, by=caller_of(request).name, now=now)
    here = f"/bank/receipts/{receipt}?customer={quote(customer)}"
    return go(request, here, f"已登记代付协议：{payer.payer_name} 可以为该客户付款")


@routes.post("/undo/{batch}", dependencies=ours)
def undo(request: Request, db: Db, now: Now, receipt: str, batch: str, why: Text) -> Response:
    """Take an apportionment back: its bills are open again, the receipt is to be placed again."""
    undo_batch(db, batch, why=why, by=caller_of(request).name, now=now)
    return go(request, f"/bank/receipts/{receipt}", "认款已撤销，账单恢复未付")


@routes.post("/bounce", dependencies=ours)
def bounced(
    request: Request, db: Db, now: Now, receipt: str, why: Text, line: Text = ""
) -> Response:
    """Note that the bank sent it back; what was apportioned of it is undone."""
    by = caller_of(request).name
    bounce(db, receipt, line=line.strip() or None, why=why, by=by, now=now)
    return go(request, f"/bank/receipts/{receipt}", "已记为退票，有关认款一并撤销")


@routes.post("/refund", dependencies=ours)
def refund(
    request: Request,
    db: Db,
    now: Now,
    receipt: str,
    amount: Text,
    why: Text,
    source: Annotated[Source, Form()] = Source.RECEIPT,
    customer: Text = "",
) -> Response:
    """Ask for money to go back to its payer; another person decides."""
    wanted = Wanted(
        receipt_id=receipt,
        source=source,
        customer=customer if source is not Source.RECEIPT else None,
        amount_fen=typed_fen(amount),
        why=why,
    )
    request_refund(db, wanted, by=caller_of(request).name, now=now, owes_fapiao=owed_back)
    return go(request, f"/bank/receipts/{receipt}", "退款已申请，须由另一人在“应收”页审批")


def typed_fen(text: str) -> int:
    """Read an amount as people type it, with 千分位 of either script."""
    return fen_of(text.replace(",", "").replace("，", ""))


def _choice(tx: Tx, whole: ReceiptWhole, asked: str) -> Choice | None:
    receipt = whole.receipt
    name = asked or receipt.customer_id or next((c.slug for c in whole.candidates), "")
    if not name:
        return None
    party = find_customer(tx, name)
    amounts = [
        each
        for each in amounts_of_all(tx, family_of(tx, party.customer_id))
        if each.currency == receipt.currency and each.payable_fen > 0
    ]
    shared = share_out(whole.left_fen, receipt.currency, amounts, numbers_in(receipt.memo))
    return Choice(
        customer=party,
        amounts=amounts,
        proposed={share.number: share.fen for share in shared.shares},
        left_fen=shared.left_fen,
        prepayment_fen=held(tx, party.customer_id, Use.PREPAYMENT, receipt.currency),
        deposit_fen=held(tx, party.customer_id, Use.DEPOSIT, receipt.currency),
        may_pay=not receipt.payer_name
        or may_pay(receipt, payers_of(tx, party.customer_id, receipt.received_on)),
    )


def _batches(tx: Tx, whole: ReceiptWhole) -> list[Batch]:
    rows: dict[str, list[tuple[Apportionment, str]]] = {}
    for row in whole.apportionments:
        bill = find_bill(tx, row.bill_id).name if row.bill_id else ""
        rows.setdefault(row.batch_id, []).append((row, bill))
    return [
        Batch(
            batch_id,
            found,
            undoable=all(row.undoes is None for row, _ in found) and not is_undone(tx, batch_id),
        )
        for batch_id, found in rows.items()
    ]
