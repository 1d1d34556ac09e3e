"""Months that differ in what they cost: tax, dollars, discount, minimum, fee, package, voucher."""

from dataclasses import replace
from datetime import UTC, date, datetime

from tests.golden.months.desk import AGREED, OCTOBER, Desk, M
from tests.golden.months.page import Show, Told
from yuejie.contracts.grants.grant import GrantKind
from yuejie.contracts.terms import (
    Commitment,
    CommitmentPeriod,
    TaxGrouping,
    TierDiscount,
    TierStep,
)

STEPS = TierDiscount((TierStep(0, 0), TierStep(1_000_00, 100_000), TierStep(2_000_00, 200_000)))


def test_a_plain_month(desk: Desk, show: Show) -> None:
    """Used, billed, confirmed, paid to the fen, and then its fapiao."""
    acme = desk.customer()
    acme.uses("2026-10-05 10:00:00", "gpt-4o", input=100 * M, output=2 * M)
    desk.settled(acme, "1060.00")
    told = Told(
        "平常的一个月：含税价，先款后票",
        "账单 1,060.00 全额到账、应收归零，专票与账单同额，税额含在价内。",
        (
            "输入 100 百万 × 10.00 = 1,000.00；输出 2 百万 × 30.00 = 60.00；合计 1,060.00",
            "1,060.00 ÷ 1.06 = 1,000.00，税额 60.00",
        ),
    )
    show("plain_month_tax_inside", told, acme)


def test_tax_on_top(desk: Desk, show: Show) -> None:
    """The same usage, at prices before tax."""
    acme = desk.customer(tax_mode="exclusive")
    acme.uses("2026-10-05 10:00:00", "gpt-4o", input=100 * M, output=2 * M)
    desk.settled(acme, "1123.60")
    told = Told(
        "同样的用量，不含税价：税额另加",
        "用量 1,060.00 为不含税金额，另加 6% 税额，应收、到账与专票均为 1,123.60。",
        ("1,000.00 + 60.00 = 1,060.00", "1,060.00 × 6% = 63.60；1,060.00 + 63.60 = 1,123.60"),
    )
    show("tax_on_top", told, acme)


def test_five_thousand_dollars(dollars: Desk, show: Show) -> None:
    """A fintech's 5,000 dollars at the month's rate, tax inside."""
    acme = dollars.customer(fx_policy="bill")
    acme.uses("2026-10-15 10:00:00", "gpt-4o", input=400 * M, output=200 * M)
    bill = dollars.bill(acme, "2026-10")
    dollars.pays(acme, "2026-11-05", "36000.00", bill)
    dollars.bank.at("2026-11-06")
    dollars.fapiao(acme, bill)
    told = Told(
        "五千美元按 7.2 折人民币，含税价",
        "账单并列美元 5,000.00 与人民币 36,000.00，人民币收款、人民币开票。",
        (
            "400 百万 × 5.00 = 2,000.00 美元 × 7.2 = 14,400.00",
            "200 百万 × 15.00 = 3,000.00 美元 × 7.2 = 21,600.00",
            "36,000.00 ÷ 1.06 = 33,962.264… → 33,962.26，税额 2,037.74",
        ),
    )
    show("five_thousand_dollars_in_yuan", told, acme)


def test_five_thousand_dollars_with_tax_on_top(dollars: Desk, show: Show) -> None:
    acme = dollars.customer(fx_policy="bill", tax_mode="exclusive")
    acme.uses("2026-10-15 10:00:00", "gpt-4o", input=400 * M, output=200 * M)
    bill = dollars.bill(acme, "2026-10")
    dollars.pays(acme, "2026-11-05", "38160.00", bill)
    dollars.bank.at("2026-11-06")
    dollars.fapiao(acme, bill)
    told = Told(
        "五千美元按 7.2 折人民币，不含税价",
        "先折人民币再加 6% 税额：36,000.00 + 2,160.00 = 38,160.00。",
        ("5,000.00 美元 × 7.2 = 36,000.00", "36,000.00 × 6% = 2,160.00"),
    )
    show("five_thousand_dollars_tax_on_top", told, acme)


def test_steps_of_discount(desk: Desk, show: Show) -> None:
    """Two models, taxed by model: the discount lessens the tax line that is largest."""
    acme = desk.customer(terms=replace(AGREED, tier_discount=STEPS, tax_grouping=TaxGrouping.MODEL))
    acme.uses("2026-10-05 10:00:00", "gpt-4o", input=200 * M)
    acme.uses("2026-10-06 10:00:00", "gpt-3.5-turbo", input=500 * M)
    desk.settled(acme, "2300.00")
    told = Told(
        "阶梯折扣，按模型开票",
        "折扣在账单上自成一行；按模型计税时并入金额最大的计税行，发票各行已是折后金额。",
        (
            "用量 2,000.00 + 500.00 = 2,500.00",
            "1,000 以下不折，其上 1,000 折 10% = 100.00，再上 500 折 20% = 100.00；共 −200.00",
            "gpt-4o 2,000.00 − 200.00 = 1,800.00 ÷ 1.06 = 1,698.11（税 101.89）",
            "gpt-3.5-turbo 500.00 ÷ 1.06 = 471.70（税 28.30）",
            "1,698.11 + 471.70 = 2,169.81；101.89 + 28.30 = 130.19；价税 2,300.00",
        ),
    )
    show("steps_of_discount", told, acme)


def test_a_minimum_is_made_up(desk: Desk, show: Show) -> None:
    terms = replace(AGREED, commitment=Commitment(1_060_00))
    acme = desk.customer(terms=terms, starts=OCTOBER)
    acme.uses("2026-10-05 10:00:00", "gpt-4o", input=40 * M)
    desk.settled(acme, "1060.00")
    told = Told(
        "月承诺消费不足，当月补足",
        "用量 400.00 不足承诺的 1,060.00，差额 660.00 作为补足行计税、开票。",
        ("40 百万 × 10.00 = 400.00；1,060.00 − 400.00 = 660.00", "1,060.00 ÷ 1.06 = 1,000.00"),
    )
    show("monthly_minimum_made_up", told, acme)


def test_a_year_is_made_up_at_its_end(desk: Desk, show: Show) -> None:
    """12,000 a year; March and December use something, and December makes up the rest."""
    terms = replace(AGREED, commitment=Commitment(12_000_00, CommitmentPeriod.YEAR))
    acme = desk.customer(terms=terms, starts=datetime(2025, 12, 31, 16, tzinfo=UTC))
    acme.uses("2026-03-10 10:00:00", "gpt-4o", input=30 * M)
    acme.uses("2026-12-10 10:00:00", "gpt-4o", input=50 * M)
    for month in range(1, 13):
        label = f"2026-{month:02d}"
        on = "2027-01-04" if month == 12 else ""
        for bill in desk.bills(acme, label, on=on):
            desk.pays(acme, "2026-04-07" if month == 3 else "2027-01-08", bill.gross.amount, bill)
            desk.fapiao(acme, bill)
    told = Told(
        "年承诺消费在年末补足",
        "三月只付用量；十二月账单另补全年差额 11,200.00，年度实付正好等于承诺 12,000.00。",
        (
            "三月 30 百万 × 10.00 = 300.00（÷ 1.06 = 283.02，税 16.98）",
            "十二月 50 百万 × 10.00 = 500.00；补足 12,000.00 − 300.00 − 500.00 = 11,200.00",
            "十二月 11,700.00 ÷ 1.06 = 11,037.735… → 11,037.74，税 662.26",
            "发票 300.00 + 11,700.00 = 12,000.00",
        ),
        until=date(2027, 2, 1),
    )
    show("yearly_minimum_at_its_end", told, acme)


def test_a_management_fee(desk: Desk, show: Show) -> None:
    terms = replace(AGREED, management_fee_fen=200_00)
    acme = desk.customer(terms=terms, starts=OCTOBER)
    acme.uses("2026-10-05 10:00:00", "gpt-4o", input=86 * M)
    desk.settled(acme, "1060.00")
    told = Told(
        "用量之外每月收管理费",
        "管理费 200.00 自成一行，与用量同税率计税、同票开出。",
        ("86 百万 × 10.00 = 860.00；860.00 + 200.00 = 1,060.00", "1,060.00 ÷ 1.06 = 1,000.00"),
    )
    show("management_fee", told, acme)


def test_a_package_is_bought_and_drawn(desk: Desk, show: Show) -> None:
    """Bought in October and drawn by two months; what is left of November is paid."""
    acme = desk.customer(starts=OCTOBER)
    desk.grant(acme, GrantKind.PACKAGE, "1060.00", paid="1060.00")
    acme.uses("2026-10-05 10:00:00", "gpt-4o", input=53 * M)
    acme.uses("2026-11-05 10:00:00", "gpt-4o", input=106 * M)
    october = desk.paid(acme, "2026-10", "1060.00")
    desk.fapiao(acme, october)
    november = desk.paid(acme, "2026-11", "530.00", on="2026-12-07")
    desk.fapiao(acme, november)
    told = Told(
        "预付套餐：十月购入并抵扣，十一月用完",
        "购买与抵扣不计税、记预收款；发票只开消费，两月合计 1,590.00，等于两月实付。",
        (
            "十月用量 53 百万 × 10.00 = 530.00，全由套餐抵扣；购买 1,060.00；应付 1,060.00",
            "套餐余额 1,060.00 − 530.00 = 530.00",
            "十一月用量 1,060.00，抵扣 530.00，应付 530.00；套餐余额与预收款归零",
            "税：530.00 ÷ 1.06 = 500.00（税 30.00）；1,060.00 ÷ 1.06 = 1,000.00（税 60.00）",
            "实付 1,060.00 + 530.00 = 1,590.00；发票 530.00 + 1,060.00 = 1,590.00",
        ),
        until=date(2027, 1, 1),
    )
    show("package_bought_and_drawn", told, acme)


def test_a_package_sold_below_its_worth(desk: Desk, show: Show) -> None:
    """Good for 2,120 and sold for 1,590: three quarters of each draw were paid, the rest given."""
    acme = desk.customer(starts=OCTOBER)
    desk.grant(acme, GrantKind.PACKAGE, "2120.00", paid="1590.00")
    acme.uses("2026-10-05 10:00:00", "gpt-4o", input=106 * M)
    acme.uses("2026-11-05 10:00:00", "gpt-4o", input=159 * M)
    october = desk.paid(acme, "2026-10", "1590.00")
    desk.fapiao(acme, october)
    november = desk.paid(acme, "2026-11", "530.00", on="2026-12-07")
    desk.fapiao(acme, november)
    told = Told(
        "折价售出的预付套餐：面额 2,120.00，售价 1,590.00",
        "已付的四分之三抵扣预收款、不计税；赠送的四分之一减少应税金额。两月发票等于两月实付。",
        (
            "十月用量 106 百万 × 10.00 = 1,060.00：抵扣 795.00，赠额 265.00；购买并应付 1,590.00",
            "套餐余额 2,120.00 − 1,060.00 = 1,060.00",
            "十一月用量 1,590.00：抵扣 795.00，赠额 265.00；应付 530.00；套餐余额与预收款归零",
            "十月计税 1,060.00 − 265.00 = 795.00；795.00 ÷ 1.06 = 750.00（税 45.00）",
            "十一月计税 1,590.00 − 265.00 = 1,325.00；1,325.00 ÷ 1.06 = 1,250.00（税 75.00）",
            "实付 1,590.00 + 530.00 = 2,120.00；发票 795.00 + 1,325.00 = 2,120.00",
        ),
        until=date(2027, 1, 1),
    )
    show("package_sold_below_its_worth", told, acme)


def test_a_voucher(desk: Desk, show: Show) -> None:
    acme = desk.customer(starts=OCTOBER)
    desk.grant(acme, GrantKind.VOUCHER, "250.00")
    acme.uses("2026-10-05 10:00:00", "gpt-4o", input=131 * M)
    desk.settled(acme, "1060.00")
    told = Told(
        "赠送的代金券",
        "代金券减少应税金额：收入、税额与发票都按实付的 1,060.00。",
        ("131 百万 × 10.00 = 1,310.00；1,310.00 − 250.00 = 1,060.00", "1,060.00 ÷ 1.06 = 1,000.00"),
    )
    show("voucher", told, acme)
