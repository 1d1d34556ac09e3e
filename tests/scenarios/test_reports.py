"""Reports, as whoever reads them every month knows them."""

import io
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from hashlib import sha256

import pytest
from openpyxl import load_workbook
from pypdf import PdfReader

from tests.rooms.notices.desk import KEY, channel, mail_sender
from tests.scenarios.books import Books, Party
from yuejie.clerk import CALENDAR
from yuejie.demo.post.mail import mail_server
from yuejie.insights.reports import store
from yuejie.insights.reports.keep import add_report, edit_report, end_report, find_report
from yuejie.insights.reports.report import Measure, Report, ReportDraft, Spec
from yuejie.insights.reports.result import Result
from yuejie.insights.reports.run import file_of, kept_result, run_by_hand, run_due
from yuejie.insights.reports.schedule import Every, Schedule
from yuejie.insights.reports.span import Grain, Period
from yuejie.kernel.errors import Conflict, Invalid, NotFound
from yuejie.kernel.period import BillingMonth
from yuejie.notices.channels.post import Post
from yuejie.notices.deliver import deliver_due

PRICES = """
currency = "CNY"

[models."gpt-4o"]
input = "20"
output = "80"
cache_read = "10"

[models."gpt-4o-mini"]
input = "1"
output = "4"
"""
MONTHLY = Schedule(every=Every.MONTH, on=1, hour=8)
FIRST = datetime(2026, 11, 1, tzinfo=UTC)
"""Eight o'clock in Shanghai."""
NOTICES = "SELECT count(*) FROM notice WHERE kind = %(kind)s"


def shop(books: Books, slug: str = "acme") -> Party:
    """A customer with two projects and an October on two models."""
    if slug == "acme":
        books.prices(PRICES, currency="CNY")
    party = books.customer(slug, projects=("main", "@SUM(A1)"))
    party.uses("2026-10-01 00:10", "gpt-4o", input=1_000_000, cache_read=250_000, requests=40)
    party.uses("2026-10-03 12:00", "gpt-4o-mini", output=3_000_001, requests=100)
    party.uses("2026-10-31 23:59", "gpt-4o", project="@SUM(A1)", output=500_000, requests=9)
    party.uses("2026-11-01 00:00", "gpt-4o", input=9_000_000, requests=1)
    return party


def draft(name: str = "月度用量", **changes: object) -> ReportDraft:
    facts = {"name": name, "spec": Spec(), "schedule": MONTHLY} | changes
    return ReportDraft(**facts)  # type: ignore[arg-type] # why: a test names only what it changes


def added(books: Books, party: Party | None, wanted: ReportDraft) -> Report:
    owner = party.customer.customer_id if party else None
    return add_report(books.db, owner, wanted, by="finance", now=books.clock.at)


def made(books: Books, report: Report, at: datetime = FIRST) -> Result:
    return run_by_hand(books.db, report, at=at, by="finance", now=books.clock.at).result


def test_a_month_by_model_adds_up_to_its_bill(books: Books) -> None:
    """Without terms a report of a month says what the bill says, and nothing of the next."""
    acme = shop(books)
    books.clock.at = FIRST + timedelta(hours=6)
    result = made(books, added(books, acme, draft()))
    assert [row[:2] for row in result.rows] == [("gpt-4o", 62_50), ("gpt-4o-mini", 12_00)]
    assert (result.first, result.last) == ("2026-10-01", "2026-10-31")
    assert result.total[1:] == (74_50, 149, 4_750_001)
    books.close("2026-10")
    bill = acme.bill("2026-10")
    assert result.total[1] == sum(line.amount_fen for line in bill.lines) == bill.gross.fen


def test_every_dimension_and_measure_can_be_asked_for(books: Books) -> None:
    acme = shop(books)
    measures = (Measure.CACHE_SHARE, Measure.UNIT_COST, Measure.INPUT, Measure.CACHED)
    spec = Spec(dimensions=("project", "department", "key", "model"), measures=measures)
    result = made(books, added(books, acme, draft(spec=spec)))
    first = next(row for row in result.rows if row[0] == "main" and row[3] == "gpt-4o")
    assert first[4:] == (200_000, 562_50, 1_250_000, 250_000)
    assert {row[1] for row in result.rows} == {"（无）"}
    by_meter = Spec(dimensions=("meter", "tag:team"), measures=(Measure.CHARGE, Measure.OUTPUT))
    result = made(books, added(books, acme, draft("按计量项", spec=by_meter)))
    assert {row[0]: row[2] for row in result.rows if row[2]} == {
        "输入": 20_00,
        "缓存命中输入": 2_50,
        "输出": 52_00,
    }


def test_days_weeks_and_months_tile_what_was_used(books: Books) -> None:
    acme = shop(books)
    totals = set()
    for grain, pieces in ((Grain.DAY, 3), (Grain.WEEK, 2), (Grain.MONTH, 1), (Grain.TOTAL, 1)):
        spec = Spec(dimensions=(), measures=(Measure.CHARGE, Measure.TOKENS), grain=grain)
        result = made(books, added(books, acme, draft(str(grain), spec=spec)))
        assert len(result.rows) == pieces
        totals.add(result.total[-2:])
        if grain is Grain.DAY:
            assert len(result.chart_labels) == 31
            assert sum(filter(None, result.chart_series[0][1])) == result.total[-2]
    assert totals == {(74_50, 4_750_001)}


def test_a_filter_keeps_what_it_names_and_names_what_is_there(books: Books) -> None:
    acme = shop(books)
    spec = Spec(filters={"project": ("main",), "model": ("gpt-4o",)})
    report = added(books, acme, draft(spec=spec))
    assert made(books, report).total[1] == 22_50
    nowhere = Spec(filters={"project": ("nowhere",)})
    with pytest.raises(Invalid, match="项目“nowhere”不存在"):
        made(books, added(books, acme, draft("别处", spec=nowhere)))


def test_a_customer_sees_its_own_and_neither_cost_nor_others(books: Books) -> None:
    """Cost, margin, deployments and other customers are the operator's, whatever is asked."""
    acme, rival = shop(books), shop(books, "rival")
    for spec, word in (
        (Spec(measures=(Measure.CHARGE, Measure.COST)), "成本"),
        (Spec(measures=(Measure.MARGIN,)), "毛利"),
        (Spec(measures=(Measure.MARGIN_SHARE,)), "毛利率"),
        (Spec(dimensions=("customer",)), "客户"),
        (Spec(dimensions=("deployment",)), "部署"),
        (Spec(filters={"customer": ("rival",)}), "客户"),
    ):
        with pytest.raises(Invalid, match=word):
            added(books, acme, draft(spec=spec))
    mine = added(books, acme, draft())
    assert made(books, mine).total[1] == 74_50
    theirs = rival.customer.customer_id
    with books.db.read() as tx:
        assert store.reports(tx, theirs, limit=9) == []
        with pytest.raises(NotFound):
            find_report(tx, theirs, mine.report_id)
        assert store.runs(tx, theirs, mine.report_id, limit=9) == []
        (run,) = store.runs(tx, acme.customer.customer_id, mine.report_id, limit=9)
        with pytest.raises(NotFound):
            kept_result(tx, theirs, run.run_id)
    with pytest.raises(NotFound):
        edit_report(books.db, theirs, mine.report_id, draft(), by="rival", now=FIRST)
    with pytest.raises(NotFound):
        end_report(books.db, theirs, mine.report_id, by="rival", now=FIRST)


def test_the_operator_sees_margin_of_all_and_a_customers_name_finds_its_own(books: Books) -> None:
    shop(books), shop(books, "rival")
    measures = (Measure.CHARGE, Measure.COST, Measure.MARGIN, Measure.MARGIN_SHARE)
    spec = Spec(dimensions=("customer", "deployment"), measures=measures)
    result = made(books, added(books, None, draft("毛利", spec=spec)))
    assert [row[0] for row in result.rows] == ["acme 有限公司", "rival 有限公司"]
    charge, cost, margin, share = result.total[2:]
    assert (charge, margin) == (149_00, 149_00 - int(cost or 0))
    assert share == 1_000_000 * int(margin or 0) // 149_00
    only = Spec(dimensions=("customer",), filters={"customer": ("rival",)})
    assert made(books, added(books, None, draft("一个", spec=only))).total[1] == 74_50


def test_dollars_are_converted_at_each_months_rate_and_it_is_said(books: Books) -> None:
    """September at 7.0, October at 7.2: each month's exact dollars at its own rate."""
    books.prices(PRICES.replace("CNY", "USD"))
    party = books.customer("acme", fx_policy="bill")
    books.clock.at = datetime(2026, 10, 31, tzinfo=UTC)
    books.fx("7.0", "2026-09-30")
    books.fx("7.2", "2026-10-30")
    party.uses("2026-09-30 12:00", "gpt-4o", input=1_000_000, requests=1)
    party.uses("2026-10-01 12:00", "gpt-4o", input=1_000_000, requests=1)
    spec = Spec(period=Period.LAST_3_MONTHS)
    result = made(books, added(books, party, draft(spec=spec)))
    assert result.total[1] == 284_00
    assert [note[:7] for note in result.notes[2:]] == ["2026-09", "2026-10"]
    dollars = Spec(period=Period.LAST_3_MONTHS, currency="USD")
    assert made(books, added(books, party, draft("美元", spec=dollars))).total[1] == 40_00
    party.uses("2026-08-01 12:00", "gpt-4o", input=1_000_000, requests=1)
    with pytest.raises(NotFound, match="2026-08"):
        made(books, find(books, party, "月度用量"))


def find(books: Books, party: Party, name: str) -> Report:
    with books.db.read() as tx:
        return find_report(tx, party.customer.customer_id, name)


def test_a_monthly_report_comes_once_by_mail_with_its_files(books: Books) -> None:
    """
    Due on 1 November at eight: before it nothing, after it one mail with PDF and XLSX, however
    often the clerk looks; it says October, and what was sent can be had again to the byte.
    """
    acme = shop(books)
    books.clock.at = datetime(2026, 10, 20, tzinfo=UTC)
    owner = acme.customer.customer_id
    with mail_server() as box:
        mail_sender(books.db, box.port)
        to, _ = channel(books.db, "email", "cfo@acme.example.com", customer_id=owner)
        channel(books.db, "email", "other@acme.example.com", customer_id=owner)
        report = added(books, acme, draft(recipients=(to.contact_id,)))
        assert report.next_at == FIRST
        duty = next(each for each in CALENDAR if each.name == "reports")
        assert duty.deed(books.db, FIRST - timedelta(seconds=1)) == 0
        assert [duty.deed(books.db, FIRST + timedelta(minutes=n)) for n in range(3)] == [1, 0, 0]
        while deliver_due(books.db, Post(KEY), FIRST + timedelta(minutes=5)):
            pass
        (mail,) = box.mails
    assert (mail["To"], mail["Subject"]) == (
        "cfo@acme.example.com",
        "报表：月度用量（2026-10-01 ~ 2026-10-31）",
    )
    files = {part.get_filename(): part.get_content() for part in mail.iter_attachments()}
    assert list(files) == [f"月度用量_2026-10-01_2026-10-31.{form}" for form in ("pdf", "xlsx")]
    pdf, xlsx = files.values()
    assert "74.50" in PdfReader(io.BytesIO(pdf)).pages[0].extract_text()
    assert load_workbook(io.BytesIO(xlsx))["明细"]["B4"].value == Decimal("74.5")
    with books.db.read() as tx:
        (run,) = store.runs(tx, owner, report.report_id, limit=9)
        kept = kept_result(tx, owner, run.run_id)
        assert find_report(tx, owner, report.report_id).next_at == datetime(2026, 12, 1, tzinfo=UTC)
    assert (run.due_at, run.sent, run.rows) == (FIRST, 1, 2)
    assert run.sha256 == sha256(kept.encoded).digest()
    assert (file_of(kept, "pdf")[2], file_of(kept, "xlsx")[2]) == (pdf, xlsx)


def test_what_was_missed_is_made_up_for_once(books: Books) -> None:
    """A clerk that was away for a week sends one daily report, of the last morning it missed."""
    acme = shop(books)
    books.clock.at = datetime(2026, 10, 20, tzinfo=UTC)
    spec = Spec(period=Period.YESTERDAY)
    daily = Schedule(every=Every.DAY, hour=8)
    report = added(books, acme, draft(spec=spec, schedule=daily))
    back = datetime(2026, 10, 28, 3, tzinfo=UTC)
    assert [run_due(books.db, back), run_due(books.db, back)] == [1, 0]
    with books.db.read() as tx:
        (run,) = store.runs(tx, acme.customer.customer_id, report.report_id, limit=9)
    assert run.due_at == datetime(2026, 10, 28, tzinfo=UTC)
    assert run.since.date() == date(2026, 10, 26)
    assert run_due(books.db, back + timedelta(days=1)) == 1


def test_who_registered_nobody_is_told_as_every_subscriber_is(books: Books) -> None:
    acme = shop(books)
    books.clock.at = datetime(2026, 10, 20, tzinfo=UTC)
    added(books, acme, draft())
    assert run_due(books.db, FIRST) == 1
    with books.db.read() as tx:
        assert tx.value(NOTICES, kind="report_ready") == 1
    stranger, _ = channel(books.db, "email", "op@house.example.com")
    with pytest.raises(Invalid, match="不属于报表所有者"):
        added(books, acme, draft("别人", recipients=(stranger.contact_id,)))


def test_a_report_that_cannot_be_made_says_why_once_and_tries_at_its_next_hour(
    books: Books,
) -> None:
    """The October rate is missing on 1 November: one notice says so; December's report comes."""
    books.prices(PRICES.replace("CNY", "USD"))
    party = books.customer("acme", fx_policy="bill")
    books.clock.at = datetime(2026, 10, 20, tzinfo=UTC)
    party.uses("2026-10-20 12:00", "gpt-4o", input=1_000_000, requests=1)
    report = added(books, party, draft())
    assert [run_due(books.db, FIRST), run_due(books.db, FIRST)] == [0, 0]
    with books.db.read() as tx:
        assert tx.value(NOTICES, kind="report_failed") == 1
        assert store.runs(tx, party.customer.customer_id, report.report_id, limit=9) == []
    assert run_due(books.db, datetime(2026, 12, 1, tzinfo=UTC)) == 1


def test_a_report_is_changed_and_ended_and_its_name_is_free_again(books: Books) -> None:
    acme = shop(books)
    owner = acme.customer.customer_id
    report = added(books, acme, draft())
    with pytest.raises(Conflict, match="已存在"):
        added(books, acme, draft())
    made(books, report)
    changed = edit_report(
        books.db, owner, report.report_id, draft("新名", schedule=None), by="finance", now=FIRST
    )
    assert (changed.name, changed.next_at) == ("新名", None)
    assert run_due(books.db, FIRST + timedelta(days=400)) == 0
    end_report(books.db, owner, report.report_id, by="finance", now=FIRST)
    with pytest.raises(NotFound, match="已结束"):
        edit_report(books.db, owner, report.report_id, draft(), by="finance", now=FIRST)
    added(books, acme, draft("新名"))
    with books.db.read() as tx:
        assert len(store.runs(tx, owner, report.report_id, limit=9)) == 1


def test_two_clerks_make_one_report(books: Books) -> None:
    """The second, which read the same due instant, finds it taken."""
    acme = shop(books)
    books.clock.at = datetime(2026, 10, 20, tzinfo=UTC)
    report = added(books, acme, draft())
    with books.db.begin() as tx:
        to = datetime(2026, 12, 1, tzinfo=UTC)
        owner = acme.customer.customer_id
        assert store.move_on(tx, owner, report.report_id, was=FIRST, to=to)
        assert not store.move_on(tx, owner, report.report_id, was=FIRST, to=to)
    assert run_due(books.db, FIRST) == 0


def test_an_empty_month_is_said_to_be_empty(books: Books) -> None:
    acme = shop(books)
    september = datetime(2026, 10, 1, tzinfo=UTC)
    result = made(books, added(books, acme, draft()), september)
    assert (result.rows, result.total) == ((), (None, 0, 0, 0))
    assert result.first == str(BillingMonth(2026, 9).first_day)
    assert "没有用量" in PdfReader(io.BytesIO(file_of(result, "pdf")[2])).pages[0].extract_text()
