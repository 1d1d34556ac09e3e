"""Read what the administration APIs of OpenAI and Anthropic answer, saved as JSON.

Their pages come as one document, or one a line. This reading is not shared with the import of
usage (intake): a mistake there would be repeated here, and agree with itself.
Fields: OpenAI API reference, Usage and Costs; Anthropic API reference, Usage Report, Cost Report
(`amount` in the lowest unit of the currency, "123.45" being $1.23).
"""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, Final
from zoneinfo import ZoneInfo

import msgspec

from yuejie.assurance.reconcile.report import (
    MANNERS,
    Report,
    ReportLine,
    Source,
    currency_named,
    decimal_of,
    grain_of,
    to_pico,
)
from yuejie.kernel.errors import UNREADABLE, Invalid, said_of
from yuejie.kernel.money import FEN
from yuejie.usage.meters import Meter

Words = Mapping[str, Any]
_decode: Final = msgspec.json.Decoder(float_hook=Decimal).decode

# Each of OpenAI's counts: what adds to our meter, and what is contained in it and counts elsewhere.
_OPENAI: Final[dict[Meter, tuple[tuple[str, ...], tuple[str, ...]]]] = {
    Meter.INPUT: (
        ("input_tokens",),
        (
            *("input_cached_tokens", "input_cache_write_tokens"),
            *("input_audio_tokens", "input_image_tokens"),
        ),
    ),
    Meter.CACHE_READ: (
        ("input_cached_tokens",),
        ("input_cached_audio_tokens", "input_cached_image_tokens"),
    ),
    Meter.CACHE_READ_AUDIO: (("input_cached_audio_tokens",), ()),
    Meter.CACHE_READ_IMAGE: (("input_cached_image_tokens",), ()),
    Meter.CACHE_WRITE_UNSPECIFIED: (("input_cache_write_tokens",), ()),
    Meter.AUDIO_IN: (("input_audio_tokens",), ()),
    Meter.IMAGE_IN: (("input_image_tokens",), ()),
    Meter.OUTPUT: (("output_tokens",), ("output_audio_tokens", "output_image_tokens")),
    Meter.AUDIO_OUT: (("output_audio_tokens",), ()),
    Meter.IMAGE_OUT: (("output_image_tokens",), ()),
    Meter.REQUESTS: (("num_model_requests",), ()),
}
# With the uncached count given, audio and image inputs are contained in it alone.
_UNCACHED: Final = (("input_uncached_tokens",), ("input_audio_tokens", "input_image_tokens"))

_OPENAI_ITEMS: Final = {
    "input": Meter.INPUT,
    "cached input": Meter.CACHE_READ,
    "cache write": Meter.CACHE_WRITE_UNSPECIFIED,
    "output": Meter.OUTPUT,
    "audio input": Meter.AUDIO_IN,
    "audio output": Meter.AUDIO_OUT,
    "image input": Meter.IMAGE_IN,
    "image output": Meter.IMAGE_OUT,
}
_ANTHROPIC_TYPES: Final = {
    "uncached_input_tokens": Meter.INPUT,
    "cache_read_input_tokens": Meter.CACHE_READ,
    "cache_creation.ephemeral_5m_input_tokens": Meter.CACHE_WRITE_5M,
    "cache_creation.ephemeral_1h_input_tokens": Meter.CACHE_WRITE_1H,
    "output_tokens": Meter.OUTPUT,
}


def read_pages(source: Source, body: bytes) -> Report:
    """Read a saved answer of an administration API; what does not fit refuses the file."""
    read, meters = _READERS[source]
    lines: list[ReportLine] = []
    amounts: list[Decimal] = []
    currencies: set[str] = set()
    zone = ZoneInfo(MANNERS[source].zone)
    seen: dict[str, int] = {}
    pages = _pages(body)
    for number, (bucket, result) in enumerate(_results(pages), 1):
        _refuse_twice(seen, number, bucket, result)
        try:
            for line, amount, currency in read(number, _day(bucket, zone), result):
                lines.append(line)
                if amount is not None:
                    amounts.append(amount)
                    currencies.add(currency)
        except Invalid as error:
            raise Invalid(
                f"报告第 {number} 项不合格：{error.sentence}；请重新导出后重试"
            ) from error
        except (
            LookupError,
            TypeError,
            ValueError,
            AttributeError,
            ArithmeticError,
            OSError,
        ) as error:
            raise Invalid(f"报告第 {number} 项不像 {source} 的报告，请核对文件和来源") from error
    if len(currencies) > 1:
        raise Invalid(f"报告里有多种币种（{'、'.join(sorted(currencies))}），请按币种分别导出")
    manner = MANNERS[source]
    return Report(
        source=source,
        says=manner.says,
        zone=manner.zone,
        currency=currencies.pop() if currencies else "USD",
        meters=frozenset(meter.value for meter in meters),
        folds={str(ours): str(theirs) for ours, theirs in manner.folds.items()},
        grain_pico=grain_of(amounts),
        lines=tuple(lines),
        covers=frozenset(_covers(source, pages, zone)),
    )


def _covers(source: Source, pages: Iterable[Words], zone: ZoneInfo) -> Iterator[date]:
    """Yield the day of every bucket: of a day without usage there is an empty one."""
    for page in pages:
        for number, bucket in enumerate(page["data"], 1):
            try:
                yield _day(bucket, zone)
            except (LookupError, TypeError, ValueError, ArithmeticError, OSError) as error:
                raise Invalid(
                    f"报告的 data 第 {number} 项没有读得懂的起始时间，不像 {source} 的报告，"
                    "请核对文件和来源"
                ) from error


def _results(pages: Iterable[Words]) -> Iterator[tuple[Words, Words]]:
    for page in pages:
        for number, bucket in enumerate(page["data"], 1):
            results = bucket.get("results", []) if isinstance(bucket, dict) else None
            if not isinstance(results, list) or not all(isinstance(r, dict) for r in results):
                raise Invalid(f"报告的 data 第 {number} 项没有 results 列表，请核对文件和来源")
            for result in results:
                yield bucket, result


def _pages(body: bytes) -> list[Words]:
    """Return the pages of a file, which has the last one among them."""
    try:
        pages = [_decode(body)]
    except UNREADABLE:
        pages = list(_by_line(body))
    if not all(isinstance(page, dict) and isinstance(page.get("data"), list) for page in pages):
        raise Invalid("文件不是供应商的报告（没有 data 列表），请核对文件和来源")
    if pages and all(page.get("has_more") is True for page in pages):
        raise Invalid("报告还有下一页（has_more），不是全月；请把各页都存下，每页一行，重新导入")
    return pages


def _by_line(body: bytes) -> Iterator[Any]:
    for number, text in enumerate(body.splitlines(), 1):
        if not text.strip():
            continue
        try:
            yield _decode(text)
        except UNREADABLE as error:
            raise Invalid(f"报告第 {number} 行不是完整的 JSON：{said_of(error)}") from error


def _refuse_twice(seen: dict[str, int], number: int, bucket: Words, result: Words) -> None:
    """Refuse a result that is there twice: of a bucket, a provider tells each group once."""
    facts = [bucket.get("start_time"), bucket.get("starting_at"), result]
    earlier = seen.setdefault(json.dumps(facts, sort_keys=True, default=str), number)
    if earlier != number:
        raise Invalid(
            f"报告第 {number} 项与第 {earlier} 项完全相同，像是同一页存了两次；请去掉一份后重试"
        )


def _day(bucket: Words, zone: ZoneInfo) -> date:
    start = bucket.get("start_time")
    if isinstance(start, int):
        return datetime.fromtimestamp(start, UTC).astimezone(zone).date()
    return datetime.fromisoformat(str(bucket["starting_at"])).astimezone(zone).date()


Read = Iterator[tuple[ReportLine, Decimal | None, str]]


def _openai_usage(number: int, day: date, result: Words) -> Read:
    model = str(result.get("model") or "")
    for meter, (adds, holds) in _OPENAI.items():
        if meter is Meter.INPUT and result.get("input_uncached_tokens") is not None:
            adds, holds = _UNCACHED  # noqa: PLW2901 (the other way of saying the same)
        quantity = sum(_count(result, n) for n in adds) - sum(_count(result, n) for n in holds)
        if quantity < 0:
            raise Invalid(f"{meter} 相减后为负，报告自相矛盾")
        if quantity:
            yield ReportLine(number, day, model, meter.value, quantity, None), None, ""


def _openai_costs(number: int, day: date, result: Words) -> Read:
    item = str(result.get("line_item") or "")
    model, _, kind = item.rpartition(", ")
    meter = _OPENAI_ITEMS.get(kind.lower())
    amount = _decimal(result["amount"]["value"])
    line = ReportLine(
        line=number,
        day=day,
        model=model if meter else item,
        meter=meter.value if meter else "",
        quantity=None,
        cost_pico=to_pico(amount),
        note=item,
    )
    yield line, amount, currency_named(str(result["amount"]["currency"]))


def _anthropic_usage(number: int, day: date, result: Words) -> Read:
    written = result.get("cache_creation") or {}
    tools = result.get("server_tool_use") or {}
    counts = {
        Meter.INPUT: _count(result, "uncached_input_tokens"),
        Meter.CACHE_READ: _count(result, "cache_read_input_tokens"),
        Meter.CACHE_WRITE_5M: _count(written, "ephemeral_5m_input_tokens"),
        Meter.CACHE_WRITE_1H: _count(written, "ephemeral_1h_input_tokens"),
        Meter.OUTPUT: _count(result, "output_tokens"),
        Meter.WEB_SEARCHES: _count(tools, "web_search_requests"),
    }
    model = str(result.get("model") or "")
    for meter, quantity in counts.items():
        if quantity:
            yield ReportLine(number, day, model, meter.value, quantity, None), None, ""


def _anthropic_cost(number: int, day: date, result: Words) -> Read:
    kind = result.get("token_type")
    meter = _ANTHROPIC_TYPES.get(str(kind)) if kind else None
    if result.get("cost_type") == "web_search":
        meter = Meter.WEB_SEARCHES
    cents = _decimal(result["amount"])
    # A text in cents: two places more than the amount in dollars.
    amount = cents.scaleb(-(len(str(FEN)) - 1))
    line = ReportLine(
        line=number,
        day=day,
        model=str(result.get("model") or ""),
        meter=meter.value if meter else "",
        quantity=None,
        cost_pico=to_pico(amount),
        note=str(result.get("description") or ""),
    )
    yield line, amount, currency_named(str(result.get("currency") or "USD"))


def _count(place: Words, name: str) -> int:
    value = place.get(name)
    if value is None:
        return 0
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise Invalid(f"{name} 应为不小于 0 的整数，而不是 {value!r}")
    return value


def _decimal(value: object) -> Decimal:
    return decimal_of(str(value), "金额")


_READERS: Final[dict[Source, tuple[Callable[[int, date, Words], Read], frozenset[Meter]]]] = {
    Source.OPENAI_USAGE: (_openai_usage, frozenset(_OPENAI)),
    Source.OPENAI_COSTS: (_openai_costs, frozenset()),
    Source.ANTHROPIC_USAGE: (
        _anthropic_usage,
        frozenset({*_ANTHROPIC_TYPES.values(), Meter.WEB_SEARCHES}),
    ),
    Source.ANTHROPIC_COST: (_anthropic_cost, frozenset()),
}
