from datetime import UTC, datetime

import pytest

from tests.rooms.contracts.shelf import rows_of, us
from yuejie.contracts.formats.ours import parse_json
from yuejie.contracts.formats.pricelist import Severity, check, complete
from yuejie.contracts.fx import read_fx_csv
from yuejie.contracts.import_prices import across_platforms, read_price_file
from yuejie.contracts.prices import Book, BookRows, RateRow, RevisionRow, rate_text
from yuejie.contracts.seed import COST_PRICES, FX_RATES, SALE_PRICES, seed

START = datetime(2026, 10, 1, tzinfo=UTC)


def shelf(name: str) -> Book:
    rows: list[RateRow] = []
    for prices in read_price_file(name, seed(name), currency="USD").lists:
        rows += rows_of(complete(prices)[0], 1, "USD", first=len(rows) + 1)
    return Book(BookRows(name, "sale", "USD", [RevisionRow(1, us("2026-10-01"))], rows))


SALE = shelf(SALE_PRICES)
COST = shelf(COST_PRICES)


def priced(
    book: Book,
    model: str,
    meter: str,
    *,
    at: int = us("2026-10-15"),
    tier: str = "default",
    context: int = 0,
) -> str | None:
    rate = book.resolve(
        model,
        meter,
        revision=1,
        started_us=at,
        service_tier=tier,
        context_tokens=context,
    )
    return rate_text(rate).split(" ")[0] if rate else None


@pytest.mark.parametrize("name", [COST_PRICES, SALE_PRICES])
def test_a_seed_can_be_imported_without_approval(name: str) -> None:
    read = read_price_file(name, seed(name), currency="USD")
    remarks = list(read.remarks)
    for prices in read.lists:
        remarks += [*check(prices, START), *complete(prices)[1]]
    grave = {Severity.ERROR, Severity.APPROVE}
    assert [remark for remark in remarks if remark.severity in grave] == []


@pytest.mark.parametrize(
    ("model", "price_in", "price_out"),
    [
        ("gpt-4o", "5.00", "15.00"),
        ("gpt-3.5-turbo", "0.50", "1.50"),
        ("claude-3-5-sonnet", "3.00", "15.00"),
        ("claude-3-haiku", "0.25", "1.25"),
        ("gemini-1.5-pro", "3.50", "10.50"),
    ],
)
def test_the_sale_book_has_the_agreed_prices(model: str, price_in: str, price_out: str) -> None:
    assert priced(SALE, model, "input") == price_in
    assert priced(SALE, model, "output") == price_out


@pytest.mark.parametrize(
    ("model", "meter", "price"),
    [
        ("openai/gpt-4o", "input", "2.50"),
        ("openai/gpt-4o", "cache_read", "1.25"),
        ("openai/whisper-1", "seconds", "0.0001"),
        ("openai/tts-1", "characters", "0.000015"),
        ("anthropic/claude-3-haiku-20240307", "cache_write_1h", "0.50"),
        ("anthropic/claude-sonnet-4-5", "web_searches", "0.01"),
        ("xai/grok-imagine-image", "images", "0.02"),
        ("cohere/rerank-v3.5", "search_units", "0.002"),
    ],
)
def test_the_cost_book_has_the_facts(model: str, meter: str, price: str) -> None:
    assert priced(COST, model, meter) == price


def test_tiers_multipliers_and_windows_of_the_facts_resolve() -> None:
    gemini = "gemini_api/gemini-2.5-pro"
    assert priced(COST, gemini, "output", context=200_001) == "15.00"
    assert priced(COST, gemini, "input", tier="batch", context=200_001) == "1.25"
    opus = "anthropic/claude-opus-5"
    assert priced(COST, opus, "input", tier="default+fast+geo_us") == "11.00"
    deepseek = "deepseek/deepseek-v4-flash"
    assert priced(COST, deepseek, "input", at=us("2026-10-15T02:00")) == "0.30"
    assert priced(COST, deepseek, "input", at=us("2026-10-15T05:00")) == "0.15"
    assert priced(COST, deepseek, "input", at=us("2026-10-17T02:00")) == "0.15"


def test_chinese_holidays_are_cheap_in_the_sale_book() -> None:
    day, holiday = us("2026-10-15T12:00+08:00"), us("2026-10-01T12:00+08:00")
    assert priced(SALE, "deepseek-v4-flash", "input", at=day) == "0.36"
    assert priced(SALE, "deepseek-v4-flash", "input", at=holiday) == "0.18"


def test_every_kind_of_endpoint_has_a_priced_model() -> None:
    for model, meter in (
        ("gpt-4o", "reasoning"),
        ("gpt-3.5-turbo", "output"),
        ("text-embedding-3-small", "input"),
        ("gpt-image-1", "image_out"),
        ("whisper-1", "seconds"),
        ("tts-1", "characters"),
        ("claude-3-5-sonnet", "cache_write_1h"),
        ("gemini-1.5-pro", "cache_read"),
        ("gemini-embedding-001", "input"),
    ):
        assert priced(SALE, model, meter) is not None, model


def test_platforms_that_disagree_are_pointed_at() -> None:
    lists = read_price_file(COST_PRICES, seed(COST_PRICES), currency="USD").lists
    assert "gemini-1.5-pro" in {remark.where for remark in across_platforms(lists)}


def test_the_notice_travels_with_the_facts() -> None:
    assert b"Copyright (c) 2023 Berri AI" in seed("NOTICE.txt")
    assert "MIT (c) 2023 Berri AI" in parse_json(seed(COST_PRICES))["meta"]["licence"]


def test_the_demo_has_its_exchange_rate() -> None:
    lines = read_fx_csv(seed(FX_RATES))
    assert {str(line.rate) for line in lines} == {"7.20"}
