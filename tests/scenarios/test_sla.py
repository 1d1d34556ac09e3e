"""What a month's service was, what was promised of it, and what the bill gives back."""

from dataclasses import replace
from datetime import UTC, date, datetime

import msgspec
import pytest

from tests.scenarios.books import CLERK, Books, cny
from tests.scenarios.callers import SLA, calls, fails, probe, promised, turned_away
from yuejie.assurance.sla.report import report_month
from yuejie.assurance.sla.words import reckoning, verdict_of
from yuejie.bills.bill import LineKind
from yuejie.bills.correct.adjust import decide_adjustment, propose_adjustment
from yuejie.bills.correct.adjustment import Decision, Wanted
from yuejie.bills.correct.granted import approve_grant
from yuejie.bills.review.ask import propose_bill, reopen_bill
from yuejie.budgets.lending.count import Spending
from yuejie.contracts.grants.give import ask_grant
from yuejie.contracts.grants.grant import GrantDraft, GrantKind
from yuejie.contracts.terms import (
    AvailabilityStep,
    LatencyStep,
    SlaBasis,
    SlaExclusion,
    Split,
    TaxGrouping,
    TierDiscount,
    TierStep,
)
from yuejie.db.session import Database
from yuejie.kernel.ids import uuid7_at
from yuejie.kernel.period import BillingMonth
from yuejie.usage.arrival import Reader
from yuejie.usage.event import Outcome
from yuejie.usage.journal import Ended
from yuejie.usage.record import Recorder
from yuejie.usage.store import enter_epoch

YUAN = """
[models."gpt-4o"]
input = "10"
output = "30"
"""
M = 1_000_000
STRICT = (AvailabilityStep(999_900, 100_000),)


@pytest.fixture
def yuan(books: Books) -> Books:
    books.prices(YUAN, currency="CNY")
    return books


def rescue(books: Books, records: list[Ended]) -> None:
    """Take in records of which some are known, as the ingest does of a rescued journal."""
    reader, recorder = Reader(), Recorder()
    arrived = [reader.read_ended(record) for record in records]
    recorder.prepare_arrived(books.db, arrived)
    with books.db.begin() as tx:
        recorder.append_arrived(
            tx, arrived, epoch=enter_epoch(tx), source="gateway", count=Spending().count
        )


def test_a_kept_promise_costs_nothing(yuan: Books) -> None:
    """1,000 calls, one of which the provider failed: 99.9 % is kept on its very edge."""
    acme = yuan.customer("acme", commercial=promised())
    acme.uses("2026-10-05 10:00:00", "gpt-4o", input=100 * M)
    calls(acme, "2026-10-05 11:00:00", 998)
    fails(acme, "2026-10-06 11:00:00", 1)
    yuan.close("2026-10")
    assert acme.lines("2026-10") == ["main  gpt-4o  input  100,000,000 = 1,000.00"]


def test_one_more_failure_gives_a_tenth_back(yuan: Books) -> None:
    """
    Of 1,000 calls two fail: 99.8 %. A tenth of the month's usage is given back on its own bill,
    which says why, and tax follows.
    """
    acme = yuan.customer("acme", commercial=promised())
    acme.uses("2026-10-05 10:00:00", "gpt-4o", input=100 * M)
    calls(acme, "2026-10-05 11:00:00", 997)
    fails(acme, "2026-10-06 11:00:00", 2)
    yuan.close("2026-10")
    assert acme.lines("2026-10")[1:] == [
        "SLA 赔付（可用率 99.8% 低于承诺 99.9%，10%） = -100.00",
    ]
    assert acme.bill("2026-10").gross == cny("900.00")
    again = yuan.close("2026-10")
    assert [each.done for each in again] == ["unchanged"]


def test_what_the_client_did_is_no_failure(yuan: Books) -> None:
    """Bad requests and hung-up clients count as served; our credential and 429 do not."""
    acme = yuan.customer("acme", commercial=promised())
    acme.uses("2026-10-05 10:00:00", "gpt-4o", input=100 * M)
    calls(acme, "2026-10-05 11:00:00", 900)
    fails(acme, "2026-10-06 11:00:00", 90, status=400)
    calls(acme, "2026-10-07 11:00:00", 8, outcome=Outcome.CLIENT_GONE)
    fails(acme, "2026-10-08 11:00:00", 1, status=401)
    yuan.close("2026-10")
    assert acme.bill("2026-10").gross == cny("1000.00")
    fails(acme, "2026-10-08 12:00:00", 1, status=429)
    yuan.close("2026-10")
    assert acme.bill("2026-10").gross == cny("900.00")


@pytest.mark.parametrize("basis", SlaBasis)
def test_a_call_that_we_turn_away_is_a_failed_call(yuan: Books, basis: SlaBasis) -> None:
    """
    A budget of the customer's own turns fifty calls away: none of them counts. A worker with old
    rights turns one away: a failed call among 1,001, and in its five minutes the only one. A tenth
    is given back, and the slow oracle finds the same.
    """
    sla = replace(SLA, basis=basis, availability_ppm=999_990, steps=STRICT)
    acme = yuan.customer("acme", commercial=promised(sla))
    acme.uses("2026-10-05 10:00:00", "gpt-4o", input=100 * M)
    calls(acme, "2026-10-05 11:00:00", 999)
    turned_away(acme, "2026-10-06 11:00:00", "cap_used_up", 50)
    yuan.close("2026-10")
    assert acme.bill("2026-10").gross == cny("1000.00")
    turned_away(acme, "2026-10-06 11:00:00", "snapshot_stale", 1)
    yuan.close("2026-10")
    assert acme.bill("2026-10").gross == cny("900.00")
    assert not yuan.unproved()
    [report] = report_month(yuan.db, BillingMonth(2026, 10), "acme")
    assert [(each.reason, each.calls) for each in report.causes] == [("snapshot_stale", 1)]
    turned_away(acme, "2026-10-07 11:00:00", "stopping", 100)
    assert not yuan.unproved(), "a later epoch changes no bill by itself"


def test_what_a_contract_excludes_is_not_counted_at_all(yuan: Books) -> None:
    """With providers' faults and 429 excluded, ours alone are judged, of the calls left."""
    sla = replace(SLA, exclusions=(SlaExclusion.PROVIDER, SlaExclusion.THROTTLED))
    acme = yuan.customer("acme", commercial=promised(sla))
    acme.uses("2026-10-05 10:00:00", "gpt-4o", input=100 * M)
    calls(acme, "2026-10-05 11:00:00", 998)
    fails(acme, "2026-10-06 11:00:00", 50, status=429)
    fails(acme, "2026-10-06 12:00:00", 50, status=503)
    calls(acme, "2026-10-07 11:00:00", 1, outcome=Outcome.WORKER_DIED, status=0)
    yuan.close("2026-10")
    assert acme.bill("2026-10").gross == cny("1000.00")
    calls(acme, "2026-10-07 12:00:00", 1, outcome=Outcome.WORKER_DIED, status=0)
    yuan.close("2026-10")
    assert acme.bill("2026-10").gross == cny("900.00")


def test_a_few_calls_are_not_judged(yuan: Books) -> None:
    """Of 999 calls half fail; the contract asks for 1,000 before it judges."""
    acme = yuan.customer("acme", commercial=promised())
    acme.uses("2026-10-05 10:00:00", "gpt-4o", input=100 * M)
    fails(acme, "2026-10-06 11:00:00", 998)
    yuan.close("2026-10")
    assert acme.bill("2026-10").gross == cny("1000.00")


def test_a_call_that_was_tried_again_counts_once(yuan: Books) -> None:
    """
    The first attempts of ten calls fail, the second ones answer: nobody noticed. One of them
    answers only after midnight, so that the call belongs to November, and October has 999 calls.
    """
    acme = yuan.customer("acme", commercial=promised(replace(SLA, operations_min=999)))
    acme.uses("2026-10-05 10:00:00", "gpt-4o", input=100 * M)
    calls(acme, "2026-10-05 11:00:00", 989)
    first = fails(acme, "2026-10-06 11:00:00", 9) + fails(acme, "2026-10-31 23:59:59", 1)
    later = calls(acme, "2026-10-06 11:00:20", 9) + calls(acme, "2026-11-01 00:00:01", 1)
    assert acme.has_bill("2026-10") is False
    retried = [
        msgspec.structs.replace(
            again,
            begun=msgspec.structs.replace(
                again.begun,
                event=uuid7_at(again.begun.started_us // 1000 + 500),
                operation=was.begun.operation,
                attempt=2,
            ),
        )
        for was, again in zip(first, later, strict=True)
    ]
    yuan.ingest(retried)
    fails(acme, "2026-10-07 11:00:00", 1)
    yuan.close("2026-10")
    assert acme.bill("2026-10").gross == cny("1000.00")


def test_failures_that_arrive_late_are_given_back_on_the_next_bill(yuan: Books) -> None:
    """
    October was kept and is issued. Then a rescued node's journal arrives: twenty of its calls had
    failed, and one of them had been worth 100 yuan. November carries the call, and October's
    credit on both: 25 % of 1,100, for 98.03 % are below 99 %.
    """
    acme = yuan.customer("acme", commercial=promised())
    acme.uses("2026-10-05 10:00:00", "gpt-4o", input=100 * M)
    calls(acme, "2026-10-05 11:00:00", 999)
    yuan.close("2026-10")
    yuan.issue(acme.bill("2026-10"))
    fails(acme, "2026-10-20 11:00:00", 20)
    acme.uses("2026-10-20 12:00:00", "gpt-4o", input=10 * M)
    acme.uses("2026-11-02 10:00:00", "gpt-4o", input=10 * M)
    yuan.close("2026-11")
    assert acme.lines("2026-11") == [
        "main  gpt-4o  input  10,000,000 = 100.00",
        "2026-10 late  main  gpt-4o  input  10,000,000 = 100.00",
        "2026-10 late  SLA 赔付（可用率 98.0411% 低于承诺 99.9%，25%） = -275.00",
        "结转下期 = 75.00",
    ]


def test_late_calls_that_went_well_take_a_credit_back(yuan: Books) -> None:
    """The credit of October was given; then 9,000 calls arrive that went well, and it is kept."""
    acme = yuan.customer("acme", commercial=promised())
    acme.uses("2026-10-05 10:00:00", "gpt-4o", input=100 * M)
    calls(acme, "2026-10-05 11:00:00", 997)
    fails(acme, "2026-10-06 11:00:00", 2)
    yuan.close("2026-10")
    yuan.issue(acme.bill("2026-10"))
    calls(acme, "2026-10-10 11:00:00", 2_000)
    acme.uses("2026-11-02 10:00:00", "gpt-4o", input=10 * M)
    yuan.close("2026-11")
    assert acme.lines("2026-11")[1:] == ["2026-10 late  SLA 赔付（更正） = 100.00"]


def test_a_call_given_up_and_found_again_is_no_failure(yuan: Books) -> None:
    """A worker died over two calls; the end of one turns up on its disk, and it was answered."""
    acme = yuan.customer("acme", commercial=promised())
    acme.uses("2026-10-05 10:00:00", "gpt-4o", input=100 * M)
    calls(acme, "2026-10-05 11:00:00", 997)
    lost = calls(
        acme,
        "2026-10-06 11:00:00",
        2,
        outcome=Outcome.WORKER_DIED,
        status=0,
        reason="worker_died",
        state="unmeasured",
    )
    yuan.close("2026-10")
    assert acme.bill("2026-10").gross == cny("900.00")
    found = msgspec.structs.replace(
        lost[0], outcome="ok", http_status=200, reason="", state="measured", billable=True
    )
    rescue(yuan, [found])
    yuan.close("2026-10")
    assert acme.bill("2026-10").gross == cny("1000.00")


def test_a_month_is_the_customers_own(yuan: Books) -> None:
    """
    Two failures at half past eleven in the evening of October in New York are November in
    Shanghai: they cost October there, and November here.
    """
    here = yuan.customer("here", commercial=promised())
    there = yuan.customer("there", commercial=promised(), zone="America/New_York")
    for party in (here, there):
        party.uses("2026-10-05 10:00:00", "gpt-4o", input=100 * M)
        calls(party, "2026-10-05 11:00:00", 997)
    fails(there, "2026-10-31 23:30:00", 2)
    fails(here, "2026-11-01 11:30:00", 2)
    yuan.close("2026-10")
    assert (here.bill("2026-10").gross, there.bill("2026-10").gross) == (
        cny("1000.00"),
        cny("900.00"),
    )


def test_minutes_in_which_nobody_was_served_count_too(yuan: Books) -> None:
    """
    Every call of October was answered, but for 45 of its 44,640 minutes no call could have been:
    99.8991 %. Without the clause, or with one minute less, nothing is owed.
    """
    seen = yuan.customer("seen", commercial=promised())
    blind = yuan.customer("blind", commercial=promised(replace(SLA, probed=False)))
    for party in (seen, blind):
        party.uses("2026-10-05 10:00:00", "gpt-4o", input=100 * M)
    probe(yuan, "2026-09-30T15:00:00", 60, ready=False)  # still September in Shanghai
    probe(yuan, "2026-10-01T00:00:00", 100, ready=True)
    probe(yuan, "2026-10-10T00:00:00", 44, ready=False)
    yuan.close("2026-10")
    assert seen.bill("2026-10").gross == cny("1000.00")
    probe(yuan, "2026-10-31T15:59:00", 1, ready=False)
    yuan.close("2026-10")
    assert seen.lines("2026-10")[1:] == [
        "SLA 赔付（可用率 99.8991% 低于承诺 99.9%，10%） = -100.00"
    ]
    assert blind.bill("2026-10").gross == cny("1000.00")


def test_what_was_before_the_contract_began_is_not_judged(yuan: Books) -> None:
    """
    The contract begins on the 20th. The gateway was down for an hour on the 10th, and for 17
    minutes on the 25th, of the 17,280 minutes that are left: 99.9016 %, which is kept. One more
    minute breaks it: 99.8958 %.
    """
    start = datetime(2026, 10, 19, 16, tzinfo=UTC)
    acme = yuan.customer("acme", commercial=promised(), starts=start)
    acme.uses("2026-10-21 10:00:00", "gpt-4o", input=100 * M)
    probe(yuan, "2026-10-10T00:00:00", 60, ready=False)
    probe(yuan, "2026-10-25T00:00:00", 17, ready=False)
    yuan.close("2026-10")
    assert acme.bill("2026-10").gross == cny("1000.00")
    probe(yuan, "2026-10-26T00:00:00", 1, ready=False)
    yuan.close("2026-10")
    assert acme.lines("2026-10")[1:] == [
        "SLA 赔付（可用率 99.8958% 低于承诺 99.9%，10%） = -100.00"
    ]


def test_what_is_behind_the_contracts_end_is_not_judged(yuan: Books) -> None:
    """The contract ends on the 11th: an outage of the 15th is nobody's; one of the 5th counts."""
    terms = replace(promised(), ends_on=date(2026, 10, 11))
    acme = yuan.customer("acme", commercial=terms)
    acme.uses("2026-10-05 10:00:00", "gpt-4o", input=100 * M)
    probe(yuan, "2026-10-15T00:00:00", 60, ready=False)
    yuan.close("2026-10")
    assert acme.bill("2026-10").gross == cny("1000.00")
    probe(yuan, "2026-10-05T00:00:00", 60, ready=False)
    yuan.close("2026-10")
    assert acme.lines("2026-10")[1:] == [
        "SLA 赔付（可用率 99.5833% 低于承诺 99.9%，10%） = -100.00"
    ]


def test_by_windows_an_hour_of_outage_weighs_as_an_hour(yuan: Books) -> None:
    """
    Nearly all calls come on one day and work. In four windows of another day every call fails:
    1,000 of 1,024 calls worked, but 4 of 8,928 windows are lost, which is 99.9551 %.
    """
    calm = replace(SLA, basis=SlaBasis.WINDOWS)
    acme = yuan.customer("acme", commercial=promised(calm))
    rival = yuan.customer("rival", commercial=promised())
    for party in (acme, rival):
        party.uses("2026-10-05 10:00:00", "gpt-4o", input=100 * M)
        calls(party, "2026-10-05 11:00:00", 999)
        for minute in (0, 5, 10, 15):
            fails(party, f"2026-10-06 11:{minute:02d}:00", 6)
    yuan.close("2026-10")
    assert acme.bill("2026-10").gross == cny("1000.00")
    assert rival.lines("2026-10")[1:] == [
        "SLA 赔付（可用率 97.6562% 低于承诺 99.9%，25%） = -250.00"
    ]
    for minute in range(20, 45, 5):
        fails(acme, f"2026-10-06 11:{minute:02d}:00", 1)
    yuan.close("2026-10")
    assert acme.lines("2026-10")[1:] == [
        "SLA 赔付（可用率 99.8991% 低于承诺 99.9%，10%） = -100.00"
    ]


def test_latency_is_credited_where_it_was_promised(yuan: Books) -> None:
    """
    Of 1,000 streamed calls 951 had a byte within two seconds: the promise is kept.
    Two more slow ones move the 95th percentile; both credits add up, as far as the cap.
    """
    sla = replace(SLA, first_byte_ms=2_000, latency_steps=(LatencyStep(2_000, 50_000),))
    acme = yuan.customer("acme", commercial=promised(sla))
    acme.uses("2026-10-05 10:00:00", "gpt-4o", input=100 * M)
    calls(acme, "2026-10-05 11:00:00", 951, first_byte_ms=2_000)
    calls(acme, "2026-10-06 11:00:00", 49, first_byte_ms=9_000)
    yuan.close("2026-10")
    assert acme.bill("2026-10").gross == cny("1000.00")
    calls(acme, "2026-10-07 11:00:00", 2, first_byte_ms=2_500)
    yuan.close("2026-10")
    assert acme.lines("2026-10")[1:] == [
        "SLA 赔付（首字节 P95 2500 毫秒超过承诺 2000 毫秒，5%） = -50.00"
    ]
    fails(acme, "2026-10-08 11:00:00", 100)
    yuan.close("2026-10")
    assert acme.bill("2026-10").gross == cny("700.00")


def test_the_report_names_hours_parties_and_the_computation(yuan: Books) -> None:
    """
    Of 1,000 calls three fail: two of the provider in one hour, ours in another. The gateway was
    down for two minutes. The report says so before the month is closed, and what is given back
    after it; a call that arrives later changes nothing that was said of the closing.
    """
    acme = yuan.customer("acme", commercial=promised())
    yuan.customer("idle")
    acme.uses("2026-10-05 10:00:00", "gpt-4o", input=100 * M)
    calls(acme, "2026-10-05 11:00:00", 996, first_byte_ms=400)
    fails(acme, "2026-10-06 11:10:00", 2)
    fails(acme, "2026-10-06 12:10:00", 1, status=401)
    probe(yuan, "2026-10-10T00:00:00", 2, ready=False)
    month = BillingMonth.parse("2026-10")
    [before] = report_month(yuan.db, month)
    assert (before.is_closed, before.given, verdict_of(before)) == (False, None, "未达标")
    yuan.close("2026-10")
    fails(acme, "2026-10-20 11:00:00", 50)
    [report] = report_month(yuan.db, month, "acme")
    assert report.counted == (1_000, 3)
    assert [(f"{hour.since:%dT%H}", hour.calls, hour.failed) for hour in report.hours] == [
        ("06T03", 2, 2),
        ("06T04", 1, 1),
    ]
    assert [(cause.ending, cause.http_status, cause.calls) for cause in report.causes] == [
        ("provider", 503, 2),
        ("ours", 401, 1),
    ]
    assert [(outage.minutes, report.minutes.down) for outage in report.outages] == [(2, 2)]
    assert (report.first_byte.p95_ms, report.first_byte.calls) == (400, 996)
    assert reckoning(report) == [
        "SLA 赔付（可用率 99.7% 低于承诺 99.9%，10%）：合计当月用量金额的 10%。",
        "当月用量金额（阶梯折扣后）1,000.00 × 10% = 赔付 100.00 CNY。",
        "各账单上已计赔付 100.00 CNY。",
    ]
    yuan.issue(acme.bill("2026-10"))
    yuan.close("2026-11")
    [later] = report_month(yuan.db, month, "acme")
    assert later.counted == (1_050, 53)
    assert later.given is not None
    assert later.given.credit_fen == later.given.billed_fen == cny("250.00").fen


def test_what_nobody_promised_is_reported_and_costs_nothing(yuan: Books) -> None:
    acme = yuan.customer("acme")
    acme.uses("2026-10-05 10:00:00", "gpt-4o", input=100 * M)
    fails(acme, "2026-10-06 11:00:00", 1)
    yuan.close("2026-10")
    [report] = report_month(yuan.db, BillingMonth.parse("2026-10"))
    assert (verdict_of(report), report.answered_ppm, report.given) == ("未约定", 500_000, None)
    assert reckoning(report) == ["合同没有约定 SLA，本月不计赔付。"]
    [empty] = report_month(yuan.db, BillingMonth.parse("2026-09"), "acme")
    assert empty.answered_ppm is None


def test_a_credit_given_by_hand_stands_beside_the_computed_one(yuan: Books) -> None:
    """A person may give more than the contract asks for; computing again takes neither back."""
    acme = yuan.customer("acme", commercial=promised())
    acme.uses("2026-10-05 10:00:00", "gpt-4o", input=100 * M)
    calls(acme, "2026-10-05 11:00:00", 989)
    fails(acme, "2026-10-06 11:00:00", 10)
    wanted = Wanted(
        customer_id=acme.customer.customer_id,
        service_month=BillingMonth.parse("2026-10"),
        amount_fen=-5_000,
        currency="CNY",
        item="十月六日故障慰问",
        why="客户投诉",
        kind=LineKind.SLA_CREDIT,
    )
    asked = propose_adjustment(yuan.db, wanted, by="sales", now=yuan.clock.now())
    decide_adjustment(
        yuan.db, asked.adjustment_id, Decision.APPROVE, by="finance", now=yuan.clock.now()
    )
    yuan.close("2026-10")
    assert acme.lines("2026-10")[1:] == [
        "SLA 赔付（可用率 99% 低于承诺 99.9%，10%） = -100.00",
        "十月六日故障慰问 = -50.00",
    ]
    yuan.issue(acme.bill("2026-10"))
    calls(acme, "2026-10-07 11:00:00", 20_000)
    acme.uses("2026-11-02 10:00:00", "gpt-4o", input=10 * M)
    yuan.close("2026-11")
    assert acme.lines("2026-11")[1:] == ["2026-10 late  SLA 赔付（更正） = 100.00"]


def test_the_credit_is_of_what_usage_costs_after_its_discount(yuan: Books) -> None:
    """
    1,000 yuan with 10 % off are 900; the fee of 200 is no usage. A tenth of 900 is given back, and
    a voucher covers what fee and credit leave, but no more.
    """
    terms = replace(
        promised(),
        tier_discount=TierDiscount((TierStep(0, 100_000),)),
        management_fee_fen=20_000,
    )
    start = datetime(2026, 9, 30, 16, tzinfo=UTC)
    acme = yuan.customer("acme", commercial=terms, starts=start)
    acme.uses("2026-10-05 10:00:00", "gpt-4o", input=100 * M)
    calls(acme, "2026-10-05 11:00:00", 989)
    fails(acme, "2026-10-06 11:00:00", 10)
    asked = ask_grant(
        yuan.db,
        GrantDraft(
            customer_id=acme.customer.customer_id,
            kind=GrantKind.VOUCHER,
            name="甲",
            amount_fen=cny("5000.00").fen,
            starts_on=date(2026, 1, 1),
            ends_on=date(2027, 1, 1),
        ),
        why="随约赠送",
        by="sales",
        now=yuan.clock.now(),
    )
    approve_grant(yuan.db, asked.grant_id, by="finance", now=yuan.clock.now())
    yuan.close("2026-10")
    assert acme.lines("2026-10")[1:] == [
        "阶梯折扣 = -100.00",
        "管理费 = 200.00",
        "SLA 赔付（可用率 99% 低于承诺 99.9%，10%） = -90.00",
        "代金券 甲 = -1,010.00",
    ]
    assert acme.bill("2026-10").gross == cny("0.00")


def test_a_split_month_shares_the_credit_and_is_proved(yuan: Books) -> None:
    """Two projects with bills of their own: the head bill has nothing, so they share by usage."""
    terms = replace(promised(), split=Split.PROJECT, tax_grouping=TaxGrouping.MODEL)
    acme = yuan.customer("acme", commercial=terms, projects=("main", "chat"))
    acme.uses("2026-10-05 10:00:00", "gpt-4o", input=75 * M)
    acme.uses("2026-10-05 10:00:00", "gpt-4o", project="chat", input=25 * M)
    calls(acme, "2026-10-05 11:00:00", 989)
    fails(acme, "2026-10-06 11:00:00", 10)
    yuan.close("2026-10")
    shares = [
        line.amount_fen
        for bill in acme.bills("2026-10")
        for line in bill.lines
        if line.kind is LineKind.SLA_CREDIT
    ]
    assert sorted(shares) == [-7_500, -2_500]


def test_a_bill_reopened_behind_a_later_closing_takes_nothing_back(yuan: Books) -> None:
    """
    October is put to the customer. November's closing learns of failures in October and gives a
    credit. Then October's bill is reopened: drawn anew, it must not take away what November gave.
    """
    acme = yuan.customer("acme", commercial=promised())
    acme.uses("2026-10-05 10:00:00", "gpt-4o", input=100 * M)
    calls(acme, "2026-10-05 11:00:00", 999)
    yuan.close("2026-10")
    propose_bill(yuan.db, acme.bill("2026-10").bill_id, by=CLERK, now=yuan.tick())
    fails(acme, "2026-10-20 11:00:00", 5)
    acme.uses("2026-11-02 10:00:00", "gpt-4o", input=20 * M)
    yuan.close("2026-11")
    late = "2026-10 late  SLA 赔付（可用率 99.5024% 低于承诺 99.9%，10%） = -100.00"
    assert acme.lines("2026-11")[1:] == [late]
    reopen_bill(yuan.db, acme.bill("2026-10").bill_id, by=CLERK, now=yuan.tick(), why="补充说明")
    assert acme.lines("2026-10") == ["main  gpt-4o  input  100,000,000 = 1,000.00"]
    yuan.close("2026-11")
    assert acme.lines("2026-11")[1:] == [late]


def test_the_oracle_notices_a_credit_that_is_not_due(database: Database) -> None:
    """
    Somebody notes an outage behind the closing. The bill was drawn without it, so the proof, which
    judges the month again, names the missing credit: the two do not copy each other.
    """
    house = Books(database)
    house.prices(YUAN, currency="CNY")
    acme = house.customer("acme", commercial=promised())
    acme.uses("2026-10-05 10:00:00", "gpt-4o", input=100 * M)
    house.close("2026-10")
    assert not house.unproved()
    probe(house, "2026-10-10T00:00:00", 60, ready=False)
    [named] = house.unproved()
    assert "sla_credit" in named
    assert "billed='0', proved='-10000'" in named
