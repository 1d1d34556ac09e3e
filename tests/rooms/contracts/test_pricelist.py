from collections.abc import Iterable
from datetime import UTC, datetime

import pytest

from tests.rooms.contracts.shelf import list_of
from yuejie.contracts.formats.pricelist import (
    PriceList,
    RateDraft,
    Remark,
    Severity,
    changes,
    check,
    complete,
)
from yuejie.contracts.window import CALENDAR_LAST
from yuejie.usage.meters import Meter

START = datetime(2026, 10, 1, tzinfo=UTC)
GOOD = """
[models.m]
input = "2"
cache_read = "0.2"
cache_write_5m = "2.5"
cache_write_1h = "4"
output = "8"
"""


def found(toml: str, start: datetime = START) -> list[tuple[Severity, str]]:
    return said(check(list_of(toml), start))


def said(remarks: Iterable[Remark]) -> list[tuple[Severity, str]]:
    return [(remark.severity, remark.sentence) for remark in remarks]


def test_a_good_list_is_silent() -> None:
    assert found(GOOD) == []


@pytest.mark.parametrize(
    ("toml", "severity", "says"),
    [
        ('[models.m]\ninput = "2"', Severity.ERROR, "缺少 output"),
        ('[models.m]\noutput = "2"', Severity.ERROR, "缺少 input"),
        ('[models.m]\nmode = "embedding"\noutput = "2"', Severity.ERROR, "缺少 input"),
        ('[models.m]\nmode = "audio_speech"', Severity.ERROR, "没有任何单价"),
        ('[models." "]\nmode = "rerank"\ninput = "0"', Severity.ERROR, "缺少模型名"),
        (GOOD + '[[models.m.above]]\ntokens = 1\nimage_in = "4"', Severity.ERROR, "缺少基础价"),
        (
            GOOD + '[[models.m.windows]]\nwindow = "UTC 1 00:00-24:00"\nimage_in = "4"',
            Severity.ERROR,
            "缺少其余时间的单价",
        ),
        (GOOD.replace('"0.2"', '"2.1"'), Severity.APPROVE, "cache_read 单价 2.10 高于 input"),
        (GOOD.replace('"2.5"', '"1.9"'), Severity.APPROVE, "cache_write_5m 单价 1.90 低于 input"),
        (GOOD.replace('"4"', '"48"'), Severity.APPROVE, "cache_write_1h 单价 48.00 达到 input"),
        (
            GOOD + '[models.m.tiers.batch]\ninput = "0.1"\ncache_read = "0.2"',
            Severity.APPROVE,
            "cache_read 单价 0.20 高于 input 的 0.10",
        ),
        (
            GOOD + '[models.m.tiers.batch]\nimages = "1"',
            Severity.WARNING,
            "images 只有服务档 batch",
        ),
    ],
)
def test_faults_are_found(toml: str, severity: Severity, says: str) -> None:
    assert any(grave is severity and says in sentence for grave, sentence in found(toml))


def test_the_known_error_of_the_source_is_caught() -> None:
    """LiteLLM 1.80.0 lists claude-3-haiku's one-hour write at 6.00, twelve times too dear."""
    haiku = '[models.claude-3-haiku]\ninput = "0.25"\noutput = "1.25"\ncache_write_1h = "6.00"'
    ((severity, sentence),) = found(haiku)
    assert severity is Severity.APPROVE
    assert "claude-3-haiku 的 cache_write_1h 单价 6.00 达到 input 的 24 倍" in sentence


def test_two_rates_for_one_place_are_refused() -> None:
    twice = (RateDraft(Meter.INPUT, 1), RateDraft(Meter.INPUT, 2), RateDraft(Meter.OUTPUT, 1))
    remarks = said(check(PriceList("m", "chat", twice), START))
    assert (Severity.ERROR, "m 的 input 出现两个单价，请只保留一个") in remarks


def test_a_negative_rate_is_refused() -> None:
    rates = (RateDraft(Meter.INPUT, -1), RateDraft(Meter.OUTPUT, 1))
    assert any("单价为负" in text for _, text in said(check(PriceList("m", "chat", rates), START)))


def windowed(*windows: str) -> str:
    return GOOD + "".join(
        f'[[models.m.windows]]\nwindow = "{window}"\ninput = "{number}"\n'
        for number, window in enumerate(windows, 1)
    )


def test_overlapping_windows_are_refused() -> None:
    overlap = windowed("UTC 1-5 08:00-12:00", "UTC 5-7 11:00-13:00")
    assert [grave for grave, text in found(overlap) if "重叠" in text] == [Severity.ERROR]
    assert found(windowed("UTC 1-5 08:00-12:00", "UTC 5-7 12:00-13:00")) == []


def test_windows_of_one_meter_share_a_zone() -> None:
    mixed = windowed("UTC 1 00:00-24:00", "Asia/Tokyo 2 00:00-24:00")
    assert [grave for grave, text in found(mixed) if "时区不同" in text] == [Severity.ERROR]


def test_a_holiday_calendar_must_reach_the_start_and_warns_of_its_end() -> None:
    work = windowed("Asia/Shanghai 1-5 08:00-22:00 cn-workdays")
    late = datetime(CALENDAR_LAST + 1, 1, 2, tzinfo=UTC)
    early = datetime(CALENDAR_LAST - 3, 1, 2, tzinfo=UTC)
    assert [grave for grave, _ in found(work, late)] == [Severity.ERROR]
    assert [grave for grave, _ in found(work, START)] == [Severity.WARNING]
    assert found(work, early) == []


def test_reasoning_is_priced_as_output_of_its_own_tier() -> None:
    """Also where the base list prices reasoning on its own and the tier does not."""
    toml = GOOD + 'reasoning = "9"\n[models.m.tiers.batch]\ninput = "1"\noutput = "4"'
    whole, _ = complete(list_of(toml))
    rates = {(r.meter, r.service_tier): (r.pico, r.origin) for r in whole.rates}
    assert rates[Meter.REASONING, "default"] == (9_000_000, "book")
    assert rates[Meter.REASONING, "batch"] == (4_000_000, "fallback:output")


def test_a_cache_write_that_borrows_a_cheaper_price_gets_its_own_line() -> None:
    _, remarks = complete(list_of(GOOD))
    warned = [text for grave, text in said(remarks) if grave is Severity.WARNING]
    assert len(warned) == 3
    assert any("未列 cache_write_12h，已写明按 input 计" in text for text in warned)
    assert any("未列 cache_write_unspecified，已写明按 cache_write_5m 计" in t for t in warned)


def test_a_list_without_cache_writes_says_so_in_one_line() -> None:
    _, remarks = complete(list_of('[models.m]\ninput = "2"\noutput = "8"'))
    assert [grave for grave, _ in said(remarks)] == [Severity.NOTE]
    assert "cache_read、cache_write_unspecified" in remarks[0].sentence


def test_only_models_that_converse_write_caches() -> None:
    whole, _ = complete(list_of('[models.e]\nmode = "embedding"\ninput = "2"'))
    assert not [rate for rate in whole.rates if rate.meter.startswith("cache_write")]


def test_a_tier_that_only_names_long_contexts_gets_its_base() -> None:
    toml = GOOD + '[[models.m.tiers.flex.above]]\ntokens = 272_000\ninput = "3"'
    whole, remarks = complete(list_of(toml))
    flex = {
        (rate.meter, rate.context_above): (rate.pico, rate.origin)
        for rate in whole.rates
        if rate.service_tier == "flex" and rate.meter is Meter.INPUT
    }
    assert flex == {
        (Meter.INPUT, 0): (2_000_000, "fallback:default"),
        (Meter.INPUT, 272_000): (3_000_000, "book"),
    }
    assert any("未列 flex 档 input 的基础价" in text for _, text in said(remarks))


def test_a_meter_that_only_a_tier_names_borrows_everywhere_else() -> None:
    toml = GOOD + '[models.m.tiers.batch]\ninput = "1"\nimage_in = "3"'
    whole, _ = complete(list_of(toml))
    images = {r.service_tier: (r.pico, r.origin) for r in whole.rates if r.meter == "image_in"}
    assert images == {"batch": (3_000_000, "book"), "default": (2_000_000, "fallback:input")}


def test_a_long_context_of_a_tier_needs_a_base_somewhere() -> None:
    toml = GOOD + '[[models.m.tiers.flex.above]]\ntokens = 9\nimage_in = "3"'
    assert [grave for grave, text in found(toml) if "缺少基础价" in text] == [Severity.ERROR]


def test_a_tier_reports_what_it_leaves_out() -> None:
    _, remarks = complete(list_of(GOOD + '[models.m.tiers.batch]\ninput = "1"\noutput = "4"'))
    left = [text for _, text in said(remarks) if "服务档 batch 未列" in text]
    assert len(left) == 1
    assert "cache_read" in left[0]
    assert "cache_write_1h" in left[0]


def test_multipliers_of_one_group_exclude_each_other() -> None:
    toml = GOOD + '[models.m.multipliers]\ngeo_us = "1.1"\ngeo_eu = "1.2"\nfast = "2"'
    whole, _ = complete(list_of(toml))
    assert {rate.service_tier for rate in whole.rates} == {
        "default",
        "default+geo_us",
        "default+geo_eu",
        "default+fast",
        "default+fast+geo_us",
        "default+fast+geo_eu",
    }


def test_a_multiplied_rate_finer_than_a_pico_is_rounded_and_reported() -> None:
    toml = '[models.m]\ninput = "0.000005"\noutput = "1"\n[models.m.multipliers]\nfast = "1.1"'
    whole, remarks = complete(list_of(toml))
    fast = [r.pico for r in whole.rates if (r.meter, r.service_tier) == ("input", "default+fast")]
    assert fast == [6]
    assert any("四舍五入" in text for _, text in said(remarks))


def test_no_completed_list_has_two_rates_for_one_place() -> None:
    toml = GOOD + (
        '[[models.m.above]]\ntokens = 9\ninput = "4"\n[models.m.tiers.batch]\noutput = "4"\n'
        '[models.m.multipliers]\nfast = "2"'
    )
    rates = complete(list_of(toml))[0].rates
    assert len({(rate.meter, rate.place) for rate in rates}) == len(rates)


def was(toml: str) -> tuple[RateDraft, ...]:
    return complete(list_of(toml))[0].rates


def test_a_large_change_needs_approval_and_a_small_one_does_not() -> None:
    assert said(changes(list_of(GOOD.replace('"8"', '"10.4"')), was(GOOD))) == [
        (Severity.NOTE, "m 的 output 由 8.00 变为 10.40")
    ]
    assert said(changes(list_of(GOOD.replace('"8"', '"10.41"')), was(GOOD))) == [
        (
            Severity.APPROVE,
            "m 的 output 由 8.00 变为 10.41，幅度超过 30%，须经批准",
        )
    ]
    assert said(changes(list_of(GOOD.replace('"8"', '"5.59"')), was(GOOD)))


def test_a_first_price_for_what_was_free_needs_approval() -> None:
    free = GOOD.replace('"8"', '"0"')
    assert [grave for grave, _ in said(changes(list_of(GOOD), was(free)))] == [Severity.APPROVE]
    assert said(changes(list_of(GOOD), ())) == []


def test_a_meter_that_disappears_is_told() -> None:
    without = GOOD.replace('cache_read = "0.2"\n', "")
    assert [text for _, text in said(changes(list_of(without), was(GOOD)))] == [
        "m 原有 cache_read 的单价，新价目没有，将按并入的计量项计价或待补价"
    ]


def test_changes_name_the_tier_context_and_window() -> None:
    toml = GOOD + (
        '[[models.m.tiers.batch.above]]\ntokens = 9\ninput = "1"\n'
        '[[models.m.tiers.batch.above.windows]]\nwindow = "UTC 1 00:00-24:00"\ninput = "{}"'
    )
    old, new = toml.replace("{}", "1"), toml.replace("{}", "2")
    (told,) = said(changes(list_of(new), was(old)))
    assert "input、服务档 batch、输入超过 9、时段“UTC 1 00:00-24:00”" in told[1]
