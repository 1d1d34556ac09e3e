"""`yuejie receipts …`: what came in, whose it is, what becomes of it."""

from collections.abc import Mapping
from datetime import date

import click

from yuejie.bills.documents.store import names_of_bills
from yuejie.cli.frame import Frame, as_json, frame, give_json, say, show_table
from yuejie.cli.money.bank import tell_matched
from yuejie.cli.money.words import DAY, YUAN, money, shares, today
from yuejie.customers.enrol import find_customer
from yuejie.fapiao.request import owed_back
from yuejie.payments.apportion import store as apportion_store
from yuejie.payments.apportion.draw import draw_down, set_aside
from yuejie.payments.apportion.move import Source, Use
from yuejie.payments.apportion.place import Placing, apportion_receipt, left_of
from yuejie.payments.apportion.refund import SAID as REFUND_SAID
from yuejie.payments.apportion.refund import RefundState
from yuejie.payments.apportion.refunds import (
    Wanted,
    bounce,
    decide_refund,
    refund_failed,
    refund_paid,
    request_refund,
)
from yuejie.payments.apportion.undo import undo_batch
from yuejie.payments.claims import store as claim_store
from yuejie.payments.claims.claim import Claimed, ClaimState
from yuejie.payments.claims.decide import accept_claim, claim_receipt, reject_claim
from yuejie.payments.receipts import store
from yuejie.payments.receipts.match import match_open
from yuejie.payments.receipts.receipt import SAID, Receipt, ReceiptState
from yuejie.payments.receipts.show import whole_receipt

_STATES = click.Choice([str(state) for state in ReceiptState])
_CURRENCY = click.option(
    "--currency", type=click.Choice(["CNY", "USD"]), help="币种（默认客户的结算币种）"
)


@click.group()
def receipts() -> None:
    """到账：匹配、认款、认领、退款。"""


@receipts.command("list")
@click.option("--state", type=_STATES, help="只看这种状态")
@as_json
@frame
def list_receipts(house: Frame, state: str | None, *, json: bool) -> None:
    """列出到账，旧的在前。"""
    wanted = ReceiptState(state) if state else None
    with house.database() as db, db.read() as tx:
        found = store.receipts(tx, state=wanted, limit=1000)
        left = {receipt.receipt_id: left_of(tx, receipt) for receipt in found}
    if json:
        give_json([{**_plain(r), "left_fen": left[r.receipt_id]} for r in found])
        return
    rows = [
        (
            str(r.received_on),
            money(r.amount_fen, r.currency),
            money(left[r.receipt_id], r.currency),
            r.payer_name,
            r.memo,
            SAID[r.state],
            r.receipt_id,
        )
        for r in found
    ]
    show_table("到账", ["日期", "金额", "未认款", "付款方", "附言", "状态", "编号"], rows)


def _plain(receipt: Receipt) -> Mapping[str, object]:
    return {name: getattr(receipt, name) for name in Receipt.__dataclass_fields__}


@receipts.command("show")
@click.argument("receipt_id")
@as_json
@frame
def show(house: Frame, receipt_id: str, *, json: bool) -> None:
    """查看一笔到账：可能的客户与理由、认款、经过。"""
    with house.database() as db, db.read() as tx:
        found = whole_receipt(tx, receipt_id)
        names = names_of_bills(tx, (each.bill_id for each in found.apportionments))
    receipt = found.receipt
    if json:
        give_json(found)
        return
    say(f"{receipt.received_on}  {money(receipt.amount_fen, receipt.currency)} {receipt.currency}")
    say(f"付款方 {receipt.payer_name} {receipt.payer_number}  附言 {receipt.memo or '无'}")
    say(f"状态 {SAID[receipt.state]}  未认款 {money(found.left_fen, receipt.currency)}")
    rows = [(c.score, c.legal_name, c.slug, "；".join(c.reasons)) for c in found.candidates]
    show_table("可能的客户", ["分", "单位", "简称", "理由"], rows)
    uses = [
        (
            *(str(a.effective_on), a.use, names.get(a.bill_id or "", "")),
            *(money(a.amount_fen, a.currency), a.batch_id),
        )
        for a in found.apportionments
    ]
    show_table("认款", ["日期", "用途", "账单", "金额", "编号"], uses)
    steps = [
        (t.at.isoformat(timespec="minutes"), t.event, t.became, t.by, t.why) for t in found.life
    ]
    show_table("经过", ["时间", "事件", "状态", "谁", "原因"], steps)
    back = [(str(f.booked_on), f.payer_name, f.serial, f.line_id) for f in found.outgoing]
    if back:
        show_table("可能把它整笔退回的流水", ["日期", "对方", "流水号", "编号"], back)


@receipts.command("match")
@as_json
@frame
def match(house: Frame, *, json: bool) -> None:
    """匹配全部未认款的到账：把握十足的自动认款，其余说明理由等人处理。"""
    with house.database() as db:
        matched = match_open(db, now=house.now())
    if json:
        give_json(matched)
    else:
        tell_matched(matched)


@receipts.command("apportion")
@click.argument("receipt_id")
@click.option("--customer", required=True, help="客户简称或编号")
@click.option("--bill", "bills", multiple=True, help="账单号=金额，可多次；不写按规则分摊")
@click.option("--deposit", type=YUAN, default=0, help="其中多少转为押金")
@click.option("--keep", is_flag=True, help="多余部分留作未认款（默认转预收款）")
@click.option("--why", default="", help="依据")
@frame
def apportion(
    house: Frame,
    receipt_id: str,
    customer: str,
    bills: tuple[str, ...],
    deposit: int,
    *,
    keep: bool,
    why: str,
) -> None:
    """认款：把一笔到账分到客户（或其下级）的账单、押金、预收款。"""
    placing = Placing(
        customer=customer,
        bills=shares(bills),
        deposit_fen=deposit,
        rest=None if keep else Use.PREPAYMENT,
        why=why,
    )
    with house.database() as db:
        done = apportion_receipt(db, receipt_id, placing, by=house.by, now=house.now())
    currency = done.receipt.currency
    for share in done.shares:
        say(f"账单 {share.number} 认款 {money(share.fen, currency)}")
    if done.rest_fen:
        say(f"转预收款 {money(done.rest_fen, currency)}")
    if done.left_fen:
        say(f"尚未认款 {money(done.left_fen, currency)}")
    say(f"认款编号 {done.batch_id}")


@receipts.command("undo")
@click.argument("batch_id")
@click.option("--why", required=True, help="原因")
@frame
def undo(house: Frame, batch_id: str, why: str) -> None:
    """撤销一次认款：账单恢复未付，到账恢复未认款。"""
    with house.database() as db:
        undo_batch(db, batch_id, why=why, by=house.by, now=house.now())
    say(f"已撤销认款 {batch_id}")


@receipts.command("bounce")
@click.argument("receipt_id")
@click.option("--line", help="流水中退回的那一笔：编号或银行流水号")
@click.option("--why", required=True, help="原因")
@frame
def bounced(house: Frame, receipt_id: str, line: str | None, why: str) -> None:
    """退票：银行把到账退回了；有关认款一并撤销。"""
    with house.database() as db:
        bounce(db, receipt_id, line=line, why=why, by=house.by, now=house.now())
    say(f"到账 {receipt_id} 已记为退回")


@receipts.command("claims")
@as_json
@frame
def list_claims(house: Frame, *, json: bool) -> None:
    """列出客户的认领，待审核的。"""
    with house.database() as db, db.read() as tx:
        found = claim_store.claims(tx, state=ClaimState.OPEN)
    if json:
        give_json(found)
        return
    rows = [
        (c.claim_id, str(c.paid_on), money(c.amount_fen, ""), c.payer_name, c.receipt_id or "")
        for c in found
    ]
    show_table("待审核的认领", ["编号", "付款日", "金额", "付款方", "到账"], rows)


@receipts.command("claim")
@click.argument("customer")
@click.option("--payer", required=True, help="付款户名，按银行回单")
@click.option("--account", default="", help="付款账号")
@click.option("--amount", required=True, type=YUAN, help="金额")
@click.option("--on", "paid_on", required=True, type=DAY, help="付款日")
@click.option("--bill", "bills", multiple=True, help="付的是哪张账单，可多次")
@click.option("--document", default="", help="回单编号或说明")
@frame
def claim(
    house: Frame,
    customer: str,
    payer: str,
    account: str,
    amount: int,
    paid_on: date,
    bills: tuple[str, ...],
    document: str,
) -> None:
    """代客户登记认领：钱已付出而没有记到它名下；由另一人审核。"""
    claimed = Claimed(
        payer_name=payer,
        payer_number=account,
        amount_fen=amount,
        paid_on=paid_on,
        bill_numbers=bills,
        document=document,
    )
    with house.database() as db:
        with db.read() as tx:
            customer_id = find_customer(tx, customer).customer_id
        done = claim_receipt(db, customer_id, claimed, by=house.by, now=house.now())
    found = f"，对应到账 {done.receipt_id}" if done.receipt_id else "，尚未找到唯一的到账"
    say(f"认领 {done.claim_id} 已登记{found}，待另一人审核")


@receipts.command("accept")
@click.argument("claim_id")
@click.option("--receipt", help="到账编号；系统已找到时不必写")
@frame
def accept(house: Frame, claim_id: str, receipt: str | None) -> None:
    """同意认领并认款。"""
    with house.database() as db:
        done = accept_claim(db, claim_id, receipt_id=receipt, by=house.by, now=house.now())
    say(f"认领 {claim_id} 已认款，认款编号 {done.batch_id}")


@receipts.command("reject")
@click.argument("claim_id")
@click.option("--answer", required=True, help="给客户的答复")
@frame
def reject(house: Frame, claim_id: str, answer: str) -> None:
    """驳回认领。"""
    with house.database() as db:
        reject_claim(db, claim_id, answer=answer, by=house.by, now=house.now())
    say(f"已驳回认领 {claim_id}")


@receipts.command("draw")
@click.argument("customer")
@click.option(
    "--from",
    "what",
    type=click.Choice(["prepayment", "deposit"]),
    default="prepayment",
    show_default=True,
    help="用预收款还是押金",
)
@click.option("--bill", "bills", multiple=True, help="账单号=金额，可多次；押金必写")
@_CURRENCY
@click.option("--why", default="", help="依据；动用押金必写")
@frame
def draw(
    house: Frame, customer: str, what: str, bills: tuple[str, ...], currency: str | None, why: str
) -> None:
    """用预收款或押金支付账单。"""
    with house.database() as db:
        done = draw_down(
            db,
            customer,
            Use(what),
            bills=shares(bills),
            currency=currency,
            why=why,
            by=house.by,
            now=house.now(),
        )
    for share in done.shares:
        say(f"账单 {share.number} 支付 {money(share.fen, done.currency)} {done.currency}")
    if not done.shares:
        say(f"没有可用 {done.currency} 支付的账单，或 {done.currency} 余额为零")


@receipts.command("set-aside")
@click.argument("customer")
@click.option("--amount", type=YUAN, required=True, help="金额")
@_CURRENCY
@click.option("--why", required=True, help="依据")
@frame
def aside(house: Frame, customer: str, amount: int, currency: str | None, why: str) -> None:
    """把预收款的一部分转为押金。"""
    with house.database() as db:
        batch = set_aside(
            db, customer, amount, currency=currency, why=why, by=house.by, now=house.now()
        )
    say(f"已转押金，认款编号 {batch}")


@receipts.group()
def refunds() -> None:
    """退款：申请、审批、付款；只退回原付款账户。"""


@refunds.command("list")
@click.option("--state", type=click.Choice([str(s) for s in RefundState]), help="只看这种状态")
@as_json
@frame
def list_refunds(house: Frame, state: str | None, *, json: bool) -> None:
    """列出退款。"""
    wanted = RefundState(state) if state else None
    with house.database() as db, db.read() as tx:
        found = apportion_store.refunds(tx, state=wanted, limit=1000)
    if json:
        give_json(found)
        return
    rows = [
        (
            r.refund_id,
            money(r.amount_fen, r.currency),
            r.to_name,
            r.to_number,
            REFUND_SAID[r.state],
            r.why,
        )
        for r in found
    ]
    show_table("退款", ["编号", "金额", "户名", "账号", "状态", "原因"], rows)


@refunds.command("request")
@click.argument("receipt_id")
@click.option("--amount", type=YUAN, required=True, help="金额")
@click.option(
    "--from",
    "source",
    type=click.Choice(["receipt", "prepayment", "deposit"]),
    default="receipt",
    show_default=True,
    help="钱现在哪里：未认款、预收款、押金",
)
@click.option("--customer", help="客户；退预收款或押金必写")
@click.option("--why", required=True, help="原因")
@frame
def ask_refund(
    house: Frame, receipt_id: str, amount: int, source: str, customer: str | None, why: str
) -> None:
    """申请把一笔到账退回其付款账户，等另一人审批。"""
    wanted = Wanted(
        receipt_id=receipt_id,
        source=Source(source),
        customer=customer,
        amount_fen=amount,
        why=why,
    )
    with house.database() as db:
        done = request_refund(db, wanted, by=house.by, now=house.now(), owes_fapiao=owed_back)
    say(f"已申请退款 {done.refund_id}，退回 {done.to_name} {done.to_number}，待另一人审批")


@refunds.command("decide")
@click.argument("refund_id")
@click.option("--approve/--reject", "approve", required=True, help="批准或驳回")
@click.option("--why", default="", help="意见；驳回必写原因")
@frame
def decide(house: Frame, refund_id: str, *, approve: bool, why: str) -> None:
    """批准或驳回他人申请的退款。"""
    with house.database() as db:
        done = decide_refund(
            db,
            refund_id,
            approve=approve,
            by=house.by,
            now=house.now(),
            why=why,
            owes_fapiao=owed_back,
        )
    say(f"退款 {refund_id} {REFUND_SAID[done.state]}")


@refunds.command("paid")
@click.argument("refund_id")
@click.option("--line", help="流水中付出的那一笔：编号或银行流水号")
@click.option("--on", type=DAY, help="付款日（默认今天）")
@frame
def paid(house: Frame, refund_id: str, line: str | None, on: date | None) -> None:
    """记下银行已付出的退款。"""
    with house.database() as db:
        refund_paid(
            db,
            refund_id,
            line=line,
            paid_on=on or today(house.now()),
            by=house.by,
            now=house.now(),
        )
    say(f"退款 {refund_id} 已付出")


@refunds.command("failed")
@click.argument("refund_id")
@click.option("--why", required=True, help="银行给的原因")
@frame
def failed(house: Frame, refund_id: str, why: str) -> None:
    """记下银行没有付成的退款；款项恢复可用。"""
    with house.database() as db:
        refund_failed(db, refund_id, why=why, by=house.by, now=house.now())
    say(f"退款 {refund_id} 付款失败，款项已恢复")
