"""What a contract makes of a month's usage, told as finance would."""

from collections import Counter
from dataclasses import replace
from datetime import UTC, date, datetime

import pytest

from tests.recorded import recorded
from tests.scenarios.books import CLERK, FOUNDED, Books, Party, cny
from yuejie.bills.bill import Bill, LineKind
from yuejie.bills.closing.close import Done
from yuejie.bills.closing.units.assign import assign_unit
from yuejie.bills.correct.adjust import decide_adjustment, propose_adjustment
from yuejie.bills.correct.adjustment import Decision, Wanted
from yuejie.bills.correct.granted import approve_grant
from yuejie.contracts.contract import Terms
from yuejie.contracts.grants.give import ask_grant
from yuejie.contracts.grants.grant import Grant, GrantDraft, GrantKind
from yuejie.contracts.sign import sign_contract
from yuejie.contracts.terms import (
    STANDARD,
    CommercialTerms,
    Commitment,
    CommitmentPeriod,
    HeadShare,
    Split,
    TaxGrouping,
    TierDiscount,
    TierMode,
    TierStep,
)
from yuejie.kernel.ids import BookId
from yuejie.kernel.period import BillingMonth
from yuejie.ledger.posting import Account
from yuejie.ledger.store import balance

YUAN = """
[models."gpt-4o"]
input = "10"
output = "30"
[models."gpt-3.5-turbo"]
input = "1"
output = "2"
"""
M = 1_000_000
TIERS = TierDiscount((TierStep(0, 0), TierStep(1_000_00, 100_000), TierStep(2_000_00, 200_000)))


@pytest.fixture
def yuan(books: Books) -> Books:
    books.prices(YUAN, currency="CNY")
    return books


def asked_grant(books: Books, party: Party, kind: GrantKind, yuan: str, **more: object) -> Grant:
    draft = GrantDraft(
        customer_id=party.customer.customer_id,
        kind=kind,
        name="甲",
        amount_fen=cny(yuan).fen,
        starts_on=date(2026, 1, 1),
        ends_on=date(2027, 1, 1),
        **more,  # type: ignore[arg-type]  # why: a test gives what it wants to change
    )
    return ask_grant(books.db, draft, why="随约赠送", by="sales", now=books.clock.now())


def grant(books: Books, party: Party, kind: GrantKind, yuan: str, **more: object) -> Grant:
    asked = asked_grant(books, party, kind, yuan, **more)
    return approve_grant(books.db, asked.grant_id, by="finance", now=books.clock.now())


def test_steps_discount_what_lies_above_them(yuan: Books) -> None:
    """
    Nothing off the first 1,000 yuan, 10 % off the second thousand, 20 % off the rest. 2,500 yuan
    of usage save 100 + 100; the discount is one line, rounded once.
    """
    acme = yuan.customer("acme", commercial=replace(STANDARD, tier_discount=TIERS))
    acme.uses("2026-10-05 10:00:00", "gpt-4o", input=250 * M)
    yuan.close("2026-10")
    assert acme.lines("2026-10") == [
        "main  gpt-4o  input  250,000,000 = 2,500.00",
        "阶梯折扣 = -200.00",
    ]
    assert acme.bill("2026-10").gross == cny("2300.00")


def test_a_volume_step_discounts_the_whole_month(yuan: Books) -> None:
    """The same steps by volume: at 2,500 yuan everything is 20 % off."""
    volume = replace(TIERS, mode=TierMode.VOLUME)
    acme = yuan.customer("acme", commercial=replace(STANDARD, tier_discount=volume))
    acme.uses("2026-10-05 10:00:00", "gpt-4o", input=250 * M)
    yuan.close("2026-10")
    assert acme.bill("2026-10").gross == cny("2000.00")


def test_late_usage_moves_the_discount_of_its_own_month(yuan: Books) -> None:
    """
    October comes to 900 yuan: no discount. A call of October worth 600 turns up in November: it
    lifts October over the step, and November's bill carries the call and October's discount.
    """
    acme = yuan.customer("acme", commercial=replace(STANDARD, tier_discount=TIERS))
    acme.uses("2026-10-05 10:00:00", "gpt-4o", input=90 * M)
    yuan.close("2026-10")
    yuan.issue(acme.bill("2026-10"))
    acme.uses("2026-10-31 23:00:00", "gpt-4o", input=60 * M)
    acme.uses("2026-11-02 10:00:00", "gpt-4o", input=10 * M)
    yuan.close("2026-11")
    assert acme.lines("2026-11") == [
        "main  gpt-4o  input  10,000,000 = 100.00",
        "2026-10 late  main  gpt-4o  input  60,000,000 = 600.00",
        "2026-10 late  阶梯折扣 = -50.00",
    ]


def test_a_package_is_drawn_before_credit_and_fapiao_add_up_to_what_is_paid(yuan: Books) -> None:
    """
    A package worth 1,000 was sold for 800. October bills the 800 and draws 700 of the package,
    November draws the rest. Four fifths of what is drawn were paid for: that has no fapiao, since
    a top-up is no consumption. The rest was given and is taken off what is taxed. Over both months
    fapiao are the 1,000 that are paid, of the 1,200 that were used; nothing is left prepaid.
    """
    acme = yuan.customer("acme")
    grant(yuan, acme, GrantKind.PACKAGE, "1000.00", paid_fen=cny("800.00").fen)
    acme.uses("2026-10-05 10:00:00", "gpt-4o", input=70 * M)
    acme.uses("2026-11-05 10:00:00", "gpt-4o", input=50 * M)
    yuan.close("2026-10")
    yuan.close("2026-11")
    october, november = acme.bill("2026-10"), acme.bill("2026-11")
    assert acme.lines("2026-10")[1:] == [
        "套餐抵扣 甲 = -560.00",
        "套餐赠额 甲 = -140.00",
        "购买套餐 甲 = 800.00",
    ]
    assert acme.lines("2026-11")[1:] == ["套餐抵扣 甲 = -240.00", "套餐赠额 甲 = -60.00"]
    assert (october.gross, november.gross) == (cny("800.00"), cny("200.00"))
    fapiao = sum(line.gross_fen for bill in (october, november) for line in bill.tax_lines)
    assert fapiao == cny("1000.00").fen
    for bill in (october, november):
        assert bill.gross.fen == sum(t.gross_fen for t in bill.tax_lines) + bill.untaxed_fen
        yuan.issue(bill)
    with yuan.db.read() as tx:
        party = acme.customer.customer_id
        assert balance(tx, Account.PREPAYMENT, party=party, currency="CNY") == 0


def test_a_package_that_is_drawn_to_the_last_fen_was_paid_for_to_the_fen(yuan: Books) -> None:
    """
    10.00 were sold for 3.33 and are drawn in three months, the first of which is looked at again:
    3.33, 3.33 and 3.34 of it. However that is rounded, 3.33 in all were paid for.
    """
    acme = yuan.customer("acme")
    grant(yuan, acme, GrantKind.PACKAGE, "10.00", paid_fen=3_33)
    for month, tokens in (("2026-10", 111_000), ("2026-11", 333_000), ("2026-12", 334_000)):
        acme.uses(f"{month}-05 10:00:00", "gpt-4o", input=tokens)
        if month == "2026-12":
            acme.uses("2026-10-06 10:00:00", "gpt-4o", input=222_000)
        yuan.close(month)
    kinds = Counter[str]()
    for month in ("2026-10", "2026-11", "2026-12"):
        for line in acme.bill(month).lines:
            kinds[line.kind] += line.amount_fen
    assert (kinds["package"], kinds["voucher"]) == (-3_33, -6_67)


def test_a_package_that_cost_nothing_was_given(yuan: Books) -> None:
    acme = yuan.customer("acme")
    grant(yuan, acme, GrantKind.PACKAGE, "1000.00")
    acme.uses("2026-10-05 10:00:00", "gpt-4o", input=70 * M)
    yuan.close("2026-10")
    assert acme.lines("2026-10")[1:] == ["套餐赠额 甲 = -700.00"]
    assert [line.gross_fen for line in acme.bill("2026-10").tax_lines] == [0]


def test_a_package_is_billed_when_it_begins_though_nothing_was_used(yuan: Books) -> None:
    """
    A package of 1,000 for 800 begins in October, in which nothing is called. October bills it,
    and closing October again bills it no second time; November's usage only draws on it.
    """
    acme = yuan.customer("acme")
    grant(yuan, acme, GrantKind.PACKAGE, "1000.00", paid_fen=cny("800.00").fen)
    yuan.close("2026-10")
    yuan.close("2026-10")
    assert acme.lines("2026-10") == ["购买套餐 甲 = 800.00"]
    acme.uses("2026-11-05 10:00:00", "gpt-4o", input=50 * M)
    yuan.close("2026-11")
    assert acme.lines("2026-11")[1:] == ["套餐抵扣 甲 = -400.00", "套餐赠额 甲 = -100.00"]


def test_a_package_for_one_model_pays_for_no_other(yuan: Books) -> None:
    acme = yuan.customer("acme")
    grant(yuan, acme, GrantKind.PACKAGE, "1000.00", models=("gpt-3.5-turbo",))
    acme.uses("2026-10-05 10:00:00", "gpt-4o", input=10 * M)
    acme.uses("2026-10-05 10:00:00", "gpt-3.5-turbo", input=50 * M)
    yuan.close("2026-10")
    assert acme.lines("2026-10")[-1] == "套餐赠额 甲 = -50.00"


def test_a_voucher_reduces_what_is_taxed(yuan: Books) -> None:
    """A voucher is given, not bought: the customer gets a fapiao for what it pays, and no more."""
    terms = replace(STANDARD, management_fee_fen=20_000)
    acme = yuan.customer("acme", commercial=terms, starts=datetime(2026, 9, 30, 16, tzinfo=UTC))
    grant(yuan, acme, GrantKind.VOUCHER, "250.00")
    acme.uses("2026-10-05 10:00:00", "gpt-4o", input=10 * M)
    yuan.close("2026-10")
    bill = acme.bill("2026-10")
    assert acme.lines("2026-10")[1:] == ["管理费 = 200.00", "代金券 甲 = -250.00"]
    assert bill.gross == cny("50.00")
    assert [line.gross_fen for line in bill.tax_lines] == [5000]


def test_a_committed_minimum_is_made_up(yuan: Books) -> None:
    """
    1,000 yuan a month are promised. October uses 400 and is billed 600 to make up. Then 100 yuan of
    October turn up late: November bills them and gives 100 of the true-up back.
    """
    terms = replace(STANDARD, commitment=Commitment(100_000))
    acme = yuan.customer("acme", commercial=terms, starts=datetime(2026, 9, 30, 16, tzinfo=UTC))
    acme.uses("2026-10-05 10:00:00", "gpt-4o", input=40 * M)
    yuan.close("2026-10")
    assert acme.lines("2026-10")[1] == "承诺消费补足（2026-10） = 600.00"
    acme.uses("2026-10-20 10:00:00", "gpt-4o", input=10 * M)
    acme.uses("2026-11-20 10:00:00", "gpt-4o", input=150 * M)
    yuan.close("2026-11")
    assert acme.lines("2026-11")[1:] == [
        "2026-10 late  main  gpt-4o  input  10,000,000 = 100.00",
        "2026-10 late  承诺消费补足（2026-10） = -100.00",
    ]


def test_a_year_is_made_up_in_its_last_month(yuan: Books) -> None:
    """12,000 a year from January; twelve months use 300 each; December makes up 8,400."""
    terms = replace(STANDARD, commitment=Commitment(12_000_00, CommitmentPeriod.YEAR))
    start = datetime(2025, 12, 31, 16, tzinfo=UTC)
    acme = yuan.customer("acme", commercial=terms, starts=start)
    for month in range(1, 13):
        acme.uses(f"2026-{month:02d}-10 10:00:00", "gpt-4o", input=30 * M)
    for month in range(1, 13):
        yuan.close(f"2026-{month:02d}")
    assert acme.lines("2026-11") == ["main  gpt-4o  input  30,000,000 = 300.00"]
    assert acme.lines("2026-12")[1] == "承诺消费补足（2026-01 至 2026-12） = 8,400.00"


def follow(books: Books, party: Party, commercial: CommercialTerms, *, starts: datetime) -> None:
    """Sign another contract, no version of the one before."""
    terms = Terms(
        customer_id=party.customer.customer_id,
        sale_book=BookId("list"),
        currency="CNY",
        starts_at=starts,
        commercial=commercial,
    )
    sign_contract(books.db, terms, by=CLERK, now=books.tick())


MID_JUNE = datetime(2026, 6, 14, 16, tzinfo=UTC)


@pytest.mark.parametrize("signed", ["before", "after"])
@pytest.mark.parametrize(
    ("period", "owed"), [(CommitmentPeriod.TERM, "5,700.00"), (CommitmentPeriod.YEAR, "2,200.00")]
)
def test_a_minimum_falls_due_though_a_successor_has_the_bill_of_its_last_month(
    yuan: Books, signed: str, period: CommitmentPeriod, owed: str
) -> None:
    """
    6,000 until 14 June, of which 60 a month are used; another contract holds from the 15th, and
    June is billed under it. The minimum falls due in May, the last month of the old contract: all
    of it, or five twelfths of a year's; on June's bill where May was closed before the successor
    was signed.
    """
    start = datetime(2025, 12, 31, 16, tzinfo=UTC)
    old = replace(STANDARD, commitment=Commitment(600_000, period), ends_on=date(2026, 6, 15))
    acme = yuan.customer("acme", commercial=old, starts=start)
    for month in range(1, 6):
        acme.uses(f"2026-{month:02d}-10 10:00:00", "gpt-4o", input=6 * M)
        if month < 5 or signed == "after":
            yuan.close(f"2026-{month:02d}")
            yuan.issue(acme.bill(f"2026-{month:02d}"))
    follow(yuan, acme, STANDARD, starts=MID_JUNE)
    line = f"承诺消费补足（2026-01 至 2026-05） = {owed}"
    if signed == "before":
        yuan.close("2026-05")
    yuan.close("2026-06")
    if signed == "before":
        assert acme.lines("2026-05")[1:] == [line]
        assert not acme.has_bill("2026-06")
    else:
        assert acme.lines("2026-06") == [f"2026-05 late  {line}"]
    yuan.close("2026-07")
    assert not acme.has_bill("2026-07"), "once"


def test_a_year_from_a_day_within_a_month_is_promised_once(yuan: Books) -> None:
    """
    12,000 from 15 March to 14 March: the first and the last month count by their days, 17 and 14
    of 31. What falls due in February and in March is 12,000 together, not thirteen twelfths.
    """
    commitment = Commitment(12_000_00, CommitmentPeriod.YEAR)
    terms = replace(STANDARD, commitment=commitment, ends_on=date(2026, 3, 15))
    acme = yuan.customer("acme", commercial=terms, starts=datetime(2025, 3, 14, 16, tzinfo=UTC))
    for year, month in [*((2025, each) for each in range(3, 13)), *((2026, n) for n in (1, 2, 3))]:
        yuan.close(f"{year}-{month:02d}")
    assert acme.lines("2026-02") == ["承诺消费补足（2025-03 至 2026-02） = 11,548.39"]
    assert acme.lines("2026-03") == ["承诺消费补足（2026-03） = 451.61"]


def test_a_fee_is_billed_without_usage_and_no_month_is_skipped(yuan: Books) -> None:
    """The fee is owed each month; closing November first is refused, October comes before."""
    start = datetime(2026, 9, 30, 16, tzinfo=UTC)
    terms = replace(STANDARD, management_fee_fen=20_000)
    acme = yuan.customer("acme", commercial=terms, starts=start)
    refused = yuan.close("2026-11")
    assert [(c.done, "请先关 2026-10" in c.why) for c in refused] == [(Done.FAILED, True)]
    yuan.close("2026-10")
    assert acme.lines("2026-10") == ["管理费 = 200.00"]
    assert acme.bill("2026-10").tax == cny("11.32")


def test_an_adjustment_needs_two_people_and_stands_on_the_next_bill(yuan: Books) -> None:
    acme = yuan.customer("acme")
    acme.uses("2026-10-05 10:00:00", "gpt-4o", input=10 * M)
    wanted = Wanted(
        customer_id=acme.customer.customer_id,
        service_month=BillingMonth.parse("2026-10"),
        amount_fen=-3000,
        currency="CNY",
        item="测试期流量减免",
        why="客户经理承诺",
    )
    proposed = propose_adjustment(yuan.db, wanted, by="sales", now=yuan.clock.now())
    yuan.close("2026-10")
    assert acme.bill("2026-10").gross == cny("100.00")
    decide_adjustment(
        yuan.db, proposed.adjustment_id, Decision.APPROVE, by="finance", now=yuan.clock.now()
    )
    yuan.close("2026-10")
    assert acme.lines("2026-10")[-1] == "测试期流量减免 = -30.00"
    yuan.issue(acme.bill("2026-10"))
    yuan.close("2026-11")
    assert not acme.has_bill("2026-11")


def test_a_month_below_zero_is_carried_forward(yuan: Books) -> None:
    """
    A correction takes back more of September than October used: October owes nothing, and November
    pays less.
    """
    acme = yuan.customer("acme")
    acme.uses("2026-10-05 10:00:00", "gpt-4o", input=10 * M)
    wanted = Wanted(
        customer_id=acme.customer.customer_id,
        service_month=BillingMonth.parse("2026-10"),
        amount_fen=-15_000,
        currency="CNY",
        item="故障赔付",
        why="十月五日故障",
    )
    proposed = propose_adjustment(yuan.db, wanted, by="sales", now=yuan.clock.now())
    decide_adjustment(
        yuan.db, proposed.adjustment_id, Decision.APPROVE, by="finance", now=yuan.clock.now()
    )
    yuan.close("2026-10")
    assert acme.lines("2026-10")[1:] == ["故障赔付 = -150.00", "结转下期 = 50.00"]
    assert acme.bill("2026-10").gross == cny("0.00")
    yuan.issue(acme.bill("2026-10"))
    acme.uses("2026-11-05 10:00:00", "gpt-4o", input=10 * M)
    yuan.close("2026-11")
    assert acme.lines("2026-11")[1:] == ["上期结转 = -50.00"]
    yuan.issue(acme.bill("2026-11"))
    assert acme.owes() == cny("50.00")


@pytest.mark.parametrize("tax_mode", ["inclusive", "exclusive"])
@pytest.mark.parametrize("share", list(HeadShare))
def test_parts_add_up_to_the_merged_bill(books: Books, share: HeadShare, tax_mode: str) -> None:
    """Two customers use the same; one is billed per project. Its parts equal the other's bill."""
    books.prices(YUAN, currency="CNY")
    terms = replace(
        STANDARD,
        tier_discount=TIERS,
        management_fee_fen=3_333,
        head_share=share,
        tax_grouping=TaxGrouping.MODEL,
    )
    start = datetime(2026, 9, 30, 16, tzinfo=UTC)
    projects = ("main", "search", "chat")
    both = [
        books.customer(
            slug,
            tax_mode=tax_mode,
            projects=projects,
            commercial=replace(terms, split=split),
            starts=start,
        )
        for slug, split in (("whole", Split.MERGED), ("parts", Split.PROJECT))
    ]
    for party in both:
        for number, project in enumerate(projects, 1):
            party.uses("2026-10-05 10:00:00", "gpt-4o", project=project, input=33_333_333 * number)
            party.uses("2026-10-06 10:00:00", "gpt-3.5-turbo", project=project, output=7_777_777)
    books.close("2026-10")
    merged, parts = (party.bills("2026-10") for party in both)
    assert len(merged) == 1
    assert len(parts) == (4 if share is HeadShare.HEAD else 3)
    assert _sums(parts) == _sums(merged)
    for bill in [*merged, *parts]:
        assert bill.gross.fen == sum(line.gross_fen for line in bill.tax_lines)


def _sums(bills: list[Bill]) -> tuple[int, int, int]:
    return (
        sum(bill.net.fen for bill in bills),
        sum(bill.tax.fen for bill in bills),
        sum(bill.gross.fen for bill in bills),
    )


def test_a_subsidiary_is_billed_apart_from_a_month_on(yuan: Books) -> None:
    """From November the search team is a unit of its own; October was billed whole."""
    start = datetime(2026, 9, 30, 16, tzinfo=UTC)
    acme = yuan.customer(
        "acme",
        projects=("main", "search"),
        commercial=replace(STANDARD, split=Split.UNIT),
        starts=start,
    )
    assign_unit(
        yuan.db,
        "acme",
        project="search",
        unit="搜索子公司",
        since=BillingMonth.parse("2026-11"),
        by=CLERK,
        now=FOUNDED,
    )
    for month in ("2026-10", "2026-11"):
        for project in ("main", "search"):
            acme.uses(f"{month}-05 10:00:00", "gpt-4o", project=project, input=10 * M)
        yuan.close(month)
    assert [bill.part_name for bill in acme.bills("2026-10")] == [""]
    assert [bill.part_name for bill in acme.bills("2026-11")] == ["", "搜索子公司"]
    since = BillingMonth.parse("2027-01")
    assign_unit(yuan.db, "acme", project="search", unit="总部", since=since, by=CLERK, now=FOUNDED)
    first, second = recorded(yuan.db, "billing_unit", "assign")
    assert (first.was or {})["unit_id"] is None
    assert (second.was or {})["unit_id"] == (first.became or {})["unit_id"]


def test_a_fee_alone_still_proves_every_line(yuan: Books) -> None:
    """Lines that are no usage settle nothing: what is printed is what was agreed."""
    start = datetime(2026, 9, 30, 16, tzinfo=UTC)
    acme = yuan.customer("acme", commercial=replace(STANDARD, management_fee_fen=1), starts=start)
    yuan.close("2026-10")
    (line,) = acme.bill("2026-10").lines
    assert (line.kind, line.quantity, line.metered) == (LineKind.MANAGEMENT_FEE, 1, False)
