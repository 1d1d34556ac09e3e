from datetime import UTC, date, datetime

import pytest

from tests.rooms.contracts.shelf import book_of, us
from yuejie.contracts.fx import MonthFx
from yuejie.contracts.prices import RateRow
from yuejie.contracts.window import Window, in_words
from yuejie.kernel.errors import NotFound
from yuejie.kernel.money import FxRate
from yuejie.kernel.period import BillingMonth
from yuejie.rating.explain import explain_amount, explain_card, show

LIST = """
[models.m]
input = "5"
output = "15"
images = "0.04"
[[models.m.above]]
tokens = 200_000
input = "10"
[models.m.tiers.batch]
input = "2.5"
[[models.m.windows]]
window = "Asia/Shanghai 1-5 22:00-24:00 cn-workdays"
input = "3"
"""
BOOK = book_of(("2026-10-01", LIST))
AT = datetime(2026, 10, 15, 4, tzinfo=UTC)
FX = MonthFx(
    1, FxRate.parse("7.2", "USD", "CNY"), date(2026, 10, 31), "人民银行", BillingMonth(2026, 10)
)


def resolved(meter: str) -> RateRow:
    found = BOOK.resolve(
        "m",
        meter,
        revision=1,
        started_us=us("2026-10-15"),
        service_tier="default",
        context_tokens=0,
    )
    assert found is not None
    return found


def test_an_amount_can_be_checked_with_a_calculator() -> None:
    amount = explain_amount(1_234_567, resolved("input"), fx=FX)
    assert amount.sentences == (
        "m input 1,234,567 token × 5.00 USD/百万 token = 6.172835 USD。",
        "2026-10 按 2026-10-31 的汇率 1 USD = 7.20 CNY（人民银行）折算。",
        "四舍五入到分：44.44 CNY。",
    )
    assert (amount.charge.pico, amount.money.fen) == (6_172_835_000_000, 4444)


def test_without_exchange_and_by_the_piece() -> None:
    amount = explain_amount(3, resolved("images"))
    assert amount.sentences == (
        "m images 3 张 × 0.04 USD/张 = 0.12 USD。",
        "四舍五入到分：0.12 USD。",
    )


def test_the_reason_for_the_rate_comes_first() -> None:
    why = BOOK.explain(
        "m",
        "output",
        revision=1,
        started_us=us("2026-10-15"),
        service_tier="default",
        context_tokens=0,
    )
    amount = explain_amount(1, resolved("output"), why=why)
    assert amount.sentences[: len(why.sentences)] == why.sentences


def test_a_card_rate_names_its_list_rate() -> None:
    listed = resolved("input")
    card = RateRow(9, 1, "m", "input", 36_000_000, "CNY", "default", 0, "", listed.rate_id)
    assert explain_card(card, listed, 720_000_000) == (
        "折算卡单价 36.00 CNY/百万 token = 目录价 5.00 USD/百万 token × 汇率 7.20，"
        "发布时折算并四舍五入到每百万六位小数。"
    )


def test_show_explains_the_whole_list() -> None:
    lines = show(BOOK, "m", AT)
    assert lines[0] == "m · 价目 list（USD）· 2026-10-15 04:00:00 UTC"
    assert "  服务档 default，与应答一致。" in lines
    assert "input                   5.00 USD/百万 token" in lines
    assert "reasoning               15.00 USD/百万 token（按 output 计）" in lines
    assert "images                  0.04 USD/张" in lines
    hours = "周一至周五 22:00–24:00（法定节假日除外，含调休上班日）"
    assert lines[-3:] == [
        "另有服务档：batch",
        "长上下文档：输入超过 200,000 token 时整单适用",
        f"时段价：Asia/Shanghai 时间 {hours}",
    ]


def test_show_one_meter_under_given_facts() -> None:
    lines = show(BOOK, "m", AT, service_tier="batch", context_tokens=300_000, meter="input")
    assert lines[1] == "input                   2.50 USD/百万 token"
    assert "    服务档 batch，与应答一致。" in lines
    lines = show(BOOK, "m", AT, service_tier="priority", meter="input")
    assert lines[1] == "input                   无单价"
    assert "不按其他档猜价" in lines[3]


def test_show_says_that_nothing_is_priced() -> None:
    for model, at in (("n", AT), ("m", datetime(2026, 9, 1, tzinfo=UTC))):
        with pytest.raises(NotFound, match="没有为模型"):
            show(BOOK, model, at)


def test_windows_in_words() -> None:
    window = Window.parse("UTC 1 00:00-01:00,04:30-06:00; 6-7 00:00-24:00 cn-holidays")
    assert in_words(window) == (
        "UTC 时间 周一 00:00–01:00、04:30–06:00；"
        "周六、周日 00:00–24:00（含法定节假日，调休上班日除外）"
    )
