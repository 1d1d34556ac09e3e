"""What auto models saved: summed in slices by the database, equal to every call by itself."""

import random
from collections import Counter
from datetime import UTC, datetime, timedelta
from uuid import UUID

import msgspec
import pytest

from tests.scenarios.books import Books, Party
from yuejie.contracts.auto.policy import Choose, Policy
from yuejie.contracts.auto.publish import publish_auto
from yuejie.contracts.auto.routed import Why, facts_of
from yuejie.contracts.offer import ModelDraft, put_model
from yuejie.db.session import Database
from yuejie.insights.routing.report import report_routing
from yuejie.intake.resolve import Measured, resolve_by_hand
from yuejie.kernel.period import BillingMonth
from yuejie.usage.journal import Ended
from yuejie.usage.meters import Meter

LISTS = """
currency = "CNY"

[models."gpt-big"]
input = "10"
output = "30"
cache_read = "1"
[[models."gpt-big".above]]
tokens = 1000
input = "20"
output = "45"
[models."gpt-big".tiers.batch]
input = "5"
output = "15"
[[models."gpt-big".windows]]
window = "Asia/Shanghai 1-7 00:00-06:30"
input = "4"

[models."gpt-mini"]
input = "1"
output = "3"
cache_read = "0.5"
requests = "0.01"
[[models."gpt-mini".above]]
tokens = 700
input = "2"
output = "3"
[models."gpt-mini".tiers.batch]
input = "0.5"
output = "1.5"
"""
DEARER = LISTS.replace('input = "10"', 'input = "11"').replace('input = "4"', 'input = "4.4"')
OCTOBER = BillingMonth.parse("2026-10")
RISE = datetime(2026, 10, 16, 3, 0, tzinfo=UTC)


@pytest.fixture
def books(database: Database) -> Books:
    books = Books(database)
    books.prices(LISTS, currency="CNY")
    for name in ("gpt-big", "gpt-mini"):
        put_model(books.db, ModelDraft(model_id=name), by="t", now=books.clock.now())
    publish_auto(books.db, "auto", Policy(default_model="gpt-big"), by="t", now=books.clock.now())
    return books


def routed(ended: Ended, auto: str = "auto", version: int = 1, key: str = "key_1") -> Ended:
    """Mark a call as one that a policy decided."""
    why = Why(
        rule=1,
        by=Choose.PRICE,
        task="",
        tokens_in=1,
        tokens_out=1,
        currency="CNY",
        order=[(ended.begun.model, 1)],
    )
    begun = msgspec.structs.replace(ended.begun, key=key)
    return msgspec.structs.replace(ended, begun=begun, facts=facts_of(auto, version, why))


def call(party: Party, at: datetime, model: str, **meters: int) -> Ended:
    return party.books.ended(party, at, model, "main", "measured", meters)


def charge_at(books: Books, model: str, ended: Ended) -> int:
    """Price one call by itself, at any model's rates."""
    with books.db.read() as tx:
        book = books.book(tx, ended.begun.sale_book)
    total = 0
    for item in ended.items:
        rate = book.resolve(
            model,
            item.meter,
            revision=ended.begun.sale_revision,
            started_us=ended.begun.started_us,
            service_tier=ended.service_tier,
            context_tokens=ended.context_tokens,
        )
        total += item.quantity * (rate.pico if rate else 0)
    return total


def test_slices_add_up_to_every_call_priced_by_itself(books: Books) -> None:
    """Sizes on both sides of both steps, nights and days, a rise in the month, two tiers."""
    books.clock.at = RISE - timedelta(days=1)
    acme, zeta = books.customer("acme"), books.customer("zeta")
    books.prices(DEARER, currency="CNY", starts=RISE)
    rng = random.Random(3)
    start = datetime(2026, 10, 15, 16, 0, tzinfo=UTC)
    records = []
    for _ in range(80):
        at = start + timedelta(minutes=rng.randrange(1440), seconds=rng.randrange(60))
        size = rng.choice([0, 699, 700, 701, 999, 1000, 1001])
        party = rng.choice([acme, acme, zeta])
        model = rng.choice(["gpt-mini", "gpt-mini", "gpt-big"])
        made = call(party, at, model, input=size, output=rng.randrange(9), requests=1)
        made = msgspec.structs.replace(made, context_tokens=size)
        records.append(routed(made, key=rng.choice(["key_1", "key_2"])))
    records.append(call(acme, start, "gpt-mini", input=500))  # named its model: no part of it
    records = [repriced(books, record) for record in records]
    books.ingest(records)
    for party in (acme, zeta):
        own = [r for r in records if r.facts and r.begun.customer == party.customer.customer_id]
        report = report_routing(books.db, party.customer.customer_id, OCTOBER)
        (total,) = report.totals
        assert total.calls == len(own)
        assert total.charge.pico == sum(charge_at(books, r.begun.model, r) for r in own)
        assert total.default_charge.pico == sum(charge_at(books, "gpt-big", r) for r in own)
        keys = {each.line.key_id: each.calls for each in report.by("key_id")}
        assert keys == Counter(r.begun.key for r in own)
        same = next(each for each in report.by("model") if each.line.model == "gpt-big")
        assert same.saving.pico == 0
    everybody = report_routing(books.db, None, OCTOBER)
    assert sum(each.calls for each in everybody.totals) == 80
    assert report_routing(books.db, None, OCTOBER.previous).lines == ()


def repriced(books: Books, ended: Ended) -> Ended:
    """Rate a call again for the context size it was given, as the gateway does."""
    with books.db.read() as tx:
        book = books.book(tx, ended.begun.sale_book)
    items = []
    for item in ended.items:
        rate = book.resolve(
            ended.begun.model,
            item.meter,
            revision=ended.begun.sale_revision,
            started_us=ended.begun.started_us,
            service_tier=ended.service_tier,
            context_tokens=ended.context_tokens,
        )
        items.append(msgspec.structs.replace(item, sale_rate=rate.rate_id if rate else 0))
    return msgspec.structs.replace(ended, items=tuple(items))


def test_what_the_default_model_has_no_rate_for_is_said_and_not_compared(books: Books) -> None:
    acme = books.customer("acme")
    at = datetime(2026, 10, 5, 3, 0, tzinfo=UTC)
    plain = routed(call(acme, at, "gpt-mini", input=100, requests=1))
    lost = routed(call(acme, at + timedelta(seconds=1), "gpt-mini", input=100), version=9)
    flex = routed(call(acme, at + timedelta(seconds=2), "gpt-mini", input=100, requests=1))
    flex = msgspec.structs.replace(flex, service_tier="flex")
    books.ingest([plain, lost, flex])
    report = report_routing(books.db, acme.customer.customer_id, OCTOBER)
    (total,) = report.totals
    assert (total.calls, total.saving.pico) == (1, 100 * 9_000_000 - 10_000_000_000)
    assert total.charge_uncompared_pico == 2 * 100 * 1_000_000 + 10_000_000_000
    assert "策略版本没有记录" in total.lacking
    assert any("gpt-big input（flex）" in each for each in total.lacking)


def test_a_correction_counts_instead_of_what_it_corrects(books: Books) -> None:
    acme = books.customer("acme")
    at = datetime(2026, 10, 5, 3, 0, tzinfo=UTC)
    lost = routed(call(acme, at, "gpt-mini", requests=1))
    lost = msgspec.structs.replace(lost, state="unmeasured", reason="connection_lost")
    books.ingest([lost])
    assert report_routing(books.db, None, OCTOBER).lines == ()
    event = UUID(bytes=lost.begun.event)
    resolve_by_hand(
        books.db, event, Measured(quantities={Meter.INPUT: 500}, model="openai/gpt-mini"), by="t"
    )
    (total,) = report_routing(books.db, None, OCTOBER).totals
    assert (total.calls, total.default_charge.pico) == (1, 500 * 10_000_000)
