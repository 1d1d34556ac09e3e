import json

import pytest

from yuejie.contracts.formats.pricelist import Severity
from yuejie.contracts.formats.read import PriceFile
from yuejie.contracts.import_prices import read_price_file
from yuejie.kernel.errors import Invalid

TOML = """
currency = "USD"
source = "list"
[models."gpt-4o"]
mode = "chat"
input = 5
output = 15.000001
[models."gpt-4o".tiers.batch]
input = "2.5"
[[models."gpt-4o".above]]
tokens = 200_000
input = "10"
[[models."gpt-4o".windows]]
window = "UTC 6,7 00:00-24:00"
input = "4"
"""
ROWS = [
    ("input", 5_000_000, "default", 0, ""),
    ("output", 15_000_001, "default", 0, ""),
    ("input", 2_500_000, "batch", 0, ""),
    ("input", 10_000_000, "default", 200_000, ""),
    ("input", 4_000_000, "default", 0, "UTC 6-7 00:00-24:00"),
]


def read(name: str, text: str) -> PriceFile:
    return read_price_file(name, text.encode(), currency="USD")


def rows(found: PriceFile) -> list[tuple[str, int, str, int, str]]:
    (prices,) = found.lists
    return [(str(rate.meter), rate.pico, *rate.place) for rate in prices.rates]


def errors(found: PriceFile) -> list[str]:
    return [r.sentence for r in found.remarks if r.severity is Severity.ERROR]


def test_toml_json_and_csv_say_the_same() -> None:
    document = {
        "currency": "USD",
        "models": {
            "gpt-4o": {
                "mode": "chat",
                "input": 5,
                "output": 15.000001,
                "tiers": {"batch": {"input": 2.5}},
                "above": [{"tokens": 200000, "input": "10"}],
                "windows": [{"window": "UTC 6-7 00:00-24:00", "input": 4}],
            }
        },
    }
    csv = (
        "model,mode,meter,price,currency,service_tier,context_above,time_window\n"
        "gpt-4o,chat,input,5,USD,,,\n"
        "gpt-4o,,output,15.000001,,,,\n"
        "gpt-4o,chat,input,2.5,USD,batch,,\n"
        "gpt-4o,chat,input,10,USD,,200000,\n"
        'gpt-4o,chat,input,4,USD,,,"UTC 6,7 00:00-24:00"\n'
    )
    assert rows(read("prices.toml", TOML)) == ROWS
    assert rows(read("prices.json", json.dumps(document))) == ROWS
    assert rows(read("PRICES.CSV", "\ufeff" + csv)) == ROWS
    assert read("prices.toml", TOML).source == "list"


@pytest.mark.parametrize(
    ("name", "text", "says"),
    [
        ("p.toml", "[models", "不是正确的 TOML"),
        ("p.json", "{", "第 1 行不是正确的 JSON"),
        ("p.json", "[]", "一个 JSON 对象"),
        ("p.toml", 'currency = "USD"', "没有 [models"),
        ("p.csv", "model,price\n", "缺少列 mode、meter"),
        ("p.xlsx", "", "格式不认识"),
    ],
)
def test_what_is_no_price_file_is_refused_in_one_sentence(name: str, text: str, says: str) -> None:
    with pytest.raises(Invalid) as refusal:
        read(name, text)
    assert says in refusal.value.sentence


def test_another_encoding_is_refused() -> None:
    with pytest.raises(Invalid, match="UTF-8"):
        read_price_file("p.csv", "模型".encode("utf-16"), currency="USD")


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ('input = "-1"', "不能为负"),
        ('input = "0.0000001"', "最多 6 位小数"),
        ('input = "dear"', "“dear”"),
        ('images = "0.0000000000001"', "最多 12 位小数"),
        ('tokens_in = "1"', "计量项“tokens_in”不认识"),
        ("input = true", "应是一个数字"),
        ("tiers = 1", "tiers 应写成"),
        ("above = 1", "above 应写成"),
        ("windows = [1]", "windows 应写成"),
        ("multipliers = 1", "multipliers 应写成"),
        ('multipliers = { fast = "2.0000001" }', "加价倍数"),
        ('above = [{ tokens = "many", input = "1" }]', "门槛“many”"),
        ('windows = [{ window = "noon", input = "1" }]', "时区“noon”"),
        ('tiers = { "Big Tier" = { input = "1" } }', "服务档“Big Tier”写法不对"),
    ],
)
def test_each_bad_entry_is_an_error_with_its_place(line: str, says: str) -> None:
    found = read("p.toml", f"[models.m]\n{line}\n")
    assert [(r.where, r.severity) for r in found.remarks] == [("models.m", Severity.ERROR)]
    assert says in found.remarks[0].sentence


def test_csv_names_the_line() -> None:
    text = "model,mode,meter,price,currency\nm,chat,input,x,\nm,rerank,output,1,EUR\n"
    found = read("p.csv", text)
    assert [(r.where, r.sentence.split("，")[0].split("：")[0]) for r in found.remarks] == [
        ("第 2 行", "m 的 input"),
        ("第 3 行", "币种“EUR”不支持"),
        ("第 3 行", "m 的 mode 前后不一致（chat、rerank）"),
    ]


def test_the_file_and_the_book_must_agree_on_the_currency() -> None:
    assert errors(read("p.toml", 'currency = "CNY"\n[models.m]\ninput = "1"')) == [
        "文件的币种 CNY 与价目的币种 USD 不同，请核对"
    ]


def test_a_model_that_is_no_table_is_an_error() -> None:
    assert errors(read("p.json", '{"models": {"m": 5}}')) == ["models.m 应是一组单价，请改正"]


# ── the open fact file ──────────────────────────────────────────────────────────────────────────


def facts(**entry: object) -> PriceFile:
    whole: dict[str, object] = {
        "platform": "openai",
        "model": "m",
        "mode": "chat",
        "currency": "USD",
        "price_per_mtok": {},
        **entry,
    }
    document = {"meta": {}, "models": [whole]}
    return read("prices.json", json.dumps(document))


def test_facts_have_tiers_service_tiers_and_a_platform_in_the_key() -> None:
    found = facts(
        price_per_mtok={"input": 2.5, "output": 10},
        tiers=[{"above_input_tokens": 272000, "price_per_mtok": {"input": 5}}],
        service_tiers={"batch": {"price_per_mtok": {"input": 1.25}}},
    )
    assert found.lists[0].model == "openai/m"
    assert rows(found) == [
        ("input", 2_500_000, "default", 0, ""),
        ("output", 10_000_000, "default", 0, ""),
        ("input", 5_000_000, "default", 272_000, ""),
        ("input", 1_250_000, "batch", 0, ""),
    ]


def test_off_peak_hours_become_one_utc_window() -> None:
    found = facts(
        price_per_mtok={"input": 0.3},
        off_peak={
            "price_per_mtok": {"input": 0.15},
            "windows": [
                {"hours_utc": ["00:00-01:00", "10:00-00:00"], "weekdays": [1, 2, 3, 4, 5]},
                {"hours_utc": "00:00-00:00", "weekdays": [6, 7]},
            ],
        },
    )
    window = "UTC 1-5 00:00-01:00,10:00-24:00; 6-7 00:00-24:00"
    assert rows(found)[1] == ("input", 150_000, "default", 0, window)


def test_the_same_second_is_not_charged_twice() -> None:
    """Whisper's trap: the source lists the same price on the input and on the output."""
    seconds = {"input_cost_per_second": 0.0001, "output_cost_per_second": 0.0001}
    found = facts(mode="audio_transcription", unit_prices_usd=seconds)
    assert rows(found) == [("seconds", 100_000_000, "default", 0, "")]
    assert ["同一数量只收一次" in remark.sentence for remark in found.remarks] == [True]


def test_two_different_prices_of_a_second_are_refused() -> None:
    seconds = {"input_cost_per_second": 0.0001, "output_cost_per_second": 0.0002}
    found = facts(mode="audio_transcription", unit_prices_usd=seconds)
    assert ["两个不同的单价" in sentence for sentence in errors(found)] == [True]


def test_a_second_beside_tokens_is_another_way_to_count_the_same() -> None:
    found = facts(
        mode="audio_transcription",
        price_per_mtok={"audio_in": 2.5, "input": 2.5, "output": 10},
        unit_prices_usd={"input_cost_per_second": 0.0001},
    )
    assert "seconds" not in {row[0] for row in rows(found)}
    assert ["同一笔费用" in remark.sentence for remark in found.remarks] == [True]


@pytest.mark.parametrize(
    ("mode", "unit", "meter"),
    [
        ("audio_speech", "input_cost_per_character", "characters"),
        ("image_generation", "output_cost_per_image", "images"),
        ("image_generation", "input_cost_per_image", "images"),
        ("rerank", "input_cost_per_query", "search_units"),
    ],
)
def test_unit_prices_that_are_the_price_of_a_meter(mode: str, unit: str, meter: str) -> None:
    assert rows(facts(mode=mode, unit_prices_usd={unit: 0.02})) == [
        (meter, 20_000_000_000, "default", 0, "")
    ]


def test_searches_take_the_medium_price() -> None:
    searches = {"low": 0.01, "medium": 0.02, "high": 0.03}
    found = facts(web_search_usd_per_query=searches, web_search_free={"count": 5})
    assert rows(found) == [("web_searches", 20_000_000_000, "default", 0, "")]
    assert len(found.remarks) == 2


def test_what_does_not_map_is_reported_never_silently_dropped() -> None:
    found = facts(
        price_per_mtok={"input": 1, "cache_read_explicit": 1, "cache_write": 2},
        tiers=[{"above_input_tokens": 9, "price_per_mtok": {"audio_in": 5}}],
        unit_prices_usd={"google_maps_grounding_cost_per_query": 0.025},
        multipliers={"inference_geo_us": 1.1, "mystery": 3},
    )
    assert [row[0] for row in rows(found)] == ["input", "cache_write_unspecified"]
    assert [(m.group, m.mark, m.ppm) for m in found.lists[0].multipliers] == [
        ("geo", "geo_us", 1_100_000)
    ]
    skipped = " ".join(remark.sentence for remark in found.remarks)
    for name in ("cache_read_explicit", "audio_in", "google_maps", "mystery"):
        assert name in skipped


def test_an_entry_without_any_price_we_count_is_reported_and_left_out() -> None:
    found = facts(mode="ocr", unit_prices_usd={"ocr_cost_per_page": 0.004})
    assert found.lists == []
    assert "整条跳过" in found.remarks[-1].sentence


def test_faults_of_facts_are_errors() -> None:
    assert "不同" in errors(facts(currency="CNY", price_per_mtok={"input": 1}))[0]
    assert errors(facts(price_per_mtok={"inputs": 1}))
    assert errors(facts(price_per_mtok={"input": 1}, multipliers={"speed_fast": "x"}))
