"""Months that differ in how they are paid: in parts, too much, late, never, in dollars."""

from datetime import date

from tests.golden.months.desk import Desk, M
from tests.golden.months.page import Show, Told
from yuejie.payments.apportion.draw import draw_down
from yuejie.payments.apportion.move import Use
from yuejie.payments.apportion.waiver import WaiverKind

JANUARY = date(2027, 1, 1)


def test_paid_in_parts_and_short(desk: Desk, show: Show) -> None:
    """500, then 545: what lacks is within the tolerance of a bank's fee, borne by two."""
    acme = desk.customer()
    acme.uses("2026-10-05 10:00:00", "gpt-4o", input=106 * M)
    bill = desk.paid(acme, "2026-10", "500.00")
    desk.pays(acme, "2026-11-09", "545.00", bill)
    desk.gives_up(bill, WaiverKind.SHORT_PAY, "汇款手续费")
    desk.fapiao(acme, bill)
    told = Told(
        "分两次付款，差额在手续费容差之内",
        "两笔到账 1,045.00，差 15.00 经两人确认记财务费用，账单结清，发票按账单全额。",
        ("500.00 + 545.00 = 1,045.00；1,060.00 − 1,045.00 = 15.00", "1,060.00 ÷ 1.06 = 1,000.00"),
    )
    show("paid_in_parts_and_a_bank_fee", told, acme)


def test_paid_too_much(desk: Desk, show: Show) -> None:
    """440 too much are a prepayment, which pays a part of November on its due date."""
    acme = desk.customer()
    acme.uses("2026-10-05 10:00:00", "gpt-4o", input=106 * M)
    acme.uses("2026-11-05 10:00:00", "gpt-4o", input=53 * M)
    october = desk.paid(acme, "2026-10", "1500.00")
    november = desk.bill(acme, "2026-11")
    desk.bank.day("2026-12-09")
    desk.pays(acme, "2026-12-09", "90.00", november)
    desk.fapiao(acme, october, november)
    told = Told(
        "多付转预收，下月到期自动抵付",
        "十月多付 440.00 记预收款，十一月账单到期日抵付 440.00，只需再付 90.00；预收款归零。",
        (
            "1,500.00 − 1,060.00 = 440.00；53 百万 × 10.00 = 530.00；530.00 − 440.00 = 90.00",
            "到账 1,500.00 + 90.00 = 1,590.00；发票 1,060.00 + 530.00 = 1,590.00",
        ),
        until=JANUARY,
    )
    show("paid_too_much", told, acme)


def test_a_deposit_is_applied(desk: Desk, show: Show) -> None:
    """2,000 are deposited before October; on the due date 1,060 of them pay its bill."""
    acme = desk.customer()
    deposit = desk.bank.pays("2026-10-08", "2000.00", acme.customer.legal_name, memo="押金")
    desk.place(acme, deposit, deposit="2000.00")
    acme.uses("2026-10-15 10:00:00", "gpt-4o", input=106 * M)
    bill = desk.bill(acme, "2026-10")
    desk.bank.at("2026-11-09")
    draw_down(
        desk.db,
        "acme",
        Use.DEPOSIT,
        bills={str(bill.number): 1_060_00},
        why="客户申请以押金抵付",
        by="finance",
        now=desk.now,
    )
    desk.fapiao(acme, bill)
    told = Told(
        "押金抵付账单",
        "押金进出都在其他应付款，不计收入、不开票；抵付后余 940.00，账单结清可开专票。",
        ("2,000.00 − 1,060.00 = 940.00", "1,060.00 ÷ 1.06 = 1,000.00"),
    )
    show("deposit_applied", told, acme)


def test_a_late_fee(desk: Desk, show: Show) -> None:
    """Due on the 9th, booked by the bank on the 19th: ten days at 0.05 %, on November's bill."""
    acme = desk.customer()
    acme.uses("2026-10-05 10:00:00", "gpt-4o", input=106 * M)
    acme.uses("2026-11-05 10:00:00", "gpt-4o", input=10 * M)
    october = desk.paid(acme, "2026-10", "1060.00", on="2026-11-19")
    desk.bank.day("2026-11-20")
    november = desk.paid(acme, "2026-11", "105.30", on="2026-12-07")
    desk.fapiao(acme, october, november)
    told = Told(
        "逾期十天，违约金进下月账单",
        "违约金只计一次，自成一行，随账单计税开票（价外费用），记违约金收入而非主营收入。",
        (
            "应付日 11-09，银行入账 11-19，逾期 10 天；1,060.00 × 0.05% × 10 = 5.30",
            "十一月 10 百万 × 10.00 = 100.00 + 5.30 = 105.30；÷ 1.06 = 99.339… → 99.34，税 5.96",
            "其中违约金 5.30 = 5.00 + 税 0.30，收入 94.34",
        ),
        until=JANUARY,
    )
    show("late_fee", told, acme)


def test_a_bad_debt_and_a_receipt_later(desk: Desk, show: Show) -> None:
    """Given up by two; a month later 400 come in after all, and the loss falls by them."""
    acme = desk.customer()
    acme.uses("2026-10-05 10:00:00", "gpt-4o", input=106 * M)
    bill = desk.bill(acme, "2026-10")
    desk.bank.at("2026-11-30")
    desk.gives_up(bill, WaiverKind.WRITE_OFF, "客户破产清算")
    late = desk.pays(acme, "2026-12-21", "400.00", bill)
    desk.place(acme, late, bills={str(bill.number): 400_00})
    told = Told(
        "坏账核销之后又收回一部分",
        "核销 1,060.00 记坏账损失、账单为已核销；其后收回 400.00 冲减损失，损失余 660.00。",
        ("1,060.00 − 400.00 = 660.00", "收入 1,000.00 与税额 60.00 不因核销而变"),
        until=JANUARY,
    )
    show("bad_debt_and_a_receipt_later", told, acme)


def test_settled_in_dollars(dollars: Desk, show: Show) -> None:
    """Billed and paid in dollars: the books keep dollars apart, and exchange nothing."""
    acme = dollars.customer(currency="USD")
    dollars.banks_in_dollars()
    acme.uses("2026-10-05 10:00:00", "gpt-4o", input=200 * M, output=4 * M)
    bill = dollars.bill(acme, "2026-10")
    dollars.pays(acme, "2026-11-05", "500.00", bill)
    told = Told(
        "以美元结算，已付一部分",
        "账单、到账、对账单与账簿都是美元，未付 560.00 美元；不折人民币，没有汇兑损益，不开发票。",
        (
            "200 百万 × 5.00 = 1,000.00；4 百万 × 15.00 = 60.00；合计 1,060.00 美元",
            "1,060.00 ÷ 1.06 = 1,000.00，税额 60.00；1,060.00 − 500.00 = 560.00",
        ),
    )
    show("settled_in_dollars", told, acme)
