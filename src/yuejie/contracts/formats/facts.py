"""The open fact file `prices.json`: a cost book of many platforms, one entry per model.

Its keys become `platform/model`. Numbers are read as written. Each unit price is mapped to a meter
only where it is *the* price of that meter; where the file gives a second way to count the same
work (seconds beside tokens, the same second on input and on output) one is taken and the other is
reported, because charging both would charge twice.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from yuejie.contracts.formats.pricelist import Multiplier, PriceList
from yuejie.contracts.formats.read import Gathering, PriceFile
from yuejie.contracts.tier import DEFAULT
from yuejie.kernel.errors import DomainError
from yuejie.kernel.money import PPM, exact
from yuejie.usage.meters import Meter

Json = Mapping[str, Any]

_METERS: Final = {"cache_write": str(Meter.CACHE_WRITE_UNSPECIFIED)}
"""Meters that the file calls otherwise."""

_NO_METER: Final = {
    "cache_write_audio": "音频缓存写入没有对应计量项",
    "cache_read_explicit": "显式缓存命中没有对应计量项，按 cache_read 计",
}

_MULTIPLIERS: Final = {
    "inference_geo_us": ("geo", "geo_us"),
    "speed_fast": ("speed", "fast"),
    "processing_uplift_eu": ("processing", "processing_eu"),
    "processing_uplift_us": ("processing", "processing_us"),
    "endpoint_uplift": ("endpoint", "endpoint_regional"),
}

_UNITS: Final[tuple[tuple[Meter, frozenset[str], tuple[str, ...]], ...]] = (
    (
        Meter.SECONDS,
        frozenset({"audio_transcription"}),
        ("input_cost_per_second", "output_cost_per_second"),
    ),
    (Meter.CHARACTERS, frozenset({"audio_speech"}), ("input_cost_per_character",)),
    (
        Meter.IMAGES,
        frozenset({"image_generation"}),
        # Older entries keep the price of a generated picture under the input's name.
        ("output_cost_per_image", "input_cost_per_image"),
    ),
    (Meter.SEARCH_UNITS, frozenset({"rerank"}), ("input_cost_per_query",)),
)
"""Which unit price is the price of a meter, in which modes, the first found being taken."""

_TOKENS_INSTEAD: Final = {
    Meter.SECONDS: ("audio_in", "input"),
    Meter.IMAGES: ("image_out",),
}
"""Token prices beside which a unit price is only another way to count the same work."""

_HOURS: Final = re.compile(r"\d\d:\d\d-\d\d:\d\d\Z")


def read_facts(document: Json, *, currency: str) -> PriceFile:
    """Read the fact file into a book of that currency. Its numbers are text, never floats."""
    meta = document.get("meta", {})
    origin = meta.get("extracted_from", {})
    read = PriceFile(
        source=f"{origin.get('package', 'prices.json')} {origin.get('version', '')}".strip()
    )
    for position, entry in enumerate(document["models"], 1):
        model = f"{entry['platform']}/{entry['model']}"
        where = f"第 {position} 条"
        gathering = Gathering(model, where, currency, read.remarks)
        if entry["currency"] != currency:
            gathering.error(
                f"{model} 的币种 {entry['currency']} 与价目的币种 {currency} 不同，请核对"
            )
        _tokens(gathering, entry)
        _units(gathering, entry)
        _searches(gathering, entry)
        multipliers = tuple(_multipliers(gathering, entry))
        if gathering.failed:
            continue
        if not gathering.rates:
            gathering.skip("没有一项价格能对应到计量项，整条跳过")
            continue
        rates = tuple(gathering.rates)
        read.lists.append(PriceList(model, str(entry["mode"]), rates, multipliers, where))
    return read


def _tokens(gathering: Gathering, entry: Json) -> None:
    base = entry.get("price_per_mtok") or {}
    _prices(gathering, base)
    _tiers(gathering, entry.get("tiers") or (), base)
    for tier, listed in (entry.get("service_tiers") or {}).items():
        own = listed.get("price_per_mtok") or {}
        _prices(gathering, own, service_tier=tier)
        _tiers(gathering, listed.get("tiers") or (), {**base, **own}, service_tier=tier)
    off_peak = entry.get("off_peak")
    if off_peak:
        window = _window(off_peak["windows"])
        _prices(gathering, off_peak["price_per_mtok"], time_window=window)


def _tiers(
    gathering: Gathering, tiers: Sequence[Json], base: Json, *, service_tier: str = DEFAULT
) -> None:
    for tier in tiers:
        above = int(tier["above_input_tokens"])
        known = {name: price for name, price in tier["price_per_mtok"].items() if name in base}
        for name in tier["price_per_mtok"].keys() - known.keys():
            gathering.skip(f"{name} 只有输入超过 {above} 的价格，没有基础价，跳过")
        _prices(gathering, known, service_tier=service_tier, context_above=above)


def _prices(
    gathering: Gathering,
    prices: Json,
    *,
    service_tier: str = DEFAULT,
    context_above: int = 0,
    time_window: str = "",
) -> None:
    for name, price in prices.items():
        if name in _NO_METER:
            gathering.skip(f"{name}：{_NO_METER[name]}，跳过")
            continue
        gathering.add(
            _METERS.get(name, name),
            str(price),
            service_tier=service_tier,
            context_above=context_above,
            time_window=time_window,
        )


def _units(gathering: Gathering, entry: Json) -> None:
    units: dict[str, str] = {k: str(v) for k, v in (entry.get("unit_prices_usd") or {}).items()}
    for meter, modes, names in _UNITS:
        present = [name for name in names if name in units]
        if not present or entry["mode"] not in modes:
            continue
        tokens = entry.get("price_per_mtok") or {}
        instead = [name for name in _TOKENS_INSTEAD.get(meter, ()) if name in tokens]
        if instead:
            for name in present:
                units.pop(name)
                gathering.skip(f"{name} 与按 token 的 {instead[0]} 是同一笔费用，只收 token，跳过")
            continue
        _one_of(gathering, meter, units, present)
    for name in sorted(units):
        gathering.skip(f"{name} 没有对应的计量项，跳过")


def _one_of(gathering: Gathering, meter: Meter, units: dict[str, str], names: list[str]) -> None:
    """Take one price of a meter; two that differ and are not zero cannot both be it."""
    prices = {name: units.pop(name) for name in names}
    charged = {name: price for name, price in prices.items() if price.strip("0.") != ""}
    if meter is Meter.SECONDS and len(set(charged.values())) > 1:
        told = "、".join(f"{name}={price}" for name, price in charged.items())
        gathering.error(f"{gathering.model} 的 {meter} 有两个不同的单价（{told}），请只保留一个")
        return
    taken = next(iter(charged), names[0])
    gathering.add(meter, prices[taken])
    for name in charged.keys() - {taken}:
        gathering.skip(f"{name} 与 {taken} 都列了单价，同一数量只收一次，取 {taken}")


def _searches(gathering: Gathering, entry: Json) -> None:
    """Take the price of a medium search: it is what providers give unless asked otherwise."""
    searches = entry.get("web_search_usd_per_query")
    if not searches:
        return
    gathering.add(Meter.WEB_SEARCHES, str(searches["medium"]))
    if len({exact(str(price), 10**12, "单价") for price in searches.values()}) > 1:
        gathering.skip("网页搜索分低、中、高三档价格，应答不报告档次，取供应商默认的中档")
    if entry.get("web_search_free"):
        gathering.skip("网页搜索有免费额度，价目按次全额记，免费部分以供应商账单核对")


def _multipliers(gathering: Gathering, entry: Json) -> Iterator[Multiplier]:
    for name, factor in (entry.get("multipliers") or {}).items():
        if name not in _MULTIPLIERS:
            gathering.skip(f"加价项 {name} 不认识，跳过")
            continue
        group, mark = _MULTIPLIERS[name]
        try:
            yield Multiplier(group, mark, exact(str(factor), PPM, "加价倍数"))
        except DomainError as error:
            gathering.error(f"{gathering.model} 的 {name}：{error.sentence}")


def _window(windows: Sequence[Json]) -> str:
    """Write the file's UTC hours as one window: `UTC 1-5 00:00-01:00,…; 6-7 00:00-24:00`."""
    rules = []
    for window in windows:
        hours = window["hours_utc"]
        spans = [hours] if isinstance(hours, str) else list(hours)
        # The file closes a day with 00:00; a half-open span ends at 24:00.
        shown = [re.sub(r"-00:00\Z", "-24:00", span) for span in spans if _HOURS.match(span)]
        days = ",".join(str(day) for day in window["weekdays"])
        rules.append(f"{days} {','.join(shown)}")
    return f"UTC {'; '.join(rules)}"
