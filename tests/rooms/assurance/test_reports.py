"""Providers' reports, as their documents show them, in our meters; what does not fit is named."""

import json
from datetime import date
from decimal import Decimal

import pytest

from yuejie.assurance.reconcile.pages import read_pages
from yuejie.assurance.reconcile.report import Says, Source, grain_of, plain_model, to_pico
from yuejie.assurance.reconcile.sheets import Sheet, parse_sheet, read_sheet
from yuejie.kernel.errors import Invalid

UNIX_OCT_15 = 1_792_022_400


def openai_usage(**result: object) -> bytes:
    bucket = {
        "object": "bucket",
        "start_time": UNIX_OCT_15,
        "end_time": UNIX_OCT_15 + 86_400,
        "results": [{"object": "organization.usage.completions.result", **result}],
    }
    return json.dumps({"object": "page", "data": [bucket], "has_more": False}).encode()


def meters(report_body: bytes, source: Source) -> dict[str, int | None]:
    return {line.meter: line.quantity for line in read_pages(source, report_body).lines}


def test_openai_counts_cached_written_and_heard_tokens_inside_the_input() -> None:
    body = openai_usage(
        model="gpt-4o-2024-08-06",
        input_tokens=1_000,
        input_cached_tokens=300,
        input_cache_write_tokens=50,
        input_audio_tokens=100,
        output_tokens=500,
        output_audio_tokens=40,
        num_model_requests=3,
    )
    assert meters(body, Source.OPENAI_USAGE) == {
        "input": 550,
        "cache_read": 300,
        "cache_write_unspecified": 50,
        "audio_in": 100,
        "output": 460,
        "audio_out": 40,
        "requests": 3,
    }
    report = read_pages(Source.OPENAI_USAGE, body)
    assert {line.day for line in report.lines} == {date(2026, 10, 15)}
    assert report.says is Says.USAGE
    assert report.folds["reasoning"] == "output"


def test_openai_says_the_uncached_count_itself() -> None:
    body = openai_usage(
        model="gpt-4o", input_tokens=900, input_uncached_tokens=600, input_cached_tokens=300
    )
    assert meters(body, Source.OPENAI_USAGE) == {"input": 600, "cache_read": 300}


def test_openai_costs_are_by_line_item_in_units_of_the_currency() -> None:
    """The published example of the Costs endpoint, and line items as they are grouped."""
    items = [
        {"amount": {"value": 0.06, "currency": "usd"}, "line_item": None, "project_id": None},
        {"amount": {"value": 1.25, "currency": "usd"}, "line_item": "gpt-4o-2024-08-06, input"},
        {"amount": {"value": 0.3, "currency": "usd"}, "line_item": "gpt-4o, cached input"},
        {"amount": {"value": 0.1, "currency": "usd"}, "line_item": "Web search tool calls"},
    ]
    page = {"data": [{"start_time": UNIX_OCT_15, "results": items}]}
    report = read_pages(Source.OPENAI_COSTS, json.dumps(page).encode())
    assert [(line.model, line.meter, line.cost_pico) for line in report.lines] == [
        ("", "", 6 * 10**10),
        ("gpt-4o-2024-08-06", "input", 125 * 10**10),
        ("gpt-4o", "cache_read", 30 * 10**10),
        ("Web search tool calls", "", 10**11),
    ]
    assert (report.currency, report.grain_pico) == ("USD", 10**10)


def test_anthropics_amounts_are_texts_in_cents() -> None:
    """Its reference: "123.45" in USD is $1.23."""
    result = {
        "currency": "USD",
        "amount": "123.45",
        "workspace_id": None,
        "description": "Claude Sonnet 4 Usage - Input Tokens",
        "cost_type": "tokens",
        "context_window": "0-200k",
        "model": "claude-sonnet-4-20250514",
        "service_tier": "standard",
        "token_type": "uncached_input_tokens",
    }
    searches = {"currency": "USD", "amount": "10", "cost_type": "web_search", "model": None}
    page = {"data": [{"starting_at": "2026-10-15T00:00:00Z", "results": [result, searches]}]}
    report = read_pages(Source.ANTHROPIC_COST, json.dumps(page).encode())
    assert [(line.model, line.meter, line.cost_pico) for line in report.lines] == [
        ("claude-sonnet-4-20250514", "input", 12_345 * 10**8),
        ("", "web_searches", 10**11),
    ]
    assert report.grain_pico == 10**8


def test_anthropics_usage_is_disjoint_already() -> None:
    result = {
        "model": "claude-opus-4-8",
        "uncached_input_tokens": 10,
        "cache_read_input_tokens": 20,
        "cache_creation": {"ephemeral_5m_input_tokens": 3, "ephemeral_1h_input_tokens": 4},
        "output_tokens": 5,
        "server_tool_use": {"web_search_requests": 1},
    }
    page = {"data": [{"starting_at": "2026-10-15T00:00:00Z", "results": [result]}]}
    assert meters(json.dumps(page).encode(), Source.ANTHROPIC_USAGE) == {
        "input": 10,
        "cache_read": 20,
        "cache_write_5m": 3,
        "cache_write_1h": 4,
        "output": 5,
        "web_searches": 1,
    }


def test_a_page_that_is_there_twice_is_refused() -> None:
    """The provider sums a bucket up by what it groups by, so nothing of it is told twice."""
    result = {"model": "gpt-4o", "num_model_requests": 1, "input_tokens": 5, "output_tokens": 2}
    bucket = {"start_time": 1_790_812_800, "results": [result, result | {"model": "o3"}]}
    page = json.dumps({"data": [bucket]}).encode()
    with pytest.raises(Invalid, match="第 3 项与第 1 项完全相同"):
        read_pages(Source.OPENAI_USAGE, page + b"\n" + page)


def test_pages_may_come_one_a_line() -> None:
    page, next_page = (openai_usage(model="gpt-4o", input_tokens=n) for n in (5, 6))
    assert len(read_pages(Source.OPENAI_USAGE, page + b"\n" + next_page).lines) == 2


def test_a_report_whose_last_page_is_missing_is_refused() -> None:
    """What is on the other pages would read as calls that the provider has not."""
    pages = [json.loads(openai_usage(model="gpt-4o", input_tokens=n)) for n in (5, 6)]
    first = json.dumps(pages[0] | {"has_more": True, "next_page": "p2"}).encode()
    last = json.dumps(pages[1] | {"has_more": False, "next_page": None}).encode()
    assert len(read_pages(Source.OPENAI_USAGE, first + b"\n" + last).lines) == 2
    with pytest.raises(Invalid, match="还有下一页"):
        read_pages(Source.OPENAI_USAGE, first)


def unix(**result: object) -> bytes:
    return json.dumps({"data": [{"start_time": UNIX_OCT_15, "results": [result]}]}).encode()


def cost(*amounts: tuple[str, str]) -> bytes:
    results = [{"amount": amount, "currency": currency} for amount, currency in amounts]
    page = {"data": [{"starting_at": "2026-10-15T00:00:00Z", "results": results}]}
    return json.dumps(page).encode()


@pytest.mark.parametrize(
    ("source", "body", "sentence"),
    [
        (Source.OPENAI_USAGE, b"[]", "没有 data 列表"),
        (Source.OPENAI_USAGE, b'{"data": []}\n{oops', "第 2 行不是完整的 JSON"),
        (Source.OPENAI_USAGE, openai_usage(input_tokens=1, input_cached_tokens=2), "第 1 项不合格"),
        (Source.OPENAI_USAGE, openai_usage(input_tokens="9"), "input_tokens 应为不小于 0 的整数"),
        (Source.OPENAI_USAGE, openai_usage(input_tokens=-9), "第 1 项不合格"),
        (Source.OPENAI_COSTS, unix(amount=None), "第 1 项不像 openai_costs 的报告"),
        (Source.ANTHROPIC_COST, cost(("NaN", "USD")), "“NaN”不是数字"),
        (Source.ANTHROPIC_COST, cost(("1", "EUR")), "币种“EUR”不支持"),
        (Source.ANTHROPIC_COST, cost(("1", "USD"), ("1", "CNY")), "多种币种"),
    ],
)
def test_what_is_no_report_is_refused_by_its_place(
    source: Source, body: bytes, sentence: str
) -> None:
    with pytest.raises(Invalid, match=sentence):
        read_pages(source, body)


GCP = """\
service.description,sku.description,usage_start_time,usage.amount,cost,currency
Gemini API,Gemini 2.5 Pro Input,2026-10-15 08:00:00 UTC,1000000,1.25,USD
Gemini API,Gemini 2.5 Pro Output,2026-10-15 06:59:59 UTC,2000,0.02,USD
Cloud Storage,Standard Storage,2026-10-15 08:00:00 UTC,3.5,0.07,USD
"""
SKUS = """
[skus]
"Gemini 2.5 Pro Input" = "gemini-2.5-pro input"
"Gemini 2.5 Pro Output" = "gemini-2.5-pro output"
"""


def test_googles_export_is_by_sku_and_its_days_are_pacific() -> None:
    report = read_sheet(Source.GCP_BILLING, GCP.encode(), parse_sheet(SKUS))
    assert [(e.day.day, e.model, e.meter, e.quantity, e.cost_pico) for e in report.lines] == [
        (15, "gemini-2.5-pro", "input", 1_000_000, 125 * 10**10),
        (14, "gemini-2.5-pro", "output", 2_000, 2 * 10**10),
        (15, "Standard Storage", "", None, 7 * 10**10),
    ]
    assert report.zone == "America/Los_Angeles"
    assert report.meters == {"input", "output"}


TABLE = """
zone = "Asia/Shanghai"
currency = "CNY"
[columns]
day = "日期"
model = "模型"
cost = "费用"
input = "输入"
output = "输出"
[models]
"深度求索-V3" = "deepseek-v3"
"""


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
def test_any_table_is_read_by_a_mapping(encoding: str) -> None:
    text = '日期,模型,输入,输出,费用\n2026-10-15,深度求索-V3,"1,000",20,¥0.12\n\n'
    report = read_sheet(Source.CSV, text.encode(encoding), parse_sheet(TABLE))
    assert [(e.line, e.model, e.meter, e.quantity, e.cost_pico) for e in report.lines] == [
        (2, "deepseek-v3", "input", 1_000, None),
        (2, "deepseek-v3", "output", 20, None),
        (2, "deepseek-v3", "", None, 12 * 10**10),
    ]
    assert (report.currency, report.zone) == ("CNY", "Asia/Shanghai")
    assert report.folds == {"reasoning": "output"}


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("日期,模型,输入,费用\n2026-10-15,m,1,1\n", "缺少列 输出"),
        ("日期,模型,输入,输出,费用\n15/10/2026,m,1,1,1\n", "第 2 行：日期"),
        ("日期,模型,输入,输出,费用\n2026-10-15,m,1,1,1\n2026-10-15,m,1.5,1,1\n", "第 3 行：input"),
        ("日期,模型,输入,输出,费用\n2026-10-15,m,1,1,一元\n", "第 2 行：费用“一元”不是数字"),
    ],
)
def test_a_table_with_a_bad_line_is_refused_by_its_number(text: str, sentence: str) -> None:
    with pytest.raises(Invalid, match=sentence):
        read_sheet(Source.CSV, text.encode(), parse_sheet(TABLE))


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("oops", "映射文件有误"),
        ('[columns]\nday = "d"\ntokens = "t"', "“tokens”不是我们的字段"),
        ('[skus]\n"A" = "gpt"', "应写成“模型 计量项”"),
        ('zone = "Mars"', "时区“Mars”不存在"),
        ('currency = "EUR"', "币种“EUR”不支持"),
        ('says = "maybe"', "映射文件有误"),
    ],
)
def test_a_mapping_that_is_wrong_says_where(text: str, sentence: str) -> None:
    with pytest.raises(Invalid, match=sentence):
        parse_sheet(text)


def test_a_file_in_no_encoding_and_one_without_a_day_are_refused() -> None:
    with pytest.raises(Invalid, match="既不是 UTF-8 也不是 GBK"):
        read_sheet(Source.CSV, b"\xff\xff\xff", parse_sheet(TABLE))
    with pytest.raises(Invalid, match="缺少列 day"):
        read_sheet(Source.CSV, b"a,b\n1,2\n", Sheet())


@pytest.mark.parametrize(
    ("name", "plain"),
    [
        ("openai/gpt-4o-2024-08-06", "gpt-4o"),
        ("claude-sonnet-4-20250514", "claude-sonnet-4"),
        ("claude-sonnet-4@20250514", "claude-sonnet-4"),
        ("gpt-4o-latest", "gpt-4o"),
        ("GPT-4o", "gpt-4o"),
        ("deepseek-v3", "deepseek-v3"),
    ],
)
def test_names_are_compared_without_platform_and_date(name: str, plain: str) -> None:
    assert plain_model(name) == plain


def test_binary_noise_of_a_provider_is_finer_than_a_pico() -> None:
    assert to_pico(Decimal("0.30000000000000004")) == 3 * 10**11
    assert to_pico(Decimal("-0.0000000000005")) == -1
    with pytest.raises(Invalid):
        to_pico(Decimal("NaN"))


@pytest.mark.parametrize(
    ("rows", "says"),
    [
        ('2026-10-01,"gpt-4o,1,2\n2026-10-02,gpt-4o,3,4\n', "第 2 行不是正确的 CSV"),
        ("2026-10-01,gpt-4o,1.234,50,2\n", "第 2 行有 5 列"),
        ('2026-10-01,gpt-4o,"1.234,50",2\n', "第 2 行：费用“1.234,50”不是数字"),
        ("2026-10-01,gpt-4o,1e999,2\n", "第 2 行：费用“1e999”大得不合理"),
        ("2026-10-01,gpt-4o,1,1e99\n", "第 2 行：input“1e99”大得不合理"),
        ("0001-01-01T00:00:00+14:00,gpt-4o,1,2\n", "第 2 行：日期"),
    ],
)
def test_a_table_is_never_read_as_less_than_it_says(rows: str, says: str) -> None:
    """An open quote swallowed every row behind it; “1.234,50” was one dollar and a quarter."""
    sheet = Sheet(columns={"day": "day", "model": "model", "cost": "cost", "input": "input"})
    with pytest.raises(Invalid, match=says):
        read_sheet(Source.CSV, f"day,model,cost,input\n{rows}".encode(), sheet)


def test_thousands_are_read_as_thousands() -> None:
    sheet = Sheet(columns={"day": "day", "model": "model", "cost": "cost"})
    body = b'day,model,cost\n2026-10-01,gpt-4o,"$1,234.50"\n'
    assert read_sheet(Source.CSV, body, sheet).lines[0].cost_pico == 123_450 * 10**10


def test_a_row_in_which_one_count_alone_is_filled_in_is_charged_like_the_others() -> None:
    """A day without output: its cost is of the model, like that of every other day."""
    text = (
        "日期,模型,输入,输出,费用\n2026-10-15,m,100,10,0.50\n2026-10-16,m,100,,0.40\n"
        "2026-10-16,n,100,,0.40\n2026-10-17,n,,10,0.10\n"
    )
    report = read_sheet(Source.CSV, text.encode(), parse_sheet(TABLE))
    charged = [(e.day.day, e.model, e.meter) for e in report.lines if e.cost_pico is not None]
    assert charged == [(15, "m", ""), (16, "m", ""), (16, "n", "input"), (17, "n", "output")]


def test_amounts_are_written_to_the_cent_at_the_coarsest() -> None:
    """A month of 0.5 a day must not pass for one of 0.45, rounded."""
    assert grain_of([Decimal("0.5"), Decimal(12)]) == 10**10
    assert grain_of([]) == 10**10
    assert grain_of([Decimal("0.5"), Decimal("0.123")]) == 10**9
