"""Advice, as the customer reads it: each kind with an amount that can be computed by hand."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from tests.scenarios.advised import NOW, Advised, recomputed
from tests.scenarios.books import Books
from yuejie.insights.advice.advice import Confidence, Kind
from yuejie.insights.advice.words import say_word

PRICES = """
currency = "CNY"

[models."gpt-4o"]
input = "20"
output = "80"
cache_read = "10"

[models."gpt-4o".tiers.flex]
input = "10"
output = "40"
cache_read = "5"

[models."gpt-4o".tiers.priority]
input = "40"
output = "160"
cache_read = "20"

[models."gpt-4o-mini"]
input = "1"
output = "4"

[models."gpt-long"]
input = "10"
output = "30"

[[models."gpt-long".above]]
tokens = 200_000
input = "20"
output = "45"

[models."gpt-night"]
input = "8"
output = "16"

[[models."gpt-night".windows]]
window = "Asia/Shanghai 1-7 00:00-08:30"
input = "4"
output = "8"

[models."gpt-write"]
input = "20"
output = "80"
cache_read = "2"
cache_write_5m = "25"

[models."gpt-fee"]
input = "30"
output = "90"
requests = "0.01"
"""
M = 1_000_000


@pytest.fixture
def acme(books: Books) -> Advised:
    books.prices(PRICES, currency="CNY")
    advised = Advised(books, books.customer("acme"))
    advised.offers("gpt-4o", "gpt-4o-mini", "gpt-long", "gpt-night", "gpt-write", "gpt-fee")
    return advised


def month(advised: Advised, key: str, model: str, **facts: Any) -> None:
    """One call a day at ten, on 25 days of September."""
    for day in range(1, 26):
        advised.calls(f"2026-09-{day:02}T10:00:00", key, model, **facts)


def test_low_priority_work_moves_to_a_cheaper_model(acme: Advised) -> None:
    """
    Night reports run on gpt-4o under a key of priority −1: 25 calls of 40,000 tokens in and 10,000
    out. They cost 25 × (0.8 + 0.8) = 40.00; on gpt-4o-mini 25 × (0.04 + 0.04) = 2.00. Saved: 38.00.
    The shop's key says nothing of its work, so nothing is said of it.
    """
    acme.key("reports", priority=-1)
    acme.key("shop")
    month(acme, "reports", "gpt-4o", input=40_000, output=10_000)
    month(acme, "shop", "gpt-4o", input=40_000, output=10_000)
    done = acme.advise()
    advice = acme.one(Kind.CHEAPER_MODEL)
    assert str(advice.saving) == "38.00"
    change = advice.figure.change
    assert (change.model, change.to_model) == ("gpt-4o", "gpt-4o-mini")
    assert [key.name for key in change.keys] == ["reports"]
    assert [(size.up_to, size.calls) for size in change.sizes] == [(64_000, 25)]
    assert advice.figure.calls == 25
    assert recomputed(advice) == advice.saving_pico == 38 * 10**12
    assert advice.figure.confidence is Confidence.MEDIUM
    assert any("待试用" in said for said in advice.figure.assumed)
    assert done.joint is not None
    # Flex would save 20.00 on the same calls: an alternative, which is not added.
    assert str(acme.one(Kind.BATCH).saving) == "20.00"
    assert str(done.joint) == "38.00"


def test_the_saving_is_what_rating_the_same_events_with_the_change_saves(acme: Advised) -> None:
    acme.key("reports", priority=-1)
    month(acme, "reports", "gpt-4o", input=40_001, output=9_999, cache_read=777)
    acme.calls("2026-09-30T23:59:59", "reports", "gpt-4o", input=12_345, output=1)
    acme.advise()
    now, then = acme.rerated(lambda _: {"model": "gpt-4o-mini"})
    advice = acme.one(Kind.CHEAPER_MODEL)
    assert now - then == advice.saving_pico == recomputed(advice)
    now, then = acme.rerated(lambda _: {"tier": "flex"})
    assert now - then == acme.one(Kind.BATCH).saving_pico


def test_only_what_fits_the_other_model_moves(acme: Advised) -> None:
    """
    gpt-4o-mini now reads 8,000 tokens at most. Of the calls, those of 4,000 + 1,000 go, those of
    7,500 + 1,000 do not.
    """
    acme.key("reports", priority=-1)
    acme.offers("gpt-4o-mini", context_window=8_000)
    for name in ("gpt-long", "gpt-night", "gpt-write", "gpt-fee"):
        acme.offers(name, context_window=1_000)
    month(acme, "reports", "gpt-4o", input=4_000, output=1_000)
    month(acme, "reports", "gpt-4o", input=7_500, output=1_000)
    acme.advise()
    advice = acme.one(Kind.CHEAPER_MODEL)
    # 25 × (0.08 + 0.08 − 0.004 − 0.004)
    assert str(advice.saving) == "3.80"
    assert [(size.up_to, size.calls) for size in advice.figure.change.sizes] == [(4_000, 25)]


def test_a_declared_task_type_is_as_good_as_a_low_priority(acme: Advised) -> None:
    acme.key("copy", task_type="copywriting")
    month(acme, "copy", "gpt-4o", input=40_000, output=10_000)
    acme.advise()
    assert acme.all(Kind.CHEAPER_MODEL) == acme.all(Kind.BATCH) == []
    customer = acme.party.customer.customer_id
    say_word(acme.books.db, customer, "cheaper", "copywriting", by="boss", now=NOW)
    acme.advise(anew=True)
    assert str(acme.one(Kind.CHEAPER_MODEL).saving) == "38.00"
    assert acme.all(Kind.BATCH) == []
    say_word(acme.books.db, customer, "waits", "copywriting", by="boss", now=NOW)
    acme.advise(anew=True)
    assert str(acme.one(Kind.BATCH).saving) == "20.00"


def test_a_project_that_may_not_reach_the_model_hears_nothing(acme: Advised) -> None:
    """Policy is never crossed: the only account runs in the US, the project allows China alone."""
    from tests.scenarios.books import CLERK, FOUNDED  # noqa: PLC0415
    from yuejie.customers.enrol import ProjectDraft, add_project  # noqa: PLC0415

    customer = acme.party.customer
    draft = ProjectDraft(name="domestic", allowed_regions=["cn"])
    add_project(acme.books.db, customer.customer_id, draft, by=CLERK, now=FOUNDED)
    acme.key("reports", priority=-1, project="domestic")
    month(acme, "reports", "gpt-4o", project="domestic", input=40_000, output=10_000)
    acme.advise()
    assert acme.all(Kind.CHEAPER_MODEL) == []


def test_priority_tier_is_advised_down_unless_the_key_is_urgent(acme: Advised) -> None:
    """25 × (1.6 + 1.6) at the priority tier, half of it at the default one: 40.00 saved."""
    acme.key("batchy")
    acme.key("desk", priority=10)
    for key in ("batchy", "desk"):
        month(acme, key, "gpt-4o", tier="priority", input=40_000, output=10_000)
    acme.advise()
    advice = acme.one(Kind.SERVICE_TIER)
    assert str(advice.saving) == "40.00"
    assert [key.name for key in advice.figure.change.keys] == ["batchy"]


def test_batch_is_advised_only_to_who_brings_batch_usage(acme: Advised) -> None:
    acme.key("reports", priority=-1)
    month(acme, "reports", "gpt-write", input=40_000, output=10_000)
    acme.advise()
    assert acme.all(Kind.BATCH) == []


def test_just_above_a_context_step(acme: Advised) -> None:
    """
    25 calls of 203,000 in, 1,000 out, on a model that doubles above 200,000: each costs
    203,000 × 20 + 1,000 × 45 per million = 4.105. Cut to 200,000 it is 2.03. Saved 25 × 2.075 =
    51.875 → 51.88. A call of 260,000 is not just above, and one of 200,000 is not above.
    """
    acme.key("papers")
    month(acme, "papers", "gpt-long", input=203_000, output=1_000)
    month(acme, "papers", "gpt-long", input=260_000, output=1_000)
    month(acme, "papers", "gpt-long", input=200_000, output=1_000)
    acme.advise()
    advice = acme.one(Kind.CONTEXT_STEP)
    assert str(advice.saving) == "51.88"
    assert advice.figure.change.facts["calls_within_4000"] == "25"
    assert recomputed(advice) == advice.saving_pico
    cut = {"meters": {"input": 200_000, "output": 1_000}, "context": 200_000}
    now, then = acme.rerated(lambda row: cut if row.context_tokens == 203_000 else {})
    assert now - then == advice.saving_pico


def test_work_that_can_wait_moves_into_the_cheap_hours(acme: Advised) -> None:
    """25 × (0.32 + 0.16) by day, half of it before 08:30: 6.00 saved."""
    acme.key("reports", priority=-1)
    month(acme, "reports", "gpt-night", input=40_000, output=10_000)
    acme.calls("2026-09-02T08:29:59", "reports", "gpt-night", input=40_000, output=10_000)
    acme.offers("gpt-4o-mini", context_window=10)
    acme.advise()
    advice = acme.one(Kind.OFF_PEAK)
    assert str(advice.saving) == "6.00"
    assert advice.figure.calls == 25
    early = datetime(2026, 9, 2, 0, 15, tzinfo=NOW.tzinfo)
    now, then = acme.rerated(lambda _: {"started_at": early})
    assert now - then == advice.saving_pico


def test_caches_that_are_written_and_hardly_read(acme: Advised) -> None:
    """
    25 calls write 100,000 tokens and read 10,000. That costs 25 × (2.50 + 0.02) = 63.00; as plain
    input 25 × 2.20 = 55.00. Saved: 8.00. Where reads prevail nothing is said.
    """
    acme.key("agent")
    acme.key("chat")
    month(acme, "agent", "gpt-write", cache_write_5m=100_000, cache_read=10_000, output=100)
    month(acme, "chat", "gpt-write", cache_write_5m=10_000, cache_read=100_000, output=100)
    acme.advise()
    advice = acme.one(Kind.PROMPT_CACHE)
    assert str(advice.saving) == "8.00"
    assert advice.figure.change.facts["way"] == "drop"
    assert [key.name for key in advice.figure.change.keys] == ["agent"]


def test_repeated_beginnings_would_be_read_from_a_cache(acme: Advised) -> None:
    """
    By the hashes three quarters of each prompt's bytes were sent before: 30,000 of 40,000 tokens.
    On gpt-4o a cached token costs 10 instead of 20: 25 × 0.30 = 7.50. On gpt-write it costs 2, but
    the other 10,000 are written at 25: 25 × (0.80 − 0.06 − 0.25) = 12.25.
    """
    facts = {"prefix_bytes": "160000", "prefix_repeated": "120000"}
    acme.key("chat")
    month(acme, "chat", "gpt-4o", facts=facts, input=40_000, output=10)
    month(acme, "chat", "gpt-write", facts=facts, input=40_000, output=10)
    say_word(acme.books.db, acme.party.customer.customer_id, "prefix", "", by="boss", now=NOW)
    acme.advise()
    found = {a.figure.change.model: str(a.saving) for a in acme.all(Kind.PROMPT_CACHE)}
    assert found == {"gpt-4o": "7.50", "gpt-write": "12.25"}


def test_without_hashes_or_meters_caching_has_no_figure(acme: Advised) -> None:
    from yuejie.insights.advice.show import summary_of  # noqa: PLC0415

    acme.key("chat")
    month(acme, "chat", "gpt-4o", input=40_000, output=10)
    acme.advise()
    assert acme.all(Kind.PROMPT_CACHE) == []
    said = summary_of(acme.books.db, acme.party.customer.customer_id)
    assert said is not None
    assert any("数据不足" in gap for gap in said.gaps)


def test_small_requests_of_a_minute_go_together(acme: Advised) -> None:
    """
    Every day 25 small calls within a minute, each 0.01 a request: in tens they are 3 requests, 22
    fewer. 25 days × 22 × 0.01 = 5.50. What cannot wait is left alone.
    """
    acme.key("tags", priority=-1)
    acme.key("shop")
    for key in ("tags", "shop"):
        month(acme, key, "gpt-fee", times=25, every=timedelta(seconds=2), input=100, output=10)
    acme.advise()
    advice = acme.one(Kind.MERGE)
    assert str(advice.saving) == "5.50"
    assert [key.name for key in advice.figure.change.keys] == ["tags"]


def test_small_requests_that_repeat_their_beginning(acme: Advised) -> None:
    """
    20 calls a minute, 400 tokens each of which half was sent before: 18 calls go, and with them
    18 × 200 tokens at 20 per million, on 25 days: 1.80.
    """
    facts = {"prefix_bytes": "1600", "prefix_repeated": "800"}
    acme.key("tags", priority=-1)
    month(acme, "tags", "gpt-4o", times=20, facts=facts, input=400, output=10)
    say_word(acme.books.db, acme.party.customer.customer_id, "prefix", "", by="boss", now=NOW)
    acme.advise()
    assert str(acme.one(Kind.MERGE).saving) == "1.80"


def test_a_house_without_such_prices_is_silent(acme: Advised) -> None:
    """Small calls without a fee or hashes, all on the cheapest model, by day: nothing to say."""
    acme.key("tags", priority=-1)
    acme.offers("gpt-fee", "gpt-long", "gpt-night", "gpt-write", "gpt-4o", context_window=10)
    month(acme, "tags", "gpt-4o-mini", times=20, input=400, output=10)
    acme.advise()
    assert acme.all() == []
