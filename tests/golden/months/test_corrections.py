"""Months that are put right: late calls, prices, adjustments, credits, voids, broken promises."""

from dataclasses import replace
from datetime import date
from uuid import UUID

import msgspec

from tests.golden.months.desk import AGREED, Desk, M
from tests.golden.months.page import Show, Told
from tests.scenarios.books import CLERK
from tests.scenarios.callers import SLA, calls, fails
from yuejie.bills.correct.adjust import decide_adjustment
from yuejie.bills.correct.adjustment import Decision
from yuejie.bills.review.ask import propose_bill, reopen_bill
from yuejie.bills.review.disputes import (
    Objection,
    accept_dispute,
    raise_dispute,
    reject_dispute,
)
from yuejie.budgets.lending.count import Spending
from yuejie.fapiao.reversing.form import RedPick
from yuejie.payments.apportion.draw import return_excess
from yuejie.payments.apportion.waiver import WaiverKind
from yuejie.usage.correct import correct

JANUARY = date(2027, 1, 1)


def test_late_usage(desk: Desk, show: Show) -> None:
    """A call of October turns up when October is issued and paid: November carries it."""
    acme = desk.customer()
    acme.uses("2026-10-05 10:00:00", "gpt-4o", input=100 * M)
    october = desk.paid(acme, "2026-10", "1000.00")
    acme.uses("2026-10-31 23:59:59", "gpt-4o", input=6 * M)
    acme.uses("2026-11-10 10:00:00", "gpt-4o", input=100 * M)
    november = desk.paid(acme, "2026-11", "1060.00", on="2026-12-07")
    desk.fapiao(acme, october, november)
    told = Told(
        "补计：十月的调用在出账之后才到",
        "十月账单一分不动；十一月账单有一行补计 2026-10，标明所属账期；两张账单合开一张专票。",
        (
            "十月 100 百万 × 10.00 = 1,000.00（÷ 1.06 = 943.40，税 56.60）",
            "十一月 1,000.00 + 补计 6 百万 × 10.00 = 1,060.00（÷ 1.06 = 1,000.00，税 60.00）",
            "发票两行各照账单，不合并重算：943.40 + 1,000.00 = 1,943.40；税 116.60；合计 2,060.00",
        ),
        until=JANUARY,
    )
    show("late_usage_of_an_earlier_month", told, acme)


def test_usage_is_corrected(desk: Desk, show: Show) -> None:
    """October counted 20 million too many: what should have been billed less what was billed."""
    acme = desk.customer()
    call = acme.uses("2026-10-05 10:00:00", "gpt-4o", input=100 * M)
    october = desk.paid(acme, "2026-10", "1000.00")
    less = tuple(msgspec.structs.replace(item, quantity=80 * M) for item in call.items)
    correct(
        desk.db,
        {UUID(bytes=call.begun.event): lambda _: msgspec.structs.replace(call, items=less)},
        source="report",
        count=Spending().count,
        forced=True,
    )
    acme.uses("2026-11-10 10:00:00", "gpt-4o", input=126 * M)
    november = desk.paid(acme, "2026-11", "1060.00", on="2026-12-07")
    desk.fapiao(acme, october, november)
    told = Told(
        "更正用量：应计减已计，差额在下月账单",
        "十月多计 20 百万，账单不改；十一月一行负数补计 2026-10 冲回 200.00，收入与税额随之减少。",
        (
            "十月应为 80 百万 × 10.00 = 800.00，已出 1,000.00，差 −200.00",
            "十一月 126 百万 × 10.00 = 1,260.00 − 200.00 = 1,060.00（÷ 1.06 = 1,000.00，税 60.00）",
        ),
        until=JANUARY,
    )
    show("usage_corrected", told, acme)


def test_a_price_is_corrected(desk: Desk, show: Show) -> None:
    """October was billed at 10, and 8 were agreed: the difference stands on November's bill."""
    acme = desk.customer()
    acme.uses("2026-10-05 10:00:00", "gpt-4o", input=100 * M)
    october = desk.paid(acme, "2026-10", "1000.00")
    why = f"{october.number} 第 1 行应按合同价 8.00"
    desk.adjust(acme, "2026-10", "-200.00", "2026-10 gpt-4o 输入单价更正 10.00 → 8.00", why)
    acme.uses("2026-11-10 10:00:00", "gpt-4o", input=126 * M)
    november = desk.paid(acme, "2026-11", "1060.00", on="2026-12-07")
    desk.fapiao(acme, october, november)
    told = Told(
        "更正单价：上月多收，下月账单减回",
        "已出账单不改；差额由两人批准，在十一月账单自成一行，写明所属账期与新旧单价。",
        (
            "十月应为 100 百万 × 8.00 = 800.00，已出 1,000.00，差 −200.00",
            "十一月 126 百万 × 10.00 = 1,260.00 − 200.00 = 1,060.00（÷ 1.06 = 1,000.00，税 60.00）",
        ),
        until=JANUARY,
    )
    show("price_corrected", told, acme)


def test_an_adjustment(desk: Desk, show: Show) -> None:
    acme = desk.customer()
    acme.uses("2026-10-05 10:00:00", "gpt-4o", input=109 * M)
    desk.adjust(acme, "2026-10", "-30.00", "测试期流量减免", "客户经理承诺")
    desk.settled(acme, "1060.00")
    told = Told(
        "调整：销售提出、财务批准的减免",
        "减免 30.00 自成一行，由另一人批准后才进账单，计税与发票都按减免后的金额。",
        ("109 百万 × 10.00 = 1,090.00；1,090.00 − 30.00 = 1,060.00", "1,060.00 ÷ 1.06 = 1,000.00"),
    )
    show("adjustment_by_two", told, acme)


def test_a_part_is_credited(desk: Desk, show: Show) -> None:
    """106 of a paid bill are credited: they become a prepayment, and its fapiao is partly red."""
    acme = desk.customer()
    acme.uses("2026-10-05 10:00:00", "gpt-4o", input=106 * M)
    bill = desk.paid(acme, "2026-10", "1060.00")
    desk.bank.at("2026-11-06")
    blue = desk.fapiao(acme, bill)
    desk.bank.at("2026-11-16")
    desk.credit(bill, {1: 106_00}, "十月五日服务中断")
    return_excess(desk.db, acme.customer.customer_id, by=CLERK, now=desk.now)
    desk.red(blue, "按冲减单部分红冲", RedPick(1, 106_00))
    told = Told(
        "部分冲减：结清并开票之后，开冲减单与部分红字发票",
        "已付账单冲减 106.00：收入与税额反冲，多付部分转预收款，红票与冲减单同额，净开票 954.00。",
        (
            "106 百万 × 10.00 = 1,060.00（1,000.00 + 60.00）",
            "冲减 106.00 = 100.00 + 税 6.00；账单净额 954.00 = 900.00 + 54.00",
            "发票 1,060.00 − 红票 106.00 = 954.00；预收款 106.00",
        ),
    )
    show("credit_in_part_and_red_fapiao", told, acme)


def test_a_bill_is_voided_and_billed_anew(desk: Desk, show: Show) -> None:
    """Issued, found wrong, voided by the word of two, drawn anew, and paid."""
    acme = desk.customer()
    acme.uses("2026-10-05 10:00:00", "gpt-4o", input=106 * M)
    first = desk.bill(acme, "2026-10")
    desk.bank.at("2026-11-03")
    desk.credit(first, None, "采购订单号有误")
    second = desk.bill(acme, "2026-10", on="2026-11-04")
    desk.pays(acme, "2026-11-06", "1060.00", second)
    desk.fapiao(acme, second)
    told = Told(
        "整张作废，重新出账",
        "原账单以冲减单整张作废而仍可查，新账单用新号码、封印相连；应收只有一份，发票只开新账单。",
        (
            "106 百万 × 10.00 = 1,060.00，出账 +1,060.00，作废 −1,060.00，重出 +1,060.00",
            "收入 1,000.00 × (1 − 1 + 1) = 1,000.00；税额 60.00",
        ),
    )
    show("void_and_billed_anew", told, acme)


def test_a_promise_is_broken(desk: Desk, show: Show) -> None:
    """Of ten calls one fails: 90 % are below 99 %, a quarter of the month's usage is given back."""
    acme = desk.customer(terms=replace(AGREED, sla=replace(SLA, operations_min=10)))
    acme.uses("2026-10-05 10:00:00", "gpt-4o", input=106 * M)
    calls(acme, "2026-10-05 11:00:00", 8)
    fails(acme, "2026-10-06 11:00:00", 1)
    desk.settled(acme, "795.00")
    told = Told(
        "SLA 赔付：可用率低于承诺",
        "当月账单自动减去赔付 265.00 并写明理由；计税、应收与发票都按赔付后的 795.00。",
        (
            "10 次调用失败 1 次，可用率 90%，低于 99% 一档，赔付 25%",
            "1,060.00 × 25% = 265.00；1,060.00 − 265.00 = 795.00",
            "795.00 ÷ 1.06 = 750.00，税额 45.00",
        ),
    )
    show("sla_credit", told, acme)


def test_a_dispute(desk: Desk, show: Show) -> None:
    """Two lines are doubted; one is upheld, of the other something is taken off; a cent lacks."""
    acme = desk.customer()
    owner = acme.customer.customer_id
    acme.uses("2026-10-05 10:00:00", "gpt-4o", input=100 * M, output=6 * M)
    desk.books.close("2026-10")
    desk.bank.at("2026-11-02")
    name = acme.bill("2026-10").bill_id
    propose_bill(desk.db, name, by="finance", now=desk.now)
    first, second = (
        raise_dispute(
            desk.db,
            name,
            Objection(line, "与我方记录不符"),
            by="acme",
            now=desk.now,
            customer_id=owner,
        ).dispute_id
        for line in (1, 2)
    )
    reject_dispute(desk.db, first, answer="附上逐日用量", by="finance", now=desk.now)
    accepted = accept_dispute(
        desk.db, second, amount_fen=-120_00, answer="重复重试", by="finance", now=desk.now
    )
    assert accepted.adjustment_id is not None
    decide_adjustment(desk.db, accepted.adjustment_id, Decision.APPROVE, by="boss", now=desk.now)
    reopen_bill(desk.db, name, by="finance", now=desk.now, why="按异议调整")
    bill = desk.settle(acme, acme.bill("2026-10"))
    desk.pays(acme, "2026-11-06", "1059.99", bill)
    desk.gives_up(bill, WaiverKind.SHORT_PAY, "少付一分")
    desk.fapiao(acme, bill)
    told = Told(
        "有异议的账单：一行驳回、一行调减，少付一分结清",
        "异议调减 120.00 由另一人批准，重出后客户再确认；少到的 0.01 记财务费用，发票按账单全额。",
        (
            "100 百万 × 10.00 + 6 百万 × 30.00 = 1,180.00；1,180.00 − 120.00 = 1,060.00",
            "1,060.00 ÷ 1.06 = 1,000.00；到账 1,059.99 + 财务费用 0.01 = 1,060.00",
        ),
    )
    show("disputed_and_a_cent_short", told, acme)
