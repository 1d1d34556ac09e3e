"""Somebody asks for help: who hears of it, how long it may take, and what being late costs."""

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

import pytest

from tests.scenarios.books import CLERK, FOUNDED, Books, Party
from tests.scenarios.callers import SLA, calls, promised
from yuejie.assurance.sla.report import report_month
from yuejie.assurance.sla.words import reckoning, verdict_of
from yuejie.clerk import Clerk
from yuejie.contracts.terms import ResponseStep
from yuejie.customers.members.enrol import enrol_member
from yuejie.kernel.errors import Conflict, Invalid, NotFound
from yuejie.kernel.limits import TICKET_FILE_BYTES
from yuejie.kernel.period import BillingMonth
from yuejie.notices.contacts import ChannelDraft, ContactDraft, add_channel, add_contact
from yuejie.support.rota.keep import name_adviser, person_on_duty, put_override, put_weeks
from yuejie.support.tickets.answer import Said, speak
from yuejie.support.tickets.open import TicketDraft, open_ticket
from yuejie.support.tickets.show import show_file, show_queue, show_ticket, show_tickets
from yuejie.support.tickets.ticket import (
    FOR_US,
    NEXT,
    Enclosed,
    Severity,
    Ticket,
    TicketEvent,
    TicketKind,
    TicketState,
)
from yuejie.support.tickets.watch import close_resting, watch_clocks

M = 1_000_000
NIGHT = datetime(2026, 10, 20, 18, 30, tzinfo=UTC)
"""02:30 in Shanghai."""
RESPONDS = replace(
    SLA,
    response_minutes=(15, 60, 240, 1_440),
    response_steps=(ResponseStep(1, 50_000), ResponseStep(3, 100_000)),
)


@pytest.fixture
def house(books: Books) -> Books:
    """A house with three colleagues: 小李 has the week, 老王 advises, each with a channel."""
    books.prices('[models."gpt-4o"]\ninput = "10"\noutput = "30"\n', currency="CNY")
    for number, name in enumerate(("小李", "老王", "小张")):
        enrol_member(
            books.db, name, "support", customer=None, pepper=bytes(32), by=CLERK, now=FOUNDED
        )
        contact = add_contact(books.db, None, ContactDraft(name=name), by=CLERK, now=FOUNDED)
        hook = ChannelDraft(
            contact_id=contact.contact_id, kind="webhook", address=f"https://h.example.com/{number}"
        )
        add_channel(
            books.db, hook, credential_key=bytes(32), allowed=frozenset(), by=CLERK, now=FOUNDED
        )
    put_weeks(books.db, ["小李"], first=date(2026, 10, 19), weeks=2, by=CLERK, now=FOUNDED)
    return books


def asks(
    party: Party, severity: Severity = Severity.S1, *, at: datetime = NIGHT, **more: object
) -> Ticket:
    draft = TicketDraft(
        kind=TicketKind.PROBLEM,
        severity=severity,
        subject="全部请求 503",
        text="02:28 起全部失败",
        **more,  # type: ignore[arg-type]  # its fields
    )
    return open_ticket(party.books.db, party.customer, draft, by="customer:赵", now=at)


def says(
    party: Party, ticket: Ticket, event: TicketEvent, *, at: datetime, text: str = "已切换线路"
) -> Ticket:
    ours = event in {TicketEvent.ANSWER, TicketEvent.ASK, TicketEvent.RESOLVE}
    return speak(
        party.books.db,
        ticket.ticket_id,
        Said(event, text),
        customer_id=None if ours else party.customer.customer_id,
        by="operator:小李" if ours else "customer:赵",
        now=at,
    )


def told(books: Books) -> list[tuple[str, str]]:
    """Return what was written to be told of tickets, and to which colleague alone."""
    with books.db.read() as tx:
        rows = tx.rows(
            _Told,
            "SELECT n.kind, COALESCE(c.name, '') AS name FROM notice n"
            " LEFT JOIN notice_channel h ON h.channel_id = n.only_channel"
            " LEFT JOIN notice_contact c ON c.contact_id = h.contact_id"
            " WHERE n.kind LIKE 'ticket%%' ORDER BY n.notice_id",
        )
    return sorted((row.kind, row.name) for row in rows)


@dataclass
class _Told:
    kind: str
    name: str


def watch(books: Books, since: datetime, minutes: int) -> None:
    """Let the clerk look every minute; two clerks do no more than one."""
    for minute in range(minutes + 1):
        for _ in range(2):
            watch_clocks(books.db, since + timedelta(minutes=minute))


def test_an_outage_at_night_is_answered_in_time(house: Books) -> None:
    """
    Acme's contract says fifteen minutes for S1, day and night. At 02:30 everything fails; whoever
    has the week hears of it at once, is reminded three minutes before, and answers in the last
    second. It is later resolved, and closes by itself a week later.
    """
    acme = house.customer("acme", commercial=promised(RESPONDS))
    ticket = asks(acme)
    assert told(house) == [("ticket_urgent", "小李")]
    watch(house, NIGHT, 14)
    assert told(house) == [("ticket_due_soon", "小李"), ("ticket_urgent", "小李")]
    in_time = NIGHT + timedelta(minutes=15)
    assert says(acme, ticket, TicketEvent.ANSWER, at=in_time).state is TicketState.ANSWERED
    watch(house, NIGHT, 60)
    assert [kind for kind, _ in told(house)] == [
        "ticket_answered",
        "ticket_due_soon",
        "ticket_urgent",
    ]
    done = NIGHT + timedelta(hours=2)
    says(acme, ticket, TicketEvent.RESOLVE, at=done, text="供应商已恢复")
    shown = show_ticket(house.db, acme.customer.customer_id, ticket.ticket_id)
    assert (shown.responded_in, shown.resolved_in, shown.late) == (
        timedelta(minutes=15),
        timedelta(hours=2),
        False,
    )
    assert close_resting(house.db, done + timedelta(days=6, hours=23)) == 0
    assert close_resting(house.db, done + timedelta(days=7)) == 1
    assert show_tickets(house.db, None)[0].ticket.state is TicketState.CLOSED


def test_a_missed_response_is_told_once_and_credited(house: Books) -> None:
    """
    Nobody answers for an hour. Whoever is on duty and Acme's adviser hear of it once each, and
    October's own bill gives 5 % back, which the oracle proves from what was said.
    """
    acme = house.customer("acme", commercial=promised(RESPONDS))
    name_adviser(house.db, "acme", "老王", by=CLERK, now=FOUNDED)
    acme.uses("2026-10-05 10:00:00", "gpt-4o", input=100 * M)
    ticket = asks(acme)
    watch(house, NIGHT, 60)
    missed = [each for each in told(house) if each[0] == "ticket_missed"]
    assert missed == [("ticket_missed", "小李"), ("ticket_missed", "老王")]
    says(acme, ticket, TicketEvent.ANSWER, at=NIGHT + timedelta(hours=1))
    assert show_ticket(house.db, None, ticket.ticket_id).late
    house.close("2026-10")
    assert acme.lines("2026-10")[1:] == ["SLA 赔付（工单首次响应超时 1 次，5%） = -50.00"]
    [report] = report_month(house.db, BillingMonth.parse("2026-10"), "acme")
    assert (verdict_of(report), report.missed) == ("未达标", 1)
    assert "= 赔付 50.00 CNY。" in reckoning(report)[1]


def test_who_answers_late_before_the_clerk_looks_has_missed_it_too(house: Books) -> None:
    acme = house.customer("acme", commercial=promised(RESPONDS))
    acme.uses("2026-10-05 10:00:00", "gpt-4o", input=100 * M)
    ticket = asks(acme)
    says(acme, ticket, TicketEvent.ANSWER, at=NIGHT + timedelta(minutes=15, seconds=1))
    watch(house, NIGHT, 20)
    assert [kind for kind, _ in told(house)].count("ticket_missed") == 1
    house.close("2026-10")
    assert acme.lines("2026-10")[1:] == ["SLA 赔付（工单首次响应超时 1 次，5%） = -50.00"]


def test_a_miss_that_is_noted_after_closing_stands_on_the_next_bill(house: Books) -> None:
    """The clerk was away over the end of the month: November's bill names October's credit."""
    acme = house.customer("acme", commercial=promised(RESPONDS))
    acme.uses("2026-10-05 10:00:00", "gpt-4o", input=100 * M)
    asks(acme)
    house.close("2026-10")
    assert len(acme.lines("2026-10")) == 1
    house.issue(acme.bill("2026-10"))
    watch_clocks(house.db, datetime(2026, 11, 3, tzinfo=UTC))
    acme.uses("2026-11-05 10:00:00", "gpt-4o", input=10 * M)
    house.close("2026-11")
    assert acme.lines("2026-11") == [
        "main  gpt-4o  input  10,000,000 = 100.00",
        "2026-10 late  SLA 赔付（工单首次响应超时 1 次，5%） = -50.00",
    ]


def test_without_a_table_a_miss_is_reported_and_costs_nothing(house: Books) -> None:
    """Acme has no contract term for it: the house's thirty minutes count, in the report alone."""
    acme = house.customer("acme")
    acme.uses("2026-10-05 10:00:00", "gpt-4o", input=100 * M)
    ticket = asks(acme)
    [queued] = show_queue(house.db)
    assert queued.clock
    assert queued.clock.due_at == NIGHT + timedelta(minutes=30)
    watch(house, NIGHT, 31)
    says(acme, ticket, TicketEvent.ANSWER, at=NIGHT + timedelta(minutes=40))
    house.close("2026-10")
    assert len(acme.lines("2026-10")) == 1
    [report] = report_month(house.db, BillingMonth.parse("2026-10"))
    assert [(row.severity, row.due, row.missed, row.mean_seconds) for row in report.responses] == [
        ("s1", 1, 1, 2_400)
    ]
    assert verdict_of(report) == "未约定"


def test_later_words_are_watched_and_not_credited(house: Books) -> None:
    """
    A reply to an answer waits for us again and is seen to be late, but the promise is of the first
    response; a ticket that is opened again is a first response again.
    """
    acme = house.customer("acme", commercial=promised(RESPONDS))
    acme.uses("2026-10-05 10:00:00", "gpt-4o", input=100 * M)
    ticket, at = asks(acme), NIGHT + timedelta(minutes=1)
    says(acme, ticket, TicketEvent.ANSWER, at=at)
    assert says(acme, ticket, TicketEvent.REPLY, at=at, text="还是不行").state in FOR_US
    watch(house, at, 60)
    assert [kind for kind, _ in told(house)].count("ticket_missed") == 1
    [report] = report_month(house.db, BillingMonth.parse("2026-10"), "acme")
    assert report.missed == 0
    later = NIGHT + timedelta(hours=3)
    says(acme, ticket, TicketEvent.RESOLVE, at=later)
    assert says(acme, ticket, TicketEvent.REPLY, at=later, text="复发").state is (
        TicketState.REOPENED
    )
    watch(house, later, 16)
    [report] = report_month(house.db, BillingMonth.parse("2026-10"), "acme")
    assert report.missed == 1
    house.close("2026-10")
    assert acme.lines("2026-10")[1:] == ["SLA 赔付（工单首次响应超时 1 次，5%） = -50.00"]


def test_a_strangers_call_and_bill_are_refused(house: Books) -> None:
    """What is zeta's is as unknown to acme as what is not there; a draft is known to nobody."""
    acme, zeta = house.customer("acme"), house.customer("zeta")
    own = acme.uses("2026-09-05 10:00:00", "gpt-4o", input=M)
    theirs = zeta.uses("2026-09-05 10:00:00", "gpt-4o", input=M)
    house.close("2026-09")
    with pytest.raises(NotFound, match="不存在"):
        asks(acme, request=str(UUID(bytes=theirs.begun.operation)))
    with pytest.raises(NotFound, match="不存在"):
        asks(acme, bill=acme.bill("2026-09").bill_id)
    bills = [house.issue(party.bill("2026-09")) for party in (acme, zeta)]
    with pytest.raises(NotFound, match="不存在"):
        asks(acme, bill=str(bills[1].number))
    with pytest.raises(NotFound, match="没有第 9 行"):
        asks(acme, bill=str(bills[0].number), line=9)
    assert asks(acme, bill=str(bills[0].number), line=1).line_position == 1
    assert asks(acme, request=str(UUID(bytes=own.begun.operation))).request_id
    assert len(show_tickets(house.db, acme.customer.customer_id)) == 2


def test_anothers_ticket_is_not_there(house: Books) -> None:
    acme, zeta = house.customer("acme"), house.customer("zeta")
    ticket = asks(zeta, files=[Enclosed("../../etc/日志.txt", b"x")])
    [kept] = show_ticket(house.db, zeta.customer.customer_id, ticket.ticket_id).files
    assert kept.name == "_.._etc_日志.txt"
    stranger = acme.customer.customer_id
    with pytest.raises(NotFound, match="不存在"):
        show_ticket(house.db, stranger, ticket.ticket_id)
    with pytest.raises(NotFound, match="不存在"):
        show_file(house.db, stranger, ticket.ticket_id, kept.file_id)
    said = Said(TicketEvent.REPLY, "x")
    with pytest.raises(NotFound, match="不存在"):
        speak(house.db, ticket.ticket_id, said, customer_id=stranger, by="x", now=NIGHT)
    assert show_tickets(house.db, stranger) == []


def test_what_cannot_be_kept_is_refused_whole(house: Books) -> None:
    acme = house.customer("acme")
    with pytest.raises(Invalid, match="MB"):
        asks(acme, files=[Enclosed("x", bytes(TICKET_FILE_BYTES + 1))])
    with pytest.raises(Invalid, match="只关联"):
        asks(acme, request="req_1", bill="1")
    assert show_tickets(house.db, None) == []
    assert told(house) == []
    ticket = asks(acme)
    with pytest.raises(Invalid, match="由我方进行"):
        speak(
            house.db,
            ticket.ticket_id,
            Said(TicketEvent.RESOLVE, "x"),
            customer_id=acme.customer.customer_id,
            by="x",
            now=NIGHT,
        )
    with pytest.raises(Conflict, match="由客户关闭"):
        speak(
            house.db,
            ticket.ticket_id,
            Said(TicketEvent.CLOSE),
            customer_id=None,
            by="x",
            now=NIGHT,
        )


def test_whoever_overrides_the_week_is_rung(house: Books) -> None:
    """小张 takes 小李's night; before and behind it 小李 is on duty; another week nobody is."""
    evening = datetime(2026, 10, 20, 10, tzinfo=UTC)
    put_override(
        house.db,
        "小张",
        start=evening,
        end=evening + timedelta(hours=14),
        by=CLERK,
        now=FOUNDED,
    )
    acme = house.customer("acme")
    asks(acme)
    assert told(house) == [("ticket_urgent", "小张")]
    with house.db.read() as tx:
        found = [person_on_duty(tx, evening + timedelta(hours=h)) for h in (-1, 0, 13, 14)]
        assert person_on_duty(tx, datetime(2026, 12, 1, tzinfo=UTC)) == ""
    assert found == ["小李", "小张", "小张", "小李"]
    asks(acme, at=datetime(2026, 12, 1, tzinfo=UTC))
    assert told(house)[0] == ("ticket_urgent", ""), "nobody on duty: everybody of ours"
    with pytest.raises(NotFound, match="没有在用的成员"):
        put_weeks(house.db, ["陌生人"], first=date(2026, 10, 19), weeks=1, by=CLERK, now=FOUNDED)


def test_the_clerk_watches_the_clocks(house: Books) -> None:
    asks(house.customer("acme"))
    assert "response_clocks" in Clerk().make_round(house.db, NIGHT + timedelta(minutes=40))
    assert "ticket_missed" in [kind for kind, _ in told(house)]


def test_no_pair_of_the_table_leaves_a_clock_in_doubt() -> None:
    """Whatever is ours to say leads to a state that does not wait for us, and only that."""
    for (was, event), became in NEXT.items():
        ours = event in {TicketEvent.ANSWER, TicketEvent.ASK, TicketEvent.RESOLVE}
        assert not (ours and became in FOR_US), (was, event)
        if event in {TicketEvent.REPLY, TicketEvent.REOPEN}:
            assert became in FOR_US, (was, event)
    assert {was for was, _ in NEXT} == set(TicketState)


def test_one_clock_runs_of_what_waits_and_none_of_the_rest(house: Books) -> None:
    """A customer may close at any time: its clock stops, and in time it was not missed."""
    acme = house.customer("acme")
    calls(acme, "2026-10-05 11:00:00", 1)
    ticket = asks(acme)
    says(acme, ticket, TicketEvent.REPLY, at=NIGHT, text="补充")
    assert len(show_queue(house.db)) == 1
    says(acme, ticket, TicketEvent.CLOSE, at=NIGHT + timedelta(minutes=29), text="")
    watch(house, NIGHT, 31)
    assert show_queue(house.db) == []
    assert [kind for kind, _ in told(house)] == ["ticket_urgent"]
