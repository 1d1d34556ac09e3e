from dataclasses import replace
from datetime import UTC, date, datetime

import pytest

from tests.rooms.contracts.shelf import book_of, us
from yuejie.contracts.catalog import (
    KeyUsage,
    Model,
    Notice,
    PricedAt,
    due_today,
    ending,
    notices_of,
    threshold_due,
)
from yuejie.kernel.ids import CustomerId, KeyId

LISTS = """
[models.old]
input = "0.5"
output = "1.5"
web_searches = "0.01"
[models.new]
input = "5"
output = "15"
"""
BOOK = book_of(("2026-01-01", LISTS))
PRICES = PricedAt(BOOK, 1, us("2026-10-01"))
ENDS = date(2026, 12, 30)
TODAY = date(2026, 12, 1)


def model(name: str = "old", replacement: str | None = "new") -> Model:
    return Model(
        model_id=name,
        mode="chat",
        owner="",
        context_window=None,
        max_output=None,
        capabilities=[],
        deprecation_date=ENDS,
        replacement=replacement,
        backup_model=None,
        state="active",
        created_at=datetime(2026, 1, 1, tzinfo=UTC),
    )


def used(
    meter: str, quantity: int, *, key: str = "key_1", customer: str = "acme", name: str = "old"
) -> KeyUsage:
    return KeyUsage(CustomerId(customer), KeyId(key), name, meter, quantity)


def notices(*usage: KeyUsage, ends: Model | None = None, priced: bool = True) -> list[Notice]:
    return notices_of(
        [ends or model(), model("unused")],
        usage,
        today=TODAY,
        prices={CustomerId("acme"): PRICES} if priced else {},
    )


@pytest.mark.parametrize(
    ("today", "told", "due"),
    [
        (date(2026, 9, 30), None, None),  # 91 days ahead
        (date(2026, 10, 1), None, 90),
        (date(2026, 10, 2), 90, None),
        (date(2026, 11, 30), 90, 30),
        (date(2026, 12, 5), 90, 30),  # the clerk slept through the day
        (date(2026, 12, 23), 30, 7),
        (date(2026, 12, 24), 7, None),
        (date(2026, 12, 30), None, 7),
        (date(2026, 12, 31), None, None),
    ],
)
def test_each_threshold_is_told_once(today: date, told: int | None, due: int | None) -> None:
    assert threshold_due(ENDS, today, told) == due


def test_a_notice_names_keys_replacement_and_the_difference() -> None:
    (notice,) = notices(
        used("input", 10_000_000),
        used("output", 2_000_000, key="key_2"),
        used("requests", 40, key="key_2"),
    )
    assert notice.keys == ("key_1", "key_2")
    assert notice.sentence() == (
        "模型 old 将于 2026-12-30 停用（还有 29 天），有 2 个密钥近 30 天在用，"
        "建议改用 new：按近 30 天用量和合同价估算，每 30 天约多 72.00 USD。"
    )


def test_a_cheaper_replacement_saves() -> None:
    (notice,) = notices(used("input", 1_000_000, name="new"), ends=model("new", "old"))
    assert "每 30 天约少 4.50 USD" in notice.sentence()


def test_each_customer_is_told_apart() -> None:
    found = notices(used("input", 1), used("input", 1, customer="beta", key="key_9"))
    assert [(notice.customer_id, notice.keys) for notice in found] == [
        ("acme", ("key_1",)),
        ("beta", ("key_9",)),
    ]


def test_without_usage_nobody_is_bothered() -> None:
    assert notices() == []


def test_no_replacement_and_no_price_are_said() -> None:
    (bare,) = notices(used("input", 1), ends=model(replacement=None))
    assert "请联系我们选择替代模型" in bare.sentence()
    (gap,) = notices(used("web_searches", 3))
    assert gap.unpriced == ("new web_searches",)
    assert gap.difference is None
    assert "无法估算费用差异" in gap.sentence()
    (unknown,) = notices(used("input", 1), priced=False)
    assert unknown.unpriced == ("old", "new")


def test_which_models_end_and_which_are_due() -> None:
    endless = replace(model("endless"), deprecation_date=None)
    early = replace(model("early"), deprecation_date=date(2026, 12, 2))
    models = [endless, model(), early, replace(early, model_id="past", deprecation_date=TODAY)]
    tomorrow = date(2026, 12, 2)
    assert [m.model_id for m in ending(models, tomorrow, 90)] == ["early", "old"]
    assert [m.model_id for m in ending(models, tomorrow, 27)] == ["early"]
    assert [m.model_id for m in due_today(models, tomorrow, {"old": 30})] == ["early"]
