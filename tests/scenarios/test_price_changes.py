"""A change of prices: one person asks, another approves, and a bill shows exactly what was seen."""

from datetime import date, datetime, timedelta

import psycopg
import pytest
from msgspec.structs import replace

from tests.scenarios.books import FOUNDED, Books, Party, cny
from tests.told import told
from yuejie.contracts import store
from yuejie.contracts.changes.ask import bring_prices
from yuejie.contracts.changes.change import ChangeDecision, ChangeState, PriceChange
from yuejie.contracts.changes.compare import differences
from yuejie.contracts.changes.decide import decide_price_change, find_change, look_at_change
from yuejie.contracts.changes.store import open_changes
from yuejie.contracts.import_prices import ImportReport, PriceImport
from yuejie.contracts.publish import open_book, publish_fx
from yuejie.intake.resolve import resolve_unpriced
from yuejie.kernel.errors import Conflict, Forbidden, Invalid, NotFound
from yuejie.kernel.money import FxRate, Money
from yuejie.notices.news.rejections import announce_rejections
from yuejie.usage.correct import Verdict
from yuejie.usage.journal import EndedItem
from yuejie.usage.meters import Meter

LIST = """
[models."gpt-4o"]
input = "5"
output = "15"

[models."gpt-4o-mini"]
input = "1"
output = "4"
"""
DEARER = """
[models."gpt-4o"]
input = "6"
output = "15"
"""
ANN, BOB = "operator:ann", "operator:bob"
MILLION = 1_000_000


@pytest.fixture
def yuan(books: Books) -> Books:
    books.prices(LIST, currency="CNY")
    books.clock.at = datetime.fromisoformat("2026-10-10T08:00:00+08:00")
    return books


def bring(
    books: Books,
    body: str,
    *,
    by: str = ANN,
    book: str = "list",
    starts_at: datetime | None = None,
    approve: bool = False,
    dry_run: bool = False,
) -> ImportReport:
    now = books.tick()
    wanted = PriceImport(
        name="next.toml", body=body.encode(), book_id=book, starts_at=now, approve=approve
    )
    return bring_prices(
        books.db, wanted, starts_at=starts_at, by=by, now=now, why="上游涨价", dry_run=dry_run
    )


def asked(
    books: Books, body: str = DEARER, *, by: str = ANN, starts_at: datetime | None = None
) -> str:
    report = bring(books, body, by=by, starts_at=starts_at)
    assert report.change_id is not None, report.lines()
    return report.change_id


def decided(
    books: Books, change: str, how: str = "approve", by: str = BOB, why: str = "已核对"
) -> PriceChange:
    return decide_price_change(
        books.db, change, ChangeDecision(how), by=by, now=books.tick(), why=why
    )


def numbers(books: Books, book: str = "list") -> list[int]:
    with books.db.read() as tx:
        return [note.revision for note in store.revisions(tx, book)]


def charged(party: Party) -> Money:
    lines = party.bill("2026-10").lines
    return Money(sum(line.amount_fen for line in lines), "CNY")


def on_bill(party: Party, month: str) -> list[str]:
    return [line.partition("  ")[2] for line in party.lines(month)]


def test_a_bill_changes_only_once_another_approved_and_from_its_own_day(yuan: Books) -> None:
    acme = yuan.customer("acme")
    starts = datetime.fromisoformat("2026-10-20T00:00:00+08:00")
    change = asked(yuan, starts_at=starts)
    acme.uses("2026-10-11T10:00", "gpt-4o", input=MILLION)
    assert numbers(yuan) == [1], "what is asked for holds for nobody"
    with pytest.raises(Forbidden, match="须由另一人审批"):
        decided(yuan, change, by=ANN)
    yuan.clock.at = datetime.fromisoformat("2026-10-15T00:00:00+08:00")
    done = decided(yuan, change)
    assert (done.state, done.revision, done.decided_by) == (ChangeState.APPROVED, 2, BOB)
    acme.uses("2026-10-19T23:59:59", "gpt-4o", input=MILLION)
    acme.uses("2026-10-20T00:00:00", "gpt-4o", input=MILLION)
    yuan.close("2026-10")
    assert charged(acme) == cny("16.00")
    assert sorted(on_bill(acme, "2026-10")) == [
        "gpt-4o  input  1,000,000 = 6.00",
        "gpt-4o  input  2,000,000 = 10.00",
    ]


def test_without_a_day_it_starts_ten_minutes_after_its_approval(yuan: Books) -> None:
    change = asked(yuan)
    yuan.clock.at += timedelta(days=3)
    done = decided(yuan, change)
    with yuan.db.read() as tx:
        note = store.revisions(tx, "list")[-1]
    assert done.decided_at is not None
    assert note.starts_at == done.decided_at + timedelta(minutes=10)
    assert (note.approved_by, note.body_hash) == (BOB, done.body_hash)


def test_what_was_looked_at_is_what_becomes_effective(yuan: Books) -> None:
    """Every price that changes is listed before, and the revision differs by exactly those."""
    body = LIST.replace('"15"', '"12.5"\ncache_read = "2"').replace('output = "4"', 'output = "3"')
    change = asked(yuan, body)
    with yuan.db.read() as tx:
        looked = look_at_change(tx, change, yuan.clock.now())
    assert looked.hindrance == ""
    moved = {(d.key[0], d.key[1]): d.kind for d in looked.differences if d.kind != "same"}
    assert moved == {
        ("gpt-4o", "cache_read"): "new",
        ("gpt-4o", "output"): "down",
        ("gpt-4o-mini", "output"): "down",
    }
    decided(yuan, change)
    with yuan.db.read() as tx:
        assert differences(store.rates(tx, "list"), 2) == looked.differences
        again = look_at_change(tx, change, yuan.clock.now())
    assert again.differences == looked.differences, "what was seen can be seen for ever"


def test_it_cannot_be_approved_once_calls_were_let_in_past_its_start(yuan: Books) -> None:
    starts = yuan.clock.now() + timedelta(hours=2)
    change = asked(yuan, starts_at=starts)
    yuan.clock.at = starts - timedelta(minutes=9)
    with pytest.raises(Conflict, match="生效时间已过或不足 10 分钟"):
        decided(yuan, change)
    assert numbers(yuan) == [1]
    with pytest.raises(Invalid, match="驳回调价须写明原因"):
        decided(yuan, change, "reject", why=" ")
    assert decided(yuan, change, "reject").state is ChangeState.REJECTED
    assert announce_rejections(yuan.db, yuan.clock.now()) == 1
    assert [note.facts["request"] for note in told(yuan.db)] == [change]
    with pytest.raises(Conflict, match="已驳回"):
        decided(yuan, change)
    with pytest.raises(Invalid, match="来不及由另一人批准"):
        bring(yuan, DEARER, starts_at=yuan.clock.now() + timedelta(minutes=5))
    with yuan.db.read() as tx:
        assert open_changes(tx) == []


def test_a_change_that_another_overtook_is_refused_and_others_are_not(yuan: Books) -> None:
    first, second = asked(yuan), asked(yuan, DEARER.replace('"6"', '"7"'))
    other = asked(yuan, '[models."gpt-4o-mini"]\ninput = "1"\noutput = "5"\n')
    decided(yuan, second)
    with pytest.raises(Conflict, match="gpt-4o 又有新的一版"):
        decided(yuan, first)
    assert decided(yuan, other).revision == 3
    assert numbers(yuan) == [1, 2, 3]
    assert decided(yuan, first, "withdraw", by=ANN).state is ChangeState.WITHDRAWN


def test_what_has_no_price_yet_needs_nobody_else(yuan: Books) -> None:
    new = bring(yuan, '[models."o9"]\ninput = "1"\noutput = "2"\n')
    assert (new.change_id, new.published and new.published.revision) == (None, 2)
    both = bring(yuan, DEARER + '[models."o8"]\ninput = "1"\noutput = "2"\n')
    assert both.needs_another, "one file is one change"
    open_book(yuan.db, "fresh", kind="sale", currency="CNY", by=ANN, now=yuan.clock.now())
    first = bring(yuan, LIST, book="fresh")
    assert (first.change_id, numbers(yuan, "fresh")) == (None, [1])
    odd = bring(yuan, '[models."o7"]\ninput = "1"\noutput = "2"\ncache_read = "3"\n')
    assert odd.refused, "an odd ratio is looked at by whoever brings it, as ever"
    assert bring(yuan, LIST).outcome == "价目 list 没有变化。"


def test_a_first_price_for_calls_that_were_made_waits_for_another(yuan: Books) -> None:
    """
    A provider's answer bills a second model that nobody had priced: the call waits, worth nothing.
    Its first list puts it on a bill only from a start in the past, and then another person agrees.
    """
    acme = yuan.customer("acme")
    body = '[models."gpt-4o-next"]\ninput = "8"\noutput = "20"\n'
    called = datetime.fromisoformat("2026-10-05T10:00:00+08:00")
    priced = yuan.ended(acme, called, "gpt-4o", "main", "measured", {"input": MILLION})
    item = EndedItem("gpt-4o-next", Meter.INPUT, MILLION, 0, 0)
    yuan.ingest([replace(priced, state="unpriced", items=(*priced.items, item))])
    fresh = body.replace("next", "later")
    first = datetime.fromisoformat("2026-10-01T00:00:00+08:00")
    assert bring(yuan, fresh, starts_at=first, approve=True).change_id is None, "nothing waits"
    after = datetime.fromisoformat("2026-10-06T00:00:00+08:00")
    assert not bring(yuan, body, starts_at=after, approve=True, dry_run=True).needs_another
    tried = bring(yuan, body, starts_at=first, approve=True, dry_run=True)
    assert (tried.needs_another, tried.refused) == (True, False)
    change = bring(yuan, body, starts_at=first, approve=True).change_id
    assert change is not None
    with pytest.raises(Forbidden, match="须由另一人审批"):
        decided(yuan, change, by=ANN)
    assert decided(yuan, change).revision == 3
    bring(yuan, LIST + body, book="cost", starts_at=first, approve=True)
    assert resolve_unpriced(yuan.db, None, now=yuan.tick()).verdicts == {Verdict.CORRECTED: 1}
    yuan.close("2026-10")
    assert charged(acme) == cny("13.00")


def test_sale_always_waits_and_cost_where_it_leaps(yuan: Books) -> None:
    penny = LIST.replace('"5"', '"5.01"')
    assert bring(yuan, penny, dry_run=True).outcome.startswith("试算通过：改动价目 list 的 1 个")
    assert bring(yuan, penny).needs_another
    cost = LIST.replace('"gpt', '"openai/gpt')
    small = bring(yuan, cost.replace('"5"', '"6.5"'), book="cost")
    assert (small.needs_another, numbers(yuan, "cost")) == (False, [1, 2])
    yuan.clock.at += timedelta(hours=1)
    leap = bring(yuan, cost.replace('"5"', '"9"'), book="cost", approve=True)
    assert (leap.needs_another, leap.refused) == (True, False), "no tick stands for a person"
    assert numbers(yuan, "cost") == [1, 2]


def test_the_same_is_asked_for_once(yuan: Books) -> None:
    change = asked(yuan)
    with pytest.raises(Conflict, match=f"同样的调价 {change} 已在等待审批"):
        asked(yuan, by=BOB)
    with pytest.raises(Forbidden, match="只能由其本人撤回"):
        decided(yuan, change, "withdraw")
    with pytest.raises(NotFound, match="chg_none"):
        decided(yuan, "chg_none")


def test_cards_and_the_prices_of_contracts_follow_on_approval(books: Books) -> None:
    books.prices(LIST)
    books.fx("7", "2026-09-30")
    books.clock.at = datetime.fromisoformat("2026-10-10T08:00:00+08:00")
    acme = books.customer("acme", fx_policy="card")
    change = asked(books)
    assert numbers(books, "list@CNY") == [1]
    decided(books, change)
    assert numbers(books, "list@CNY") == [1, 2]
    acme.uses("2026-10-11T10:00", "gpt-4o", input=MILLION)
    books.close("2026-10")
    assert charged(acme) == cny("42.00")


def test_a_card_that_will_be_converted_anew_hinders_what_starts_before(books: Books) -> None:
    """
    From the 25th the card has another exchange rate. What would start on the 20th cannot be
    written into it any more: whoever is to approve it is told, and nobody asks for it in vain.
    """
    books.prices(LIST)
    books.fx("7", "2026-09-30")
    books.clock.at = datetime.fromisoformat("2026-10-10T08:00:00+08:00")
    books.customer("acme", fx_policy="card")
    change = asked(books, starts_at=datetime.fromisoformat("2026-10-20T00:00:00+08:00"))
    publish_fx(
        books.db,
        FxRate.parse("7.2", "USD", "CNY"),
        date(2026, 10, 10),
        source="中国外汇交易中心中间价",
        by=ANN,
        now=books.tick(),
        cards_from=datetime.fromisoformat("2026-10-25T00:00:00+08:00"),
    )
    with books.db.read() as tx:
        hindered = look_at_change(tx, change, books.clock.now()).hindrance
    assert "折算卡 list@CNY 的 gpt-4o 已有第 2 版" in hindered
    with pytest.raises(Conflict, match="折算卡 list@CNY"):
        decided(books, change)
    assert numbers(books) == [1]
    for starts in (None, datetime.fromisoformat("2026-10-24T00:00:00+08:00")):
        again = bring(books, DEARER.replace('"6"', '"7"'), starts_at=starts)
        assert (again.refused, again.change_id) == (True, None)
        assert "折算卡 list@CNY" in again.gravest
    later = asked(books, starts_at=datetime.fromisoformat("2026-10-26T00:00:00+08:00"))
    assert decided(books, later).revision == 2


def test_the_database_keeps_what_was_asked_for_and_by_whom(yuan: Books) -> None:
    change = asked(yuan)
    for deed in (
        "UPDATE price_change SET lists = '[]'",
        "UPDATE price_change SET starts_at = now()",
        "DELETE FROM price_change",
        "UPDATE price_change SET state = 'rejected', decided_at = now(), decided_by = asked_by",
    ):
        with pytest.raises(psycopg.Error), yuan.db.begin() as tx:
            tx.run(deed)
    with yuan.db.read() as tx:
        assert find_change(tx, change).state is ChangeState.ASKED
    assert yuan.clock.now() > FOUNDED
