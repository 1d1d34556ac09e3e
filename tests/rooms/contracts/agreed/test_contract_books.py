from datetime import UTC, date, datetime, timedelta

import pytest

from tests.rooms.contracts.shelf import lists_of
from yuejie.contracts import store
from yuejie.contracts.agreed.pricing import FamilyDiscount, Override, Pricing
from yuejie.contracts.contract import Contract, Terms
from yuejie.contracts.forewarn.rises import Risen, rises_ahead
from yuejie.contracts.prices import Book
from yuejie.contracts.publish import Publication, open_book, publish_fx, publish_revision
from yuejie.contracts.sign import sign_contract
from yuejie.contracts.terms import CommercialTerms
from yuejie.customers.enrol import Particulars, enrol_customer
from yuejie.db.session import Database
from yuejie.kernel.errors import Invalid
from yuejie.kernel.ids import BookId, CustomerId
from yuejie.kernel.money import FxRate

NOW = datetime(2026, 11, 1, 8, tzinfo=UTC)
DAY = timedelta(days=1)


def prices(gpt: str, glm: str = "1") -> str:
    return (
        f'[models."gpt-4o"]\ninput = "{gpt}"\noutput = "10"\n'
        f'[models."glm-4"]\ninput = "{glm}"\noutput = "2"'
    )


def publish(db: Database, text: str, at: datetime, *, now: datetime = NOW) -> None:
    wanted = Publication(
        book_id="list", lists=lists_of(text), starts_at=at, source="test", approve=True
    )
    report = publish_revision(db, wanted, by="op", now=now)
    assert not report.refused, report.remarks


def rate(db: Database, name: str, at: datetime, model: str = "gpt-4o", meter: str = "input") -> str:
    with db.read() as tx:
        row = store.book(tx, name)
        assert row is not None
        shelf = Book(store.book_rows(tx, row))
    started_us = int(at.timestamp()) * 10**6
    revision = shelf.revision_at(started_us)
    assert revision is not None
    found = shelf.resolve(
        model,
        meter,
        revision=revision,
        started_us=started_us,
        service_tier="default",
        context_tokens=0,
    )
    assert found is not None
    return str(found.pico)


@pytest.fixture
def customer(database: Database) -> CustomerId:
    open_book(database, "list", kind="sale", currency="USD", by="op", now=NOW)
    publish(database, prices("2.5"), NOW)
    acme = enrol_customer(
        database, Particulars(slug="acme", legal_name="示例", currency="USD"), by="op", now=NOW
    )
    return acme.customer_id


def sign(
    db: Database,
    customer: CustomerId,
    pricing: Pricing = Pricing(),  # noqa: B008 - frozen
    commercial: CommercialTerms = CommercialTerms(),  # noqa: B008 - frozen
    *,
    was: Contract | None = None,
    now: datetime = NOW,
    currency: str = "USD",
    fx_policy: str = "none",
) -> Contract:
    terms = Terms(
        customer_id=customer,
        sale_book=BookId("list"),
        currency=currency,
        fx_policy=fx_policy,
        starts_at=now,
        commercial=commercial,
        pricing=pricing,
    )
    return sign_contract(db, terms, by="op", now=now, contract_id=was.contract_id if was else None)


TENTH = Pricing(discounts=(FamilyDiscount("gpt-*", 100_000),))


def test_a_contract_that_agrees_nothing_uses_the_list(
    database: Database, customer: CustomerId
) -> None:
    assert sign(database, customer).sale_book == "list"


def test_a_discount_and_an_override_are_written_down_as_rates(
    database: Database, customer: CustomerId
) -> None:
    pricing = Pricing((Override.parse("glm-4", "output", "1.5", "USD"),), TENTH.discounts)
    contract = sign(database, customer, pricing)
    assert contract.sale_book == f"list#{contract.contract_id}.1"
    assert rate(database, contract.sale_book, NOW) == "2250000"
    assert rate(database, contract.sale_book, NOW, "glm-4", "output") == "1500000"
    assert rate(database, contract.sale_book, NOW, "glm-4", "reasoning") == "1500000"
    assert rate(database, contract.sale_book, NOW, "glm-4") == "1000000"


def test_a_publication_reaches_the_contract_with_its_discount(
    database: Database, customer: CustomerId
) -> None:
    contract = sign(database, customer, TENTH)
    publish(database, prices("5"), NOW + DAY)
    assert rate(database, contract.sale_book, NOW + DAY - timedelta(seconds=1)) == "2250000"
    assert rate(database, contract.sale_book, NOW + DAY) == "4500000"


def test_a_locked_contract_sees_falls_and_no_rises(
    database: Database, customer: CustomerId
) -> None:
    """
    Prices are locked until the new year.
    A rise on the second waits for it, a fall on the third comes at once, and is not taken back.
    """
    contract = sign(
        database, customer, commercial=CommercialTerms(price_lock_until=date(2027, 1, 1))
    )
    book = contract.sale_book
    publish(database, prices("3", "1"), NOW + DAY)
    publish(database, prices("2", "1"), NOW + 2 * DAY)
    publish(database, prices("4", "0.5"), NOW + 3 * DAY)
    new_year = datetime(2026, 12, 31, 16, tzinfo=UTC)
    seen = [NOW, NOW + DAY, NOW + 2 * DAY, NOW + 3 * DAY, new_year - DAY, new_year]
    assert [rate(database, book, at) for at in seen] == [
        "2500000",
        "2500000",
        "2000000",
        "2000000",
        "2000000",
        "4000000",
    ]
    assert rate(database, book, NOW + 3 * DAY, "glm-4") == "500000"


def test_a_rise_waits_for_the_days_it_must_be_announced_ahead(
    database: Database, customer: CustomerId
) -> None:
    contract = sign(database, customer, commercial=CommercialTerms(price_notice_days=30))
    publish(database, prices("3"), NOW + DAY)
    assert rate(database, contract.sale_book, NOW + 29 * DAY) == "2500000"
    assert rate(database, contract.sale_book, NOW + 30 * DAY) == "3000000"


def test_a_fall_before_a_scheduled_rise_replaces_it(
    database: Database, customer: CustomerId
) -> None:
    contract = sign(database, customer, commercial=CommercialTerms(price_notice_days=30))
    publish(database, prices("3"), NOW + DAY)
    publish(database, prices("2.4"), NOW + 5 * DAY, now=NOW + 4 * DAY)
    assert rate(database, contract.sale_book, NOW + 5 * DAY) == "2400000"
    assert rate(database, contract.sale_book, NOW + 40 * DAY) == "2400000"


def test_a_lock_holds_against_the_exchange_rate_of_a_card(
    database: Database, customer: CustomerId
) -> None:
    for day, fx in ((date(2026, 11, 1), "7"), (date(2026, 11, 2), "8"), (date(2026, 11, 3), "6")):
        publish_fx(database, FxRate.parse(fx, "USD", "CNY"), day, source="test", by="op", now=NOW)
    contract = sign(
        database,
        customer,
        TENTH,
        CommercialTerms(price_lock_until=date(2027, 1, 1)),
        currency="CNY",
        fx_policy="card",
    )
    assert contract.sale_book.startswith("list@CNY#")
    for day, fx in ((date(2026, 11, 2), "8"), (date(2026, 11, 3), "6")):
        publish_fx(
            database,
            FxRate.parse(fx, "USD", "CNY"),
            day,
            source="test",
            by="op",
            now=NOW,
            cards_from=datetime(2026, 11, day.day, 12, tzinfo=UTC),
        )
    seen = [rate(database, contract.sale_book, NOW + days * DAY) for days in (0, 1.5, 2.5)]
    assert seen == ["15750000", "15750000", "13500000"]


def test_the_same_terms_again_keep_the_version_and_the_book(
    database: Database, customer: CustomerId
) -> None:
    first = sign(database, customer, TENTH)
    assert sign(database, customer, TENTH, was=first) == first


def test_a_version_that_changes_no_price_keeps_the_book(
    database: Database, customer: CustomerId
) -> None:
    locked = CommercialTerms(price_lock_until=date(2027, 1, 1))
    first = sign(database, customer, TENTH, locked)
    publish(database, prices("5"), NOW + DAY)
    later = CommercialTerms(price_lock_until=date(2027, 1, 1), purchase_order="PO-7")
    second = sign(database, customer, TENTH, later, was=first, now=NOW + 2 * DAY)
    assert (second.version, second.sale_book) == (2, first.sale_book)


def test_a_longer_lock_keeps_the_prices_that_were_agreed_first(
    database: Database, customer: CustomerId
) -> None:
    locked = CommercialTerms(price_lock_until=date(2027, 1, 1))
    first = sign(database, customer, TENTH, locked)
    publish(database, prices("5"), NOW + DAY)
    longer = CommercialTerms(price_lock_until=date(2028, 1, 1))
    second = sign(database, customer, TENTH, longer, was=first, now=NOW + 2 * DAY)
    assert second.sale_book != first.sale_book
    assert rate(database, second.sale_book, NOW + 200 * DAY) == "2250000"


def corrected(db: Database, customer: CustomerId, commercial: CommercialTerms) -> Contract:
    """Sign on the second; on the fourth the list is corrected to twice as much since the first."""
    contract = sign(db, customer, TENTH, commercial, now=NOW + DAY)
    publish(db, prices("5"), NOW + DAY / 2, now=NOW + 3 * DAY)
    return contract


def test_a_correction_from_before_the_signature_raises_no_locked_price(
    database: Database, customer: CustomerId
) -> None:
    """What was not known when the contract was signed was not agreed, whenever it starts."""
    locked = CommercialTerms(price_lock_until=date(2028, 1, 1))
    over = datetime(2027, 12, 31, 16, tzinfo=UTC)
    first = corrected(database, customer, locked)
    for at in (NOW + DAY, NOW + 4 * DAY, over - DAY):
        assert rate(database, first.sale_book, at) == "2250000"
    assert rate(database, first.sale_book, over) == "4500000"
    # Neither does another discount, or a longer lock, let it in.
    fifth = Pricing(discounts=(FamilyDiscount("gpt-*", 200_000),))
    second = sign(database, customer, fifth, locked, was=first, now=NOW + 5 * DAY)
    assert rate(database, second.sale_book, NOW + 6 * DAY) == "2000000"
    assert rate(database, second.sale_book, over) == "4000000"
    longer = CommercialTerms(price_lock_until=date(2029, 1, 1))
    third = sign(database, customer, TENTH, longer, was=second, now=NOW + 7 * DAY)
    assert rate(database, third.sale_book, over) == "2250000"


def test_a_correction_from_before_the_signature_is_announced_like_any_rise(
    database: Database, customer: CustomerId
) -> None:
    contract = corrected(database, customer, CommercialTerms(price_notice_days=30))
    assert rate(database, contract.sale_book, NOW + 32 * DAY) == "2250000"
    assert rate(database, contract.sale_book, NOW + 33 * DAY) == "4500000"


@pytest.mark.parametrize("before", [None, date(2026, 11, 10)])
def test_a_lock_that_is_agreed_later_locks_what_was_charged_then(
    database: Database, customer: CustomerId, before: date | None
) -> None:
    """
    A tenth off the list, which doubles on the second day: at once where nothing was locked, else
    when the lock is over. On the twentieth a lock is agreed: it keeps what is charged by then. It
    brought back the price of the first day, whatever had reached the contract since.
    """
    first = sign(database, customer, TENTH, CommercialTerms(price_lock_until=before))
    publish(database, prices("5"), NOW + DAY)
    assert rate(database, first.sale_book, NOW + 19 * DAY) == "4500000"
    locked = CommercialTerms(price_lock_until=date(2028, 1, 1))
    second = sign(database, customer, TENTH, locked, was=first, now=NOW + 20 * DAY)
    publish(database, prices("6"), NOW + 21 * DAY, now=NOW + 20 * DAY)
    for days in (20, 22, 200):
        assert rate(database, second.sale_book, NOW + days * DAY) == "4500000"


def test_an_override_of_what_the_list_does_not_price_is_refused(
    database: Database, customer: CustomerId
) -> None:
    with pytest.raises(Invalid, match="没有对应的行"):
        sign(database, customer, Pricing((Override("glm-4", "images", 5),)))


def test_nothing_is_published_in_a_contract_book_by_hand(
    database: Database, customer: CustomerId
) -> None:
    contract = sign(database, customer, TENTH)
    wanted = Publication(
        book_id=contract.sale_book, lists=lists_of(prices("1")), starts_at=NOW + DAY, source="x"
    )
    with pytest.raises(Invalid, match="合同价目"):
        publish_revision(database, wanted, by="op", now=NOW)


@pytest.mark.parametrize(
    "pricing",
    [
        Pricing(discounts=(FamilyDiscount("gpt 4", 1),)),
        Pricing(discounts=(FamilyDiscount("gpt-*", 0),)),
        Pricing(discounts=(FamilyDiscount("gpt-*", 1_000_001),)),
        Pricing(discounts=(FamilyDiscount("gpt-*", 1), FamilyDiscount("gpt-*", 2))),
        Pricing((Override("a", "input", 1), Override("a", "input", 2))),
    ],
)
def test_prices_that_say_nothing_sensible_are_refused(pricing: Pricing) -> None:
    with pytest.raises(Invalid):
        pricing.refuse_nonsense()


def test_a_rise_is_foretold_from_the_day_it_reaches_the_contract(
    database: Database, customer: CustomerId
) -> None:
    contract = sign(database, customer, commercial=CommercialTerms(price_notice_days=30))
    publish(database, prices("3", "0.5"), NOW + DAY)
    with database.read() as tx:
        (rise,) = rises_ahead(tx, now=NOW)
    assert (rise.contract_id, rise.starts_at) == (contract.contract_id, NOW + 30 * DAY)
    assert rise.risen == (Risen("gpt-4o", "input", 2_500_000, 3_000_000, "USD"),)
    publish(database, prices("2.5", "0.5"), NOW + 3 * DAY, now=NOW + 2 * DAY)
    with database.read() as tx:
        assert rises_ahead(tx, now=NOW + 4 * DAY) == []


def test_a_contract_on_the_list_hears_of_the_lists_rises(
    database: Database, customer: CustomerId
) -> None:
    sign(database, customer)
    publish(database, prices("3"), NOW + DAY)
    with database.read() as tx:
        (rise,) = rises_ahead(tx, now=NOW)
        assert rise.key == f"price_rise:{customer}:list:2"
        assert rises_ahead(tx, now=NOW + DAY) == []
