"""`yuejie providers …`."""

from datetime import datetime

import click

from yuejie.assurance.providers import store
from yuejie.assurance.providers.credit import CreditDraft, enter_credit, void_credit
from yuejie.assurance.providers.owed import (
    PURPOSES,
    PaymentFor,
    ProviderPayment,
)
from yuejie.assurance.providers.pay import (
    BankSaid,
    BillDraft,
    decide_payment,
    enter_bill,
    note_paid,
    open_of,
    request_payment,
    void_bill,
)
from yuejie.assurance.providers.payables import payables
from yuejie.assurance.providers.standing import Observation, ProviderTerms, Standing
from yuejie.assurance.providers.watch import due_warnings, put_terms, see_balance, standings
from yuejie.cli.frame import Frame, as_json, frame, give_json, say, show_table
from yuejie.cli.months import Month
from yuejie.kernel.money import Money
from yuejie.kernel.period import BillingMonth, parse_instant, zone_of

_DAY = click.DateTime(formats=["%Y-%m-%d"])
_CURRENCY = click.option("--currency", type=click.Choice(["USD", "CNY"]), default="USD")
_WHY = click.option("--why", default="", help="原因")


@click.group()
def providers() -> None:
    """供应商：账号余额与告警、供应商账单、付款（两人审批）。"""


@providers.command("list")
@as_json
@frame
def list_(house: Frame, *, json: bool) -> None:
    """列出登记过条款的账号：余额、日均消耗、还够几天、本月用量。"""
    with house.database() as db:
        found = standings(db, house.now())
    if json:
        give_json([{"standing": s, "left_fen": s.left_fen, "days": s.days_left} for s in found])
        return
    columns = ["账号", "币种", "方式", "余额", "日均", "还够（天）", "凭证到期"]
    show_table("供应商账号", columns, [_standing(each) for each in found])


def _standing(each: Standing) -> tuple[object, ...]:
    terms = each.terms
    left = None if each.left_fen is None else Money(each.left_fen, terms.currency)
    return (
        *(terms.account_id, terms.currency, "预付" if terms.prepaid else "后付"),
        *(left, Money(each.daily_fen, terms.currency), each.days_left),
        str(terms.credential_expires_on or ""),
    )


@providers.command("terms")
@click.argument("account")
@_CURRENCY
@click.option("--prepaid", is_flag=True, help="预付费")
@click.option("--low", default="0", help="余额低于多少告警")
@click.option("--low-days", default=7, show_default=True, help="余额不够几天告警")
@click.option("--ceiling", help="供应商每月上限；80 % 与 100 % 时告警")
@click.option("--expires", type=_DAY, help="凭证到期日；提前 30、7、1 天告警")
@click.option("--net-days", default=30, show_default=True, help="账单付款天数")
@frame
def terms_(  # noqa: PLR0913 - an option for each of the terms
    house: Frame,
    account: str,
    currency: str,
    low: str,
    low_days: int,
    ceiling: str | None,
    expires: datetime | None,
    net_days: int,
    *,
    prepaid: bool,
) -> None:
    """登记一个账号的条款，改动即为下一版。"""
    made = ProviderTerms(
        account_id=account,
        currency=currency,
        prepaid=prepaid,
        low_fen=Money.parse(low, currency).fen,
        low_days=low_days,
        monthly_ceiling_fen=Money.parse(ceiling, currency).fen if ceiling else None,
        credential_expires_on=expires.date() if expires else None,
        net_days=net_days,
    )
    with house.database() as db:
        changed = put_terms(db, made, by=house.by, now=house.now())
    say("已登记" if changed else "无变化")


@providers.command("balance")
@click.argument("account")
@click.argument("amount")
@_CURRENCY
@click.option("--at", "at", help="看到余额的时刻；不写为现在")
@frame
def balance_(house: Frame, account: str, amount: str, currency: str, at: str | None) -> None:
    """登记在供应商控制台看到的余额。"""
    when = parse_instant(at, zone_of("Asia/Shanghai")) if at else house.now()
    fen = Money.parse(amount, currency).fen
    with house.database() as db:
        seen = Observation(account, when, fen, currency, house.by)
        see_balance(db, seen, now=house.now())
    say("已登记")


@providers.command("warnings")
@as_json
@frame
def warnings_(house: Frame, *, json: bool) -> None:
    """现在应当告警的事：余额、消耗、上限、凭证到期。"""
    with house.database() as db:
        found = due_warnings(db, house.now())
    if json:
        give_json(found)
        return
    for each in found:
        say(each.sentence)
    if not found:
        say("没有需要告警的事")


@providers.command("bills")
@click.option("--account", help="供应商账号；不写则全部")
@as_json
@frame
def bills_(house: Frame, account: str | None, *, json: bool) -> None:
    """列出供应商账单和未付金额。"""
    with house.database() as db, db.read() as tx:
        found = store.bills(tx, account)
        paid, back = store.payments(tx, account), store.credits_of(tx, account)
    if json:
        give_json(found)
        return
    rows = [
        (
            *(b.account_id, b.number, b.month, b.currency),
            *(Money(n, b.currency) for n in (b.net_fen, b.tax_fen, b.gross_fen)),
            Money(open_of(b, paid, back), b.currency),
            *(str(b.due_on), "已作废" if b.voided_why else "", b.provider_bill_id),
        )
        for b in found
    ]
    heads = ["账号", "号码", "月份", "币种", "金额", "税额", "合计", "未付", "到期", "状态", "编号"]
    show_table("供应商账单", heads, rows)


@providers.command("enter")
@click.argument("account")
@click.argument("number")
@click.option("--month", type=Month(), required=True, help="用量月份")
@click.option("--net", required=True, help="不含税金额")
@click.option("--tax", default="0", help="税额")
@_CURRENCY
@click.option("--billed-on", type=_DAY, required=True, help="开票日")
@click.option("--due-on", type=_DAY, help="到期日；不写按条款的付款天数")
@frame
def enter_(  # noqa: PLR0913, PLR0917 - an option for each thing on the bill
    house: Frame,
    account: str,
    number: str,
    month: BillingMonth,
    net: str,
    tax: str,
    currency: str,
    billed_on: datetime,
    due_on: datetime | None,
) -> None:
    """录入供应商账单并入账；同一号码只入账一次。"""
    draft = BillDraft(
        account_id=account,
        number=number,
        month=month,
        net=Money.parse(net, currency),
        tax=Money.parse(tax, currency),
        billed_on=billed_on.date(),
        due_on=due_on.date() if due_on else None,
    )
    with house.database() as db:
        made = enter_bill(db, draft, by=house.by, now=house.now())
    say(
        f"{made.provider_bill_id}　{Money(made.gross_fen, currency)} {currency}　{made.due_on} 到期"
    )


@providers.command("void")
@click.argument("provider_bill_id")
@click.option("--why", required=True, help="原因")
@frame
def void_(house: Frame, provider_bill_id: str, why: str) -> None:
    """作废录错的供应商账单，冲销其分录。"""
    with house.database() as db:
        void_bill(db, provider_bill_id, why=why, by=house.by, now=house.now())
    say("已作废")


@providers.command("credit")
@click.argument("provider_bill_id")
@click.argument("number")
@click.option("--net", required=True, help="不含税金额，按正数写")
@click.option("--tax", default="0", help="税额，按正数写")
@_CURRENCY
@click.option("--credited-on", type=_DAY, required=True, help="贷项日期")
@click.option("--why", required=True, help="供应商为什么退")
@frame
def credit_(
    house: Frame,
    provider_bill_id: str,
    number: str,
    net: str,
    tax: str,
    currency: str,
    credited_on: datetime,
    why: str,
) -> None:
    """录入供应商账单的贷项并入账：先冲该账单未付的，其余成为在供应商处的余额。"""
    draft = CreditDraft(
        provider_bill_id=provider_bill_id,
        number=number,
        net=Money.parse(net, currency),
        tax=Money.parse(tax, currency),
        credited_on=credited_on.date(),
        why=why,
    )
    with house.database() as db:
        made = enter_credit(db, draft, by=house.by, now=house.now())
    taken, left = Money(made.bill_fen, currency), Money(made.balance_fen, currency)
    say(f"{made.provider_credit_id}　冲减账单 {taken}　转入余额 {left} {currency}")


@providers.command("credits")
@click.option("--account", help="供应商账号；不写则全部")
@as_json
@frame
def credits_(house: Frame, account: str | None, *, json: bool) -> None:
    """列出供应商贷项。"""
    with house.database() as db, db.read() as tx:
        found = store.credits_of(tx, account)
    if json:
        give_json(found)
        return
    rows = [
        (
            *(c.account_id, c.number, c.provider_bill_id, c.currency),
            *(Money(n, c.currency) for n in (c.gross_fen, c.bill_fen, c.balance_fen)),
            *(str(c.credited_on), c.why, "已作废" if c.voided_why else "", c.provider_credit_id),
        )
        for c in found
    ]
    heads = (
        *("账号", "号码", "账单", "币种", "合计", "冲减账单", "转入余额"),
        *("日期", "原因", "状态", "编号"),
    )
    show_table("供应商贷项", list(heads), rows)


@providers.command("void-credit")
@click.argument("provider_credit_id")
@click.option("--why", required=True, help="原因")
@frame
def void_credit_(house: Frame, provider_credit_id: str, why: str) -> None:
    """作废录错的供应商贷项，冲销其分录；余额已用的不能作废。"""
    with house.database() as db:
        void_credit(db, provider_credit_id, why=why, by=house.by, now=house.now())
    say("已作废")


@providers.command("payables")
@click.option("--account", help="供应商账号；不写则全部")
@as_json
@frame
def payables_(house: Frame, account: str | None, *, json: bool) -> None:
    """列出每个账号的应付、已申请未付和在供应商处的余额。"""
    with house.database() as db, db.read() as tx:
        found = payables(tx, account)
    if json:
        give_json(found)
        return
    rows = [
        (
            *(p.account_id, p.currency),
            *(Money(n, p.currency) for n in (p.owed_fen, p.asked_fen, p.prepaid_fen)),
        )
        for p in found
    ]
    show_table("供应商应付", ["账号", "币种", "应付", "已申请未付", "余额（预付）"], rows)


@providers.command("pay")
@click.argument("account")
@click.argument("amount")
@_CURRENCY
@click.option("--bill", "bill", help="供应商账单编号；充值时不写")
@click.option("--draw", is_flag=True, help="从预付余额抵付，不动银行")
@click.option("--why", default="", help="原因；充值必填")
@frame
def pay_(
    house: Frame,
    account: str,
    amount: str,
    currency: str,
    bill: str | None,
    why: str,
    *,
    draw: bool,
) -> None:
    """申请一笔付款：付账单、充值或抵付；须由另一人批准。"""
    purpose = PaymentFor.DRAW if draw else PaymentFor.BILL if bill else PaymentFor.TOP_UP
    with house.database() as db:
        made = request_payment(
            db,
            account,
            Money.parse(amount, currency),
            purpose,
            by=house.by,
            now=house.now(),
            provider_bill_id=bill,
            why=why,
        )
    say(f"{made.payment_id} 待另一人审批")


@providers.command("refund")
@click.argument("account")
@click.argument("amount")
@_CURRENCY
@click.option("--why", required=True, help="原因")
@frame
def refund_(house: Frame, account: str, amount: str, currency: str, why: str) -> None:
    """申请供应商退回余额；须由另一人批准，到账后用 paid 登记。"""
    with house.database() as db:
        made = request_payment(
            db,
            account,
            Money.parse(amount, currency),
            PaymentFor.REFUND,
            by=house.by,
            now=house.now(),
            why=why,
        )
    say(f"{made.payment_id} 待另一人审批")


@providers.command("decide")
@click.argument("payment_id")
@click.option("--approve/--reject", required=True, default=None, help="批准或驳回")
@_WHY
@frame
def decide_(house: Frame, payment_id: str, why: str, *, approve: bool) -> None:
    """审批付款：申请人不能批准自己的申请。"""
    with house.database() as db:
        made = decide_payment(
            db, payment_id, approve=approve, by=house.by, now=house.now(), why=why
        )
    say(made.said)


@providers.command("paid")
@click.argument("payment_id")
@click.option("--bank", default="", help="付款银行账户")
@click.option("--reference", default="", help="银行流水号")
@click.option("--amount", help="实付金额，含手续费")
@click.option("--paid-currency", type=click.Choice(["USD", "CNY"]), default="CNY")
@click.option("--charges", default="0", help="其中的手续费")
@click.option("--receipt", default="", help="退回的款已作为到账导入时，该到账的编号")
@frame
def paid_(
    house: Frame,
    payment_id: str,
    bank: str,
    reference: str,
    amount: str | None,
    paid_currency: str,
    charges: str,
    receipt: str,
) -> None:
    """登记银行已付或退款已到，并入账；抵付不需要银行。"""
    said = None
    if amount is not None or receipt:
        said = BankSaid(
            bank=bank,
            reference=reference,
            paid=Money.parse(amount or "0", paid_currency),
            charges_fen=Money.parse(charges, paid_currency).fen,
            receipt_id=receipt,
        )
    with house.database() as db:
        made = note_paid(db, payment_id, said, by=house.by, now=house.now())
    say(f"{made.said}，已入账")


@providers.command("payments")
@click.option("--account", help="供应商账号；不写则全部")
@as_json
@frame
def payments_(house: Frame, account: str | None, *, json: bool) -> None:
    """列出对供应商的付款。"""
    with house.database() as db, db.read() as tx:
        found = store.payments(tx, account)
    if json:
        give_json(found)
        return
    heads = ["编号", "账号", "用途", "币种", "金额", "状态", "原因", "申请", "审批", "流水号"]
    show_table("对供应商的付款", heads, [_payment(each) for each in found])


def _payment(each: ProviderPayment) -> tuple[object, ...]:
    return (
        *(each.payment_id, each.account_id, PURPOSES[each.purpose], each.currency),
        *(Money(each.fen, each.currency), each.said, each.why),
        *(each.requested_by, each.decided_by or "", each.bank_reference),
    )
