"""A price book as the gateway and rating read it: pure, immutable, and fast.

A revision names models. The newest started revision, not newer than the pinned one, that names
the model holds that model's whole price list. Within the list one row prices a meter: by service
tier as answered, by context size of the whole request, by time window. Which rows a list may hold
is checked when the book is written (`contracts/validate.py`), so that at any instant, tier and
context there is exactly one, or none because the book does not price the meter.
"""

from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

import msgspec

from yuejie.contracts.tier import DEFAULT, plainer, tier_key
from yuejie.contracts.window import holds_in, moment_of
from yuejie.kernel.money import MTOK, plain
from yuejie.usage.meters import UNIT_METERS

_MEMO_MAX: Final = 65_536
"""Tier and model names come from providers' answers; strange ones must not fill the memory."""


_MINUTE_US: Final = 60 * 10**6


class RateRow(msgspec.Struct, frozen=True, array_like=True):
    """One rate of one revision: a whole number of picos per unit. `list_rate` is 0 when none."""

    rate_id: int
    revision: int
    model: str
    meter: str
    pico: int
    currency: str
    service_tier: str
    context_above: int
    time_window: str
    list_rate: int
    origin: str = "book"


class RevisionRow(msgspec.Struct, frozen=True, array_like=True):
    """When a revision starts, in Unix microseconds; it has no end of its own."""

    revision: int
    starts_us: int


class BookRows(msgspec.Struct, frozen=True, array_like=True):
    """A whole book as it travels in the snapshot."""

    book_id: str
    kind: str
    currency: str
    revisions: list[RevisionRow]
    rates: list[RateRow]


@dataclass(frozen=True, slots=True)
class Explanation:
    """Which rate applies, and why, in sentences a person can check."""

    rate: RateRow | None
    sentences: tuple[str, ...]


_Choices = tuple[tuple[int, tuple[RateRow, ...]], ...]


class Book:
    """A price book. Nothing about it changes; what was resolved once is remembered."""

    __slots__ = ("_lists", "_memo", "_named", "_revisions", "_starts", "rows")

    def __init__(self, rows: BookRows) -> None:
        self.rows: Final = rows
        self._revisions = tuple(sorted(rows.revisions, key=lambda each: each.revision))
        self._starts = {each.revision: each.starts_us for each in self._revisions}
        self._lists = _grouped(rows.rates)
        self._named: dict[tuple[str, int], tuple[int, ...]] = {}
        self._memo: dict[tuple[int, str, str, str], _Choices] = {}

    @property
    def book_id(self) -> str:
        """The book's name."""
        return self.rows.book_id

    @property
    def currency(self) -> str:
        """The currency of every rate in it."""
        return self.rows.currency

    def revision_at(self, started_us: int) -> int | None:
        """Return the newest revision that has started by an instant: the one to pin."""
        started = [each.revision for each in self._revisions if each.starts_us <= started_us]
        return started[-1] if started else None

    def starts_us(self, revision: int) -> int | None:
        """Return when a revision starts."""
        return self._starts.get(revision)

    def models(self, revision: int) -> frozenset[str]:
        """Return every model priced at a pinned revision."""
        return frozenset(model for model in self._lists if self.prices(model, revision))

    def prices(self, model: str, revision: int, started_us: int | None = None) -> bool:
        """Say whether a model is priced at a pinned revision; asked at admission."""
        return self.naming(model, revision, started_us) is not None

    def naming(self, model: str, revision: int, started_us: int | None = None) -> int | None:
        """Return the revision that holds the model's price list, seen from a pinned one."""
        for candidate in self._candidates(model, revision):
            if started_us is None or self._starts[candidate] <= started_us:
                return candidate
        return None

    def price_list(self, model: str, revision: int) -> tuple[RateRow, ...]:
        """Return every row of a model in exactly that revision, in the order of the book."""
        return tuple(self._lists.get(model, {}).get(revision, ()))

    def resolve(
        self,
        model: str,
        meter: str,
        *,
        revision: int,
        started_us: int,
        service_tier: str,
        context_tokens: int,
    ) -> RateRow | None:
        """Return the one rate of a meter, or None where the book has no price for these facts."""
        choices = self._memo.get((revision, model, meter, service_tier))
        if choices is None:
            choices = self._remember(revision, model, meter, service_tier)
        for starts_us, rows in choices:
            if starts_us <= started_us:
                if len(rows) == 1:
                    return rows[0]
                return _pick(rows, started_us, context_tokens)
        return None

    def explain(
        self,
        model: str,
        meter: str,
        *,
        revision: int,
        started_us: int,
        service_tier: str,
        context_tokens: int,
    ) -> Explanation:
        """Return the rate that `resolve` returns, with the reason for each choice."""
        rate = self.resolve(
            model,
            meter,
            revision=revision,
            started_us=started_us,
            service_tier=service_tier,
            context_tokens=context_tokens,
        )
        named = self.naming(model, revision, started_us)
        if named is None:
            return Explanation(
                None, (f"价目 {self.book_id} 第 {revision} 版及以前没有为模型 {model} 定价。",)
            )
        starts = clock_text(self._starts[named])
        first = (
            f"价目 {self.book_id} 第 {named} 版（{starts} 生效）是此刻为 {model} 定价的最新一版。"
        )
        key = tier_key(service_tier, {})
        rows = self._rows(model, named, meter, key)
        if rate is None:
            why = self._why_none(model, named, meter, key, rows)
            return Explanation(None, (first, why))
        return Explanation(
            rate,
            (
                first,
                _why_tier(rate, key),
                *_why_context(rate, rows, context_tokens),
                *_why_window(rate, rows, started_us),
                *_why_origin(rate),
                f"单价 {rate_text(rate)}（单价号 {rate.rate_id}）。",
            ),
        )

    def _candidates(self, model: str, revision: int) -> tuple[int, ...]:
        """Return the revisions naming a model that a call pinned at `revision` may see."""
        found = self._named.get((model, revision))
        if found is None:
            named = sorted(self._lists.get(model, ()))
            found = tuple(reversed(named[: bisect_right(named, revision)]))
            if len(self._named) >= _MEMO_MAX:
                self._named.clear()
            self._named[model, revision] = found
        return found

    def _remember(self, revision: int, model: str, meter: str, service_tier: str) -> _Choices:
        """Work out once what prices a meter, newest revision first.

        A call pinned at a revision started after it did; so the first candidate that had started
        by then is the last one worth looking at. Those before it were published earlier in the
        list but start later: scheduled.
        """
        key = tier_key(service_tier, {})
        pinned_us = self._starts.get(revision, 0)
        choices: list[tuple[int, tuple[RateRow, ...]]] = []
        for candidate in self._candidates(model, revision):
            starts_us = self._starts[candidate]
            choices.append((starts_us, self._rows(model, candidate, meter, key)))
            if starts_us <= pinned_us:
                break
        if len(self._memo) >= _MEMO_MAX:
            self._memo.clear()
        found = tuple(choices)
        self._memo[revision, model, meter, service_tier] = found
        return found

    def _rows(self, model: str, revision: int, meter: str, key: str) -> tuple[RateRow, ...]:
        """Return the rows of a meter under a tier, widest context first, windows before the rest.

        A tier that the model's list does not name at all has no price (HOUSE 6); a meter that a
        named tier leaves out has its base price.
        """
        rows = self._lists[model][revision]
        if key != DEFAULT and not any(row.service_tier == key for row in rows):
            return ()
        for tier in plainer(key):
            found = [row for row in rows if row.meter == meter and row.service_tier == tier]
            if found:
                return tuple(sorted(found, key=lambda r: (-r.context_above, not r.time_window)))
        return ()

    def _why_none(
        self, model: str, revision: int, meter: str, key: str, rows: tuple[RateRow, ...]
    ) -> str:
        if rows:
            return f"时段“{rows[0].time_window}”所用的节假日历没有这一年，请更新日历后重算。"
        listed = self._lists[model][revision]
        if key != DEFAULT and not any(row.service_tier == key for row in listed):
            return f"这一版没有 {model} 的服务档 {key}，不按其他档猜价，待补价后计费。"
        return f"这一版没有 {model} 的计量项 {meter}，待补价后计费。"


def clock_text(at_us: int) -> str:
    """Write an instant as people read it, saying its zone."""
    return f"{moment_of(at_us):%Y-%m-%d %H:%M:%S} UTC"


def rate_text(rate: RateRow) -> str:
    """Write a rate as people read it: per million tokens, or per piece."""
    if rate.meter in UNIT_METERS:
        return f"{plain(rate.pico, 10**12)} {rate.currency}/{UNIT_NAMES[rate.meter]}"
    return f"{plain(rate.pico, 10**12 // MTOK)} {rate.currency}/百万 token"


UNIT_NAMES: Final = {
    "requests": "次请求",
    "failed_requests": "次失败请求",
    "images": "张",
    "seconds": "秒",
    "characters": "字符",
    "web_searches": "次搜索",
    "search_units": "个检索单位",
}
"""What one piece is called; everything else is priced per million tokens."""


def unit_name(meter: str) -> str:
    """Say what one unit of a meter is."""
    return UNIT_NAMES.get(meter, "token")


def _grouped(rates: Iterable[RateRow]) -> dict[str, dict[int, list[RateRow]]]:
    lists: dict[str, dict[int, list[RateRow]]] = {}
    for row in rates:
        lists.setdefault(row.model, {}).setdefault(row.revision, []).append(row)
    return lists


def _pick(rows: tuple[RateRow, ...], started_us: int, context_tokens: int) -> RateRow | None:
    """Choose among rows in the order of `_rows`: the context decides first, then the window."""
    level = -1
    for row in rows:
        above = row.context_above
        if level < 0 and (above < context_tokens or above == 0):
            level = above
        if above == level:
            holds = holds_in(row.time_window, started_us // _MINUTE_US) if row.time_window else True
            if holds is None:
                return None
            if holds:
                return row
    return None


def _why_tier(rate: RateRow, key: str) -> str:
    if rate.service_tier == key:
        return f"服务档 {key}，与应答一致。"
    return f"服务档 {key} 没有单列 {rate.meter}，按 {rate.service_tier} 档计。"


def _why_context(rate: RateRow, rows: tuple[RateRow, ...], context_tokens: int) -> tuple[str, ...]:
    if all(row.context_above == 0 for row in rows):
        return ()
    if rate.context_above:
        why = f"整个请求的输入共 {context_tokens:,} token，超过 {rate.context_above:,}"
        return (f"{why}，整单按长上下文档计。",)
    least = min(row.context_above for row in rows if row.context_above)
    return (f"整个请求的输入共 {context_tokens:,} token，未超过 {least:,}，按基础档计。",)


def _why_window(rate: RateRow, rows: tuple[RateRow, ...], started_us: int) -> tuple[str, ...]:
    level = [row for row in rows if row.context_above == rate.context_above]
    if all(not row.time_window for row in level):
        return ()
    moment = clock_text(started_us)
    if rate.time_window:
        return (f"开始时刻 {moment} 在时段“{rate.time_window}”内。",)
    return (f"开始时刻 {moment} 不在任何优惠时段内，按平时价计。",)


def _why_origin(rate: RateRow) -> tuple[str, ...]:
    if not rate.origin.startswith("fallback:"):
        return ()
    parent = rate.origin.removeprefix("fallback:")
    return (f"价目没有单列 {rate.meter}，发布时已写明按 {parent} 的单价计。",)
