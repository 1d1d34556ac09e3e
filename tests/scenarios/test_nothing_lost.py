"""What is taken back, drawn anew or late is billed again, once: told as finance would."""

from collections import Counter
from dataclasses import replace
from datetime import UTC, date, datetime

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.scenarios.books import CLERK, FOUNDED, Books, Party, cny
from yuejie.bills.bill import TaxMode
from yuejie.bills.closing.taxes import TaxRule, share_tax, tax_of
from yuejie.bills.closing.units.assign import assign_unit
from yuejie.bills.correct.adjust import decide_adjustment, propose_adjustment
from yuejie.bills.correct.adjustment import Decision, Wanted
from yuejie.bills.correct.granted import approve_grant
from yuejie.bills.correct.take_back import decide_credit, request_credit
from yuejie.bills.review.ask import propose_bill, reopen_bill
from yuejie.contracts.grants.give import approve_in, ask_grant
from yuejie.contracts.grants.grant import GrantDraft, GrantKind
from yuejie.contracts.terms import (
    STANDARD,
    Commitment,
    CommitmentPeriod,
    HeadShare,
    Split,
    TierDiscount,
    TierStep,
)
from yuejie.kernel.errors import Invalid
from yuejie.kernel.period import BillingMonth

YUAN = """
[models."gpt-4o"]
input = "10"
output = "30"
"""
M = 1_000_000
START = datetime(2026, 9, 30, 16, tzinfo=UTC)
SHARED = replace(STANDARD, split=Split.PROJECT, head_share=HeadShare.APPORTIONED)


@pytest.fixture
def yuan(books: Books) -> Books:
    books.prices(YUAN, currency="CNY")
    return books


def void(books: Books, name: str) -> None:
    now = books.tick()
    asked = request_credit(books.db, name, amounts=None, why="抬头有误", by="a", now=now)
    decide_credit(books.db, asked.credit_note_id, approve=True, by="b", now=now)


def adjust(books: Books, party: Party, fen: int, month: str = "2026-10", **more: str) -> None:
    wanted = Wanted(
        customer_id=party.customer.customer_id,
        service_month=BillingMonth.parse(month),
        amount_fen=fen,
        currency=more.pop("currency", "CNY"),
        item="调整",
        why="约定",
        **more,  # type: ignore[arg-type]  # why: a test gives what it wants to change
    )
    now = books.tick()
    asked = propose_adjustment(books.db, wanted, by="a", now=now)
    decide_adjustment(books.db, asked.adjustment_id, Decision.APPROVE, by="b", now=now)


def reopen(books: Books, name: str) -> None:
    propose_bill(books.db, name, by=CLERK, now=books.tick())
    reopen_bill(books.db, name, by=CLERK, now=books.tick(), why="补充说明")


def test_a_month_reopened_behind_a_later_one_keeps_its_usage(yuan: Books) -> None:
    """
    October is with the customer; 5 million of October arrive late and stand on November. October
    is then drawn anew: its 10 million stay, for November counted on them.
    """
    acme = yuan.customer("acme")
    acme.uses("2026-10-05 10:00:00", "gpt-4o", input=10 * M)
    yuan.close("2026-10")
    acme.uses("2026-10-06 10:00:00", "gpt-4o", input=5 * M)
    yuan.close("2026-11")
    reopen(yuan, acme.bill("2026-10").bill_id)
    assert acme.lines("2026-10") == ["main  gpt-4o  input  10,000,000 = 100.00"]
    assert acme.lines("2026-11") == ["2026-10 late  main  gpt-4o  input  5,000,000 = 50.00"]


def test_a_part_reopened_keeps_its_share_of_the_fee(yuan: Books) -> None:
    """A fee of 100 is shared 75 and 25; drawn anew alone, a part still bears its own share."""
    terms = replace(SHARED, management_fee_fen=10_000)
    acme = yuan.customer("acme", projects=("main", "chat"), commercial=terms, starts=START)
    acme.uses("2026-10-05 10:00:00", "gpt-4o", input=30 * M)
    acme.uses("2026-10-05 10:00:00", "gpt-4o", project="chat", input=10 * M)
    yuan.close("2026-10")
    before = Counter({bill.part: bill.gross.fen for bill in acme.bills("2026-10")})
    assert sorted(before.values()) == [12_500, 37_500]
    for bill in acme.bills("2026-10"):
        reopen(yuan, bill.bill_id)
        assert Counter({b.part: b.gross.fen for b in acme.bills("2026-10")}) == before


def test_a_late_discount_of_a_part_survives_its_reopening(yuan: Books) -> None:
    """
    October's late usage in one project moves the discount of both. The other project's November
    carries its share of it, and no late usage; drawn anew it still does.
    """
    terms = replace(SHARED, tier_discount=TierDiscount((TierStep(0, 0), TierStep(100_00, 100_000))))
    acme = yuan.customer("acme", projects=("main", "chat"), commercial=terms, starts=START)
    for project in ("main", "chat"):
        acme.uses("2026-10-05 10:00:00", "gpt-4o", project=project, input=10 * M)
        acme.uses("2026-11-05 10:00:00", "gpt-4o", project=project, input=4 * M)
    yuan.close("2026-10")
    acme.uses("2026-10-06 10:00:00", "gpt-4o", project="main", input=20 * M)
    yuan.close("2026-11")
    before = [bill.gross for bill in acme.bills("2026-11")]
    for bill in acme.bills("2026-11"):
        reopen(yuan, bill.bill_id)
    assert [bill.gross for bill in acme.bills("2026-11")] == before


def test_what_is_allowed_on_the_head_bill_is_allowed_whole(yuan: Books) -> None:
    """30 off, approved while the head bill is with its customer: not shared with the others."""
    terms = replace(SHARED, split=Split.UNIT)
    acme = yuan.customer("acme", projects=("main", "chat"), commercial=terms, starts=START)
    month = BillingMonth.parse("2026-10")
    assign_unit(yuan.db, "acme", project="chat", unit="子公司", since=month, by=CLERK, now=FOUNDED)
    acme.uses("2026-10-05 10:00:00", "gpt-4o", input=30 * M)
    acme.uses("2026-10-05 10:00:00", "gpt-4o", project="chat", input=10 * M)
    yuan.close("2026-10")
    first, second = acme.bills("2026-10")
    adjust(yuan, acme, -3_000)
    for bill in (second, first):
        reopen(yuan, bill.bill_id)
    became = [bill.gross.fen for bill in acme.bills("2026-10")]
    assert became == [first.gross.fen - 3_000, second.gross.fen]


@pytest.mark.parametrize("fee", [0, 5_000])
@pytest.mark.parametrize("uses", [0, 10 * M])
def test_a_bill_voided_behind_a_later_closing_is_billed_again(
    yuan: Books, uses: int, fee: int
) -> None:
    """October is voided when November is closed; whatever October owed stands on December."""
    acme = yuan.customer("acme", commercial=replace(STANDARD, management_fee_fen=fee), starts=START)
    acme.uses("2026-10-05 10:00:00", "gpt-4o", input=uses or M)
    yuan.close("2026-10")
    first = yuan.issue(acme.bill("2026-10"))
    acme.uses("2026-11-05 10:00:00", "gpt-4o", input=M)
    yuan.close("2026-11")
    void(yuan, first.bill_id)
    yuan.close("2026-12")
    late = [line for line in acme.bill("2026-12").lines if str(line.service_month) == "2026-10"]
    assert sum(line.amount_fen for line in late) == first.gross.fen
    yuan.issue(acme.bill("2026-12"))
    yuan.close("2027-01")
    assert all(
        str(line.service_month) != "2026-10"
        for bill in acme.bills("2027-01")
        for line in bill.lines
    )


@pytest.mark.parametrize("how", ["void", "reopen"])
def test_a_share_of_an_adjustment_is_billed_again(yuan: Books, how: str) -> None:
    """
    40 off are shared 30 and 10 by two parts. One part is voided, or drawn anew alone: its share is
    not lost, although the other part's share stands where it stood.
    """
    acme = yuan.customer("acme", projects=("main", "chat"), commercial=SHARED, starts=START)
    acme.uses("2026-10-05 10:00:00", "gpt-4o", input=30 * M)
    acme.uses("2026-10-05 10:00:00", "gpt-4o", project="chat", input=10 * M)
    adjust(yuan, acme, -4_000)
    yuan.close("2026-10")
    first, second = acme.bills("2026-10")
    assert sorted(bill.gross.fen for bill in (first, second)) == [9_000, 27_000]
    if how == "void":
        void(yuan, yuan.issue(first).bill_id)
        acme.uses("2026-11-05 10:00:00", "gpt-4o", input=M)
        yuan.close("2026-11")
    else:
        reopen(yuan, first.bill_id)
    bills = [*acme.bills("2026-10"), *(acme.bills("2026-11") if how == "void" else [])]
    taken = [ln.amount_fen for b in bills for ln in b.lines if ln.kind == "adjustment"]
    assert sum(taken) == -4_000


def test_a_voucher_counts_what_was_adjusted_before(yuan: Books) -> None:
    """
    A voucher of 250 pays 100 of usage and 150 of an extra charge of 200. When a late call makes
    October be looked at again, the extra charge still counts: the voucher is used up, not given
    back.
    """
    acme = yuan.customer("acme")
    draft = GrantDraft(
        customer_id=acme.customer.customer_id,
        kind=GrantKind.VOUCHER,
        name="甲",
        amount_fen=25_000,
        starts_on=date(2026, 10, 1),
        ends_on=date(2026, 11, 1),
    )
    asked = ask_grant(yuan.db, draft, why="随约赠送", by="a", now=yuan.tick())
    approve_grant(yuan.db, asked.grant_id, by="b", now=yuan.tick())
    acme.uses("2026-10-05 10:00:00", "gpt-4o", input=10 * M)
    adjust(yuan, acme, 20_000)
    yuan.close("2026-10")
    assert acme.bill("2026-10").gross == cny("50.00")
    acme.uses("2026-10-06 10:00:00", "gpt-4o", input=M)
    yuan.close("2026-11")
    assert acme.lines("2026-11") == ["2026-10 late  main  gpt-4o  input  1,000,000 = 10.00"]


def test_a_year_counts_what_each_month_was_discounted_then(yuan: Books) -> None:
    """
    1,200 a year are promised. Nine months of 100 were billed without discount; the contract is
    then amended to 50 % off. The true-up counts what stands on the bills: 900 + 3 × 50.
    """
    year = replace(STANDARD, commitment=Commitment(1_200_00, CommitmentPeriod.YEAR))
    start = datetime(2025, 12, 31, 16, tzinfo=UTC)
    acme = yuan.customer("acme", commercial=year, starts=start)
    half = replace(year, tier_discount=TierDiscount((TierStep(0, 500_000),)))
    yuan.amend(acme, half, starts=datetime(2026, 9, 30, 16, tzinfo=UTC))
    for month in range(1, 13):
        acme.uses(f"2026-{month:02d}-10 10:00:00", "gpt-4o", input=10 * M)
        yuan.close(f"2026-{month:02d}")
    assert acme.lines("2026-12")[1:] == [
        "阶梯折扣 = -50.00",
        "承诺消费补足（2026-01 至 2026-12） = 150.00",
    ]


def test_an_amended_year_falls_due_without_usage(yuan: Books) -> None:
    """The year counts from the contract's first day, not from its amendment in July."""
    year = replace(STANDARD, commitment=Commitment(1_200_00, CommitmentPeriod.YEAR))
    acme = yuan.customer("acme", commercial=year, starts=datetime(2025, 12, 31, 16, tzinfo=UTC))
    amended = replace(year, review_days=6)
    yuan.amend(acme, amended, starts=datetime(2026, 6, 30, 16, tzinfo=UTC))
    yuan.close("2026-12")
    assert acme.bill("2026-12").gross == cny("1200.00")


def test_a_minimum_agreed_later_counts_late_usage_of_months_before_it(yuan: Books) -> None:
    """
    1,200 a year are promised by an amendment in December only; the year counts from January.
    50 of October turn up in January: that much less is missing to the minimum.
    """
    start = datetime(2025, 12, 31, 16, tzinfo=UTC)
    acme = yuan.customer("acme", starts=start)
    year = replace(STANDARD, commitment=Commitment(1_200_00, CommitmentPeriod.YEAR))
    yuan.amend(acme, year, starts=datetime(2026, 11, 30, 16, tzinfo=UTC))
    acme.uses("2026-10-05 10:00:00", "gpt-4o", input=10 * M)
    for month in ("2026-10", "2026-12"):
        yuan.close(month)
    assert acme.bill("2026-12").gross == cny("1100.00")
    acme.uses("2026-10-06 10:00:00", "gpt-4o", input=5 * M)
    yuan.close("2027-01")
    assert sorted(line.amount_fen for line in acme.bill("2027-01").lines) == [-50_00, 50_00]
    assert yuan.unproved() == []


def test_what_a_part_had_carried_forward_outlives_the_part(yuan: Books) -> None:
    """A project's bill below zero is carried; then bills are merged, and the whole is given it."""
    acme = yuan.customer("acme", commercial=replace(STANDARD, split=Split.PROJECT), starts=START)
    acme.uses("2026-10-05 10:00:00", "gpt-4o", input=M)
    yuan.close("2026-10")
    (bill,) = acme.bills("2026-10")
    adjust(yuan, acme, -3_000, part=bill.part)
    yuan.close("2026-10")
    assert [b.gross.fen for b in acme.bills("2026-10")] == [0]
    yuan.amend(acme, STANDARD, starts=datetime(2026, 10, 31, 16, tzinfo=UTC))
    for month in ("2026-11", "2026-12"):
        acme.uses(f"{month}-05 10:00:00", "gpt-4o", input=10 * M)
        yuan.close(month)
    assert [acme.bill(m).gross.fen for m in ("2026-11", "2026-12")] == [8_000, 10_000]


def test_what_was_given_back_on_the_whole_is_not_given_again_by_its_part(yuan: Books) -> None:
    """
    A project's October is 20 below zero. Bills are merged in November, and the whole is given
    the 20; from December on there is a bill per project again, which owes its usage in full.
    """
    split = replace(STANDARD, split=Split.PROJECT)
    acme = yuan.customer("acme", commercial=split, starts=START)
    acme.uses("2026-10-05 10:00:00", "gpt-4o", input=M)
    yuan.close("2026-10")
    adjust(yuan, acme, -3_000, part=acme.bills("2026-10")[0].part)
    yuan.close("2026-10")
    yuan.amend(acme, STANDARD, starts=datetime(2026, 10, 31, 16, tzinfo=UTC))
    yuan.amend(acme, split, starts=datetime(2026, 11, 30, 16, tzinfo=UTC))
    for month in ("2026-11", "2026-12"):
        acme.uses(f"{month}-05 10:00:00", "gpt-4o", input=10 * M)
        yuan.close(month)
    found = [[b.gross.fen for b in acme.bills(m)] for m in ("2026-10", "2026-11", "2026-12")]
    assert found == [[0], [8_000], [10_000]]
    assert yuan.unproved() == []


def test_what_was_given_of_a_month_that_is_void_is_owed_though_nothing_else_is(
    yuan: Books,
) -> None:
    """
    Unit 甲 is 20 below zero in October; its project moves to 乙, and November's head bill is given
    the 20. Then October is voided and billed again within 乙, 30 off included: the 20 were given
    once too often, and the head bill of December says so although it has nothing else to say.
    """
    terms = replace(SHARED, split=Split.UNIT)
    acme = yuan.customer("acme", projects=("main", "chat"), commercial=terms, starts=START)
    for unit, month in (("甲", "2026-10"), ("乙", "2026-11")):
        since = BillingMonth.parse(month)
        assign_unit(yuan.db, "acme", project="main", unit=unit, since=since, by=CLERK, now=FOUNDED)
    acme.uses("2026-10-05 10:00:00", "gpt-4o", input=M)
    adjust(yuan, acme, -3_000)
    yuan.close("2026-10")
    (october,) = acme.bills("2026-10")
    yuan.issue(october)
    acme.uses("2026-11-05 10:00:00", "gpt-4o", project="chat", input=10 * M)
    yuan.close("2026-11")
    assert [bill.gross.fen for bill in acme.bills("2026-11")] == [8_000]
    void(yuan, october.bill_id)
    acme.uses("2026-12-05 10:00:00", "gpt-4o", input=5 * M)
    yuan.close("2026-12")
    assert {bill.part_name: bill.gross.fen for bill in acme.bills("2026-12")} == {
        "": 2_000,
        "乙": 5_000 + 1_000 - 3_000,
    }
    assert yuan.unproved() == []


def give_voucher(books: Books, party: Party, until: date, fen: int) -> None:
    draft = GrantDraft(
        customer_id=party.customer.customer_id,
        kind=GrantKind.VOUCHER,
        name="甲",
        amount_fen=fen,
        starts_on=date(2026, 10, 1),
        ends_on=until,
    )
    asked = ask_grant(books.db, draft, why="随约赠送", by="a", now=books.tick())
    approve_grant(books.db, asked.grant_id, by="b", now=books.tick())


def vouched(books: Books, until: date, fen: int = 100_00) -> Party:
    """A year's minimum of 300, billed by project; a voucher of 100 from October; 10 are used."""
    year = replace(
        STANDARD, split=Split.PROJECT, commitment=Commitment(300_00, CommitmentPeriod.YEAR)
    )
    start = datetime(2025, 12, 31, 16, tzinfo=UTC)
    acme = books.customer("acme", projects=("main", "chat"), commercial=year, starts=start)
    give_voucher(books, acme, until, fen)
    acme.uses("2026-10-05 10:00:00", "gpt-4o", input=M)
    return acme


def test_a_part_drawn_anew_may_use_what_a_voucher_was_given_back_since(yuan: Books) -> None:
    """
    A voucher of 100 pays 10 of October's usage and 90 of the year's minimum. 250 of October turn
    up in January: less is missing to the minimum, and the voucher is given 50 back, too late for
    October, which was looked at first. Drawn anew, the project's bill uses the 50; the proof
    agrees.
    """
    acme = vouched(yuan, date(2027, 1, 1))
    yuan.close("2026-10")
    yuan.close("2026-12")
    acme.uses("2026-10-06 10:00:00", "gpt-4o", project="chat", input=25 * M)
    yuan.close("2027-01")
    chat = next(bill for bill in acme.bills("2027-01") if bill.part_name == "chat")
    assert chat.gross == cny("250.00")
    reopen(yuan, chat.bill_id)
    assert acme.bill("2027-01", chat.part).gross == cny("200.00")
    assert yuan.unproved() == []


def test_a_part_drawn_anew_leaves_the_others_what_they_drew_of_a_voucher(yuan: Books) -> None:
    """
    A voucher of 100 pays 10 of October and 90 of the year's minimum, and is given 50 back by 250
    of October that turn up in March: 10 pay for January's late usage, 40 for February's. April
    finds more of January, when nothing is left. The project's bill of March is drawn anew: its 10
    go to October, which is looked at first; what February drew stays, and the proof agrees.
    """
    acme = vouched(yuan, date(2027, 4, 1))
    for month in ("2026-10", "2026-12", "2027-01", "2027-02"):
        yuan.close(month)
    acme.uses("2026-10-06 10:00:00", "gpt-4o", project="chat", input=25 * M)
    acme.uses("2027-01-06 10:00:00", "gpt-4o", project="chat", input=M)
    acme.uses("2027-02-06 10:00:00", "gpt-4o", input=4 * M)
    yuan.close("2027-03")
    acme.uses("2027-01-07 10:00:00", "gpt-4o", project="chat", input=3 * M)
    yuan.close("2027-04")
    chat = next(bill for bill in acme.bills("2027-03") if bill.part_name == "chat")
    reopen(yuan, chat.bill_id)
    drawn = {
        (bill.part_name, str(line.service_month)): line.amount_fen
        for bill in acme.bills("2027-03")
        for line in bill.lines
        if line.kind == "voucher"
    }
    assert drawn == {
        ("", "2026-12"): 50_00,
        ("chat", "2026-10"): -10_00,
        ("main", "2027-02"): -40_00,
    }
    assert yuan.unproved() == []


def test_a_part_drawn_anew_does_not_take_from_the_others_what_a_later_month_drew(
    yuan: Books,
) -> None:
    """
    A voucher of 350 pays 10 of October and 290 of the year's minimum. 40 of November turn up in
    January, are paid by it and make the minimum less: 40 come back, and February uses all that is
    left. January's other project is drawn anew: what paid for November was there when it was drawn,
    though February has had it since, and the proof agrees.
    """
    acme = vouched(yuan, date(2027, 4, 1), 350_00)
    for month in ("2026-10", "2026-11", "2026-12"):
        yuan.close(month)
    acme.uses("2026-11-06 10:00:00", "gpt-4o", input=4 * M)
    acme.uses("2027-01-06 10:00:00", "gpt-4o", project="chat", input=M // 2)
    yuan.close("2027-01")
    acme.uses("2027-02-06 10:00:00", "gpt-4o", input=5 * M)
    yuan.close("2027-02")
    chat = next(bill for bill in acme.bills("2027-01") if bill.part_name == "chat")
    reopen(yuan, chat.bill_id)
    drawn = {
        (bill.part_name, str(line.service_month)): line.amount_fen
        for month in ("2027-01", "2027-02")
        for bill in acme.bills(month)
        for line in bill.lines
        if line.kind == "voucher"
    }
    assert drawn == {
        ("main", "2026-11"): -40_00,
        ("", "2026-12"): 40_00,
        ("chat", "2027-01"): -5_00,
        ("main", "2027-02"): -45_00,
    }
    assert yuan.unproved() == []


def test_a_part_drawn_anew_leaves_earlier_months_what_its_own_month_drew_after_them(
    yuan: Books,
) -> None:
    """
    A voucher of 80 pays 30 of October and 40 of November, with the fee of 10 in each. December
    looks at October first, of which 1 turns up and is paid by it; 5 of November's fee are given
    back; what is left then, 14, pays for December. The other project's bill of December is drawn
    anew: October's 1 was there before December took the rest, and the proof agrees.
    """
    terms = replace(SHARED, management_fee_fen=10_00)
    acme = yuan.customer("acme", projects=("main", "chat"), commercial=terms, starts=START)
    give_voucher(yuan, acme, date(2027, 4, 1), 80_00)
    acme.uses("2026-10-05 10:00:00", "gpt-4o", input=2 * M)
    yuan.close("2026-10")
    (main,) = acme.bills("2026-10")
    acme.uses("2026-11-05 10:00:00", "gpt-4o", input=3 * M)
    yuan.close("2026-11")
    acme.uses("2026-10-06 10:00:00", "gpt-4o", input=M // 10)
    yuan.tick()
    adjust(yuan, acme, -5_00, "2026-11", part=main.part)
    acme.uses("2026-12-05 10:00:00", "gpt-4o", input=2 * M)
    acme.uses("2026-12-05 10:00:00", "gpt-4o", project="chat", input=M)
    yuan.close("2026-12")
    chat = next(bill for bill in acme.bills("2026-12") if bill.part_name == "chat")
    reopen(yuan, chat.bill_id)
    drawn: Counter[str] = Counter()
    for bill in acme.bills("2026-12"):
        for line in bill.lines:
            drawn[str(line.service_month)] += line.amount_fen if line.kind == "voucher" else 0
    assert drawn == {"2026-10": -1_00, "2026-11": 5_00, "2026-12": -14_00}
    assert yuan.unproved() == []


def test_an_adjustment_in_a_foreign_currency_is_refused(yuan: Books) -> None:
    acme = yuan.customer("acme")
    with pytest.raises(Invalid, match="币种 USD 与客户合同的 CNY 不符"):
        adjust(yuan, acme, -3_000, currency="USD")


def test_a_package_in_a_foreign_currency_is_refused(yuan: Books) -> None:
    """No bill in yuan could ask its price, nor draw on it: it would wait for ever, unseen."""
    draft = GrantDraft(
        customer_id=yuan.customer("acme").customer.customer_id,
        kind=GrantKind.PACKAGE,
        name="甲",
        amount_fen=100_00,
        paid_fen=80_00,
        currency="USD",
        starts_on=date(2026, 10, 1),
        ends_on=date(2027, 1, 1),
    )
    with pytest.raises(Invalid, match="币种 USD 与客户合同的 CNY 不符"):
        ask_grant(yuan.db, draft, why="随约赠送", by="a", now=yuan.tick())


@pytest.mark.parametrize("wait", [1, 3 * 86_400])
def test_what_was_voided_and_billed_again_is_billed_again_when_that_is_voided(
    yuan: Books, wait: int
) -> None:
    """
    October, with its fee, is voided and stands on November. December looks no more at it. Then
    November is voided too, at once or days later: January owes October and November, once each.
    """
    terms = replace(STANDARD, management_fee_fen=5_000)
    acme = yuan.customer("acme", commercial=terms, starts=START)
    acme.uses("2026-10-05 10:00:00", "gpt-4o", input=M)
    yuan.close("2026-10")
    void(yuan, str(yuan.issue(acme.bill("2026-10")).number))
    yuan.close("2026-11")
    november = yuan.issue(acme.bill("2026-11"))
    assert november.gross == cny("110.00")
    yuan.close("2026-12")
    assert acme.lines("2026-12") == ["管理费 = 50.00"]
    yuan.issue(acme.bill("2026-12"))
    yuan.tick(wait)
    void(yuan, str(november.number))
    yuan.close("2027-01")
    assert sorted(acme.lines("2027-01")) == [
        "2026-10 late  main  gpt-4o  input  1,000,000 = 10.00",
        "2026-10 late  管理费 = 50.00",
        "2026-11 late  管理费 = 50.00",
        "管理费 = 50.00",
    ]
    yuan.issue(acme.bill("2027-01"))
    yuan.close("2027-02")
    assert acme.lines("2027-02") == ["管理费 = 50.00"]
    assert yuan.unproved() == []


def test_a_month_billed_again_is_no_other_than_one_that_never_was_voided(yuan: Books) -> None:
    """A voucher given in January from October on does not reach back; and bills are proved so."""
    acme = yuan.customer("acme", starts=START)
    acme.uses("2026-10-05 10:00:00", "gpt-4o", input=M)
    yuan.close("2026-10")
    void(yuan, str(yuan.issue(acme.bill("2026-10")).number))
    yuan.close("2026-11")
    yuan.issue(acme.bill("2026-11"))
    draft = GrantDraft(
        customer_id=acme.customer.customer_id,
        kind=GrantKind.VOUCHER,
        name="甲",
        amount_fen=100_00,
        starts_on=date(2026, 10, 1),
        ends_on=date(2027, 1, 1),
    )
    asked = ask_grant(yuan.db, draft, why="随约赠送", by="a", now=yuan.tick())
    with yuan.db.begin() as tx:  # as it was approved before such months were refused
        approve_in(tx, asked.grant_id, by="b", now=yuan.tick())
    acme.uses("2026-12-05 10:00:00", "gpt-4o", input=M)
    yuan.close("2026-12")
    assert acme.lines("2026-12") == [
        "main  gpt-4o  input  1,000,000 = 10.00",
        "代金券 甲 = -10.00",
    ]
    assert yuan.unproved() == []


@example([100_000, -99_990], TaxMode.INCLUSIVE, 60_000)
@given(
    st.lists(st.integers(-(10**9), 10**9), min_size=1, max_size=20),
    st.sampled_from(TaxMode),
    st.integers(0, 300_000),
)
def test_every_amount_bears_its_own_tax_to_two_fen(
    amounts: list[int], mode: TaxMode, ppm: int
) -> None:
    """Also where a correction nearly cancels the rest: shares add up, and none is far off."""
    tax = tax_of(sum(amounts), mode, ppm)
    shares = share_tax(tax, amounts, TaxRule(mode, ppm))
    assert sum(shares) == tax
    for amount, share in zip(amounts, shares, strict=True):
        assert abs(share - tax_of(amount, mode, ppm)) <= 2
