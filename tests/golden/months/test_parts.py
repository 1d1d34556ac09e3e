"""Months of a group: one bill for two subsidiaries, and a subsidiary that is billed apart."""

from dataclasses import replace

from tests.golden.months.desk import AGREED, OCTOBER, Desk, M
from tests.golden.months.page import Show, Told
from tests.scenarios.books import FOUNDED
from yuejie.bills.closing.units.assign import assign_unit
from yuejie.contracts.terms import Split, TaxGrouping
from yuejie.customers.enrol import ProjectDraft, add_project
from yuejie.fapiao.request import Pick
from yuejie.kernel.period import BillingMonth

RETAIL, FREIGHT = "零售子公司", "物流子公司"
OTHER_NUMBER = "91330106MA2AYNWD8M"


def test_one_bill_and_two_titles(desk: Desk, show: Show) -> None:
    """The group gets one bill; each subsidiary has the fapiao of its own tax line."""
    terms = replace(AGREED, tax_grouping=TaxGrouping.PROJECT)
    group = desk.customer("group", terms=terms, projects=(RETAIL,))
    # A moment later: tax lines stand in the order of their projects' ids, which begin with a time.
    add_project(
        desk.db,
        group.customer.customer_id,
        ProjectDraft(name=FREIGHT),
        by="finance",
        now=desk.now,
    )
    retail = desk.title(group, f"{RETAIL} 有限公司", "91440101MA5APD8X8J")
    freight = desk.title(group, f"{FREIGHT} 有限公司", OTHER_NUMBER)
    group.uses("2026-10-05 10:00:00", "gpt-4o", project=RETAIL, input=63_600_000)
    group.uses("2026-10-06 10:00:00", "gpt-4o", project=FREIGHT, input=42_400_000)
    bill = desk.paid(group, "2026-10", "1060.00")
    desk.bank.at("2026-11-06")
    lines = {line.item: line for line in bill.tax_lines}
    for title, project in ((retail, RETAIL), (freight, FREIGHT)):
        (line,) = [each for name, each in lines.items() if project in name]
        desk.fapiao(group, Pick(str(bill.number), line.position), title=title)
    told = Told(
        "合并账单，两家子公司各开各的抬头",
        "集团一张账单、一笔付款；按项目计税，两张专票各照一行计税行，抬头不同，合计等于账单。",
        (
            "零售 63.6 百万 × 10.00 = 636.00（÷ 1.06 = 600.00，税 36.00）",
            "物流 42.4 百万 × 10.00 = 424.00（÷ 1.06 = 400.00，税 24.00）",
            "636.00 + 424.00 = 1,060.00；税额 36.00 + 24.00 = 60.00",
        ),
    )
    show("one_bill_and_two_titles", told, group)


def test_a_subsidiary_billed_apart(desk: Desk, show: Show) -> None:
    """A unit of its own has a bill of its own; one transfer names and pays both."""
    terms = replace(AGREED, split=Split.UNIT, management_fee_fen=106_00)
    group = desk.customer("group", terms=terms, starts=OCTOBER, projects=("main", "freight"))
    freight = desk.title(group, f"{FREIGHT} 有限公司", OTHER_NUMBER)
    assign_unit(
        desk.db,
        "group",
        project="freight",
        unit=FREIGHT,
        since=BillingMonth.parse("2026-10"),
        by="finance",
        now=FOUNDED,
    )
    group.uses("2026-10-05 10:00:00", "gpt-4o", project="main", input=53 * M)
    group.uses("2026-10-06 10:00:00", "gpt-4o", project="freight", input=42_400_000)
    head, part = desk.bills(group, "2026-10")
    desk.pays(group, "2026-11-05", "1060.00", head, part)
    desk.bank.at("2026-11-06")
    desk.fapiao(group, head)
    desk.fapiao(group, part, title=freight)
    told = Told(
        "子公司单独出账，各自抬头，一笔付两张",
        "总部与子公司各有账单与专票，管理费在总部账单；一笔转账按附言认到两张账单。",
        (
            "总部 53 百万 × 10.00 = 530.00 + 管理费 106.00 = 636.00（÷ 1.06 = 600.00，税 36.00）",
            "子公司 42.4 百万 × 10.00 = 424.00（÷ 1.06 = 400.00，税 24.00）",
            "636.00 + 424.00 = 1,060.00，与合并账单相同",
        ),
    )
    show("subsidiary_billed_apart", told, group)
