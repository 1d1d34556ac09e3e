from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from yuejie.contracts import store
from yuejie.contracts.contract import Terms
from yuejie.contracts.publish import open_book, publish_fx
from yuejie.contracts.sign import sign_contract
from yuejie.contracts.terms import CommercialTerms, ContractType
from yuejie.customers.enrol import Particulars, enrol_customer
from yuejie.db.session import Database
from yuejie.kernel.errors import Conflict, Invalid, NotFound
from yuejie.kernel.ids import BookId, CustomerId
from yuejie.kernel.money import FxRate
from yuejie.kernel.period import BillingMonth

NOW = datetime(2026, 11, 1, tzinfo=UTC)


def enrol(db: Database, slug: str) -> CustomerId:
    who = Particulars(slug=slug, legal_name=slug)
    return enrol_customer(db, who, by="op", now=NOW).customer_id


@pytest.fixture
def terms(database: Database) -> Terms:
    open_book(database, "sale", kind="sale", currency="USD", by="op", now=NOW)
    open_book(database, "cost", kind="cost", currency="USD", by="op", now=NOW)
    return Terms(
        customer_id=enrol(database, "acme"),
        sale_book=BookId("sale"),
        currency="CNY",
        fx_policy="bill",
        starts_at=NOW,
    )


def test_a_contract_is_changed_by_its_next_version(database: Database, terms: Terms) -> None:
    first = sign_contract(database, terms, by="op", now=NOW)
    again = sign_contract(database, terms, by="op", now=NOW, contract_id=first.contract_id)
    assert again == first
    later = replace(terms, tax_mode="exclusive", starts_at=NOW + timedelta(days=30))
    second = sign_contract(database, later, by="op", now=NOW, contract_id=first.contract_id)
    assert (second.version, second.contract_id) == (2, first.contract_id)
    with database.read() as tx:
        assert store.contracts_of(tx, terms.customer_id) == [first, second]
        assert store.contracts(tx) == [first, second]
        assert store.contract_at(tx, terms.customer_id, NOW) == first
        assert store.contract_at(tx, terms.customer_id, later.starts_at) == second
        assert store.contract_at(tx, terms.customer_id, NOW - timedelta(seconds=1)) is None


def test_a_version_may_not_start_before_the_one_it_replaces(
    database: Database, terms: Terms
) -> None:
    first = sign_contract(database, terms, by="op", now=NOW)
    earlier = replace(terms, starts_at=NOW - timedelta(days=1))
    with pytest.raises(Conflict, match="新版不能早于它"):
        sign_contract(database, earlier, by="op", now=NOW, contract_id=first.contract_id)


@pytest.mark.parametrize(
    ("commercial", "said"),
    [
        (CommercialTerms(ends_on=date(2026, 10, 31)), "止日 2026-10-31 须晚于起日 2026-11-01"),
        (CommercialTerms(ends_on=date(2026, 11, 1)), "须晚于起日"),
        (CommercialTerms(ends_on=date(1, 1, 1)), "日期须在 2000 年至 2199 年之间"),
        (CommercialTerms(type=ContractType.ONE_YEAR), "须写明止日"),
        (CommercialTerms(price_lock_until=date(2026, 11, 1)), "锁价期 2026-11-01 须晚于起日"),
        (CommercialTerms(price_lock_until=date(1, 1, 1)), "日期须在 2000 年至 2199 年之间"),
    ],
)
def test_a_span_that_no_contract_can_have_is_refused(
    database: Database, terms: Terms, commercial: CommercialTerms, said: str
) -> None:
    with pytest.raises(Invalid, match=said):
        sign_contract(database, replace(terms, commercial=commercial), by="op", now=NOW)
    with database.read() as tx:
        assert store.contracts_of(tx, terms.customer_id) == []


def test_a_change_does_not_end_a_contract_in_the_past(database: Database, terms: Terms) -> None:
    """What was used since that day would have been used under no contract."""
    first = sign_contract(database, terms, by="op", now=NOW)
    over = replace(terms, commercial=CommercialTerms(ends_on=date(2026, 11, 20)))
    later = NOW + timedelta(days=30)
    with pytest.raises(Conflict, match="止日 2026-11-20 已过"):
        sign_contract(database, over, by="op", now=later, contract_id=first.contract_id)
    with database.read() as tx:
        assert store.contracts_of(tx, terms.customer_id) == [first]
    sign_contract(database, over, by="op", now=NOW, contract_id=first.contract_id)


def test_a_price_lock_that_is_over_goes_on_in_the_next_version(
    database: Database, terms: Terms
) -> None:
    locked = replace(terms, commercial=CommercialTerms(price_lock_until=date(2026, 12, 1)))
    first = sign_contract(database, locked, by="op", now=NOW)
    changed = replace(locked, tax_mode="exclusive", starts_at=NOW + timedelta(days=60))
    second = sign_contract(database, changed, by="op", now=NOW, contract_id=first.contract_id)
    assert second.version == 2


def test_a_contract_stays_with_its_customer(database: Database, terms: Terms) -> None:
    first = sign_contract(database, terms, by="op", now=NOW)
    other = replace(terms, customer_id=enrol(database, "beta"))
    with pytest.raises(Conflict, match="属于另一个客户"):
        sign_contract(database, other, by="op", now=NOW, contract_id=first.contract_id)


def test_only_sale_books_are_agreed(database: Database, terms: Terms) -> None:
    with pytest.raises(Invalid, match="不是销售价目"):
        sign_contract(database, replace(terms, sale_book=BookId("cost")), by="op", now=NOW)
    with pytest.raises(NotFound, match="价目 none 不存在"):
        sign_contract(database, replace(terms, sale_book=BookId("none")), by="op", now=NOW)


def test_a_card_needs_an_exchange_rate_and_is_shared(database: Database, terms: Terms) -> None:
    card = replace(terms, fx_policy="card")
    with pytest.raises(NotFound, match="请先登记汇率"):
        sign_contract(database, card, by="op", now=NOW)
    fx = FxRate.parse("7.2", "USD", "CNY")
    publish_fx(database, fx, date(2026, 10, 1), source="x", by="op", now=NOW)
    acme = sign_contract(database, card, by="op", now=NOW)
    other = replace(card, customer_id=enrol(database, "beta"))
    beta = sign_contract(database, other, by="op", now=NOW)
    assert (acme.sale_book, beta.sale_book) == ("sale@CNY", "sale@CNY")
    with database.read() as tx:
        assert [row.book_id for row in store.books(tx)] == ["cost", "sale", "sale@CNY"]


def test_the_month_is_billed_at_its_own_rate(database: Database, terms: Terms) -> None:
    for day, text in ((date(2026, 9, 30), "7.1"), (date(2026, 10, 31), "7.2")):
        fx = FxRate.parse(text, "USD", "CNY")
        publish_fx(database, fx, day, source="x", by="op", now=NOW)
    with database.read() as tx:
        for month, text in (("2026-09", "7.10"), ("2026-10", "7.20"), ("2026-12", "7.20")):
            found = store.month_fx(
                tx, base="USD", quote=terms.currency, month=BillingMonth.parse(month)
            )
            assert str(found.rate) == text
        with pytest.raises(NotFound, match="请先登记汇率再出账"):
            store.month_fx(tx, base="USD", quote="CNY", month=BillingMonth(2027, 1))


@pytest.mark.parametrize("moved", [{"currency": "USD", "fx_policy": "none"}, {"zone": "UTC"}])
def test_the_next_version_keeps_currency_and_zone(
    database: Database, terms: Terms, moved: dict[str, Any]
) -> None:
    """Its months are counted, and its promises are amounts, in those of the first version."""
    first = sign_contract(database, terms, by="op", now=NOW)
    other = replace(terms, **moved, starts_at=NOW + timedelta(days=30))
    with pytest.raises(Conflict, match="币种和时区不能变更"):
        sign_contract(database, other, by="op", now=NOW, contract_id=first.contract_id)
    signed = sign_contract(database, other, by="op", now=NOW)
    assert (signed.contract_id != first.contract_id, signed.version) == (True, 1)
