"""The live bill, told as finance would: what we would owe if the month ended now."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from tests.scenarios.books import Books, Party, cny
from tests.scenarios.rows import rows_of
from tests.scenarios.test_terms import TIERS, YUAN, M, grant
from yuejie.bills.bill import Bill, LineKind
from yuejie.bills.closing.store import EPOCH_LOCK
from yuejie.bills.correct.adjust import decide_adjustment, propose_adjustment
from yuejie.bills.correct.adjustment import Decision, Wanted
from yuejie.bills.live.board import Board
from yuejie.bills.live.live import Doubt, Live, moved, same
from yuejie.bills.live.look import look
from yuejie.contracts.grants.grant import GrantKind
from yuejie.contracts.terms import (
    STANDARD,
    AvailabilityStep,
    Commitment,
    HeadShare,
    Sla,
    Split,
    TaxGrouping,
)
from yuejie.kernel.errors import NotFound
from yuejie.kernel.period import BillingMonth
from yuejie.usage.sums.fold import fold_usage

SHANGHAI = ZoneInfo("Asia/Shanghai")


@pytest.fixture
def yuan(books: Books) -> Books:
    books.prices(YUAN, currency="CNY")
    return books


def at(books: Books, local: str) -> None:
    """Let it be a wall-clock time in Shanghai."""
    books.clock.at = datetime.fromisoformat(local).replace(tzinfo=SHANGHAI).astimezone(UTC)


def live_of(books: Books, party: Party) -> Live:
    return look(books.db, party.customer.customer_id, now=books.clock.now())


def assert_same(seen: Iterable[Bill], drawn: Iterable[Bill]) -> None:
    """Every part, line, tax line and total is the same to the fen."""
    one, other = ({bill.part: bill for bill in bills if bill.lines} for bills in (seen, drawn))
    assert one.keys() == other.keys()
    for part, bill in one.items():
        assert same(bill, other[part]), (part, bill, other[part])


def test_the_bill_of_the_last_second_is_the_bill_that_is_drawn(yuan: Books) -> None:
    """
    A customer with everything a contract can have, over three projects: steps, a minimum, a fee,
    a package it pays for, a voucher, a discount that finance approved, a bill per project. In the
    last second of January it looks; a night later the month is closed. Not a fen is different.
    """
    terms = replace(
        STANDARD,
        tier_discount=TIERS,
        commitment=Commitment(5_000_00),
        management_fee_fen=33_33,
        split=Split.PROJECT,
        head_share=HeadShare.APPORTIONED,
        tax_grouping=TaxGrouping.MODEL,
    )
    acme = yuan.customer("acme", projects=("main", "chat", "search"), commercial=terms)
    grant(yuan, acme, GrantKind.PACKAGE, "80.00", paid_fen=70_00)
    grant(yuan, acme, GrantKind.VOUCHER, "12.34")
    wanted = Wanted(
        customer_id=acme.customer.customer_id,
        service_month=BillingMonth(2026, 1),
        amount_fen=-5_55,
        currency="CNY",
        item="优惠",
        why="约定",
    )
    asked = propose_adjustment(yuan.db, wanted, by="sales", now=yuan.clock.now())
    decide_adjustment(
        yuan.db, asked.adjustment_id, Decision.APPROVE, by="finance", now=yuan.clock.now()
    )
    for day, project in enumerate(("main", "chat", "search", "chat"), 3):
        when = f"2026-01-{day:02d} 10:00"
        acme.uses(when, "gpt-4o", project=project, input=12_345_671 * day, output=76_543)
        acme.uses(when, "gpt-3.5-turbo", project=project, input=9_999_999)
    at(yuan, "2026-01-31 23:59:59")
    acme.uses("2026-01-31 23:59:58", "gpt-4o", project="chat", input=7, output=3)

    live = live_of(yuan, acme)
    yuan.close("2026-01")

    assert_same(live.bills, acme.bills("2026-01"))
    kinds = {line.kind for bill in live.bills for line in bill.lines}
    assert {
        LineKind.TIER_DISCOUNT,
        LineKind.PACKAGE,
        LineKind.PACKAGE_PURCHASE,
        LineKind.TRUE_UP,
        LineKind.MANAGEMENT_FEE,
        LineKind.ADJUSTMENT,
        LineKind.VOUCHER,
    } <= kinds
    assert sum(bill.gross.fen for bill in acme.bills("2026-01")) == live.gross.fen


def test_a_package_that_was_sold_is_seen_though_nothing_was_used(yuan: Books) -> None:
    acme = yuan.customer("acme")
    grant(yuan, acme, GrantKind.PACKAGE, "80.00", paid_fen=70_00)
    at(yuan, "2026-01-31 23:59:59")
    live = live_of(yuan, acme)
    yuan.close("2026-01")
    assert_same(live.bills, acme.bills("2026-01"))
    assert [line.amount_fen for bill in live.bills for line in bill.lines] == [70_00]


@pytest.mark.parametrize("tax_mode", ["inclusive", "exclusive"])
def test_dollars_are_converted_as_they_will_be_and_the_rate_is_called_provisional(
    books: Books, tax_mode: str
) -> None:
    books.prices('[models."gpt-4o"]\ninput = "5"\noutput = "15"\n')
    books.fx("7.0123", "2026-01-05")
    acme = books.customer("acme", fx_policy="bill", tax_mode=tax_mode)
    acme.uses("2026-01-06 09:00", "gpt-4o", input=123_457, output=7_891)
    at(books, "2026-01-20 12:00")

    live = live_of(books, acme)

    [said] = [note.sentence for note in live.notes if note.doubt is Doubt.FX]
    assert "2026-01-05 的 1 USD = 7.0123 CNY" in said
    books.close("2026-01")
    assert_same(live.bills, acme.bills("2026-01"))


def test_a_later_rate_of_the_month_takes_the_place_of_the_provisional_one(books: Books) -> None:
    books.prices('[models."gpt-4o"]\ninput = "5"\noutput = "15"\n')
    books.fx("7.00", "2026-01-05")
    acme = books.customer("acme", fx_policy="bill")
    acme.uses("2026-01-06 09:00", "gpt-4o", input=100 * M)
    at(books, "2026-01-20 12:00")
    before = live_of(books, acme)
    books.fx("7.10", "2026-01-20")

    after = live_of(books, acme)

    assert (before.gross, after.gross) == (cny("3500.00"), cny("3550.00"))
    [change] = moved(before, after)
    assert (change.amount_fen, change.quantity) == (50_00, 0)


def test_what_came_late_to_a_closed_month_is_on_the_month_that_goes_on(yuan: Books) -> None:
    """January is closed; in February a call of January turns up and moves its discount, too."""
    acme = yuan.customer("acme", commercial=replace(STANDARD, tier_discount=TIERS))
    acme.uses("2026-01-10 10:00", "gpt-4o", input=12 * M)
    yuan.close("2026-01")
    yuan.issue(acme.bill("2026-01"))
    at(yuan, "2026-02-20 12:00")
    acme.uses("2026-02-10 10:00", "gpt-4o", input=3 * M)
    acme.uses("2026-01-31 23:59", "gpt-4o", input=9 * M)

    live = live_of(yuan, acme)
    yuan.close("2026-02")

    assert {line.service_month for line in live.bills[0].lines} == {
        BillingMonth(2026, 1),
        BillingMonth(2026, 2),
    }
    assert_same(live.bills, acme.bills("2026-02"))


def test_a_month_that_is_over_and_not_closed_is_drawn_first_and_said(yuan: Books) -> None:
    """
    On the first of March neither January, which ended below zero, nor February is closed. March's
    live bill gives back what they carry and leaves of the package what they leave; closing all
    three, one after another, says the same.
    """
    terms = replace(STANDARD, tier_discount=TIERS, management_fee_fen=10_00)
    acme = yuan.customer("acme", commercial=terms)
    grant(yuan, acme, GrantKind.PACKAGE, "150.00", paid_fen=100_00)
    grant(yuan, acme, GrantKind.VOUCHER, "30.00")
    wanted = Wanted(
        customer_id=acme.customer.customer_id,
        service_month=BillingMonth(2026, 1),
        amount_fen=-400_00,
        currency="CNY",
        item="赔偿",
        why="约定",
    )
    asked = propose_adjustment(yuan.db, wanted, by="sales", now=yuan.clock.now())
    decide_adjustment(
        yuan.db, asked.adjustment_id, Decision.APPROVE, by="finance", now=yuan.clock.now()
    )
    acme.uses("2026-01-10 10:00", "gpt-4o", input=8 * M)
    acme.uses("2026-02-10 10:00", "gpt-4o", input=5 * M)
    acme.uses("2026-03-01 00:00:01", "gpt-4o", input=4 * M)
    at(yuan, "2026-03-01 00:01")

    live = live_of(yuan, acme)

    assert [str(bill.month) for bill in live.earlier] == ["2026-01", "2026-02"]
    assert sum(note.doubt is Doubt.EARLIER for note in live.notes) == 2
    for month in ("2026-01", "2026-02", "2026-03"):
        yuan.close(month)
    assert_same(live.earlier[:1], acme.bills("2026-01"))
    assert_same(live.earlier[1:], acme.bills("2026-02"))
    assert_same(live.bills, acme.bills("2026-03"))
    assert any(line.kind is LineKind.CARRIED for line in live.bills[0].lines)


def test_looking_changes_no_row_ends_no_epoch_and_waits_for_nobody(yuan: Books) -> None:
    acme = yuan.customer("acme", commercial=replace(STANDARD, commitment=Commitment(500_00)))
    acme.uses("2026-01-10 10:00", "gpt-4o", input=8 * M)
    at(yuan, "2026-01-10 10:01")
    before = rows_of(yuan.db)

    with yuan.db.begin() as tx:
        tx.lock_exclusive(EPOCH_LOCK)
        tx.lock_exclusive(f"close {acme.customer.customer_id}")
        live = live_of(yuan, acme)

    assert live.gross == cny("500.00")
    assert rows_of(yuan.db) == before


def test_it_says_what_is_not_final(yuan: Books) -> None:
    """A minimum to date, a promise of service, a call of unknown usage, a discount not decided."""
    sla = Sla(availability_ppm=999_000, steps=(AvailabilityStep(999_000, 100_000),))
    terms = replace(STANDARD, commitment=Commitment(500_00), sla=sla)
    acme = yuan.customer("acme", commercial=terms)
    acme.uses("2026-01-10 10:00", "gpt-4o", input=8 * M)
    acme.uses("2026-01-10 10:00", "gpt-4o", state="unmeasured", requests=1)
    wanted = Wanted(
        customer_id=acme.customer.customer_id,
        service_month=BillingMonth(2026, 1),
        amount_fen=-5_00,
        currency="CNY",
        item="优惠",
        why="约定",
    )
    propose_adjustment(yuan.db, wanted, by="sales", now=yuan.clock.now())
    at(yuan, "2026-01-10 10:01")

    live = live_of(yuan, acme)

    assert [note.doubt for note in live.notes] == [
        Doubt.OPEN_EPOCH,
        Doubt.WAITING,
        Doubt.SLA,
        Doubt.TRUE_UP,
        Doubt.UNDECIDED,
    ]
    assert "1 次调用用量未知" in live.notes[1].sentence


def test_a_second_later_only_what_moved_is_told(yuan: Books) -> None:
    acme = yuan.customer("acme", commercial=replace(STANDARD, commitment=Commitment(500_00)))
    acme.uses("2026-01-10 10:00", "gpt-4o", input=8 * M, output=1 * M)
    at(yuan, "2026-01-10 10:01")
    before = live_of(yuan, acme)
    acme.uses("2026-01-10 10:00:30", "gpt-4o", input=1 * M)

    changes = moved(before, live_of(yuan, acme))

    assert [(each.name.kind, each.amount_fen, each.quantity) for each in changes] == [
        ("true_up", -10_00, 0),
        ("usage", 10_00, 1 * M),
    ]
    assert moved(before, before) == []
    dollars = replace(before, bills=tuple(replace(b, currency="USD") for b in before.bills))
    gone = [each for each in moved(before, dollars) if each.line is None]
    assert len(gone) == len(before.lines()), "fen and cents are no difference of one line"


def test_all_who_watch_in_the_same_second_cost_one_drawing(yuan: Books) -> None:
    acme = yuan.customer("acme")
    acme.uses("2026-01-10 10:00", "gpt-4o", input=8 * M)
    at(yuan, "2026-01-10 10:01")
    drawn: list[datetime] = []

    def count(db: object, _who: object, now: datetime) -> Live:
        assert db is yuan.db
        drawn.append(now)
        return live_of(yuan, acme)

    board, who = Board(count), acme.customer.customer_id
    for _ in range(100):
        board.show(yuan.db, who, now=yuan.clock.now())
    assert len(drawn) == 1

    acme.uses("2026-01-10 10:01", "gpt-4o", input=1 * M)
    yuan.tick()
    assert board.show(yuan.db, who, now=yuan.clock.now()).gross == cny("90.00")
    assert len(drawn) == 2


def test_hours_that_are_summed_late_calls_and_the_present_hour_are_one_bill(yuan: Books) -> None:
    """
    However far the sums go, and whatever came late to them, the live bill is what is in the
    rollups, at once; with the last hour folded, the bill that is drawn is the same.
    """
    acme = yuan.customer("acme", projects=("main", "chat"))
    acme.uses("2026-01-09 10:00", "gpt-4o", input=8 * M)
    acme.uses("2026-01-10 09:59", "gpt-4o", project="chat", input=1 * M)
    at(yuan, "2026-01-10 10:30")

    def total() -> int:
        return live_of(yuan, acme).gross.fen

    assert total() == 90_00
    fold_usage(yuan.db, yuan.clock.now())
    assert total() == 90_00
    acme.uses("2026-01-09 11:00", "gpt-4o", input=1 * M)
    acme.uses("2026-01-10 10:29:59", "gpt-4o", project="chat", input=2 * M)
    assert total() == 120_00, "one came late, one is of the present hour"
    fold_usage(yuan.db, yuan.clock.now())
    assert total() == 120_00

    at(yuan, "2026-01-31 23:59:59")
    fold_usage(yuan.db, yuan.clock.now())
    live = live_of(yuan, acme)
    yuan.close("2026-01")
    assert_same(live.bills, acme.bills("2026-01"))


def test_a_customer_without_a_contract_has_no_live_bill(yuan: Books) -> None:
    starts = datetime(2026, 3, 1, tzinfo=UTC)
    acme = yuan.customer("acme", starts=starts)
    at(yuan, "2026-01-10 10:01")
    with pytest.raises(NotFound, match="2026-01 没有生效的合同"):
        live_of(yuan, acme)
