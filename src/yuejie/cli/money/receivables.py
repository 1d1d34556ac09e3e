"""`yuejie receivables …`: what is owed, how old it is, letters, waivers, standings."""

from datetime import date
from pathlib import Path

import click

from yuejie.app import seller
from yuejie.bills.documents.store import names_of_bills
from yuejie.cli.frame import (
    Frame,
    as_json,
    as_stamped,
    frame,
    give_json,
    plain,
    put,
    say,
    show_table,
)
from yuejie.cli.money.words import DAY, money, today
from yuejie.customers.enrol import find_customer
from yuejie.payments.apportion import store as apportion_store
from yuejie.payments.apportion.waiver import WaiverKind, WaiverState
from yuejie.payments.apportion.waivers import decide_waiver, request_waiver
from yuejie.payments.dunning.dun import daily_dunning, grant_reprieve, watch_credit
from yuejie.payments.dunning.standing import SAID, StandingState
from yuejie.payments.dunning.store import steps
from yuejie.payments.letters.letter import Asked, LetterKind
from yuejie.payments.letters.render import account_letter, deposit_slip
from yuejie.payments.receivables.ageing import Age, Aged, totals
from yuejie.payments.receivables.show import (
    age_receivables,
    month_span,
    open_amounts,
    position_of,
    statement_of_account,
)
from yuejie.web.pages.frame.words import ZH
from yuejie.web.record.who import who

_AGES = {
    Age.NOT_DUE: "未到期",
    Age.UP_TO_30: "1-30 天",
    Age.UP_TO_60: "31-60 天",
    Age.UP_TO_90: "61-90 天",
    Age.UP_TO_180: "91-180 天",
    Age.OLDER: "180 天以上",
}
_TO = click.option(
    "--to",
    "where",
    type=click.Path(path_type=Path),
    default=Path(),
    help="存到哪个目录，或哪个 .pdf 文件（默认当前目录）",
)


@click.group()
def receivables() -> None:
    """应收：未付账单、账龄、对账单、催收、核销、停服。"""


@receivables.command("ageing")
@click.option("--customer", help="只看这个客户")
@click.option("--on", type=DAY, help="截至哪天（默认今天）")
@as_json
@frame
def ageing(house: Frame, customer: str | None, on: date | None, *, json: bool) -> None:
    """账龄表：未到期，逾期 30、60、90、180 天以内及以上；欠得最多的在前。"""
    day = on or today(house.now())
    with house.database() as db:
        found = age_receivables(db, day, customer=customer)
    if json:
        give_json([{"customer": each.customer.slug, **plain(each.aged)} for each in found])
        return
    rows = [(each.customer.slug, *_aged(each.aged)) for each in found]
    rows += [("合计", *_aged(whole)) for whole in totals(each.aged for each in found)]
    show_table(f"账龄 {day}", ["客户", "币种", *_AGES.values(), "合计"], rows)


def _aged(row: Aged) -> tuple[object, ...]:
    return (
        row.currency,
        *(money(row.fen[age], row.currency) for age in Age),
        money(row.total_fen, row.currency),
    )


@receivables.command("open")
@click.argument("customer")
@as_json
@frame
def open_bills(house: Frame, customer: str, *, json: bool) -> None:
    """列出客户已出账的账单与未付金额。"""
    with house.database() as db:
        found = open_amounts(db, customer)
    if json:
        give_json(found)
        return
    rows = [
        (
            a.number,
            a.month,
            money(a.gross_fen, a.currency),
            money(a.credited_fen, a.currency),
            money(a.apportioned_fen, a.currency),
            money(a.open_fen, a.currency),
            str(a.due_on or "待定"),
        )
        for a in found
    ]
    heads = ["账单", "账期", "金额", "冲减", "已认款", "未付", "应付日"]
    show_table(f"{customer} 的账单", heads, rows)


@receivables.command("statement")
@click.argument("customer")
@click.option("--since", type=DAY, help="从哪天起（默认本月一日）")
@click.option("--until", type=DAY, help="到哪天为止，不含（默认下月一日）")
@click.option("--currency", type=click.Choice(["CNY", "USD"]), help="币种（默认客户的结算币种）")
@click.option("--letter", type=click.Choice([str(k) for k in LetterKind]), help="另存为 PDF")
@_TO
@as_stamped
@as_json
@frame
def account(  # noqa: PLR0913 - each option is one thing a person may say
    house: Frame,
    customer: str,
    since: date | None,
    until: date | None,
    currency: str | None,
    letter: str | None,
    where: Path,
    *,
    json: bool,
    stamped: bool,
) -> None:
    """对账单：期初、每笔往来、期末；可存为对账单或询证函 PDF。"""
    first, after = month_span(today(house.now()))
    start, end = since or first, until or after
    with house.database() as db:
        if letter:
            name, body = account_letter(
                db,
                customer,
                Asked(LetterKind(letter), start, end, currency),
                seller(house.settings),
                now=house.now(),
                stamping=house.stamping(wanted=stamped),
            )
            say(f"已写 {put(body, name, where)}")
            return
        found = statement_of_account(db, customer, start, end, currency=currency)
    if json:
        give_json(found)
        return
    say(f"期初 {money(found.opening_fen, found.currency)} {found.currency}")
    rows = [
        (
            str(row.on),
            row.what,
            row.memo,
            money(row.fen, found.currency),
            money(row.balance_fen, found.currency),
        )
        for row in found.rows
    ]
    show_table(
        f"对账单 {customer} {start} 至 {end}", ["日期", "事项", "说明", "金额", "余额"], rows
    )
    say(f"期末 {money(found.closing_fen, found.currency)} {found.currency}")


@receivables.command("slip")
@click.argument("customer")
@click.argument("number", required=False)
@_TO
@as_stamped
@frame
def slip(house: Frame, customer: str, number: str | None, where: Path, *, stamped: bool) -> None:
    """押金收据：不写编号为列出，写编号为存成 PDF。"""
    with house.database() as db:
        if number is None:
            with db.read() as tx:
                found = apportion_store.slips(tx, find_customer(tx, customer).customer_id)
            rows = [(s.number, str(s.effective_on), money(s.amount_fen, s.currency)) for s in found]
            show_table(f"{customer} 的押金收据", ["编号", "日期", "金额"], rows)
            return
        asked = house.stamping(wanted=stamped)
        name, body = deposit_slip(db, customer, number, seller(house.settings), stamping=asked)
    say(f"已写 {put(body, name, where)}")


@receivables.command("dun")
@frame
def dun(house: Frame) -> None:
    """做当天的催收：提醒、违约金、到期抵付、停服判断；文书进程每天自动做。"""
    with house.database() as db:
        done = daily_dunning(db, house.now())
    say(
        f"客户 {done.customers} 个，提醒 {done.reminders} 条，违约金 {done.late_fees} 笔，"
        f"抵付账单 {done.drawn} 张" + (f"，失败 {done.failed} 个（见日志）" if done.failed else "")
    )


@receivables.command("watch")
@frame
def watch(house: Frame) -> None:
    """重新判断每个客户的授信与逾期；文书进程自动做。"""
    with house.database() as db:
        suspended = watch_credit(db, house.now())
    say(f"停服客户 {suspended} 个")


@receivables.command("standing")
@click.argument("customer")
@as_json
@frame
def standing(house: Frame, customer: str, *, json: bool) -> None:
    """查看客户的授信使用与停服状态，以及经过。"""
    with house.database() as db, db.read() as tx:
        customer_id = find_customer(tx, customer).customer_id
        found = position_of(tx, customer_id, house.now())
        life = steps(tx, customer_id)
    if json:
        give_json({"credit": found.credit, "standing": found.standing, "life": life})
        return
    credit = found.credit
    say(f"状态 {SAID[found.standing.state]} {found.standing.reason}")
    rows = [
        ("授信额度", money(credit.limit_fen, credit.currency)),
        ("预收款", money(credit.prepayment_fen, credit.currency)),
        ("押金", money(credit.deposit_fen, credit.currency)),
        ("未付账单", money(credit.open_fen, credit.currency)),
        ("未出账账单", money(credit.drafted_fen, credit.currency)),
        ("未关账用量", money(credit.unbilled_fen, credit.currency)),
        ("可用", money(credit.available_fen, credit.currency)),
    ]
    show_table(f"{customer} 的授信", ["项目", "金额"], rows)
    walked = [
        (s.at.isoformat(timespec="minutes"), SAID[StandingState(s.became)], s.by, s.why)
        for s in life
    ]
    show_table("经过", ["时间", "状态", "谁", "原因"], walked)


@receivables.command("reprieve")
@click.argument("customer")
@click.option("--until", type=DAY, required=True, help="延停到哪天（含）")
@click.option("--why", required=True, help="原因")
@frame
def reprieve(house: Frame, customer: str, until: date, why: str) -> None:
    """延停：到那天为止不停服。"""
    with house.database() as db:
        grant_reprieve(db, customer, until, why=why, by=house.by, now=house.now())
    say(f"{customer} 延停至 {until}")


@receivables.group()
def waivers() -> None:
    """减免：手续费差额与坏账核销，两人经手。"""


@waivers.command("list")
@as_json
@frame
def list_waivers(house: Frame, *, json: bool) -> None:
    """列出待审批的减免。"""
    with house.database() as db, db.read() as tx:
        found = apportion_store.waivers(tx, state=WaiverState.REQUESTED, limit=1000)
        bills = names_of_bills(tx, (each.bill_id for each in found))
    if json:
        give_json(found)
        return
    kinds = {WaiverKind.SHORT_PAY: "手续费差额", WaiverKind.WRITE_OFF: "坏账核销"}
    rows = [
        (
            *(w.waiver_id, kinds[w.kind], bills[w.bill_id], money(w.amount_fen, w.currency)),
            who(w.requested_by, ZH),
        )
        for w in found
    ]
    show_table("待审批的减免", ["编号", "类型", "账单", "金额", "谁"], rows)


@waivers.command("request")
@click.argument("bill")
@click.option(
    "--kind",
    type=click.Choice([str(kind) for kind in WaiverKind]),
    required=True,
    help="short_pay 手续费差额，write_off 坏账核销",
)
@click.option("--why", required=True, help="原因")
@frame
def ask_waiver(house: Frame, bill: str, kind: str, why: str) -> None:
    """申请减免一张账单的全部未付金额，等另一人审批。"""
    with house.database() as db:
        done = request_waiver(
            db,
            bill,
            WaiverKind(kind),
            why=why,
            by=house.by,
            now=house.now(),
            short_pay_fen=house.settings.short_pay_fen,
        )
    say(f"已申请减免 {done.waiver_id}，金额 {money(done.amount_fen, done.currency)}，待另一人审批")


@waivers.command("decide")
@click.argument("waiver_id")
@click.option("--approve/--reject", "approve", required=True, help="批准或驳回")
@click.option("--why", default="", help="驳回的原因；驳回必写")
@frame
def decide(house: Frame, waiver_id: str, *, approve: bool, why: str) -> None:
    """批准或驳回他人申请的减免。"""
    with house.database() as db:
        done = decide_waiver(db, waiver_id, approve=approve, by=house.by, now=house.now(), why=why)
    said = "已批准" if done.state is WaiverState.APPROVED else "已驳回"
    say(f"减免 {waiver_id} {said}")
