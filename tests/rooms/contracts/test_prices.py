from typing import Any

import pytest

from tests.rooms.contracts.shelf import book_of, us
from yuejie.contracts.prices import Book, BookRows, RateRow, RevisionRow
from yuejie.contracts.window import CALENDAR_LAST
from yuejie.kernel.money import MTOK, PICO, exact

TIERED = """
[models.m]
input = "2"
cache_read = "0.2"
output = "8"
web_searches = "0.01"
[[models.m.above]]
tokens = 200_000
input = "4"
output = "12"
[models.m.tiers.batch]
input = "1"
output = "4"
[models.m.multipliers]
geo_us = "1.1"
fast = "2"
"""
WINDOWED = """
[models.m]
input = "2"
output = "8"
[[models.m.windows]]
window = "Asia/Shanghai 1-5 08:00-22:00 cn-workdays"
input = "3"
[[models.m.windows]]
window = "Asia/Shanghai 6-7 00:00-24:00 cn-holidays"
input = "1"
"""
OCTOBER = "2026-10-01"
NOW = us("2026-10-08T12:00+08:00")


def rate(
    book: Book,
    meter: str,
    *,
    revision: int = 1,
    at: int = NOW,
    tier: str = "default",
    context: int = 0,
) -> int | None:
    found = book.resolve(
        "m",
        meter,
        revision=revision,
        started_us=at,
        service_tier=tier,
        context_tokens=context,
    )
    return found.pico if found else None


def mtok(text: str) -> int:
    return exact(text, PICO // MTOK, "rate")


@pytest.mark.parametrize(
    ("context", "price"),
    [(0, "2"), (200_000, "2"), (200_001, "4"), (10**9, "4")],
)
def test_the_whole_request_is_priced_by_its_context(context: int, price: str) -> None:
    assert rate(book_of((OCTOBER, TIERED)), "input", context=context) == mtok(price)


def test_a_meter_that_a_context_tier_leaves_out_has_its_base_price() -> None:
    assert rate(book_of((OCTOBER, TIERED)), "cache_read", context=300_000) == mtok("0.2")


@pytest.mark.parametrize(
    ("tier", "meter", "price"),
    [
        ("batch", "input", "1"),
        ("batch", "cache_read", "0.2"),
        ("batch", "reasoning", "4"),
        ("default+geo_us", "input", "2.2"),
        ("default+fast", "output", "16"),
        ("default+fast+geo_us", "output", "17.6"),
        ("batch+geo_us", "input", "1.1"),
        ("batch+geo_us", "cache_read", "0.22"),
        ("standard", "input", "2"),
    ],
)
def test_the_tier_as_answered_decides(tier: str, meter: str, price: str) -> None:
    assert rate(book_of((OCTOBER, TIERED)), meter, tier=tier) == mtok(price)


def test_a_multiplied_request_multiplies_its_long_context_too() -> None:
    book = book_of((OCTOBER, TIERED))
    assert rate(book, "output", tier="default+geo_us", context=200_001) == mtok("13.2")


def test_what_is_no_token_is_not_multiplied() -> None:
    book = book_of((OCTOBER, TIERED))
    assert rate(book, "web_searches", tier="batch+geo_us") == exact("0.01", PICO, "rate")


@pytest.mark.parametrize("tier", ["priority", "default+geo_eu", "flex+geo_us"])
def test_a_tier_the_list_does_not_name_has_no_price(tier: str) -> None:
    assert rate(book_of((OCTOBER, TIERED)), "input", tier=tier) is None


def test_meters_without_a_price_of_their_own_were_written_down() -> None:
    book = book_of((OCTOBER, TIERED))
    found = book.resolve(
        "m", "reasoning", revision=1, started_us=NOW, service_tier="default", context_tokens=200_001
    )
    assert found is not None
    assert (found.pico, found.origin) == (mtok("12"), "fallback:output")
    assert rate(book, "characters") is None


@pytest.mark.parametrize(
    ("at", "price"),
    [
        ("2026-10-08T08:00+08:00", "3"),
        ("2026-10-08T22:00+08:00", "2"),
        ("2026-10-01T12:00+08:00", "1"),
        ("2026-10-10T12:00+08:00", "3"),
        ("2026-10-17T12:00+08:00", "1"),
    ],
)
def test_windows_follow_the_start_of_the_call(at: str, price: str) -> None:
    assert rate(book_of((OCTOBER, WINDOWED)), "input", at=us(at)) == mtok(price)


def test_beyond_the_holiday_calendar_the_price_is_unknown_not_guessed() -> None:
    book = book_of((OCTOBER, WINDOWED))
    later = us(f"{CALENDAR_LAST + 1}-03-01T12:00+08:00")
    assert rate(book, "input", at=later) is None
    assert rate(book, "output", at=later) == mtok("8")


def test_revisions_start_and_the_next_that_names_the_model_ends_them() -> None:
    book = book_of(
        ("2026-10-01", '[models.m]\ninput = "1"\noutput = "1"'),
        ("2026-10-05", '[models.other]\ninput = "9"\noutput = "9"'),
        ("2026-10-10", '[models.m]\ninput = "2"\noutput = "2"'),
    )
    assert book.revision_at(us("2026-09-30T23:59:59")) is None
    assert book.revision_at(us("2026-10-01")) == 1
    assert book.revision_at(us("2026-10-07")) == 2
    assert book.revision_at(us("2026-10-10")) == 3
    assert rate(book, "input", revision=2, at=us("2026-10-07")) == mtok("1")
    assert rate(book, "input", revision=3, at=us("2026-10-11")) == mtok("2")
    assert rate(book, "input", revision=2, at=us("2026-10-11")) == mtok("1")


def test_a_revision_scheduled_earlier_waits_for_its_start() -> None:
    """Number 2 was published first and starts later; number 3 is for another model."""
    book = book_of(
        ("2026-10-01", '[models.m]\ninput = "1"\noutput = "1"'),
        ("2026-12-01", '[models.m]\ninput = "2"\noutput = "2"'),
        ("2026-11-01", '[models.other]\ninput = "9"\noutput = "9"'),
    )
    november, december = us("2026-11-15"), us("2026-12-02")
    assert book.revision_at(november) == book.revision_at(december) == 3
    assert rate(book, "input", revision=3, at=november) == mtok("1")
    assert rate(book, "input", revision=3, at=december) == mtok("2")


def test_a_model_scheduled_for_later_is_not_yet_priced() -> None:
    book = book_of(
        ("2026-10-01", '[models.a]\ninput = "1"\noutput = "1"'),
        ("2026-12-01", '[models.m]\ninput = "2"\noutput = "2"'),
        ("2026-11-01", '[models.b]\ninput = "9"\noutput = "9"'),
    )
    assert not book.prices("m", 3, us("2026-11-15"))
    assert book.prices("m", 3, us("2026-12-01"))
    assert not book.prices("m", 1)
    assert book.models(3) == {"a", "b", "m"}


def test_strange_tiers_do_not_fill_the_memory() -> None:
    book = book_of((OCTOBER, TIERED))
    for number in range(70_000):
        assert rate(book, "input", tier=f"t{number}") is None
    assert rate(book, "input") == mtok("2")


def test_an_unknown_model_has_no_price() -> None:
    book = book_of((OCTOBER, TIERED))
    assert not book.prices("n", 1)
    assert (
        book.resolve(
            "n", "input", revision=1, started_us=NOW, service_tier="default", context_tokens=0
        )
        is None
    )


def why(
    book: Book,
    meter: str,
    *,
    model: str = "m",
    at: int = NOW,
    tier: str = "default",
    context: int = 0,
) -> str:
    found = book.explain(
        model,
        meter,
        revision=1,
        started_us=at,
        service_tier=tier,
        context_tokens=context,
    )
    return "\n".join(found.sentences)


def test_the_explanation_names_revision_tier_context_and_rate() -> None:
    text = why(book_of((OCTOBER, TIERED)), "input", context=250_000)
    assert text == (
        "价目 list 第 1 版（2026-10-01 00:00:00 UTC 生效）是此刻为 m 定价的最新一版。\n"
        "服务档 default，与应答一致。\n"
        "整个请求的输入共 250,000 token，超过 200,000，整单按长上下文档计。\n"
        "单价 4.00 USD/百万 token（单价号 7）。"
    )


@pytest.mark.parametrize(
    ("toml", "facts", "says"),
    [
        (TIERED, {"context": 5}, "未超过 200,000，按基础档计"),
        (TIERED, {"tier": "batch", "meter": "cache_read"}, "batch 没有单列 cache_read，按 default"),
        (TIERED, {"meter": "reasoning"}, "发布时已写明按 output 的单价计"),
        (TIERED, {"tier": "priority"}, "没有 m 的服务档 priority，不按其他档猜价"),
        (TIERED, {"meter": "seconds"}, "没有 m 的计量项 seconds"),
        (TIERED, {"model": "n"}, "没有为模型 n 定价"),
        (TIERED, {"meter": "web_searches"}, "0.01 USD/次搜索"),
        (WINDOWED, {}, "在时段“Asia/Shanghai 1-5 08:00-22:00 cn-workdays”内"),
        (WINDOWED, {"at": us("2026-10-08T23:00+08:00")}, "不在任何优惠时段内"),
        (WINDOWED, {"at": us(f"{CALENDAR_LAST + 1}-03-01")}, "节假日历没有这一年"),
    ],
)
def test_the_explanation_says_why(toml: str, facts: dict[str, Any], says: str) -> None:
    meter = facts.pop("meter", "input")
    assert says in why(book_of((OCTOBER, toml)), meter, **facts)


def test_a_book_travels_as_arrays() -> None:
    row = RateRow(1, 1, "m", "input", 5, "USD", "default", 0, "", 0)
    rows = BookRows("b", "sale", "USD", [RevisionRow(1, 0)], [row])
    book = Book(rows)
    assert (book.book_id, book.currency, book.starts_us(1)) == ("b", "USD", 0)
    assert book.price_list("m", 1) == (row,)
    assert book.price_list("m", 2) == ()
