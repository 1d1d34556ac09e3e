"""A model's price list as somebody writes it: checked, then completed into the rows of a book.

Completing writes down what a reader of the list would have to guess: the meters that are priced
like another (`fallback:<meter>`), the base price of a tier that only names its long contexts, and
every multiplier as rows of its own tier. A completed list never needs a rule at run time beyond
choosing a row.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import combinations, product
from typing import Final

from yuejie.contracts.tier import DEFAULT
from yuejie.contracts.window import CALENDAR_LAST, Window
from yuejie.kernel.errors import DomainError
from yuejie.kernel.limits import PRICE_CHANGE_PPM
from yuejie.kernel.money import MTOK, PICO, PPM, divide, plain
from yuejie.usage.meters import FALLBACK, UNIT_METERS, Meter, per


class Severity(StrEnum):
    """What a remark asks for. Errors stop the whole file; the second needs `--approve`."""

    ERROR = "error"
    APPROVE = "approve"
    WARNING = "warning"
    NOTE = "note"


@dataclass(frozen=True, slots=True)
class Remark:
    """One line of the report: where in the file, how grave, and what to do."""

    where: str
    severity: Severity
    sentence: str


@dataclass(frozen=True, slots=True)
class RateDraft:
    """One rate as written, before it has a number."""

    meter: Meter
    pico: int
    service_tier: str = DEFAULT
    context_above: int = 0
    time_window: str = ""
    origin: str = "book"

    @property
    def place(self) -> tuple[str, int, str]:
        """Where in the list it stands, whatever its meter."""
        return self.service_tier, self.context_above, self.time_window


@dataclass(frozen=True, slots=True)
class Multiplier:
    """A fact that multiplies every token price. Marks of one group exclude each other."""

    group: str
    mark: str
    ppm: int


@dataclass(frozen=True, slots=True)
class PriceList:
    """All rates of one model, in the currency of its book. `where` is its place in the file."""

    model: str
    mode: str
    rates: tuple[RateDraft, ...]
    multipliers: tuple[Multiplier, ...] = ()
    where: str = ""


CACHE_WRITES: Final = tuple(meter for meter in Meter if meter.startswith("cache_write"))
_TALKS: Final = frozenset({"chat", "completion", "responses", "realtime"})
_DEAR_WRITE: Final = 5
"""Documented cache writes cost 1.25 to 2.5 times the input; five times is a slip of the pen."""
_CALENDAR_WARNING: Final = timedelta(days=366)


def check(prices: PriceList, starts_at: datetime) -> Iterator[Remark]:
    """Yield everything that is wrong or odd about a list as written."""
    yield from _required(prices)
    yield from _places(prices)
    yield from _windows(prices, starts_at)
    yield from _ratios(prices)


def complete(prices: PriceList) -> tuple[PriceList, list[Remark]]:
    """Write down every row that the list implies, and report each kind of addition."""
    remarks: list[Remark] = []
    rows = list(prices.rates)
    rows += _tier_bases(prices, rows, remarks)
    rows += _fallbacks(prices, rows, remarks)
    remarks += _left_out(prices, rows)
    rows += _multiplied(prices, rows, remarks)
    return replace(prices, rates=tuple(rows)), remarks


def changes(prices: PriceList, was: Sequence[RateDraft]) -> Iterator[Remark]:
    """Yield how a list differs from the one in force, rate by rate; a leap has to be approved."""
    before = {(rate.meter, rate.place): rate.pico for rate in was if rate.origin == "book"}
    if not before:
        return
    for rate in prices.rates:
        old = before.pop((rate.meter, rate.place), None)
        if old is None or old == rate.pico:
            continue
        said = (
            f"{prices.model} 的 {_spot(rate)} 由 {written(rate.meter, old)} 变为 "
            f"{written(rate.meter, rate.pico)}"
        )
        if abs(rate.pico - old) * PPM <= old * PRICE_CHANGE_PPM:
            yield Remark(prices.where, Severity.NOTE, said)
            continue
        leap = f"，幅度超过 {PRICE_CHANGE_PPM * 100 // PPM}%，须经批准"
        yield Remark(prices.where, Severity.APPROVE, said + leap)
    for meter in sorted({meter for meter, _ in before} - {rate.meter for rate in prices.rates}):
        yield Remark(
            prices.where,
            Severity.WARNING,
            f"{prices.model} 原有 {meter} 的单价，新价目没有，将按并入的计量项计价或待补价",
        )


def written(meter: Meter, pico: int) -> str:
    """Write a rate as the file has it: per million tokens, or per piece."""
    return plain(pico, PICO // per(meter))


def _spot(rate: RateDraft) -> str:
    parts = [str(rate.meter)]
    if rate.service_tier != DEFAULT:
        parts.append(f"服务档 {rate.service_tier}")
    if rate.context_above:
        parts.append(f"输入超过 {rate.context_above}")
    if rate.time_window:
        parts.append(f"时段“{rate.time_window}”")
    return "、".join(parts)


def _required(prices: PriceList) -> Iterator[Remark]:
    if not prices.model.strip():
        yield Remark(prices.where, Severity.ERROR, "缺少模型名，请补上 model")
    named = {rate.meter for rate in prices.rates if rate.place == (DEFAULT, 0, "")}
    needed = {Meter.INPUT, Meter.OUTPUT} if prices.mode in _TALKS else set()
    if prices.mode == "embedding":
        needed = {Meter.INPUT}
    for meter in sorted(needed - named):
        yield Remark(
            prices.where,
            Severity.ERROR,
            f"{prices.mode} 模型 {prices.model} 缺少 {meter} 的单价，请补上",
        )
    if not prices.rates:
        yield Remark(prices.where, Severity.ERROR, f"模型 {prices.model} 没有任何单价，请补上")


def _places(prices: PriceList) -> Iterator[Remark]:
    """No row twice, no negative one, and a base for every meter that a tier or a window refines."""
    seen: set[tuple[Meter, tuple[str, int, str]]] = set()
    for rate in prices.rates:
        if rate.pico < 0:
            yield Remark(
                prices.where, Severity.ERROR, f"{prices.model} 的 {_spot(rate)} 单价为负，请改正"
            )
        if (rate.meter, rate.place) in seen:
            yield Remark(
                prices.where,
                Severity.ERROR,
                f"{prices.model} 的 {_spot(rate)} 出现两个单价，请只保留一个",
            )
        seen.add((rate.meter, rate.place))
    for rate in prices.rates:
        tier, above, window = rate.place
        if window and (rate.meter, (tier, above, "")) not in seen:
            yield Remark(
                prices.where,
                Severity.ERROR,
                f"{prices.model} 的 {_spot(rate)} 只有时段价，缺少其余时间的单价，请补上",
            )
        elif above and not {(rate.meter, (each, 0, "")) for each in (tier, DEFAULT)} & seen:
            yield Remark(
                prices.where,
                Severity.ERROR,
                f"{prices.model} 的 {_spot(rate)} 只有长上下文价，缺少基础价，请补上",
            )
    yield from _unbased(prices)


def _unbased(prices: PriceList) -> Iterator[Remark]:
    base = {rate.meter for rate in prices.rates if rate.service_tier == DEFAULT}
    for rate in prices.rates:
        known = rate.meter in base or _nearest(rate.meter, base) is not None
        if not known and not rate.context_above and not rate.time_window:
            yield Remark(
                prices.where,
                Severity.WARNING,
                f"{prices.model} 的 {rate.meter} 只有服务档 {rate.service_tier} 的单价，"
                "其他服务档出现该计量项时将待补价",
            )


def _windows(prices: PriceList, starts_at: datetime) -> Iterator[Remark]:
    by_place: dict[tuple[Meter, str, int], list[str]] = {}
    for rate in prices.rates:
        if rate.time_window:
            key = (rate.meter, rate.service_tier, rate.context_above)
            by_place.setdefault(key, []).append(rate.time_window)
    for texts in sorted(set(map(tuple, by_place.values()))):
        try:
            yield from _apart(prices, [Window.parse(text) for text in texts], starts_at)
        except DomainError as error:
            yield Remark(prices.where, Severity.ERROR, f"{prices.model}：{error.sentence}")


def _apart(prices: PriceList, windows: list[Window], starts_at: datetime) -> Iterator[Remark]:
    for one, two in combinations(windows, 2):
        if one.overlaps(two):
            yield Remark(
                prices.where,
                Severity.ERROR,
                f"{prices.model} 的时段“{one}”与“{two}”重叠，同一时刻只能有一个单价，请改正",
            )
    for window in windows:
        if not window.needs_calendar:
            continue
        if starts_at.year > CALENDAR_LAST:
            yield Remark(
                prices.where,
                Severity.ERROR,
                f"{prices.model} 的时段“{window}”要用 {starts_at.year} 年的节假日历，"
                f"而日历只到 {CALENDAR_LAST} 年，请先更新 chinesecalendar",
            )
        elif (starts_at + _CALENDAR_WARNING).year > CALENDAR_LAST:
            yield Remark(
                prices.where,
                Severity.WARNING,
                f"{prices.model} 的时段“{window}”所用节假日历只到 {CALENDAR_LAST} 年底，"
                "此后的调用会进入待补价清单，请在年底前更新 chinesecalendar",
            )


def _ratios(prices: PriceList) -> Iterator[Remark]:
    """Ratios that no provider publishes on purpose; each is a slip until somebody approves it."""
    by_place: dict[tuple[str, int, str], dict[Meter, int]] = {}
    for rate in prices.rates:
        by_place.setdefault(rate.place, {})[rate.meter] = rate.pico
    base = by_place.get((DEFAULT, 0, ""), {})
    for found in by_place.values():
        fresh = found.get(Meter.INPUT, base.get(Meter.INPUT))
        if not fresh:
            continue
        read = found.get(Meter.CACHE_READ)
        if read is not None and read > fresh:
            yield _outlier(prices, Meter.CACHE_READ, read, f"高于 input 的 {_mtok(fresh)}")
        for meter in CACHE_WRITES:
            write = found.get(meter)
            if write is not None and write < fresh:
                yield _outlier(prices, meter, write, f"低于 input 的 {_mtok(fresh)}")
            elif write is not None and write >= _DEAR_WRITE * fresh:
                yield _outlier(prices, meter, write, f"达到 input 的 {write // fresh} 倍")


def _outlier(prices: PriceList, meter: Meter, pico: int, how: str) -> Remark:
    return Remark(
        prices.where,
        Severity.APPROVE,
        f"{prices.model} 的 {meter} 单价 {_mtok(pico)} {how}，请核对价目来源，无误方可批准",
    )


def _mtok(pico: int) -> str:
    return plain(pico, PICO // MTOK)


def _tier_bases(prices: PriceList, rows: list[RateDraft], remarks: list[Remark]) -> list[RateDraft]:
    """Give a service tier that names only long contexts the base price for the short ones."""
    base = {row.meter: row for row in rows if row.place == (DEFAULT, 0, "")}
    have = {(row.meter, row.service_tier) for row in rows if row.context_above == 0}
    wanted = {(row.meter, row.service_tier) for row in rows} - have
    added = [
        replace(base[meter], service_tier=tier, origin="fallback:default")
        for meter, tier in sorted(wanted)
        if meter in base
    ]
    if added:
        named = "、".join(f"{row.service_tier} 档 {row.meter}" for row in added)
        sentence = f"{prices.model} 未列 {named} 的基础价，按 default 档计"
        remarks.append(Remark(prices.where, Severity.NOTE, sentence))
    return added


def _fallbacks(prices: PriceList, rows: list[RateDraft], remarks: list[Remark]) -> list[RateDraft]:
    """Write the rows of every meter that the list leaves to another's price.

    A meter without a base price takes its parent's rows in every tier that does not name it.
    Reasoning is priced as output *of its own tier*, so it also fills the places where only output
    is listed. Only models that converse write caches.
    """
    named = {row.meter for row in rows if row.place == (DEFAULT, 0, "")}
    added: list[RateDraft] = []
    roots: dict[Meter, list[Meter]] = {}
    for meter in FALLBACK:
        parent = _nearest(meter, named)
        if parent is None or (meter in named and meter is not Meter.REASONING):
            continue
        if meter in CACHE_WRITES and prices.mode not in _TALKS:
            continue
        filled = _borrowed(meter, parent, rows)
        if filled:
            added += filled
            roots.setdefault(parent, []).append(meter)
    remarks += _told(prices, {row.meter for row in rows}, roots)
    return added


def _borrowed(meter: Meter, parent: Meter, rows: list[RateDraft]) -> list[RateDraft]:
    tiers = {row.service_tier for row in rows if row.meter == meter}
    places = {row.place for row in rows if row.meter == meter}
    return [
        replace(row, meter=meter, origin=f"fallback:{parent}")
        for row in rows
        if row.meter == parent
        and row.place not in places
        and (meter is Meter.REASONING or row.service_tier not in tiers)
    ]


def _nearest(meter: Meter, named: set[Meter]) -> Meter | None:
    """Return the first ancestor that the list names."""
    parent = FALLBACK.get(meter)
    while parent is not None and parent not in named:
        parent = FALLBACK.get(parent)
    return parent


def _told(
    prices: PriceList, named: set[Meter], roots: dict[Meter, list[Meter]]
) -> Iterator[Remark]:
    """Tell what was filled in.

    Where a list names some cache writes and not others, the others get a line each: the price
    they borrow may be that of a cheaper class. Where it names none, writing is not charged apart.
    """
    apart = [meter for meter in CACHE_WRITES if meter in named]
    plainly: list[str] = []
    for parent, meters in roots.items():
        warned = [meter for meter in meters if apart and meter in CACHE_WRITES]
        for meter in warned:
            yield Remark(
                prices.where,
                Severity.WARNING,
                f"{prices.model} 列了 {'、'.join(apart)} 而未列 {meter}，已写明按 {parent} 计；"
                "供应商若对它另收更高的写入费，请补上单价",
            )
        rest = [meter for meter in meters if meter not in warned]
        if rest:
            plainly.append(f"{'、'.join(rest)} 按 {parent} 计")
    if plainly:
        sentence = f"{prices.model} 未单列的计量项已写明：{'；'.join(plainly)}"
        yield Remark(prices.where, Severity.NOTE, sentence)


def _left_out(prices: PriceList, rows: list[RateDraft]) -> Iterator[Remark]:
    """Tell which meters a service tier leaves out: they have their base price there."""
    have = {(row.meter, row.service_tier) for row in rows}
    base = {row.meter for row in rows if row.service_tier == DEFAULT}
    tiers = {row.service_tier for row in rows if row.meter not in UNIT_METERS} - {DEFAULT}
    for tier in sorted(tiers):
        missing = sorted(m for m in base - set(UNIT_METERS) if (m, tier) not in have)
        if missing:
            sentence = f"{prices.model} 的服务档 {tier} 未列 {'、'.join(missing)}，按 default 档计"
            yield Remark(prices.where, Severity.NOTE, sentence)


def _multiplied(prices: PriceList, rows: list[RateDraft], remarks: list[Remark]) -> list[RateDraft]:
    """Write the rows of every combination of multipliers, for every tier and token meter."""
    added: list[RateDraft] = []
    inexact = 0
    tiers = sorted({row.service_tier for row in rows})
    tokens = _in_every_tier([row for row in rows if row.meter not in UNIT_METERS], tiers)
    for chosen in _combinations(prices.multipliers):
        numerator, denominator = 1, 1
        for multiplier in chosen:
            numerator, denominator = numerator * multiplier.ppm, denominator * PPM
        suffix = "+".join(sorted(multiplier.mark for multiplier in chosen))
        for row in tokens:
            inexact += row.pico * numerator % denominator != 0
            added.append(
                replace(
                    row,
                    pico=divide(row.pico * numerator, denominator),
                    service_tier=f"{row.service_tier}+{suffix}",
                )
            )
    if inexact:
        remarks.append(
            Remark(
                prices.where,
                Severity.NOTE,
                f"{prices.model} 有 {inexact} 个加价后的单价超过每百万六位小数，已四舍五入写明",
            )
        )
    return added


def _in_every_tier(rows: Iterable[RateDraft], tiers: list[str]) -> list[RateDraft]:
    """Repeat the base rows under each tier that leaves their meter out, as `resolve` would."""
    by_tier: dict[tuple[Meter, str], list[RateDraft]] = {}
    for row in rows:
        by_tier.setdefault((row.meter, row.service_tier), []).append(row)
    meters = sorted({meter for meter, _ in by_tier})
    return [
        replace(row, service_tier=tier)
        for meter, tier in product(meters, tiers)
        for row in by_tier.get((meter, tier)) or by_tier.get((meter, DEFAULT), [])
    ]


def _combinations(multipliers: Sequence[Multiplier]) -> Iterator[tuple[Multiplier, ...]]:
    """Yield every choice of at most one multiplier per group, except none at all."""
    groups: dict[str, list[Multiplier]] = {}
    for multiplier in multipliers:
        groups.setdefault(multiplier.group, []).append(multiplier)
    for choice in product(*([None, *group] for group in groups.values())):
        chosen = tuple(multiplier for multiplier in choice if multiplier is not None)
        if chosen:
            yield chosen
