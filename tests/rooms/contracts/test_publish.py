from datetime import UTC, date, datetime, timedelta

import pytest

from tests.recorded import recorded
from tests.rooms.contracts.shelf import lists_of
from yuejie.contracts import store
from yuejie.contracts.contract import Terms
from yuejie.contracts.prices import Book, RateRow
from yuejie.contracts.publish import (
    Publication,
    Published,
    open_book,
    publish_fx,
    publish_revision,
)
from yuejie.contracts.sign import sign_contract
from yuejie.customers.enrol import Particulars, enrol_customer
from yuejie.db.session import Database
from yuejie.kernel.errors import Conflict, Invalid, NotFound
from yuejie.kernel.ids import BookId
from yuejie.kernel.money import FxRate

NOW = datetime(2026, 11, 1, 8, tzinfo=UTC)
SOON = NOW + timedelta(minutes=10)
PRICES = '[models.m]\ninput = "2"\noutput = "8"\n[models.n]\ninput = "1"\noutput = "1"'


def publish(
    db: Database, text: str, starts_at: datetime = SOON, *, approve: bool = False
) -> Published:
    wanted = Publication(
        book_id="sale",
        lists=lists_of(text),
        starts_at=starts_at,
        source="test",
        approve=approve,
    )
    return publish_revision(db, wanted, by="op", now=NOW)


def book(db: Database, name: str = "sale") -> Book:
    with db.read() as tx:
        row = store.book(tx, name)
        assert row is not None
        return Book(store.book_rows(tx, row))


def rate(db: Database, meter: str, at: datetime, name: str = "sale") -> RateRow | None:
    shelf = book(db, name)
    started_us = int(at.timestamp()) * 10**6
    revision = shelf.revision_at(started_us)
    assert revision is not None
    return shelf.resolve(
        "m",
        meter,
        revision=revision,
        started_us=started_us,
        service_tier="default",
        context_tokens=0,
    )


@pytest.fixture
def sale(database: Database) -> Database:
    open_book(database, "sale", kind="sale", currency="USD", by="op", now=NOW)
    return database


def test_a_book_is_opened_once(sale: Database) -> None:
    again = open_book(sale, "sale", kind="sale", currency="USD", by="op", now=SOON)
    assert again.created_at == NOW
    with pytest.raises(Conflict, match="请另取名称"):
        open_book(sale, "sale", kind="cost", currency="USD", by="op", now=NOW)


@pytest.mark.parametrize(("kind", "currency"), [("card", "CNY"), ("sale", "EUR")])
def test_no_other_books_can_be_opened(database: Database, kind: str, currency: str) -> None:
    with pytest.raises(Invalid):
        open_book(database, "x", kind=kind, currency=currency, by="op", now=NOW)


def test_a_revision_is_written_with_all_its_rates(sale: Database) -> None:
    done = publish(sale, PRICES)
    assert (done.revision, done.models, done.refused) == (1, ("m", "n"), False)
    found = rate(sale, "reasoning", SOON)
    assert found is not None
    assert (found.pico, found.origin, found.list_rate) == (8_000_000, "fallback:output", 0)


def test_the_same_file_twice_changes_nothing(sale: Database) -> None:
    publish(sale, PRICES)
    again = publish(sale, PRICES, SOON + timedelta(days=1))
    assert (again.revision, again.models, again.refused) == (None, (), False)
    with sale.read() as tx:
        assert len(store.revisions(tx, "sale")) == 1


def test_only_models_whose_list_changed_are_in_the_next_revision(sale: Database) -> None:
    publish(sale, PRICES)
    changed = publish(sale, PRICES.replace('"8"', '"9"'), SOON + timedelta(days=1))
    assert (changed.revision, changed.models) == (2, ("m",))
    assert book(sale).naming("n", 2) == 1


def test_a_revision_needs_ten_minutes_or_approval(sale: Database) -> None:
    early = SOON - timedelta(seconds=1)
    refused = publish(sale, PRICES, early)
    assert refused.refused
    assert [r.sentence for r in refused.remarks if "不足 10 分钟" in r.sentence]
    done = publish(sale, PRICES, early, approve=True)
    assert done.revision == 1
    with sale.read() as tx:
        (note,) = store.revisions(tx, "sale")
    assert (note.approved_by, note.starts_at, note.published_at) == ("op", early, NOW)


def test_an_error_publishes_nothing(sale: Database) -> None:
    done = publish(sale, '[models.m]\ninput = "2"\noutput = "1"\n[models.bad]\ninput = "2"')
    assert (done.refused, done.revision) == (True, None)
    with sale.read() as tx:
        assert store.revisions(tx, "sale") == []
        assert store.rates(tx, "sale") == []


def test_a_model_named_twice_is_an_error(sale: Database) -> None:
    wanted = Publication(
        book_id="sale",
        lists=[*lists_of(PRICES), *lists_of(PRICES)],
        starts_at=SOON,
        source="test",
        approve=True,
    )
    done = publish_revision(sale, wanted, by="op", now=NOW)
    assert done.refused
    assert any("出现两次" in remark.sentence for remark in done.remarks)


def test_a_price_that_moves_far_needs_approval(sale: Database) -> None:
    publish(sale, PRICES)
    dear = PRICES.replace('"8"', '"80"')
    assert publish(sale, dear, SOON + timedelta(days=1)).refused
    assert publish(sale, dear, SOON + timedelta(days=1), approve=True).revision == 2


def test_a_list_may_not_start_before_the_one_it_follows(sale: Database) -> None:
    publish(sale, PRICES, SOON + timedelta(days=30))
    behind = publish(sale, PRICES.replace('"8"', '"9"'), SOON, approve=True)
    assert behind.refused
    assert any("新价目不能早于它" in remark.sentence for remark in behind.remarks)
    other = publish(sale, '[models.o]\ninput = "1"\noutput = "1"', SOON)
    assert other.revision == 2
    assert rate(sale, "input", SOON + timedelta(days=1)) is None
    assert rate(sale, "input", SOON + timedelta(days=31)) is not None


def test_a_dry_run_reports_and_writes_nothing(sale: Database) -> None:
    wanted = Publication(book_id="sale", lists=lists_of(PRICES), starts_at=SOON, source="test")
    done = publish_revision(sale, wanted, by="op", now=NOW, dry_run=True)
    assert (done.revision, done.models, done.refused) == (None, ("m", "n"), False)
    with sale.read() as tx:
        assert store.revisions(tx, "sale") == []


def test_an_unknown_book_is_said(database: Database) -> None:
    with pytest.raises(NotFound, match="价目 sale 不存在"):
        publish(database, PRICES)


# ── cards ───────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def card(sale: Database) -> Database:
    """A sale book with one revision, and the card that a contract in CNY needs."""
    publish(sale, PRICES)
    publish_fx(
        sale, FxRate.parse("7.2", "USD", "CNY"), date(2026, 10, 31), source="x", by="op", now=NOW
    )
    who = Particulars(slug="acme", legal_name="甲公司")
    acme = enrol_customer(sale, who, by="op", now=NOW)
    terms = Terms(
        customer_id=acme.customer_id,
        sale_book=BookId("sale"),
        currency="CNY",
        fx_policy="card",
        starts_at=NOW,
    )
    sign_contract(sale, terms, by="op", now=NOW)
    return sale


def test_a_card_converts_every_revision_and_points_at_the_list(card: Database) -> None:
    found, listed = rate(card, "input", SOON, "sale@CNY"), rate(card, "input", SOON)
    assert found is not None
    assert listed is not None
    assert (found.pico, found.currency, found.list_rate) == (14_400_000, "CNY", listed.rate_id)


def test_publishing_the_list_publishes_the_card_in_the_same_deed(card: Database) -> None:
    later = SOON + timedelta(days=1)
    done = publish(card, PRICES.replace('"2"', '"2.5"'), later)
    assert (done.revision, done.cards) == (2, (("sale@CNY", 2),))
    found = rate(card, "input", later, "sale@CNY")
    assert found is not None
    assert found.pico == 18_000_000


def test_a_card_is_not_published_by_hand(card: Database) -> None:
    wanted = Publication(book_id="sale@CNY", lists=lists_of(PRICES), starts_at=SOON, source="test")
    with pytest.raises(Invalid, match="由 sale 自动生成"):
        publish_revision(card, wanted, by="op", now=NOW)


def test_a_new_rate_for_cards_is_a_new_card_revision(card: Database) -> None:
    fx = FxRate.parse("7.123456", "USD", "CNY")
    later = SOON + timedelta(days=1)
    publish_fx(card, fx, date(2026, 11, 1), source="x", by="op", now=NOW, cards_from=later)
    before, after = rate(card, "input", SOON, "sale@CNY"), rate(card, "input", later, "sale@CNY")
    assert before is not None
    assert after is not None
    assert (before.pico, after.pico) == (14_400_000, 14_246_912)
    done = publish(card, PRICES.replace('"2"', '"2.5"'), later + timedelta(days=1))
    assert done.cards == (("sale@CNY", 3),)
    newest = rate(card, "input", later + timedelta(days=1), "sale@CNY")
    assert newest is not None
    assert newest.pico == 17_808_640


def test_a_card_converts_the_list_that_will_be_in_force(card: Database) -> None:
    """A list scheduled for later is converted by the rate that is later still."""
    publish(card, PRICES.replace('"2"', '"2.5"'), SOON + timedelta(days=10))
    fx = FxRate.parse("7", "USD", "CNY")
    with pytest.raises(Conflict, match="请推后生效时间"):
        publish_fx(card, fx, date(2026, 11, 1), source="x", by="op", now=NOW, cards_from=SOON)
    late = SOON + timedelta(days=11)
    publish_fx(card, fx, date(2026, 11, 1), source="x", by="op", now=NOW, cards_from=late)
    found = rate(card, "input", late, "sale@CNY")
    assert found is not None
    assert found.pico == 17_500_000


def test_a_refused_card_leaves_no_exchange_rate(card: Database) -> None:
    fx = FxRate.parse("7", "USD", "CNY")
    with pytest.raises(Conflict):
        publish_fx(
            card,
            fx,
            date(2026, 11, 1),
            source="x",
            by="op",
            now=NOW,
            cards_from=NOW,
            approve=True,
        )
    with card.read() as tx:
        found = store.fx_on(tx, base="USD", quote="CNY", day=date(2026, 11, 1))
    assert found is not None
    assert found.e8 == 720_000_000


def test_a_card_needs_ten_minutes_too(card: Database) -> None:
    with pytest.raises(Invalid, match="不足 10 分钟"):
        publish_fx(
            card,
            FxRate.parse("7", "USD", "CNY"),
            date(2026, 11, 1),
            source="x",
            by="op",
            now=NOW,
            cards_from=NOW,
        )


def test_the_same_exchange_rate_twice_changes_nothing(card: Database) -> None:
    day, fx = date(2026, 10, 31), FxRate.parse("7.2", "USD", "CNY")
    first = publish_fx(card, fx, day, source="x", by="op", now=NOW)
    again = publish_fx(card, fx, day, source="x", by="op", now=SOON)
    assert first == again
    other = publish_fx(card, FxRate.parse("7.3", "USD", "CNY"), day, source="x", by="op", now=SOON)
    with card.read() as tx:
        assert store.fx_on(tx, base="USD", quote="CNY", day=day) == other
    told = recorded(card, "fx")[-1]
    assert ((told.was or {})["e8"], (told.became or {})["e8"]) == (first.e8, other.e8)
